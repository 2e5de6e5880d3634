"""From the body of a payment request to its command."""

from uuid import UUID

from domain.identifiers import WalletId, payment_request_id
from domain.payment_requests import RequestPayment
from interfaces.command_api.fingerprint import fingerprint
from interfaces.command_api.parsing import PAYMENT_REQUESTS, CommandParser
from interfaces.command_api.request_bodies import PaymentRequestBody


def payment_request(
    parser: CommandParser, body: PaymentRequestBody, stream: UUID
) -> tuple[RequestPayment, str]:
    """Return a request and its fingerprint; raises `Problem` 422 naming the field at fault."""
    amount = parser.amount("amount", body.amount, body.currency)
    command = RequestPayment(
        payment_request_id=payment_request_id(stream),
        wallet_id=WalletId(body.wallet_id),
        amount=amount,
        currency=body.currency,
        payer=body.payer,
        description=body.description,
        expires_in=body.expires_in,
    )
    content = {**body.model_dump(), "amount": str(amount)}
    return command, fingerprint(PAYMENT_REQUESTS, {}, content)
