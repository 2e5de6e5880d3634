"""What reports answer: the shapes that are sent and that the OpenAPI document shows."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from interfaces.query_api.answers import (
    Count,
    DateText,
    InstantText,
    JsonObject,
    Money,
    NextCursor,
    PaymentKindText,
    PositionNumber,
    Shape,
)
from projections.book_reports import AGES

MonthText = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}$", description="Year and month.")]
AgeText = Annotated[str, Meta(extra_json_schema={"enum": [name for name, _ in AGES]})]
Share = Annotated[
    str,
    Meta(
        pattern=r"^[01]\.[0-9]{6}$",
        description="A part of the whole, from 0 to 1, rounded down.",
    ),
]


class MonthTotal(Shape, kw_only=True):
    """Completed payments by the month of their value date, and declined ones by that recorded."""

    month: MonthText
    currency: str
    kind: PaymentKindText
    count: Count
    volume: Money
    declined: Count


class DeclineReason(Shape, kw_only=True):
    """Payments that were declined for one reason; `volume` is what they asked for."""

    code: str
    reason: str
    currency: str
    kind: PaymentKindText
    count: Count
    volume: Money
    first_on: DateText
    last_on: DateText


class HoldsOfAge(Shape, kw_only=True):
    """What is held in a currency since about as long ago; `oldest_at` is the first of it."""

    currency: str
    age: AgeText
    count: Count
    held: Money
    oldest_at: InstantText


class LargeWallet(Shape, kw_only=True):
    """One of the largest wallets of a currency, and its share of all."""

    wallet_id: str
    posted: Money
    share: Share


class Concentration(Shape, kw_only=True):
    """How much of what people have in a currency is in the ten largest wallets.

    `wallets` and `total` are of those that have something in them, system wallets apart.
    """

    currency: str
    wallets: Count
    total: Money
    share: Share
    largest: list[LargeWallet]


class CounterpartyTotal(Shape, kw_only=True):
    """What went between a wallet and another one, as the first one sees it."""

    counterparty: str
    currency: str
    paid_count: Count
    paid: Money
    received_count: Count
    received: Money
    last_at: InstantText


class CategoryFlow(Shape, kw_only=True):
    """What a wallet received and paid in a month (value dates) for one category of purposes."""

    month: MonthText
    category: str
    currency: str
    received_count: Count
    received: Money
    paid_count: Count
    paid: Money


class BalancePoint(Shape, kw_only=True):
    """What was posted after the movement at a position."""

    at: InstantText
    position: PositionNumber
    balance: Money


class BalanceHistory(Shape, kw_only=True):
    """A wallet's balance along time, oldest first, for a chart.

    Where there are more movements than points, the points stand for equally many each; the first,
    the last, the lowest and the highest are always among them.
    """

    currency: str
    opening_balance: Money
    movements: Count
    points: list[BalancePoint]


class Action(Shape, kw_only=True):
    """Who did what: the event that tells who gave a command, at its position."""

    position: PositionNumber
    recorded_at: InstantText
    person: Annotated[str, Meta(description="The subject of the token.")]
    client_id: str
    right: Annotated[
        Literal["member", "operate", "system"],
        Meta(description="By which right: as a member of a wallet, an operator, or a worker."),
    ]
    action: str
    outcome: Literal["accepted", "refused"]
    code: str | UnsetType = UNSET
    event_id: str
    command_id: str
    wallet_id: str | UnsetType = UNSET
    destination_wallet_id: str | UnsetType = UNSET
    payment_id: str | UnsetType = UNSET
    original_payment_id: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    schedule_id: str | UnsetType = UNSET
    reference: str | UnsetType = UNSET


class Access(Shape, kw_only=True):
    """A read by the scope `audit`: who asked for what, and the status that it was answered with."""

    accessed_at: InstantText
    person: str
    client_id: str
    route: str
    asked: JsonObject
    status: Count


class Months(Shape, kw_only=True):
    """A page of monthly totals, the oldest month first."""

    items: list[MonthTotal]
    next_cursor: NextCursor


class Declines(Shape, kw_only=True):
    """A page of reasons for which payments were declined, by code."""

    items: list[DeclineReason]
    next_cursor: NextCursor


class HoldAges(Shape, kw_only=True):
    """A page of what is held by its age, the youngest of each currency first."""

    items: list[HoldsOfAge]
    next_cursor: NextCursor


class Concentrations(Shape, kw_only=True):
    """A page of currencies with their largest wallets."""

    items: list[Concentration]
    next_cursor: NextCursor


class Counterparties(Shape, kw_only=True):
    """A page of counterparties, the largest volume first, as of one position on all pages."""

    items: list[CounterpartyTotal]
    next_cursor: NextCursor


class CashFlow(Shape, kw_only=True):
    """A page of months and categories, the oldest month first, as of one position on all pages."""

    items: list[CategoryFlow]
    next_cursor: NextCursor


class Actions(Shape, kw_only=True):
    """A page of who did what, the newest first; a page may be short although another follows."""

    items: list[Action]
    next_cursor: NextCursor


class Accesses(Shape, kw_only=True):
    """A page of reads by auditors, the newest first."""

    items: list[Access]
    next_cursor: NextCursor
