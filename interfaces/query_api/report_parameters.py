"""The query parameters that reports take."""

from datetime import date
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from domain.identifiers import IdentifierInvalid, PaymentId, decode
from interfaces.http.text import FORBIDDEN_CHARACTER, Reference
from interfaces.query_api.parameters import (
    CurrencyCode,
    Date,
    EndTime,
    LastDate,
    ListParameters,
    Parameters,
    PaymentKind,
    PeriodParameters,
    Time,
    Wallet,
    whole_number,
)

MAX_POINTS = 500
LEAST_POINTS = 10
MAX_PERSON_LENGTH = 255

_POINTS_SCHEMA = {"type": "integer", "minimum": LEAST_POINTS, "maximum": MAX_POINTS}
_PAYMENT_SCHEMA = {"type": "string", "pattern": "^pay_[0-7][0-9A-HJKMNP-TV-Z]{25}$"}
_PERSON_SCHEMA = {"type": "string", "minLength": 1, "maxLength": MAX_PERSON_LENGTH}


def _points(text: str) -> int:
    return whole_number(text, LEAST_POINTS, MAX_POINTS)


def _payment(text: str) -> PaymentId:
    try:
        decode("pay", text)
    except IdentifierInvalid:
        raise ValueError("must be the id of a payment") from None
    return PaymentId(text)


def _person(text: str) -> str:
    if not 1 <= len(text) <= MAX_PERSON_LENGTH or FORBIDDEN_CHARACTER.search(text):
        raise ValueError(f"must have 1 to {MAX_PERSON_LENGTH} characters")
    return text


Points = Annotated[int, PlainValidator(_points), WithJsonSchema(_POINTS_SCHEMA)]
Payment = Annotated[PaymentId, PlainValidator(_payment), WithJsonSchema(_PAYMENT_SCHEMA)]
Person = Annotated[str, PlainValidator(_person), WithJsonSchema(_PERSON_SCHEMA)]


class DaysParameters(ListParameters):
    """A stretch of days of the whole ledger."""

    since: Date = Field(default=date.min, alias="from", description="The first day, included.")
    until: LastDate = Field(default=date.max, alias="to", description="The last day, included.")
    currency: CurrencyCode | None = Field(default=None, description="Only this currency.")
    kind: PaymentKind | None = Field(default=None, description="Only payments of this kind.")


class CurrencyParameters(ListParameters):
    """What is told of each currency."""

    currency: CurrencyCode | None = Field(default=None, description="Only this currency.")


class FlowParameters(ListParameters):
    """A stretch of value dates of a wallet."""

    since: Date = Field(
        default=date.min, alias="from", description="The first value date, included."
    )
    until: LastDate = Field(
        default=date.max, alias="to", description="The last value date, included."
    )


class CounterpartiesParameters(FlowParameters):
    """Filters of counterparties."""

    direction: Literal["debit", "credit"] | None = Field(
        default=None, description="Only money out, or only money in."
    )


class HistoryParameters(Parameters):
    """A stretch of time of a wallet, and how finely it is shown."""

    model_config = ConfigDict(validate_by_alias=True, validate_by_name=False)

    since: Time | None = Field(
        default=None, alias="from", description="Recorded at this time or later."
    )
    until: EndTime | None = Field(
        default=None, alias="to", description="Recorded before this time."
    )
    points: Points = Field(default=MAX_POINTS, description="How many points at most.")


class TrailParameters(PeriodParameters):
    """Filters of who did what; of wallet, payment and reference one at a time."""

    person: Person | None = Field(
        default=None, description="Only what this person, or worker, did: the token's subject."
    )
    wallet_id: Wallet | None = Field(
        default=None, description="Only what was done to this wallet, or was refused to it."
    )
    payment_id: Payment | None = Field(
        default=None, description="Only what was done to this payment, or was refused to it."
    )
    reference: Reference | None = Field(
        default=None, description="Only how payments and wallets with this reference began."
    )


class AccessesParameters(PeriodParameters):
    """Filters of reads by auditors."""

    person: Person | None = Field(
        default=None, description="Only what this person read: the token's subject."
    )
