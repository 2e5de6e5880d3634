"""Amounts that came as decimal strings, since only the ledger knows what currency they are in."""

from collections.abc import Mapping
from dataclasses import replace

from application.commands import Command, Submission
from application.state import State
from application.subjects import goes_on
from domain.exchanges import ExchangeMoney
from domain.identifiers import WalletId, payment_id
from domain.money import AmountInvalid, parse_minor
from domain.payment_sight import require_payment_sight
from domain.payments import find
from domain.refusals import FieldInvalid, PaymentNotFound
from domain.wallet_rules import ChangeApprovals, ChangeLimits, ChangeOverdraftLimit
from domain.wallets import Caller, require_sight


def read_amounts(work: Submission, written: Mapping[str, str], state: State) -> Command:
    """Return a command with its amounts in minor units.

    Raises `FieldInvalid` where one has more digits than its currency, `WalletNotFound` or
    `PaymentNotFound` where there is nothing that the caller may know of and whose currency it
    could be.
    """
    command = work.command
    digits = state.digits(_currency(command, work.caller, state))
    minor = {name: _minor(name, text, digits) for name, text in written.items()}
    # Which fields a command has is known where it is made.
    return replace(command, **minor)  # type: ignore[arg-type]  # a command's own fields


def _minor(name: str, text: str, digits: int) -> int:
    try:
        minor = parse_minor(text, digits)
    except AmountInvalid as fault:
        raise FieldInvalid(name, str(fault)) from None
    if minor == 0 and name == "amount":
        # A limit may be zero; what is to be moved or held may not.
        raise FieldInvalid(name, "An amount is above zero.")
    return minor


def _currency(command: Command, caller: Caller, state: State) -> str:
    wallet_id: WalletId
    match command:
        case (
            ExchangeMoney(source_wallet_id=wallet_id)
            | ChangeLimits(wallet_id=wallet_id)
            | ChangeOverdraftLimit(wallet_id=wallet_id)
            | ChangeApprovals(wallet_id=wallet_id)
        ):
            wallet = find(state.wallets, wallet_id)
            require_sight(wallet, caller)
            return wallet.rules.currency
        case _:
            stream = goes_on(command)
            assert stream is not None, "no other command has amounts in a currency it is not told"
            payment = state.payments.get(payment_id(stream))
            if payment is None:
                raise PaymentNotFound
            require_payment_sight(payment, state.wallets, caller)
            return payment.began.currency
