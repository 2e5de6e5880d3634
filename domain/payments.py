"""Payments: a transfer moves money between two wallets, or is declined, and both are facts."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.events import PaymentCompleted, PaymentDeclined, WalletCredited, WalletDebited
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant
from domain.money import MAX_BALANCE
from domain.refusals import (
    BalanceOutOfRange,
    CurrencyMismatch,
    InsufficientFunds,
    PayeeUnavailable,
    Refusal,
    SameWallet,
    WalletIsClosed,
    WalletIsFrozen,
)
from domain.wallets import Caller, Wallet, side


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMoney:
    """Move an amount in minor units between two wallets; the value date's default is now."""

    payment_id: PaymentId
    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    amount: int
    currency: str
    description: str | None = None
    reference: str | None = None
    metadata: Mapping[str, str] | None = None
    effective_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A completed transfer: the payment's own fact and its one leg, which sums to zero."""

    payment: PaymentCompleted
    debit: WalletDebited
    credit: WalletCredited


def transfer(
    command: TransferMoney, source: Wallet, destination: Wallet, caller: Caller, now: Instant
) -> Transfer:
    """Decide a transfer.

    Raises `WalletNotFound` for a source that is not the caller's, then the first refusal that
    fits, in this order: same wallet, currency, the source's state, the payee's, funds, range.
    """
    side(source, caller)
    amount = command.amount
    if source.wallet_id == destination.wallet_id:
        raise SameWallet
    if command.currency != source.currency or command.currency != destination.currency:
        raise CurrencyMismatch
    if source.closed:
        raise WalletIsClosed
    if source.frozen:
        raise WalletIsFrozen
    if destination.closed:
        raise _closed_payee(destination, caller)
    if not source.affords(amount):
        raise InsufficientFunds(source.available)
    if source.posted - amount < -MAX_BALANCE or destination.posted + amount > MAX_BALANCE:
        raise BalanceOutOfRange
    return _completed(command, command.effective_at or now)


def _closed_payee(destination: Wallet, caller: Caller) -> Refusal:
    if caller.operate or destination.owner == caller.subject:
        return WalletIsClosed()
    return PayeeUnavailable()


def _completed(command: TransferMoney, effective_at: Instant) -> Transfer:
    return Transfer(
        PaymentCompleted(
            kind="transfer",
            amount=command.amount,
            currency=command.currency,
            source_wallet_id=command.source_wallet_id,
            destination_wallet_id=command.destination_wallet_id,
            effective_at=effective_at,
            description=command.description,
            reference=command.reference,
            metadata=command.metadata,
        ),
        WalletDebited(
            command.payment_id,
            command.amount,
            command.currency,
            command.destination_wallet_id,
            effective_at,
        ),
        WalletCredited(
            command.payment_id,
            command.amount,
            command.currency,
            command.source_wallet_id,
            effective_at,
        ),
    )


def declined(command: TransferMoney, refusal: Refusal, now: Instant) -> PaymentDeclined:
    """Return the fact that a transfer was refused, with all that its answer shows."""
    return PaymentDeclined(
        kind="transfer",
        amount=command.amount,
        currency=command.currency,
        source_wallet_id=command.source_wallet_id,
        destination_wallet_id=command.destination_wallet_id,
        effective_at=command.effective_at or now,
        code=refusal.code,
        available=refusal.available if isinstance(refusal, InsufficientFunds) else None,
        description=command.description,
        reference=command.reference,
        metadata=command.metadata,
    )
