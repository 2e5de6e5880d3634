"""Decisions on a wallet itself: opening, freezing, closing, limits, members, approvals."""

from dataclasses import dataclass, replace

from domain.events import (
    AccountClass,
    Role,
    Side,
    WalletApprovalsChanged,
    WalletClosed,
    WalletEvent,
    WalletFrozen,
    WalletKind,
    WalletLimitsChanged,
    WalletMemberAdded,
    WalletMemberRemoved,
    WalletOpened,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from domain.identifiers import WalletId
from domain.refusals import (
    LastOwner,
    MemberNotFound,
    OverdraftInUse,
    RoleMissing,
    WalletIsClosed,
    WalletIsFrozen,
    WalletNotEmpty,
    WalletNotShared,
)
from domain.wallets import (
    Caller,
    Wallet,
    require_owner,
    require_sight,
    right_to_govern,
    role_of,
)

Events = tuple[WalletEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWallet:
    """Open a wallet; an overdraft limit in minor units, none is unlimited."""

    wallet_id: WalletId
    kind: WalletKind
    account_class: AccountClass
    name: str
    reference: str | None
    currency: str
    overdraft_limit: int | None


@dataclass(frozen=True, slots=True)
class FreezeWallet:
    """Stop payments from a wallet."""

    wallet_id: WalletId
    reason: str


@dataclass(frozen=True, slots=True)
class UnfreezeWallet:
    """Lift one's own side's freeze."""

    wallet_id: WalletId
    reason: str


@dataclass(frozen=True, slots=True)
class CloseWallet:
    """End a wallet that holds no money."""

    wallet_id: WalletId
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeOverdraftLimit:
    """Set how far below zero a wallet may go, in minor units; none is unlimited."""

    wallet_id: WalletId
    overdraft_limit: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """Set what may leave a wallet by one payment and on one day, in minor units; none: all."""

    wallet_id: WalletId
    per_payment: int | None
    per_day: int | None


@dataclass(frozen=True, slots=True)
class AddMember:
    """Give somebody a role in a shared wallet, or another one than they have."""

    wallet_id: WalletId
    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Take somebody's role in a shared wallet away."""

    wallet_id: WalletId
    user_id: str


@dataclass(frozen=True, slots=True)
class ChangeApprovals:
    """Let payments above an amount in minor units wait for so many other owners."""

    wallet_id: WalletId
    required: int
    above: int


def open_wallet(command: OpenWallet, caller: Caller) -> WalletOpened:
    """Decide the opening of a wallet; system wallets belong to nobody."""
    return WalletOpened(
        kind=command.kind,
        account_class=command.account_class,
        owner=None if command.kind == "system" else caller.subject,
        name=command.name,
        reference=command.reference,
        currency=command.currency,
        overdraft_limit=command.overdraft_limit,
    )


def right_to(command: object, wallet: Wallet, caller: Caller) -> Side:
    """Return by which right a caller gives a command on a wallet.

    Raises `WalletNotFound`, `RoleMissing`, or `MemberNotFound` for who is to be removed.
    """
    if isinstance(command, ChangeLimits | ChangeApprovals):
        return require_owner(wallet, caller)
    if isinstance(command, ChangeOverdraftLimit):
        require_sight(wallet, caller)
        if not caller.operate:
            raise RoleMissing
        return "operate"
    if isinstance(command, RemoveMember):
        leaving = command.user_id == caller.subject and role_of(wallet, caller) is not None
        right = "member" if leaving else right_to_govern(wallet, caller)
        if command.user_id not in wallet.rules.members:
            raise MemberNotFound
        return right
    return right_to_govern(wallet, caller)


def freeze(command: FreezeWallet, wallet: Wallet, by: Side) -> Events:
    """Decide a freeze; a side that has frozen already changes nothing."""
    rules = wallet.rules
    if rules.closed:
        raise WalletIsClosed
    if rules.frozen_by_member if by == "member" else rules.frozen_by_operator:
        return ()
    return (WalletFrozen(by, command.reason),)


def unfreeze(command: UnfreezeWallet, wallet: Wallet, by: Side) -> Events:
    """Decide to lift one's own freeze; the other side's is not one's own to lift."""
    rules = wallet.rules
    if rules.closed:
        raise WalletIsClosed
    if rules.frozen_by_member if by == "member" else rules.frozen_by_operator:
        return (WalletUnfrozen(by, command.reason),)
    if rules.frozen:
        raise WalletIsFrozen
    return ()


def close(command: CloseWallet, wallet: Wallet, by: Side) -> Events:
    """Decide the end of a wallet; a member cannot close what an operator has frozen."""
    if wallet.rules.closed:
        raise WalletIsClosed
    if wallet.rules.frozen_by_operator and by == "member":
        raise WalletIsFrozen
    if wallet.posted != 0 or wallet.held != 0:
        raise WalletNotEmpty
    return (WalletClosed(command.reason),)


def change_overdraft_limit(command: ChangeOverdraftLimit, wallet: Wallet) -> Events:
    """Decide a new overdraft limit; one lower than what is used is refused."""
    if wallet.rules.closed:
        raise WalletIsClosed
    rules = replace(wallet.rules, overdraft_limit=command.overdraft_limit)
    if not replace(wallet, rules=rules).affords(0):
        raise OverdraftInUse
    return (WalletOverdraftLimitChanged(command.overdraft_limit, command.reason),)


def change_limits(command: ChangeLimits, wallet: Wallet) -> Events:
    """Decide new limits; what has been paid stays paid, whatever they are."""
    rules = wallet.rules
    if rules.closed:
        raise WalletIsClosed
    if (rules.per_payment, rules.per_day) == (command.per_payment, command.per_day):
        return ()
    return (WalletLimitsChanged(command.per_payment, command.per_day),)


def add_member(command: AddMember, wallet: Wallet) -> Events:
    """Decide somebody's role; the last owner keeps theirs."""
    rules = wallet.rules
    if rules.closed:
        raise WalletIsClosed
    if rules.kind != "shared":
        raise WalletNotShared
    had = rules.members.get(command.user_id)
    if had == command.role:
        return ()
    if had == "owner":
        _require_another_owner(wallet, command.user_id)
    return (WalletMemberAdded(command.user_id, command.role),)


def remove_member(command: RemoveMember, wallet: Wallet) -> Events:
    """Decide the end of somebody's role; the last owner stays."""
    if wallet.rules.closed:
        raise WalletIsClosed
    if wallet.rules.members[command.user_id] == "owner":
        _require_another_owner(wallet, command.user_id)
    return (WalletMemberRemoved(command.user_id),)


def change_approvals(command: ChangeApprovals, wallet: Wallet) -> Events:
    """Decide from which amount on other owners must approve; what waits already goes on so."""
    rules = wallet.rules
    if rules.closed:
        raise WalletIsClosed
    if rules.kind != "shared":
        raise WalletNotShared
    if (rules.approvals_required, rules.approvals_above) == (command.required, command.above):
        return ()
    return (WalletApprovalsChanged(command.required, command.above),)


def _require_another_owner(wallet: Wallet, user: str) -> None:
    others = (role for name, role in wallet.rules.members.items() if name != user)
    if "owner" not in others:
        raise LastOwner
