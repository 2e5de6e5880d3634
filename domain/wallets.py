"""Wallets: what decisions need to know of one, who may act on it, and how events change it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from domain.events import (
    Role,
    Side,
    WalletApprovalsChanged,
    WalletClosed,
    WalletCredited,
    WalletDebited,
    WalletEvent,
    WalletFrozen,
    WalletFundsHeld,
    WalletHoldCaptured,
    WalletHoldReleased,
    WalletKind,
    WalletLimitsChanged,
    WalletMemberAdded,
    WalletMemberRemoved,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletStatus,
    WalletUnfrozen,
)
from domain.identifiers import WalletId
from domain.money import MAX_BALANCE
from domain.refusals import RoleMissing, WalletNotFound
from domain.values import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who gives a command: a subject, the client it uses, and whether it may operate any wallet.

    The ledger's own workers are callers too: they operate, and their right is the system's.
    """

    subject: str
    client_id: str
    operate: bool
    system: bool = False


@dataclass(frozen=True, slots=True)
class WalletRules:
    """What holds for a wallet between two changes of it; no limit of any kind is unlimited.

    Payments above `approvals_above` need `approvals_required` other owners; zero needs none.
    """

    kind: WalletKind
    currency: str
    owner: str | None
    members: Mapping[str, Role]
    overdraft_limit: int | None
    per_payment: int | None = None
    per_day: int | None = None
    approvals_required: int = 0
    approvals_above: int = 0
    frozen_by_member: bool = False
    frozen_by_operator: bool = False
    closed: bool = False

    @property
    def frozen(self) -> bool:
        """Whether either side has stopped payments."""
        return self.frozen_by_member or self.frozen_by_operator

    @property
    def status(self) -> WalletStatus:
        """The one word that answers show."""
        return "closed" if self.closed else "frozen" if self.frozen else "open"


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet as decisions see it, money in minor units.

    `spent` is what counts against the limit of the day `spent_on` (UTC), of no other day.
    """

    wallet_id: WalletId
    version: int
    posted: int
    held: int
    spent_on: str | None
    spent: int
    rules: WalletRules

    @property
    def available(self) -> int:
        """What can be spent without an overdraft."""
        return self.posted - self.held

    def affords(self, amount: int) -> bool:
        """Whether so many minor units can leave without passing the overdraft limit."""
        limit = self.rules.overdraft_limit
        return limit is None or self.posted - self.held - amount >= -limit

    def within_limits(self, amount: int, today: str) -> bool:
        """Whether a payment of so many minor units keeps to the limits of payment and day."""
        rules = self.rules
        if rules.per_payment is not None and amount > rules.per_payment:
            return False
        spent = self.spent if self.spent_on == today else 0
        return rules.per_day is None or spent + amount <= rules.per_day

    def awaits_approval(self, amount: int) -> bool:
        """Whether a payment of so many minor units waits for other owners."""
        rules = self.rules
        return rules.approvals_required > 0 and amount > rules.approvals_above


def role_of(wallet: Wallet, caller: Caller) -> Role | None:
    """Return the role that a caller has in a wallet."""
    return wallet.rules.members.get(caller.subject)


def require_sight(wallet: Wallet, caller: Caller) -> None:
    """Raise `WalletNotFound` for whoever may not know of a wallet."""
    if not caller.operate and caller.subject not in wallet.rules.members:
        raise WalletNotFound(wallet.wallet_id)


def right_to_pay(wallet: Wallet, caller: Caller) -> Side:
    """Return by which right a caller pays; raises `WalletNotFound` or `RoleMissing`."""
    if role_of(wallet, caller) in {"owner", "spender"}:
        return "member"
    return _as_operator(wallet, caller)


def right_to_govern(wallet: Wallet, caller: Caller) -> Side:
    """Return by which right a caller changes a wallet; raises `WalletNotFound` or `RoleMissing`."""
    if role_of(wallet, caller) == "owner":
        return "member"
    return _as_operator(wallet, caller)


def require_owner(wallet: Wallet, caller: Caller) -> Side:
    """Return the right of an owner, which no operator has; raises as `right_to_govern`."""
    require_sight(wallet, caller)
    if role_of(wallet, caller) != "owner":
        raise RoleMissing
    return "member"


def _as_operator(wallet: Wallet, caller: Caller) -> Side:
    if caller.operate:
        return "system" if caller.system else "operate"
    require_sight(wallet, caller)
    raise RoleMissing


def opened(wallet_id: WalletId, event: WalletOpened) -> Wallet:
    """Return the wallet that an opening begins."""
    rules = WalletRules(
        kind=event.kind,
        currency=event.currency,
        owner=event.owner,
        members={} if event.owner is None else {event.owner: "owner"},
        overdraft_limit=event.overdraft_limit,
    )
    return Wallet(wallet_id, 1, 0, 0, None, 0, rules)


def evolve(wallet: Wallet, event: WalletEvent, today: str) -> Wallet:
    """Return the wallet after an event of a day (UTC); what has happened is never refused."""
    match event:
        case WalletDebited(amount=amount, counted=counted):
            return _moved(wallet, -amount, 0, amount if counted is None else counted, today)
        case WalletCredited(amount=amount):
            return _moved(wallet, amount, 0, 0, today)
        case WalletFundsHeld(amount=amount):
            return _moved(wallet, 0, amount, amount, today)
        case WalletHoldCaptured(amount=amount):
            return _moved(wallet, -amount, -amount, 0, today)
        case WalletHoldReleased(amount=amount, given_back=given_back):
            return _moved(wallet, 0, -amount, -given_back, today)
        case WalletOpened():
            return opened(wallet.wallet_id, event)
        case _:
            rules = _changed(wallet.rules, event)
            return replace(wallet, version=wallet.version + 1, rules=rules)


RuleEvent = (
    WalletFrozen
    | WalletUnfrozen
    | WalletClosed
    | WalletOverdraftLimitChanged
    | WalletLimitsChanged
    | WalletMemberAdded
    | WalletMemberRemoved
    | WalletApprovalsChanged
)


def _changed(rules: WalletRules, event: RuleEvent) -> WalletRules:
    match event:
        case WalletFrozen(side="member"):
            return replace(rules, frozen_by_member=True)
        case WalletFrozen():
            return replace(rules, frozen_by_operator=True)
        case WalletUnfrozen(side="member"):
            return replace(rules, frozen_by_member=False)
        case WalletUnfrozen():
            return replace(rules, frozen_by_operator=False)
        case WalletClosed():
            return replace(rules, closed=True)
        case WalletOverdraftLimitChanged(overdraft_limit=limit):
            return replace(rules, overdraft_limit=limit)
        case WalletLimitsChanged(per_payment=per_payment, per_day=per_day):
            return replace(rules, per_payment=per_payment, per_day=per_day)
        case WalletMemberAdded(user_id=user, role=role):
            return replace(rules, members={**rules.members, user: role})
        case WalletMemberRemoved(user_id=user):
            left = {name: role for name, role in rules.members.items() if name != user}
            return replace(rules, members=left)
        case WalletApprovalsChanged(required=required, above=above):
            return replace(rules, approvals_required=required, approvals_above=above)
        case _:
            assert_never(event)


def _moved(wallet: Wallet, posted: int, held: int, counted: int, today: str) -> Wallet:
    spent_on, spent = wallet.spent_on, wallet.spent
    if counted:
        # No limit is as high, and what keeps the wallet has room for no more.
        spent = min(spent + counted if spent_on == today else counted, MAX_BALANCE)
        spent_on = today
    # Field by field: `replace` takes three times as long, and every transfer needs it twice.
    return Wallet(
        wallet.wallet_id,
        wallet.version + 1,
        wallet.posted + posted,
        wallet.held + held,
        spent_on,
        spent,
        wallet.rules,
    )
