"""Commands on one wallet, decided: what is answered, and what happens to the wallet."""

from collections.abc import Mapping
from typing import assert_never

from application.commands import WalletCommand
from domain import wallet_rules as rules
from domain.events import (
    Action,
    RequestAccepted,
    RequestRefused,
    Side,
    WalletApprovalsChanged,
    WalletEvent,
    WalletMemberAdded,
)
from domain.refusals import Refusal
from domain.wallets import Caller, Wallet, evolve, role_of

ACTIONS: Mapping[type[WalletCommand], Action] = {
    rules.FreezeWallet: "freeze",
    rules.UnfreezeWallet: "unfreeze",
    rules.CloseWallet: "close",
    rules.ChangeOverdraftLimit: "change-overdraft-limit",
    rules.ChangeLimits: "change-limits",
    rules.AddMember: "add-member",
    rules.RemoveMember: "remove-member",
    rules.ChangeApprovals: "change-approvals",
}

Decided = tuple[RequestAccepted | RequestRefused, Side, rules.Events, Refusal | None]
"""The answer, by which right it was given, what happens to the wallet, and why it was refused."""


def on_wallet(command: WalletCommand, wallet: Wallet, caller: Caller, today: str) -> Decided:
    """Decide a command on a wallet; raises the `Rejection` of a caller without the right."""
    right = rules.right_to(command, wallet, caller)
    action = ACTIONS[type(command)]
    try:
        events = _events(command, wallet, right)
    except Refusal as refusal:
        refused = RequestRefused(action=action, wallet_id=wallet.wallet_id, code=refusal.code)
        return refused, right, (), refusal
    return _accepted(action, command, _after(wallet, events, today), caller), right, events, None


def _accepted(
    action: Action, command: WalletCommand, wallet: Wallet, caller: Caller
) -> RequestAccepted:
    """Return the answer: how the wallet stands then, with the limits where there are any."""
    after = wallet.rules
    member = approvals = None
    if isinstance(command, rules.AddMember):
        member = WalletMemberAdded(command.user_id, command.role)
    if isinstance(command, rules.ChangeApprovals):
        approvals = WalletApprovalsChanged(command.required, command.above)
    return RequestAccepted(
        action=action,
        wallet_id=wallet.wallet_id,
        status=after.status,
        overdraft_limit=after.overdraft_limit,
        role=role_of(wallet, caller),
        per_payment=after.per_payment,
        per_day=after.per_day,
        member=member,
        approvals=approvals,
    )


def _after(wallet: Wallet, events: tuple[WalletEvent, ...], today: str) -> Wallet:
    for event in events:
        wallet = evolve(wallet, event, today)
    return wallet


def _events(command: WalletCommand, wallet: Wallet, by: Side) -> rules.Events:
    match command:
        case rules.FreezeWallet():
            return rules.freeze(command, wallet, by)
        case rules.UnfreezeWallet():
            return rules.unfreeze(command, wallet, by)
        case rules.CloseWallet():
            return rules.close(command, wallet, by)
        case rules.ChangeOverdraftLimit():
            return rules.change_overdraft_limit(command, wallet)
        case rules.ChangeLimits():
            return rules.change_limits(command, wallet)
        case rules.AddMember():
            return rules.add_member(command, wallet)
        case rules.RemoveMember():
            return rules.remove_member(command, wallet)
        case rules.ChangeApprovals():
            return rules.change_approvals(command, wallet)
        case _:
            assert_never(command)
