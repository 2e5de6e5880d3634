"""The query parameters that routes take, each with its strict reading and its documentation."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from domain.events import WalletKind
from domain.identifiers import IdentifierInvalid, WalletId, decode
from domain.instants import Instant, parse_instant
from interfaces.http.queries import QueryParameters
from interfaces.http.text import Reference
from interfaces.query_api.stretches import NOT_BEFORE_FROM

MAX_POSITION = 2**63 - 1
MAX_LIMIT = 200
DEFAULT_LIMIT = 50

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{2,11}", re.ASCII)

PaymentStatus = Literal[
    "pending",
    "awaiting-approval",
    "authorized",
    "completed",
    "declined",
    "failed",
    "cancelled",
    "expired",
    "partially-refunded",
    "refunded",
    "reversed",
    "parked",
]
RequestStatus = Literal["open", "accepted", "declined", "cancelled", "expired"]
ScheduleStatus = Literal["active", "paused", "ended"]
StatementForm = Literal["json", "csv", "pdf", "camt.053", "ofx", "hledger", "beancount"]
PaymentKind = Literal[
    "transfer",
    "hold",
    "split",
    "refund",
    "reversal",
    "deposit",
    "withdrawal",
    "account-to-account",
    "multi-source",
    "exchange",
]


def whole_number(text: str, lowest: int, highest: int) -> int:
    """Return the number that a parameter is; raises `ValueError` with what it must be."""
    # The digits are counted first, since a long row of them is slow to convert.
    if _DIGITS.fullmatch(text) and len(text) <= 19 and lowest <= int(text) <= highest:
        return int(text)
    raise ValueError(f"must be a whole number from {lowest} to {highest}")


def _position(text: str) -> int:
    return whole_number(text, 0, MAX_POSITION)


def _size(text: str) -> int:
    return whole_number(text, 1, MAX_POSITION)


def _limit(text: str) -> int:
    return whole_number(text, 1, MAX_LIMIT)


def _as_of(text: str) -> int | Instant:
    if _DIGITS.fullmatch(text) is None:
        return _instant(text)
    # However far past the head, it means the head.
    digits = text.lstrip("0") or "0"
    return MAX_POSITION if len(digits) > 18 else int(digits)


def _effective_as_of(text: str) -> date | Instant:
    return _date_of(text) if _DATE.fullmatch(text) else _instant(text)


def _instant(text: str) -> Instant:
    return parse_instant(text)


def _date_of(text: str) -> date:
    if _DATE.fullmatch(text) is None:
        raise ValueError("must be a date such as 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date that exists") from None


def _currency(text: str) -> str:
    if _CURRENCY.fullmatch(text) is None:
        raise ValueError("must be the code of a currency, such as EUR")
    return text


def _wallet(text: str) -> WalletId:
    try:
        decode("wal", text)
    except IdentifierInvalid:
        raise ValueError("must be the id of a wallet") from None
    return WalletId(text)


POSITION_SCHEMA = {"type": "integer", "minimum": 0, "maximum": MAX_POSITION}
TIME_SCHEMA = {"type": "string", "format": "date-time"}
_DATE_SCHEMA = {"type": "string", "format": "date"}
_SIZE_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_POSITION}
_LIMIT_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}
_AS_OF_SCHEMA = {"anyOf": [TIME_SCHEMA, {"type": "string", "pattern": "^[0-9]+$"}]}
_EFFECTIVE_SCHEMA = {"anyOf": [_DATE_SCHEMA, TIME_SCHEMA]}
_CURRENCY_SCHEMA = {"type": "string", "pattern": f"^{_CURRENCY.pattern}$"}
_WALLET_SCHEMA = {"type": "string", "pattern": "^wal_[0-7][0-9A-HJKMNP-TV-Z]{25}$"}

# What a cursor looks like is said, but judged by its MAC alone.
_CURSOR_SCHEMA = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}

Cursor = Annotated[str, WithJsonSchema(_CURSOR_SCHEMA)]
Position = Annotated[int, PlainValidator(_position), WithJsonSchema(POSITION_SCHEMA)]
Size = Annotated[int, PlainValidator(_size), WithJsonSchema(_SIZE_SCHEMA)]
Limit = Annotated[int, PlainValidator(_limit), WithJsonSchema(_LIMIT_SCHEMA)]
AsOf = Annotated[int | Instant, PlainValidator(_as_of), WithJsonSchema(_AS_OF_SCHEMA)]
Time = Annotated[Instant, PlainValidator(_instant), WithJsonSchema(TIME_SCHEMA)]
Date = Annotated[date, PlainValidator(_date_of), WithJsonSchema(_DATE_SCHEMA)]
LastDate = Annotated[Date, NOT_BEFORE_FROM]
EndTime = Annotated[Time, NOT_BEFORE_FROM]
MaybeDate = Annotated[date | None, PlainValidator(_date_of), WithJsonSchema(_DATE_SCHEMA)]
EffectiveAsOf = Annotated[
    date | Instant | None, PlainValidator(_effective_as_of), WithJsonSchema(_EFFECTIVE_SCHEMA)
]
CurrencyCode = Annotated[str, PlainValidator(_currency), WithJsonSchema(_CURRENCY_SCHEMA)]
Wallet = Annotated[WalletId, PlainValidator(_wallet), WithJsonSchema(_WALLET_SCHEMA)]


class Parameters(QueryParameters):
    """What every query takes."""

    min_position: Position = Field(
        default=0,
        description="Waits up to 2 seconds until the answer reflects at least this position.",
        examples=[0],
    )


class ListParameters(Parameters):
    """What every list takes."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=False)

    limit: Limit = Field(default=DEFAULT_LIMIT, description="How many items at most.")
    cursor: Cursor | None = Field(
        default=None,
        description="`next_cursor` of the page before, with the same filters and caller.",
    )

    def filters(self) -> str:
        """Return what a cursor is bound to, alike however a value was spelled."""
        return self.model_dump_json(exclude={"min_position", "limit", "cursor"})


