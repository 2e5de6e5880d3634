"""From the body of a hold, of a payment of many legs or of an exchange to its command."""

from typing import Any
from uuid import UUID

from domain.exchanges import ExchangeMoney
from domain.identifiers import WalletId, payment_id
from domain.money import MAX_AMOUNT
from domain.payment_events import Leg, Rate
from domain.payments import MakePayment
from domain.shares import SharesInvalid, divide
from interfaces.command_api.fingerprint import fingerprint
from interfaces.command_api.follow_ups import plain
from interfaces.command_api.parsing import (
    EXCHANGES,
    HOLDS,
    PAYMENTS,
    CommandParser,
    invalid,
    transfer_content,
)
from interfaces.command_api.payment_bodies import ExchangeBody, HoldBody, PaymentBody


class PaymentParser:
    """Builds the commands of payments that are no plain transfer."""

    def __init__(self, parser: CommandParser) -> None:
        """Take what reads amounts, wallets and texts."""
        self._parser = parser

    def hold(self, body: HoldBody, stream: UUID) -> tuple[MakePayment, str]:
        """Return a hold; raises `Problem` 422 naming the field at fault."""
        leg, texts = self._parser.leg(body), self._parser.texts(body)
        command = MakePayment(
            payment_id=payment_id(stream),
            kind="hold",
            legs=(leg,),
            amount=leg.amount,
            currency=leg.currency,
            expires_in=body.expires_in,
            **texts,
        )
        content = {**transfer_content(leg, texts), "expires_in": body.expires_in}
        return command, fingerprint(HOLDS, {}, content)

    def payment(self, body: PaymentBody, stream: UUID) -> tuple[MakePayment, str]:
        """Return a payment of many legs; raises `Problem` 422 naming the field at fault."""
        legs = self._shared(body) if body.legs is None else self._legs(body)
        legs += self._fees(body, legs)
        amount = sum(leg.amount for leg in legs)
        if amount > MAX_AMOUNT:
            name = "amount" if body.legs is None else "legs"
            raise invalid(name, "A payment is at most 10^18 minor units in all.")
        texts = self._parser.texts(body)
        command = MakePayment(
            payment_id=payment_id(stream),
            kind="split",
            legs=tuple(legs),
            amount=amount,
            currency=legs[0].currency,
            **texts,
        )
        # The legs bear the amounts in minor units; how they were dealt out is asked for as well.
        shares = None if body.shares is None else [each.model_dump() for each in body.shares]
        content = {"legs": [_content(leg) for leg in legs], "shares": shares, **texts}
        content["fees"] = len(body.fees)
        return command, fingerprint(PAYMENTS, {}, content)

    def exchange(
        self, body: ExchangeBody, stream: UUID
    ) -> tuple[ExchangeMoney, str, dict[str, str]]:
        """Return an exchange, whose amount is in a currency that only the ledger knows."""
        taker, giver = body.through
        command = ExchangeMoney(
            payment_id=payment_id(stream),
            source_wallet_id=WalletId(body.source_wallet_id),
            destination_wallet_id=WalletId(body.destination_wallet_id),
            through=(WalletId(taker), WalletId(giver)),
            amount=0,
            rate=Rate(int(body.rate.numerator), int(body.rate.denominator)),
        )
        content = {**body.model_dump(), "amount": plain(body.amount)}
        return command, fingerprint(EXCHANGES, {}, content), {"amount": body.amount}

    def _legs(self, body: PaymentBody) -> list[Leg]:
        sent = body.legs or []
        for place, leg in enumerate(sent):
            if leg.currency != sent[0].currency:
                raise invalid(f"legs/{place}/currency", "all legs are in one currency")
        return [
            Leg(
                WalletId(leg.source_wallet_id),
                WalletId(leg.destination_wallet_id),
                self._parser.amount(f"legs/{place}/amount", leg.amount, leg.currency),
                leg.currency,
            )
            for place, leg in enumerate(sent)
        ]

    def _shared(self, body: PaymentBody) -> list[Leg]:
        source, text, currency, shares = _dealt(body)
        amount = self._parser.amount("amount", text, currency)
        try:
            parts = divide(amount, [share.parts_per_million for share in shares])
        except SharesInvalid as fault:
            raise invalid("shares", str(fault)) from None
        return [
            Leg(WalletId(source), WalletId(share.destination_wallet_id), part, currency)
            for share, part in zip(shares, parts, strict=True)
        ]

    def _fees(self, body: PaymentBody, legs: list[Leg]) -> list[Leg]:
        sources = {leg.source_wallet_id for leg in legs}
        if body.fees and len(sources) > 1:
            raise invalid("fees", "fees are paid from the one source of a payment")
        currency = legs[0].currency
        return [
            Leg(
                legs[0].source_wallet_id,
                WalletId(fee.wallet_id),
                self._parser.amount(f"fees/{place}/amount", fee.amount, currency),
                currency,
            )
            for place, fee in enumerate(body.fees)
        ]


def _dealt(body: PaymentBody) -> tuple[str, str, str, list[Any]]:
    assert body.source_wallet_id is not None, "the body has been validated"
    assert body.amount is not None, "the body has been validated"
    assert body.currency is not None, "the body has been validated"
    assert body.shares is not None, "the body has been validated"
    return body.source_wallet_id, body.amount, body.currency, list(body.shares)


def _content(leg: Leg) -> dict[str, str]:
    return {
        "source_wallet_id": leg.source_wallet_id,
        "destination_wallet_id": leg.destination_wallet_id,
        "amount": str(leg.amount),
        "currency": leg.currency,
    }
