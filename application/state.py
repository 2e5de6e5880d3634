"""What commands are decided on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.identifiers import PaymentId, PaymentRequestId, ScheduleId, WalletId
from domain.payment_requests import PaymentRequest
from domain.payment_state import Payment
from domain.schedules import Schedule
from domain.wallets import Wallet


@dataclass(frozen=True, slots=True)
class State:
    """What commands are decided on: locked wallets, and what else they refer to.

    `digits` knows the minor digits of each currency; up to the day `closed_through` periods are
    closed for value dates.
    """

    wallets: Mapping[WalletId, Wallet]
    digits: Callable[[str], int]
    payments: Mapping[PaymentId, Payment] = field(default_factory=dict)
    requests: Mapping[PaymentRequestId, PaymentRequest] = field(default_factory=dict)
    schedules: Mapping[ScheduleId, Schedule] = field(default_factory=dict)
    closed_through: str | None = None
