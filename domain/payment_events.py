"""The facts of payments: what was asked, what came of it, and how each one stands afterwards."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from domain.free_text import WRITTEN_BY_PEOPLE
from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant
from domain.values import dataclass

PaymentKind = Literal["transfer", "hold", "split", "exchange", "refund", "reversal"]
PaymentStatus = Literal[
    "awaiting-approval",
    "authorized",
    "completed",
    "declined",
    "cancelled",
    "expired",
    "partially-refunded",
    "refunded",
    "reversed",
]
ReleaseReason = Literal["released", "expired"]
HoldEnd = Literal["captured", "released", "expired"]
"""What ended a hold: a capture for good, a release, or its time."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One movement between two wallets, in minor units."""

    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How many whole units of the second currency one of the first is worth, as a fraction."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many other owners of a wallet must approve a payment from it."""

    wallet_id: WalletId
    required: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStanding:
    """How a payment stands after an event, so that its first and its last event tell it all.

    Amounts are minor units: `left` can still be captured, `refundable` still be refunded. A
    release on the day `counted_on` (UTC) gives `counted` back to the payer's limit of that day.
    """

    status: PaymentStatus
    ended_by: HoldEnd | None = None
    amount: int
    captured: int = 0
    left: int = 0
    refunded: int = 0
    refundable: int = 0
    expires_at: Instant | None = None
    counted_on: str | None = None
    counted: int = 0
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCompleted:
    """A payment moved its money; the wallets' events beside it say so leg by leg.

    Both wallets are named where there is one leg only; `legs` where there are more. The amount is
    the sum of what its payer gives. `standing` is there where others had to approve first.
    """

    kind: PaymentKind
    amount: int
    currency: str
    source_wallet_id: WalletId | None
    destination_wallet_id: WalletId | None
    effective_at: Instant
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    original_payment_id: PaymentId | None = None
    legs: tuple[Leg, ...] | None = None
    rate: Rate | None = None
    standing: PaymentStanding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined:
    """A payment was refused and moved nothing; `available` as it stood, in minor units."""

    kind: PaymentKind
    amount: int
    currency: str
    source_wallet_id: WalletId | None
    destination_wallet_id: WalletId | None
    effective_at: Instant
    code: str
    available: int | None = None
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    original_payment_id: PaymentId | None = None
    legs: tuple[Leg, ...] | None = None
    rate: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorized:
    """The payer's money is held for the payee until it is captured, released or runs out."""

    kind: Literal["hold"]
    amount: int
    currency: str
    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    effective_at: Instant | None
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentApprovalRequested:
    """A payment above a wallet's threshold waits for other owners, its money held meanwhile."""

    kind: PaymentKind
    amount: int
    currency: str
    source_wallet_id: WalletId | None
    destination_wallet_id: WalletId | None
    effective_at: Instant | None
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    legs: tuple[Leg, ...] | None = None
    requested_by: str
    quorums: tuple[Quorum, ...]
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentApproved:
    """One more owner has approved a payment."""

    by: str
    reason: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRejected:
    """An owner has rejected a payment, and its money is free again."""

    by: str
    reason: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    kind: PaymentKind
    currency: str
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIncreased:
    """A hold holds more from now on, and it may last longer."""

    amount: int
    currency: str
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured:
    """So much of a hold was paid; `released` is what a final capture left and gave back."""

    amount: int
    released: int
    currency: str
    effective_at: Instant
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReleased:
    """What was left of a hold, or of a payment that waited for approval, is free again."""

    amount: int
    reason: ReleaseReason
    kind: PaymentKind
    currency: str
    effective_at: Instant
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded:
    """So much of a payment was given back by a payment of its own."""

    refund_payment_id: PaymentId
    amount: int
    currency: str
    standing: PaymentStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversed:
    """A payment was undone by its exact opposite, a payment of its own."""

    reversal_payment_id: PaymentId
    amount: int
    currency: str
    standing: PaymentStanding


PaymentEvent = (
    PaymentCompleted
    | PaymentDeclined
    | PaymentAuthorized
    | PaymentApprovalRequested
    | PaymentApproved
    | PaymentRejected
    | PaymentIncreased
    | PaymentCaptured
    | PaymentReleased
    | PaymentRefunded
    | PaymentReversed
)
