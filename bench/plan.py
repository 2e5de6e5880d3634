"""What whoever runs the benchmark asked for, the same for every group."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often; `events` is the size of a full ledger, `minutes` a soak's length."""

    seconds: float = 5
    runs: int = 3
    minutes: float = 30
    events: int | None = None
