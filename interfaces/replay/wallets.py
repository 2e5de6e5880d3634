"""Folds wallets by the table of the contract and checks what must hold at every position."""

from functools import lru_cache
from typing import Final

import msgspec

from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import (
    Approvals,
    Limited,
    Limits,
    MemberAdded,
    MemberRemoved,
    Moved,
    Opened,
    Sided,
    Stored,
    time_of,
)

MAX_BALANCE: Final = 9 * 10**18
EFFECTS: Final = {
    "wallet.credited.v1": (1, 0),
    "wallet.debited.v1": (-1, 0),
    "wallet.funds_held.v1": (0, 1),
    "wallet.hold_captured.v1": (-1, -1),
    "wallet.hold_released.v1": (0, -1),
}
"""What an amount does to posted and held."""


class Wallet(msgspec.Struct):
    """A wallet as its events leave it; money in minor units, no limit is unlimited."""

    name: str
    opened: Opened
    opened_position: int
    opened_recorded: bytes
    version: int
    position: int
    posted: int
    held: int
    overdraft_limit: int | None
    frozen_by_member: bool
    frozen_by_operator: bool
    closed: bool
    members: dict[str, str]
    per_payment: int | None = None
    per_day: int | None = None
    approvals_required: int = 0
    approvals_above: int = 0
    spent_on: str | None = None
    spent: int = 0


class Wallets:
    """All wallets; memory grows with their number, not with events."""

    def __init__(self, findings: Findings) -> None:
        """Begin without any wallet."""
        self._findings = findings
        self.known: dict[bytes, Wallet] = {}

    def add(self, event: Stored) -> Wallet | None:
        """Fold an event of a wallet and check it; other events have no wallet."""
        if not event.type.startswith("wallet."):
            return None
        wallet = self.known.get(event.stream)
        if wallet is None:
            return self._open(event)
        if event.version != wallet.version + 1:
            self._wrong(event, "version", wallet.version + 1, event.version)
        wallet.version = event.version
        wallet.position = event.position
        facts = event.facts
        if isinstance(facts, Moved):
            self._move(wallet, event, facts)
        elif isinstance(facts, Limited):
            wallet.overdraft_limit = facts.overdraft_limit
            self._check_limit(wallet, event)
        elif isinstance(facts, Sided):
            frozen = event.type == "wallet.frozen.v1"
            if facts.side == "member":
                wallet.frozen_by_member = frozen
            else:
                wallet.frozen_by_operator = frozen
        elif event.type == "wallet.closed.v1":
            wallet.closed = True
        else:
            self._govern(wallet, event)
        return wallet

    def _govern(self, wallet: Wallet, event: Stored) -> None:
        match event.facts:
            case Limits(per_payment=per_payment, per_day=per_day):
                wallet.per_payment, wallet.per_day = per_payment, per_day
            case Approvals(required=required, above=above):
                wallet.approvals_required, wallet.approvals_above = required, above
            case MemberAdded(user_id=user, role=role):
                wallet.members = {**wallet.members, user: role}
                self._check_owners(wallet, event)
            case MemberRemoved(user_id=user):
                wallet.members = {k: v for k, v in wallet.members.items() if k != user}
                self._check_owners(wallet, event)

    def _check_owners(self, wallet: Wallet, event: Stored) -> None:
        if "owner" not in wallet.members.values():
            self._wrong(event, "owners", "one at least", "none")

    def skip(self, stream: bytes, version: int, position: int) -> None:
        """Go on behind an event that cannot be read."""
        wallet = self.known.get(stream)
        if wallet is not None:
            wallet.version, wallet.position = version, position

    def _open(self, event: Stored) -> Wallet | None:
        facts = event.facts
        if not isinstance(facts, Opened):
            self._wrong(event, "type of the first event", "wallet.opened.v1", event.type)
            return None
        if event.version != 1:
            self._wrong(event, "version", 1, event.version)
        wallet = Wallet(
            name=event.name,
            opened=facts,
            opened_position=event.position,
            opened_recorded=event.recorded,
            version=event.version,
            position=event.position,
            posted=0,
            held=0,
            overdraft_limit=facts.overdraft_limit,
            frozen_by_member=False,
            frozen_by_operator=False,
            closed=False,
            members={} if facts.owner is None else {facts.owner: "owner"},
        )
        self.known[event.stream] = wallet
        return wallet

    def _move(self, wallet: Wallet, event: Stored, moved: Moved) -> None:
        posted, held = EFFECTS[event.type]
        wallet.posted += posted * moved.amount
        wallet.held += held * moved.amount
        if moved.amount <= 0:
            self._wrong(event, "amount", "above zero", moved.amount)
        if moved.currency != wallet.opened.currency:
            self._wrong(event, "currency", wallet.opened.currency, moved.currency)
        if not -MAX_BALANCE <= wallet.posted <= MAX_BALANCE:
            self._wrong(event, "posted", "within 9 * 10^18", wallet.posted)
        if wallet.held < 0:
            self._wrong(event, "held", "0 or more", wallet.held)
        if posted < 0 or held > 0:
            self._check_limit(wallet, event)
        if counted := _counted(event.type, moved):
            self._spend(wallet, event, counted)

    def _spend(self, wallet: Wallet, event: Stored, counted: int) -> None:
        """Follow what counts for the day; nothing is counted that passes the limits."""
        day = _day(event.recorded)
        spent = wallet.spent + counted if wallet.spent_on == day else counted
        wallet.spent = min(spent, MAX_BALANCE)
        wallet.spent_on = day
        # A payment of many legs counts as one, of which this is a part.
        if wallet.per_payment is not None and counted > wallet.per_payment:
            self._wrong(event, "spent by the payment", f"{wallet.per_payment} at most", counted)
        if counted > 0 and wallet.per_day is not None and wallet.spent > wallet.per_day:
            self._wrong(event, "spent on the day", f"{wallet.per_day} at most", wallet.spent)
        if wallet.spent < 0:
            self._wrong(event, "spent on the day", "0 or more", wallet.spent)

    def _check_limit(self, wallet: Wallet, event: Stored) -> None:
        limit = wallet.overdraft_limit
        available = wallet.posted - wallet.held
        if limit is not None and available < -limit:
            self._wrong(event, "available", f"{-limit} or more", available)

    def _wrong(self, event: Stored, field: str, expected: object, found: object) -> None:
        self._findings.add(Difference(event.position, "events", event.name, field, expected, found))


def _counted(type_name: str, moved: Moved) -> int:
    """Return what a movement counts against the limit of its day, by the table of the contract."""
    if type_name == "wallet.debited.v1":
        return moved.amount if moved.counted is None else moved.counted
    if type_name == "wallet.funds_held.v1":
        return moved.amount
    return -moved.given_back


@lru_cache(maxsize=4096)
def _day(recorded: bytes) -> str:
    return (time_of(recorded) or "")[:10]
