"""From a body that is well formed to a command of the ledger and the request's fingerprint."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from domain.identifiers import WalletId, payment_id, wallet_id
from domain.instants import InstantInvalid, parse_instant
from domain.money import AmountInvalid, Currencies, CurrencyUnknown, parse_minor
from domain.payment_events import Leg
from domain.payments import MakePayment
from domain.wallet_rules import OpenWallet
from infrastructure.tokens.caller import Caller
from interfaces.command_api.bodies import (
    OpenWalletBody,
    PaymentTexts,
    TransferFields,
)
from interfaces.command_api.fingerprint import fingerprint
from interfaces.http.bodies import RequestBody
from interfaces.http.problems import Problem, field_error

Value = TypeVar("Value")

TRANSFERS = "/v1/transfers"
HOLDS = "/v1/holds"
PAYMENTS = "/v1/payments"
EXCHANGES = "/v1/exchanges"
WALLETS = "/v1/wallets"
PAYMENT_REQUESTS = "/v1/payment-requests"
SCHEDULES = "/v1/schedules"
CLOSED_PERIODS = "/v1/operations/periods/close"

_OPERATE_FIELDS = ("overdraft_limit", "effective_at", "class")


def require_field_scopes(caller: Caller, body: Mapping[str, Any], model: type[RequestBody]) -> None:
    """Raise `Problem` 403 for a field that only operators may send, before the body is judged.

    A field that the model does not know is left to be judged as unknown.
    """
    if caller.has("operate"):
        return
    for name in _OPERATE_FIELDS:
        if body.get(name) is not None and _knows(model, name):
            raise Problem("scope-missing", f"The field {name} needs the scope operate.")
    if body.get("kind") == "system" and _knows(model, "kind"):
        raise Problem("scope-missing", "A system wallet needs the scope operate.")


def _knows(model: type[RequestBody], name: str) -> bool:
    return any(name == (field.alias or key) for key, field in model.model_fields.items())


class CommandParser:
    """Builds commands; amounts become minor units of the currencies that this ledger knows."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies and assets of the ledger."""
        self._currencies = currencies

    def open_wallet(self, body: OpenWalletBody, stream: UUID) -> tuple[OpenWallet, str]:
        """Return the opening of a wallet; raises `Problem` 422 naming the field at fault."""
        digits = _field("currency", lambda: self._currencies.digits(body.currency))
        system = body.kind == "system"
        if body.account_class is not None and not system:
            raise invalid("class", "is for system wallets only; people's are liabilities")
        text = body.overdraft_limit
        limit = _limit(text, digits) if text is not None else None if system else 0
        command = OpenWallet(
            wallet_id=wallet_id(stream),
            kind=body.kind,
            account_class=(body.account_class or "asset") if system else "liability",
            name=body.name,
            reference=body.reference,
            currency=body.currency,
            overdraft_limit=limit,
        )
        content = {
            "name": command.name,
            "kind": command.kind,
            "class": command.account_class,
            "currency": command.currency,
            "reference": command.reference,
            "overdraft_limit": None if limit is None else str(limit),
        }
        return command, fingerprint(WALLETS, {}, content)

    def transfer(self, body: TransferFields, stream: UUID) -> tuple[MakePayment, str]:
        """Return a transfer; raises `Problem` 422 naming the field at fault."""
        leg, texts = self.leg(body), self.texts(body)
        command = MakePayment(
            payment_id=payment_id(stream),
            kind="transfer",
            legs=(leg,),
            amount=leg.amount,
            currency=leg.currency,
            **texts,
        )
        return command, fingerprint(TRANSFERS, {}, transfer_content(leg, texts))

    def leg(self, body: TransferFields) -> Leg:
        """Return the movement that a body asks for; raises `Problem` 422."""
        return Leg(
            WalletId(body.source_wallet_id),
            WalletId(body.destination_wallet_id),
            self.amount("amount", body.amount, body.currency),
            body.currency,
        )

    def amount(self, name: str, text: str, currency: str) -> int:
        """Return an amount above zero in minor units; raises `Problem` 422 naming the field.

        The currency is found beside the amount.
        """
        beside = f"{name.removesuffix('amount')}currency"
        digits = _field(beside, lambda: self._currencies.digits(currency))
        return _field(name, lambda: _above_zero(parse_minor(text, digits)))

    @staticmethod
    def texts(body: PaymentTexts) -> dict[str, Any]:
        """Return what a payment says beside its money; raises `Problem` 422."""
        at = body.effective_at
        return {
            "description": body.description,
            "reference": body.reference,
            "metadata": body.metadata,
            "effective_at": None
            if at is None
            else _field("effective_at", lambda: parse_instant(at)),
        }


def transfer_content(leg: Leg, texts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a transfer as it counts for its fingerprint."""
    return {
        "source_wallet_id": leg.source_wallet_id,
        "destination_wallet_id": leg.destination_wallet_id,
        "amount": str(leg.amount),
        "currency": leg.currency,
        **texts,
    }


def _field(name: str, parse: Callable[[], Value]) -> Value:
    try:
        return parse()
    except (AmountInvalid, CurrencyUnknown, InstantInvalid) as fault:
        raise invalid(name, str(fault)) from None


def _limit(text: str, digits: int) -> int | None:
    if text == "unlimited":
        return None
    return _field("overdraft_limit", lambda: parse_minor(text, digits))


def _above_zero(amount: int) -> int:
    if amount == 0:
        raise AmountInvalid("An amount is above zero.")
    return amount


def invalid(name: str, detail: str) -> Problem:
    """Return the problem of one field, its steps divided by `/`."""
    errors = [field_error(f"#/{name}", detail)]
    return Problem("invalid-request", "The body is not as it should be.", errors=errors)
