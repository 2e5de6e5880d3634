"""What queries answer: the shapes that are sent and that the OpenAPI document shows."""

from typing import Annotated, Any, Literal, get_args

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from domain.events import AccountClass, WalletKind, WalletStatus
from interfaces.query_api.parameters import PaymentKind, PaymentStatus, RequestStatus

Money = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$",
        description="A decimal string with all minor digits of the currency.",
    ),
]
PaymentKindText = Annotated[str, Meta(extra_json_schema={"enum": list(get_args(PaymentKind))})]
PaymentStatusText = Annotated[str, Meta(extra_json_schema={"enum": list(get_args(PaymentStatus))})]
RequestStatusText = Annotated[str, Meta(extra_json_schema={"enum": list(get_args(RequestStatus))})]
InstantText = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
DateText = Annotated[str, Meta(extra_json_schema={"format": "date"})]
PositionNumber = Annotated[int, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
JsonObject = Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
NextCursor = Annotated[
    str | None, Meta(description="Where the next page begins; null on the last page.")
]


class Shape(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A JSON object of an answer; fields that do not apply are left out."""


def or_unset(value: Any) -> Any:
    """Return a value for a field that is left out where there is none."""
    return UNSET if value is None else value


class Limits(Shape, kw_only=True):
    """What may leave a wallet by one payment and on one day (UTC); null is no limit."""

    per_payment: Money | None
    per_day: Money | None


class Approvals(Shape, kw_only=True):
    """How many other owners must approve payments above an amount."""

    required: Annotated[int, Meta(ge=1, le=5)]
    above: Money


class Wallet(Shape, kw_only=True):
    """A wallet as it stands."""

    wallet_id: str
    name: str | UnsetType = UNSET
    kind: WalletKind
    account_class: AccountClass | UnsetType = field(name="class", default=UNSET)
    currency: str
    reference: str | UnsetType = UNSET
    status: WalletStatus
    overdraft_limit: Annotated[str, Meta(description="A decimal string, or `unlimited`.")]
    limits: Limits | UnsetType = UNSET
    approvals: Approvals | UnsetType = UNSET
    role: Literal["owner", "spender", "viewer"] | UnsetType = UNSET
    created_at: InstantText
    posted: Money
    held: Money
    available: Money


class Balance(Shape, kw_only=True):
    """What a wallet holds at a position; `available` is `posted` less `held`."""

    posted: Money
    held: Money
    available: Money
    currency: str
    position: PositionNumber


class Entry(Shape, kw_only=True):
    """A movement of a wallet, with the balance after it."""

    entry_id: str
    payment_id: str
    direction: Literal["debit", "credit"]
    amount: Money
    currency: str
    balance_after: Money
    description: str | UnsetType = UNSET
    counterparty: str | UnsetType = UNSET
    recorded_at: InstantText
    effective_at: InstantText
    position: PositionNumber


class WalletStatement(Shape, kw_only=True):
    """A wallet's entries by value date, then position; `balance_after` runs in that order."""

    wallet_id: str
    currency: str
    since: DateText = field(name="from")
    until: DateText = field(name="to")
    opening_balance: Money
    entries: list[Entry]
    closing_balance: Money


class Failure(Shape, kw_only=True):
    """Why a payment was declined."""

    code: str
    reason: str


class Approval(Shape, kw_only=True):
    """Who asked for a payment that waits, and which other owners have agreed."""

    requested_by: str
    approved_by: list[str]
    required: Annotated[int, Meta(ge=1, le=5)]


class Leg(Shape, kw_only=True):
    """One movement between two wallets."""

    source_wallet_id: str
    destination_wallet_id: str
    amount: Money
    currency: str


class Payment(Shape, kw_only=True):
    """A payment, as far as it is the caller's to see; of one with many legs `legs` has them."""

    payment_id: str
    kind: PaymentKindText
    status: PaymentStatusText
    amount: Money
    currency: str
    source_wallet_id: str | UnsetType = UNSET
    destination_wallet_id: str | UnsetType = UNSET
    captured: Money | UnsetType = UNSET
    left: Money | UnsetType = UNSET
    refunded: Money | UnsetType = UNSET
    refundable: Money | UnsetType = UNSET
    original_payment_id: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType = UNSET
    failure: Failure | UnsetType = UNSET
    approval: Approval | UnsetType = UNSET
    created_at: InstantText
    expires_at: InstantText | UnsetType = UNSET


class Step(Shape, kw_only=True):
    """What a payment came to at one moment; `position` is that of the event."""

    status: PaymentStatusText
    amount: Money | UnsetType = UNSET
    recorded_at: InstantText
    effective_at: InstantText
    position: PositionNumber


class PaymentWithLegs(Payment, kw_only=True):
    """A payment with its legs."""

    legs: list[Leg]


class PaymentWithHistory(PaymentWithLegs, kw_only=True):
    """A payment with its legs and its history, the oldest step first."""

    timeline: list[Step]


class PaymentRequest(Shape, kw_only=True):
    """An amount that a payee asks for; `payment_id` for the payee's side and who has paid."""

    request_id: str
    status: RequestStatusText
    reference: Annotated[str, Meta(description="Short, to be read aloud.")]
    wallet_id: str
    amount: Money
    currency: str
    payer: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    payment_id: str | UnsetType = UNSET
    created_at: InstantText
    expires_at: InstantText


class PaymentRequestWithCode(PaymentRequest, kw_only=True):
    """A payment request with the QR code of its link, as long as it is open."""

    qr_svg: str | UnsetType = UNSET


class CurrencyTotal(Shape, kw_only=True):
    """What wallets of a currency add up to; `sum` is credits less debits, 0 over all classes."""

    account_class: AccountClass | UnsetType = field(name="class", default=UNSET)
    currency: str
    wallets: Count
    debits: Money
    credits: Money
    sum: Money


class TrialBalance(Shape, kw_only=True):
    """The sums over all wallets of the ledger at a position."""

    items: list[CurrencyTotal]
    position: PositionNumber


class DayTotal(Shape, kw_only=True):
    """Completed payments by value date, and declined ones by the day recorded."""

    date: DateText
    currency: str
    kind: PaymentKindText
    count: Count
    volume: Money
    declined: Count


class Wallets(Shape, kw_only=True):
    """A page of wallets, the newest first."""

    items: list[Wallet]
    next_cursor: NextCursor


class Entries(Shape, kw_only=True):
    """A page of entries, the newest first."""

    items: list[Entry]
    next_cursor: NextCursor


class Payments(Shape, kw_only=True):
    """A page of payments, the newest first."""

    items: list[Payment]
    next_cursor: NextCursor


class Holds(Shape, kw_only=True):
    """A page of payments that hold money of a wallet, the newest first."""

    items: list[Payment]
    next_cursor: NextCursor


class WaitingPayments(Shape, kw_only=True):
    """A page of payments that wait for the caller's approval, the newest first."""

    items: list[Payment]
    next_cursor: NextCursor


class PaymentRequests(Shape, kw_only=True):
    """A page of payment requests, the newest first."""

    items: list[PaymentRequest]
    next_cursor: NextCursor


class Days(Shape, kw_only=True):
    """A page of daily totals, the oldest day first."""

    items: list[DayTotal]
    next_cursor: NextCursor
