"""The bodies of commands on payment requests."""

from interfaces.command_api.bodies import AmountText, CurrencyCode, WalletText
from interfaces.command_api.payment_bodies import WEEK, Seconds
from interfaces.http.bodies import RequestBody
from interfaces.http.text import Description, Name


class PaymentRequestBody(RequestBody):
    """An amount that is asked for, of one person or of whoever comes."""

    wallet_id: WalletText
    amount: AmountText
    currency: CurrencyCode
    payer: Name | None = None
    description: Description | None = None
    expires_in: Seconds = WEEK


class AcceptBody(RequestBody):
    """Which wallet pays what is asked for."""

    source_wallet_id: WalletText