class WalletsParameters(ListParameters):
    """Filters of wallets."""

    kind: WalletKind | None = Field(default=None, description="Only wallets of this kind.")
    reference: Reference | None = Field(
        default=None, description="Only wallets to which their owner gave this reference."
    )


class AsOfParameters(Parameters):
    """A moment of the past."""

    as_of: AsOf | None = Field(
        default=None,
        description="A position (only digits) or an RFC 3339 time, inclusive; past the head it"
        " means the head, and inside a command's events the end of the command before.",
        examples=["2026-01-31T12:00:00Z"],
    )


class EffectiveParameters(AsOfParameters):
    """A moment of the past, by when things were recorded and by when they had their value."""

    effective_as_of: EffectiveAsOf = Field(
        default=None,
        description="A value date, to its end, or an RFC 3339 time of value, inclusive; of what"
        " was recorded by `as_of`. Holds have no value date: they count from when they were"
        " recorded.",
        examples=["2026-01-31"],
    )


class TrialBalanceParameters(AsOfParameters):
    """A moment of the past, and how wallets are put together."""

    by: Literal["class"] | None = Field(
        default=None,
        description="With `class` a row for each class of accounts in a currency: `asset`,"
        " `liability`, `equity`, `income`, `expense`; people's wallets are liabilities.",
    )


class StatementParameters(AsOfParameters):
    """What a statement is of, and its form."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=False)

    since: MaybeDate = Field(
        default=None,
        alias="from",
        description="The first value date, included; by default that of the first entry.",
    )
    until: MaybeDate = Field(
        default=None,
        alias="to",
        description="The last value date, included; by default that of the last entry.",
    )
    form: StatementForm = Field(
        default="json", alias="format", description="In which form it is written."
    )


class PeriodParameters(ListParameters):
    """A stretch of time by when things were recorded."""

    since: Time | None = Field(
        default=None, alias="from", description="Recorded at this time or later."
    )
    until: EndTime | None = Field(
        default=None, alias="to", description="Recorded before this time."
    )


class EntriesParameters(PeriodParameters):
    """Filters of entries."""

    direction: Literal["debit", "credit"] | None = Field(
        default=None, description="Only money out, or only money in."
    )


class PaymentsParameters(PeriodParameters):
    """Filters of payments."""

    status: PaymentStatus | None = Field(default=None, description="Only of this status.")
    kind: PaymentKind | None = Field(default=None, description="Only of this kind.")


class RequestsParameters(ListParameters):
    """Filters of payment requests."""

    status: RequestStatus | None = Field(default=None, description="Only of this status.")


class SchedulesParameters(ListParameters):
    """Filters of schedules."""

    status: ScheduleStatus | None = Field(default=None, description="Only of this status.")


class DailyParameters(ListParameters):
    """Filters of the daily report."""

    since: Date = Field(
        default=date.min, alias="from", description="The first value date, included."
    )
    until: LastDate = Field(
        default=date.max, alias="to", description="The last value date, included."
    )
    currency: CurrencyCode | None = Field(default=None, description="Only this currency.")


class EventsParameters(ListParameters):
    """Filters of stored events."""

    after: Position = Field(default=0, description="Only events beyond this position.")
    wallet_id: Wallet | None = Field(default=None, description="Only events of this wallet.")


class ConsistencyParameters(Parameters):
    """Two sizes of the log."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=False)

    since: Size = Field(alias="from", description="The smaller size, 1 or more.", examples=[5])
    until: Size = Field(
        alias="to", description="The larger size, that of the latest seal at most.", examples=[7]
    )
