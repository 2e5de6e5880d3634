"""Wallets of a simulated world as their events say, by an outsider's table of what moves money."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

POSTED = {"wallet.credited.v1": 1, "wallet.debited.v1": -1, "wallet.hold_captured.v1": -1}
HELD = {"wallet.funds_held.v1": 1, "wallet.hold_captured.v1": -1, "wallet.hold_released.v1": -1}
MOVES = POSTED.keys() | HELD.keys()


@dataclass
class Purse:
    """A wallet; a limit of none is unlimited."""

    limit: int | None
    balance: int = 0
    held: int = 0
    version: int = 1
    frozen: set[str] = field(default_factory=set)
    closed: bool = False

    @property
    def available(self) -> int:
        """What is there and not held."""
        return self.balance - self.held

    def lacks(self, amount: int) -> bool:
        """Whether so much would take it below its limit."""
        return self.limit is not None and self.available - amount < -self.limit

    def move(self, type_name: str, amount: int, forced: bool) -> Iterator[str]:
        """Move money, and tell what must not have been; what is `forced` passes a freeze."""
        posted, held = POSTED.get(type_name, 0) * amount, HELD.get(type_name, 0) * amount
        self.balance, self.held = self.balance + posted, self.held + held
        if amount <= 0:
            yield f"moves {amount}"
        if self.closed:
            yield "is closed"
        if self.frozen and not forced and (posted < 0 or held > 0):
            yield "is frozen"
        if self.held < 0:
            yield f"holds {self.held}"
        if self.lacks(0):
            yield f"has {self.available} available"

    def change(self, type_name: str, fields: Mapping[str, Any]) -> Iterator[str]:
        """Change its rules, and tell what must not have been."""
        match type_name:
            case "wallet.overdraft_limit_changed.v1":
                self.limit = fields["overdraft_limit"]
                if self.lacks(0):
                    yield f"has {self.available} available"
            case "wallet.frozen.v1":
                self.frozen.add(fields["side"])
            case "wallet.unfrozen.v1":
                self.frozen.discard(fields["side"])
            case "wallet.closed.v1":
                if self.balance or self.held:
                    yield f"is closed with {self.balance}, and {self.held} held"
                self.closed = True
