"""What a batch goes on with: payments, requests and schedules, as its commands leave them."""

from collections.abc import Callable, Mapping

from application.deciding import Decision
from application.ports import Loaded
from application.state import State
from application.subjects import Beginnings
from domain.identifiers import (
    PaymentId,
    PaymentRequestId,
    ScheduleId,
    WalletId,
    payment_id,
    payment_request_id,
    schedule_id,
)
from domain.payment_request_events import PaymentRequestCreated
from domain.payment_requests import PaymentRequest, request_of
from domain.payment_state import BEGINNINGS, Payment, payment_of
from domain.schedule_events import ScheduleCreated
from domain.schedules import Schedule, schedule_of
from domain.wallets import Wallet


class Continued:
    """The streams that a batch goes on, known from the first and the last event of each."""

    def __init__(self, beginnings: Beginnings, loaded: Loaded) -> None:
        """Read what was loaded."""
        self._payments: dict[PaymentId, Payment] = {}
        self._requests: dict[PaymentRequestId, PaymentRequest] = {}
        self._schedules: dict[ScheduleId, Schedule] = {}
        self.closed_through = loaded.closed_through
        for stream, began in beginnings.items():
            version, last = loaded.lasts[stream]
            if isinstance(began.event, BEGINNINGS):
                paid = payment_id(stream)
                self._payments[paid] = payment_of(paid, began.event, last, version)
            elif isinstance(began.event, PaymentRequestCreated):
                asked = payment_request_id(stream)
                self._requests[asked] = request_of(asked, began.event, last, version)
            elif isinstance(began.event, ScheduleCreated):
                made = schedule_id(stream)
                self._schedules[made] = schedule_of(made, began.event, last, version)

    def merge(self, decision: Decision) -> None:
        """Let later commands of the batch see what a decision changes."""
        for payment in decision.payments:
            self._payments[payment.payment_id] = payment
        for asked in decision.requests:
            self._requests[asked.payment_request_id] = asked
        for schedule in decision.schedules:
            self._schedules[schedule.schedule_id] = schedule
        if decision.closes is not None:
            self.closed_through = decision.closes

    def state(self, wallets: Mapping[WalletId, Wallet], digits: Callable[[str], int]) -> State:
        """Return what the next command is decided on."""
        return State(
            wallets,
            digits,
            self._payments,
            self._requests,
            self._schedules,
            self.closed_through,
        )
