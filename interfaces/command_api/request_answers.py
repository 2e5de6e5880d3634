"""Renders payment requests as the answers to commands show them."""

from application.commands import Answer, RecordedAnswer
from domain.events import RequestAccepted
from domain.identifiers import PaymentRequestId, payment_request_id
from domain.money import Currencies
from domain.payment_request_events import PaymentRequestCreated, PaymentRequestStanding
from domain.payment_requests import reference_of
from interfaces.command_api.payment_answers import Document
from interfaces.http.request_codes import link_of, qr_svg


class RequestAnswers:
    """Requests as they began, and as they ended without a payment."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies and assets of the ledger."""
        self._currencies = currencies

    def begun(self, event: PaymentRequestCreated, answer: Answer) -> Document:
        """Return a request that has just been made, with the code that hands it on."""
        name = payment_request_id(answer.stream)
        return {
            **self._request(name, event, event.standing),
            "qr_svg": qr_svg(link_of(name)),
            "created_at": answer.recorded_at,
            "expires_at": event.expires_at,
            "position": answer.position,
        }

    def went_on(self, event: RequestAccepted, opening: RecordedAnswer, answer: Answer) -> Document:
        """Return a request as it stood after a command."""
        began, standing = opening.event, event.request_standing
        assert isinstance(began, PaymentRequestCreated), "a request begins with this"
        assert event.payment_request_id is not None, "an answer about a request names it"
        assert standing is not None, "an answer about a request tells how it stands"
        return {
            **self._request(event.payment_request_id, began, standing),
            "created_at": opening.recorded_at,
            "expires_at": began.expires_at,
            "position": answer.position,
        }

    def _request(
        self,
        name: PaymentRequestId,
        began: PaymentRequestCreated,
        standing: PaymentRequestStanding,
    ) -> Document:
        document: Document = {
            "request_id": name,
            "status": standing.status,
            "reference": reference_of(name),
            "wallet_id": began.wallet_id,
            "amount": self._currencies.format(began.amount, began.currency),
            "currency": began.currency,
        }
        if began.payer is not None:
            document["payer"] = began.payer
        if began.description is not None:
            document["description"] = began.description
        return document
