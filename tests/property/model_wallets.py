"""The model's rules on wallets: who may do what to one, and what refuses it."""

from application.commands import Command
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    RemoveMember,
    UnfreezeWallet,
)
from domain.wallets import Caller
from tests.property.model_parts import Book, No, Purse

OnWallet = (
    FreezeWallet
    | UnfreezeWallet
    | CloseWallet
    | ChangeOverdraftLimit
    | ChangeLimits
    | AddMember
    | RemoveMember
    | ChangeApprovals
)


def look_into(book: Book, name: str, caller: Caller) -> Purse:
    """Return a purse that a caller may know of."""
    purse = book.purses.get(name)
    if purse is None or not purse.seen_by(caller):
        raise No("not-found")
    return purse


def may_pay(purse: Purse, caller: Caller) -> None:
    """Refuse a caller who may know of a purse, but not pay from it."""
    if not purse.pays(caller) and not caller.operate:
        raise No("role-missing")


def change(book: Book, command: Command, caller: Caller) -> None:
    """Do a command on a purse."""
    assert isinstance(command, OnWallet)
    purse = look_into(book, command.wallet_id, caller)
    side = _side(purse, command, caller)
    if purse.closed:
        raise No("wallet-closed")
    match command:
        case FreezeWallet():
            purse.frozen.add(side)
        case UnfreezeWallet():
            if purse.frozen and side not in purse.frozen:
                raise No("wallet-frozen")
            purse.frozen.discard(side)
        case CloseWallet():
            if side == "member" and "operate" in purse.frozen:
                raise No("wallet-frozen")
            if purse.balance or book.held(command.wallet_id):
                raise No("wallet-not-empty")
            purse.closed = True
        case ChangeOverdraftLimit(overdraft_limit=limit):
            if limit is not None and book.available(command.wallet_id) < -limit:
                raise No("overdraft-in-use")
            purse.limit = limit
        case ChangeLimits():
            purse.per_payment, purse.per_day = command.per_payment, command.per_day
        case _:
            _change_members(purse, command)


def _side(purse: Purse, command: OnWallet, caller: Caller) -> str:
    """Return by which right a caller acts on a purse that they may know of."""
    match command:
        case ChangeOverdraftLimit():
            allowed = caller.operate
        case ChangeLimits() | ChangeApprovals():
            allowed = purse.owned_by(caller)
        case RemoveMember(user_id=user) if user == caller.subject and user in purse.roles:
            allowed = True
        case _:
            allowed = purse.owned_by(caller) or caller.operate
    if not allowed:
        raise No("role-missing")
    if isinstance(command, RemoveMember) and command.user_id not in purse.roles:
        raise No("member-not-found")
    return "member" if purse.owned_by(caller) else "operate"


def _change_members(purse: Purse, command: AddMember | RemoveMember | ChangeApprovals) -> None:
    if purse.kind != "shared" and not isinstance(command, RemoveMember):
        raise No("wallet-not-shared")
    if isinstance(command, ChangeApprovals):
        purse.approvals, purse.above = command.required, command.above
        return
    roles = dict(purse.roles)
    if isinstance(command, AddMember):
        roles[command.user_id] = command.role
    else:
        del roles[command.user_id]
    # A wallet of the system never had an owner to lose.
    if "owner" in purse.roles.values() and "owner" not in roles.values():
        raise No("last-owner")
    purse.roles = roles
