"""What the model of the ledger is made of: purses, deals, days, and how commands end."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.wallets import Caller
from tests.property.model_orders import Asking, Plan

End = tuple[str, int | None]
"""How a command ends: `done`, a refusal's code (with what was available), or no record at all."""

DONE: End = ("done", None)
NOT_FOUND: End = ("not-found", None)
KEY_REUSED: End = ("key-reused", None)
UNRECORDED = frozenset(
    {
        *("not-found", "payment-not-found", "member-not-found", "role-missing", "not-payee"),
        *("request-not-found", "schedule-not-found"),
        *("nothing-to-do", "field-invalid", "key-reused"),
    }
)
"""Ends that leave nothing behind, so that the key is free again."""

MOST = 9_000_000_000_000_000_000
MOST_PAID = 1_000_000_000_000_000_000
DAY = 86_400_000_000
"""In microseconds."""

Move = tuple[str, str, int, str]
"""Who pays, who is paid, how many minor units, in which currency."""


class No(Exception):
    """A command ends otherwise than done."""

    def __init__(self, code: str, available: int | None = None) -> None:
        super().__init__(code)
        self.end: End = (code, available)


def microseconds(text: str) -> int:
    """Return a time as stored, in microseconds since 1970."""
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass
class Purse:
    """A wallet of the model; a limit of none is unlimited."""

    owner: str | None
    currency: str
    limit: int | None
    kind: str = "personal"
    balance: int = 0
    frozen: set[str] = field(default_factory=set)
    closed: bool = False
    roles: dict[str, str] = field(default_factory=dict)
    per_payment: int | None = None
    per_day: int | None = None
    approvals: int = 0
    above: int = 0
    spent: Counter[int] = field(default_factory=Counter)
    """What counts against the limit, day by day."""

    def __post_init__(self) -> None:
        if self.owner is not None:
            self.roles = {self.owner: "owner"}

    def pays(self, caller: Caller) -> bool:
        """Whether a caller may pay from here as a member."""
        return self.roles.get(caller.subject) in {"owner", "spender"}

    def owned_by(self, caller: Caller) -> bool:
        """Whether a caller is an owner."""
        return self.roles.get(caller.subject) == "owner"

    def seen_by(self, caller: Caller) -> bool:
        """Whether a caller may know of it."""
        return caller.operate or caller.subject in self.roles


@dataclass
class Deal:
    """A payment of the model; `state` is `done`, `declined`, `held`, `waiting` or `over`.

    `layers` are what is still held, in the order of placing: the day of each and its amount.
    """

    kind: str
    moves: list[Move]
    amount: int
    currency: str
    state: str
    taken: int = 0
    returned: int = 0
    undone: bool = False
    ended_by: str | None = None
    expires: int = 0
    layers: list[list[int]] = field(default_factory=list)
    asked: bool = False
    asker: str = ""
    quorums: dict[str, int] = field(default_factory=dict)
    agreed: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """What can still be captured."""
        return sum(amount for _, amount in self.layers) if self.state == "held" else 0

    @property
    def returnable(self) -> int:
        """What can still be refunded."""
        if self.undone or self.kind not in {"transfer", "hold"}:
            return 0
        return self.taken - self.returned

    @property
    def status(self) -> str:
        """The word that the contract has for how it stands."""
        if self.undone:
            return "reversed"
        if self.state == "waiting":
            return "awaiting-approval"
        if self.state == "held":
            return "authorized"
        if self.state == "declined":
            return "declined"
        if self.taken:
            if not self.returned:
                return "completed"
            return "refunded" if self.returned == self.taken else "partially-refunded"
        return "cancelled" if self.ended_by == "released" else "expired"

    @property
    def told(self) -> bool:
        """Whether its payee knows of it."""
        never_approved = self.state == "over" and self.ended_by is None
        return self.state not in {"waiting", "declined"} and not never_approved

    def use(self, amount: int) -> None:
        """Take from what is held what was placed first."""
        while amount:
            layer = self.layers[0]
            part = min(amount, layer[1])
            layer[1] -= part
            amount -= part
            if not layer[1]:
                self.layers.pop(0)


@dataclass
class Book:
    """All purses, deals, schedules and requests, and the time in microseconds."""

    purses: dict[str, Purse] = field(default_factory=dict)
    deals: dict[str, Deal] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    askings: dict[str, Asking] = field(default_factory=dict)
    now: int = 0

    @property
    def today(self) -> int:
        """The number of the day in UTC."""
        return self.now // DAY

    def held(self, name: str) -> int:
        """Return what all open deals hold in a purse."""
        return sum(held_by(deal).get(name, 0) for deal in self.deals.values())

    def available(self, name: str) -> int:
        """Return what a purse has that nothing holds."""
        return self.purses[name].balance - self.held(name)

    def free(self, deal: Deal) -> None:
        """Hold nothing more for a deal; what was placed today counts no longer."""
        if deal.state == "held":
            payer = self.purses[deal.moves[0][0]]
            payer.spent[self.today] -= sum(n for day, n in deal.layers if day == self.today)
        elif deal.layers[0][0] == self.today:
            for payer_name, amount in sums(deal.moves).items():
                self.purses[payer_name].spent[self.today] -= amount
        deal.layers = []


def held_by(deal: Deal) -> dict[str, int]:
    """Return what a deal holds in each purse."""
    if deal.state == "held":
        return {deal.moves[0][0]: deal.left}
    return sums(deal.moves) if deal.state == "waiting" else {}


def sums(moves: list[Move]) -> dict[str, int]:
    """Return what leaves each purse."""
    totals: Counter[str] = Counter()
    for payer, _, amount, _ in moves:
        totals[payer] += amount
    return dict(totals)
