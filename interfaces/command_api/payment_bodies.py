"""The bodies of commands on payments, as they are validated and documented."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StrictBool, StrictInt, model_validator

from interfaces.command_api.bodies import (
    AmountText,
    CurrencyCode,
    PayableText,
    PaymentTexts,
    TransferFields,
    WalletText,
)
from interfaces.http.bodies import RequestBody
from interfaces.http.text import Reason

MONTH = 30 * 24 * 3600
WEEK = 7 * 24 * 3600

Seconds = Annotated[StrictInt, Field(ge=1, le=MONTH, examples=[3600])]
WholeNumber = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,17}$", examples=["10851"])]
Million = 1_000_000


class HoldBody(TransferFields):
    """Money to be held for a payee; with `dry_run` it is only decided."""

    expires_in: Seconds = WEEK
    dry_run: StrictBool = False


class CaptureBody(RequestBody):
    """How much of a hold is paid, and whether the rest is released."""

    amount: PayableText | None = None
    final: StrictBool = True


class NothingBody(RequestBody):
    """A command that needs no words."""


class IncreaseBody(RequestBody):
    """How much more a hold holds, and for how long from now."""

    amount: PayableText
    expires_in: Seconds | None = None


class RefundBody(RequestBody):
    """How much of a payment is given back, and why."""

    amount: PayableText | None = None
    reason: Reason | None = None


class DecisionBody(RequestBody):
    """Why a payment is approved or rejected."""

    reason: Reason | None = None


class LegBody(RequestBody):
    """One movement of a payment."""

    source_wallet_id: WalletText
    destination_wallet_id: WalletText
    amount: AmountText
    currency: CurrencyCode


class ShareBody(RequestBody):
    """One payee's share of an amount: parts per million, or once what the others leave."""

    destination_wallet_id: WalletText
    parts_per_million: Annotated[StrictInt, Field(ge=1, le=Million)] | None = None
    remainder: StrictBool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.parts_per_million is None) != self.remainder:
            raise ValueError("has either parts_per_million or remainder")
        return self


class FeeBody(RequestBody):
    """What a payment costs its payer on top."""

    wallet_id: WalletText
    amount: AmountText


class PaymentBody(PaymentTexts):
    """A payment of many legs, or an amount dealt out in shares; with `dry_run` only decided."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["legs"]},
                {"required": ["source_wallet_id", "amount", "currency", "shares"]},
            ]
        }
    )

    legs: Annotated[list[LegBody], Field(min_length=1, max_length=100)] | None = None
    source_wallet_id: WalletText | None = None
    amount: AmountText | None = None
    currency: CurrencyCode | None = None
    shares: Annotated[list[ShareBody], Field(min_length=1, max_length=100)] | None = None
    fees: Annotated[list[FeeBody], Field(max_length=100)] = Field(default=[])
    dry_run: StrictBool = False

    @model_validator(mode="after")
    def _legs_or_shares(self) -> Self:
        dealt = (self.source_wallet_id, self.amount, self.currency, self.shares)
        if self.legs is not None and any(field is not None for field in dealt):
            raise ValueError("has either legs, or an amount with its shares")
        if self.legs is None and any(field is None for field in dealt):
            raise ValueError("needs legs, or source_wallet_id, amount, currency and shares")
        return self


class RateBody(RequestBody):
    """Whole units of the destination's currency for one of the source's, as a fraction."""

    numerator: WholeNumber
    denominator: WholeNumber


class ExchangeBody(RequestBody):
    """Money of one currency for money of another, through two wallets of the system."""

    source_wallet_id: WalletText
    destination_wallet_id: WalletText
    amount: PayableText
    rate: RateBody
    through: Annotated[list[WalletText], Field(min_length=2, max_length=2)]
