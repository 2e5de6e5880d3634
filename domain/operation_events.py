"""The facts of what operators do to a ledger as a whole, beside its wallets and payments."""

from dataclasses import dataclass, field

from domain.free_text import WRITTEN_BY_PEOPLE


@dataclass(frozen=True, slots=True)
class PeriodClosed:
    """No value date up to this day, which is included, is given to anything from now on."""

    through: str
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


OperationEvent = PeriodClosed
