"""One command decided on the wallets as the commands before it left them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never
from uuid import UUID

from application.commands import Command, Submission, WalletCommand
from domain import payments, wallets
from domain.events import Action, Event, RequestAccepted, RequestRefused, Side, WalletEvent
from domain.identifiers import WalletId, bits
from domain.instants import Instant
from domain.payments import TransferMoney
from domain.refusals import Refusal, WalletNotFound
from domain.wallets import (
    Caller,
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
    Wallet,
)

ACTIONS: Mapping[type[WalletCommand], Action] = {
    FreezeWallet: "freeze",
    UnfreezeWallet: "unfreeze",
    CloseWallet: "close",
    ChangeOverdraftLimit: "change-overdraft-limit",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """Events in the order of storing, the first of which is the answer, and what they change."""

    events: tuple[tuple[UUID, int, Event], ...]
    right: Side
    wallets: tuple[Wallet, ...] = ()
    refusal: Refusal | None = None


def wallets_of(command: Command) -> tuple[WalletId, ...]:
    """Return the wallets that must be locked before a command is decided."""
    match command:
        case TransferMoney():
            return (command.source_wallet_id, command.destination_wallet_id)
        case OpenWallet():
            return ()
        case _:
            return (command.wallet_id,)


def decide(submission: Submission, known: Mapping[WalletId, Wallet], now: Instant) -> Decision:
    """Decide one command; a refusal is a decision too, a `Rejection` is raised."""
    command, caller, stream = submission.command, submission.caller, submission.stream
    match command:
        case TransferMoney():
            return _transfer(command, caller, stream, known, now)
        case OpenWallet():
            event = wallets.open_wallet(command, caller)
            wallet = wallets.opened(command.wallet_id, event)
            right: Side = "operate" if command.kind == "system" else "member"
            return Decision(((stream, 1, event),), right, (wallet,))
        case _:
            return _on_wallet(command, caller, stream, _find(known, command.wallet_id))


def try_transfer(
    command: TransferMoney, caller: Caller, known: Mapping[WalletId, Wallet], now: Instant
) -> payments.Transfer:
    """Decide a transfer without recording anything; raises its refusal or rejection."""
    source, destination = _wallets_of_transfer(command, caller, known)
    return payments.transfer(command, source, destination, caller, now)


def _wallets_of_transfer(
    command: TransferMoney, caller: Caller, known: Mapping[WalletId, Wallet]
) -> tuple[Wallet, Wallet]:
    """Find both wallets in the order of the body's fields, the source as the caller may see it."""
    source = _find(known, command.source_wallet_id)
    wallets.side(source, caller)
    return source, _find(known, command.destination_wallet_id)


def _find(known: Mapping[WalletId, Wallet], wallet_id: WalletId) -> Wallet:
    wallet = known.get(wallet_id)
    if wallet is None:
        raise WalletNotFound(wallet_id)
    return wallet


def _transfer(
    command: TransferMoney,
    caller: Caller,
    stream: UUID,
    known: Mapping[WalletId, Wallet],
    now: Instant,
) -> Decision:
    source, destination = _wallets_of_transfer(command, caller, known)
    right = wallets.side(source, caller)
    try:
        done = payments.transfer(command, source, destination, caller, now)
    except Refusal as refusal:
        event = payments.declined(command, refusal, now)
        return Decision(((stream, 1, event),), right, (), refusal)
    source = wallets.evolve(source, done.debit)
    destination = wallets.evolve(destination, done.credit)
    return Decision(
        (
            (stream, 1, done.payment),
            (bits(source.wallet_id), source.version, done.debit),
            (bits(destination.wallet_id), destination.version, done.credit),
        ),
        right,
        (source, destination),
    )


def _on_wallet(command: WalletCommand, caller: Caller, stream: UUID, wallet: Wallet) -> Decision:
    action = ACTIONS[type(command)]
    by = wallets.side(wallet, caller)
    try:
        events = _wallet_events(command, wallet, caller)
    except Refusal as refusal:
        refused = RequestRefused(action=action, wallet_id=wallet.wallet_id, code=refusal.code)
        return Decision(((stream, 1, refused),), by, (), refusal)
    planned: list[tuple[UUID, int, Event]] = []
    for event in events:
        wallet = wallets.evolve(wallet, event)
        planned.append((bits(wallet.wallet_id), wallet.version, event))
    accepted = RequestAccepted(
        action=action,
        wallet_id=wallet.wallet_id,
        status=wallet.status,
        overdraft_limit=wallet.overdraft_limit,
        role="owner" if by == "member" else None,
    )
    return Decision(((stream, 1, accepted), *planned), by, (wallet,) if planned else ())


def _wallet_events(
    command: WalletCommand, wallet: Wallet, caller: Caller
) -> tuple[WalletEvent, ...]:
    match command:
        case FreezeWallet():
            return wallets.freeze(command, wallet, caller)
        case UnfreezeWallet():
            return wallets.unfreeze(command, wallet, caller)
        case CloseWallet():
            return wallets.close(command, wallet, caller)
        case ChangeOverdraftLimit():
            return wallets.change_overdraft_limit(command, wallet, caller)
        case _:
            assert_never(command)
