"""The facts of the ledger: every event that is ever stored, in the past tense."""

from dataclasses import field
from typing import Literal

from domain.free_text import WRITTEN_BY_PEOPLE
from domain.identifiers import PaymentId, PaymentRequestId, ScheduleId, WalletId
from domain.instants import Instant
from domain.operation_events import OperationEvent
from domain.payment_events import PaymentEvent, PaymentStanding
from domain.payment_request_events import PaymentRequestEvent, PaymentRequestStanding
from domain.schedule_events import ScheduleEvent, ScheduleStanding
from domain.values import dataclass

WalletKind = Literal["personal", "shared", "system"]
AccountClass = Literal["asset", "liability", "equity", "income", "expense"]
Role = Literal["owner", "spender", "viewer"]
Side = Literal["member", "operate", "system"]
"""Who acts: a member of the wallet, an operator, or the ledger's own workers."""

Action = Literal[
    "freeze",
    "unfreeze",
    "close",
    "change-overdraft-limit",
    "change-limits",
    "change-approvals",
    "add-member",
    "remove-member",
    "capture",
    "release",
    "expire",
    "increase",
    "approve",
    "reject",
    "request-payment",
    "decline-request",
    "cancel-request",
    "create-schedule",
    "pause-schedule",
    "resume-schedule",
    "delete-schedule",
    "run-occurrence",
    "close-period",
]
WalletStatus = Literal["open", "frozen", "closed"]
HoldReleaseReason = Literal["captured", "released", "expired", "rejected"]
"""Why money is not held any more: the rest of a final capture, or the end without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletOpened:
    """A wallet exists from now on; `overdraft_limit` in minor units, none is unlimited."""

    kind: WalletKind
    account_class: AccountClass
    owner: str | None
    name: str = field(metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    currency: str
    overdraft_limit: int | None


@dataclass(frozen=True, slots=True)
class WalletDebited:
    """Money left a wallet; the amount in minor units."""

    payment_id: PaymentId
    amount: int
    currency: str
    counterparty: WalletId
    effective_at: Instant
    counted: int | None = None
    """What counts against the wallet's limits; none is all of it."""


@dataclass(frozen=True, slots=True)
class WalletCredited:
    """Money came into a wallet; the amount in minor units."""

    payment_id: PaymentId
    amount: int
    currency: str
    counterparty: WalletId
    effective_at: Instant


@dataclass(frozen=True, slots=True)
class WalletFundsHeld:
    """Money of a wallet is set aside for a payment, until it is captured or released."""

    payment_id: PaymentId
    amount: int
    currency: str
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class WalletHoldCaptured:
    """Money that was held left the wallet."""

    payment_id: PaymentId
    amount: int
    currency: str
    counterparty: WalletId
    effective_at: Instant


@dataclass(frozen=True, slots=True)
class WalletHoldReleased:
    """Money that was held is free again; `given_back` to the limit of the day, in minor units."""

    payment_id: PaymentId
    amount: int
    currency: str
    reason: HoldReleaseReason
    given_back: int


@dataclass(frozen=True, slots=True)
class WalletFrozen:
    """One side has stopped debits of a wallet."""

    side: Side
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletUnfrozen:
    """One side has lifted its own freeze."""

    side: Side
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletClosed:
    """A wallet without money has ended for good."""

    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletOverdraftLimitChanged:
    """How far below zero a wallet may go from now on, in minor units; none is unlimited."""

    overdraft_limit: int | None
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletLimitsChanged:
    """What may leave by one payment and on one day (UTC) from now on; none is no limit."""

    per_payment: int | None
    per_day: int | None


@dataclass(frozen=True, slots=True)
class WalletMemberAdded:
    """Somebody has a role in the wallet from now on, instead of the one they had."""

    user_id: str
    role: Role


@dataclass(frozen=True, slots=True)
class WalletMemberRemoved:
    """Somebody has no role in the wallet any more."""

    user_id: str


@dataclass(frozen=True, slots=True)
class WalletApprovalsChanged:
    """Payments above an amount wait for so many other owners from now on; zero is none."""

    required: int
    above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAccepted:
    """A command on a wallet or a payment was done; how it stood after it is what was answered."""

    action: Action
    wallet_id: WalletId | None = None
    status: WalletStatus | None = None
    overdraft_limit: int | None = None
    role: str | None = None
    per_payment: int | None = None
    per_day: int | None = None
    member: WalletMemberAdded | None = None
    approvals: WalletApprovalsChanged | None = None
    payment_id: PaymentId | None = None
    standing: PaymentStanding | None = None
    payment_request_id: PaymentRequestId | None = None
    request_standing: PaymentRequestStanding | None = None
    schedule_id: ScheduleId | None = None
    schedule_standing: ScheduleStanding | None = None
    shown_legs: tuple[int, ...] | None = None
    """Which legs of the payment were the caller's to see, counted from 0; none is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused:
    """A command on a wallet or a payment was refused by the ledger and changed nothing."""

    action: Action
    wallet_id: WalletId | None = None
    code: str
    payment_id: PaymentId | None = None
    available: int | None = None
    currency: str | None = None
    payment_request_id: PaymentRequestId | None = None


WalletEvent = (
    WalletOpened
    | WalletDebited
    | WalletCredited
    | WalletFundsHeld
    | WalletHoldCaptured
    | WalletHoldReleased
    | WalletFrozen
    | WalletUnfrozen
    | WalletClosed
    | WalletOverdraftLimitChanged
    | WalletLimitsChanged
    | WalletMemberAdded
    | WalletMemberRemoved
    | WalletApprovalsChanged
)
RequestEvent = RequestAccepted | RequestRefused
Event = (
    WalletEvent | PaymentEvent | PaymentRequestEvent | ScheduleEvent | RequestEvent | OperationEvent
)
