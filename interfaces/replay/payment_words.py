"""Sentences for the events of a payment: who did what, with which money, and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from domain.identifiers import StreamId, WalletId
from domain.money import Currencies
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentApproved,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCompleted,
    PaymentDeclined,
    PaymentEvent,
    PaymentIncreased,
    PaymentRefunded,
    PaymentRejected,
    PaymentReleased,
    PaymentReversed,
)
from domain.recorded import Actor

RIGHTS: Final = {"member": "a member", "operate": "an operator", "system": "the ledger itself"}

Beginning = PaymentCompleted | PaymentDeclined | PaymentAuthorized | PaymentApprovalRequested


class Teller:
    """Tells the events of one payment, with amounts as people write them."""

    def __init__(
        self, first: PaymentEvent, names: Mapping[WalletId, str], currencies: Currencies
    ) -> None:
        """Take the payment's first event, the names of its wallets, and the known currencies."""
        self._first = first
        self._currencies = currencies
        # Of two wallets with the same name the ids are told, too.
        counts = Counter(names.values())
        self._names = {
            wallet: f'"{name}"' if counts[name] == 1 else f'"{name}" ({wallet})'
            for wallet, name in names.items()
        }

    def sentence(
        self, event: PaymentEvent, version: int, actor: Actor | None, causes: Sequence[StreamId]
    ) -> str:
        """Return what an event says; `causes` are the schedules and requests it was made for."""
        who = "Somebody" if actor is None else f"{actor.sub} ({RIGHTS[actor.right]})"
        words = f"{who} {self._deed(event, version)}"
        for cause in causes:
            kind = "schedule" if cause.startswith("sch_") else "payment request"
            words += f", for the {kind} {cause}"
        return f"{words}{_texts(event)}."

    def _deed(self, event: PaymentEvent, version: int) -> str:
        match event:
            case PaymentCompleted():
                return self._paid(event, version)
            case PaymentDeclined():
                left = event.available
                known = "" if left is None else f", with {self._money(left)} available"
                return f"wanted to move {self._what(event)} and was declined: {event.code}{known}"
            case PaymentAuthorized():
                until = event.standing.expires_at
                began = "" if version == 1 else "with that "
                return f"{began}held {self._what(event)} until {until}"
            case PaymentApprovalRequested():
                return self._asked(event)
            case PaymentApproved():
                return f"approved it, as number {len(event.standing.approved_by)} to do so"
            case PaymentRejected():
                return f"rejected it; {self._money(event.standing.amount)} are free again"
            case PaymentIncreased():
                whole, until = self._money(event.standing.amount), event.standing.expires_at
                return f"added {self._money(event.amount)} to the hold: {whole} until {until}"
            case PaymentCaptured():
                return self._captured(event)
            case PaymentReleased():
                why = "its time had run out" if event.reason == "expired" else "it was released"
                return f"set {self._money(event.amount)} free again, as {why}"
            case PaymentRefunded():
                left_over = self._money(event.standing.refundable)
                back = f"gave back {self._money(event.amount)} by {event.refund_payment_id}"
                return f"{back}; {left_over} can still be given back"
            case PaymentReversed():
                return f"undid it by {event.reversal_payment_id}"
            case _:
                assert_never(event)

    def _paid(self, event: PaymentCompleted, version: int) -> str:
        began = "" if version == 1 else "with that "
        if event.kind == "refund":
            return f"gave back {self._what(event)}, of {event.original_payment_id}"
        if event.kind == "reversal":
            return f"undid {event.original_payment_id}: {self._what(event)}"
        if event.kind == "exchange":
            rate = event.rate
            told = "" if rate is None else f", at {rate.numerator}/{rate.denominator}"
            return f"{began}exchanged {self._what(event)}{told}"
        return f"{began}paid {self._what(event)}"

    def _asked(self, event: PaymentApprovalRequested) -> str:
        waits = " and ".join(
            f"{each.required} other owner{'s' if each.required > 1 else ''} of"
            f" {self._name(each.wallet_id)}"
            for each in event.quorums
        )
        until = event.standing.expires_at
        return f"asked for {self._what(event)}, held until {until} for {waits} to approve"

    def _captured(self, event: PaymentCaptured) -> str:
        words = f"captured {self._money(event.amount)}"
        if event.released:
            return f"{words} and set the other {self._money(event.released)} free again"
        if event.standing.left:
            return f"{words}; {self._money(event.standing.left)} can still be captured"
        return words

    def _what(self, event: Beginning) -> str:
        """Return the amount and its way, leg by leg where there are several."""
        legs = getattr(event, "legs", None) or ()
        if event.source_wallet_id is None or event.destination_wallet_id is None or len(legs) > 1:
            return ", ".join(
                f"{self._currencies.format(leg.amount, leg.currency)} {leg.currency}"
                f" from {self._name(leg.source_wallet_id)}"
                f" to {self._name(leg.destination_wallet_id)}"
                for leg in legs
            )
        way = (self._name(event.source_wallet_id), self._name(event.destination_wallet_id))
        return f"{self._money(event.amount)} from {way[0]} to {way[1]}"

    def _money(self, minor: int) -> str:
        """Return an amount in the currency in which the payment is told."""
        currency = getattr(self._first, "currency", "")
        return f"{self._currencies.format(minor, currency)} {currency}"

    def _name(self, wallet: WalletId) -> str:
        return self._names.get(wallet, wallet)


def _texts(event: PaymentEvent) -> str:
    """Return what people have written beside it, which is why it was done."""
    said = getattr(event, "reason", None) if not isinstance(event, PaymentReleased) else None
    said = said or getattr(event, "description", None)
    reference = getattr(event, "reference", None)
    words = f', saying "{said}"' if said else ""
    return words + (f', reference "{reference}"' if reference else "")
