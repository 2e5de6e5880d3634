"""What a command refers to: the wallets to be locked for it, and the streams that it goes on."""

from collections.abc import Mapping
from uuid import UUID

from application.commands import (
    Command,
    PaymentCommand,
    PaymentRequestCommand,
    RecordedAnswer,
    ScheduleCommand,
    WalletCommand,
)
from domain import payment_state, schedules
from domain.exchanges import ExchangeMoney
from domain.identifiers import WalletId, bits
from domain.occurrences import RunOccurrence
from domain.payment_request_events import PaymentRequestCreated
from domain.payment_requests import AcceptPaymentRequest, RequestPayment
from domain.payment_state import BEGINNINGS
from domain.payments import MakePayment
from domain.refunds import RefundPayment, ReversePayment
from domain.schedule_events import ScheduleCreated
from domain.schedules import CreateSchedule

Beginnings = Mapping[UUID, RecordedAnswer]
"""The first events of streams, which never change."""


def goes_on(command: Command) -> UUID | None:
    """Return the stream of the payment or request that a command goes on, where it does."""
    if isinstance(command, MakePayment):
        # Most commands are payments, and a union is tried class by class.
        return None
    if isinstance(command, PaymentCommand | RefundPayment | ReversePayment):
        return bits(command.payment_id)
    if isinstance(command, AcceptPaymentRequest | PaymentRequestCommand):
        return bits(command.payment_request_id)
    if isinstance(command, ScheduleCommand | RunOccurrence):
        return bits(command.schedule_id)
    return None


def opened(command: Command) -> UUID | None:
    """Return the stream of the wallet whose opening the answer to a command shows."""
    if not isinstance(command, MakePayment) and isinstance(command, WalletCommand):
        return bits(command.wallet_id)
    return None


def shown(command: Command) -> UUID | None:
    """Return the stream whose first event the answer to a command shows, beside its own."""
    if isinstance(command, MakePayment):
        return None
    if isinstance(command, PaymentCommand):
        return bits(command.payment_id)
    if isinstance(command, WalletCommand):
        return bits(command.wallet_id)
    if isinstance(command, PaymentRequestCommand):
        return bits(command.payment_request_id)
    if isinstance(command, ScheduleCommand):
        return bits(command.schedule_id)
    return None


def wallets_of(command: Command, beginnings: Beginnings) -> tuple[WalletId, ...]:
    """Return the wallets that must be locked before a command is decided."""
    if isinstance(command, MakePayment):
        if len(command.legs) == 1:
            leg = command.legs[0]
            return (leg.source_wallet_id, leg.destination_wallet_id)
        return payment_state.wallets_on(command.legs)
    if isinstance(command, WalletCommand | RequestPayment):
        return (command.wallet_id,)
    if isinstance(command, ExchangeMoney):
        return (command.source_wallet_id, command.destination_wallet_id, *command.through)
    if isinstance(command, CreateSchedule):
        return (command.leg.source_wallet_id, command.leg.destination_wallet_id)
    stream = goes_on(command)
    began = None if stream is None else beginnings.get(stream)
    if began is not None and isinstance(began.event, PaymentRequestCreated):
        return _wallets_of_request(command, began.event)
    if began is not None and isinstance(began.event, ScheduleCreated):
        return schedules.wallets_of(began.event)
    if began is None or not isinstance(began.event, BEGINNINGS):
        return ()
    return payment_state.wallets_on(payment_state.legs_of(began.event))


def _wallets_of_request(command: Command, began: PaymentRequestCreated) -> tuple[WalletId, ...]:
    """Return the payee's wallet, whose lock is the request's too, and a payer's."""
    if isinstance(command, AcceptPaymentRequest):
        return (began.wallet_id, command.source_wallet_id)
    return (began.wallet_id,)
