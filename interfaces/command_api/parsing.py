"""From a body that is well formed to a command of the ledger and the request's fingerprint."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from domain.identifiers import WalletId, payment_id, wallet_id
from domain.instants import InstantInvalid, parse_instant
from domain.money import AmountInvalid, Currencies, CurrencyUnknown, parse_minor
from domain.payments import TransferMoney
from domain.wallets import (
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
)
from infrastructure.tokens.caller import Caller
from interfaces.command_api.bodies import (
    OpenWalletBody,
    ReasonBody,
    TransferBody,
    TransferItem,
)
from interfaces.command_api.fingerprint import fingerprint
from interfaces.http.bodies import RequestBody
from interfaces.http.problems import Problem, field_error

Value = TypeVar("Value")

TRANSFERS = "/v1/transfers"
WALLETS = "/v1/wallets"

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
            raise _invalid("class", "is for system wallets only; people's are liabilities")
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

    def transfer(
        self, body: TransferBody | TransferItem, stream: UUID
    ) -> tuple[TransferMoney, str]:
        """Return a transfer; raises `Problem` 422 naming the field at fault."""
        digits = _field("currency", lambda: self._currencies.digits(body.currency))
        amount = _field("amount", lambda: _above_zero(parse_minor(body.amount, digits)))
        at = body.effective_at
        effective_at = None if at is None else _field("effective_at", lambda: parse_instant(at))
        command = TransferMoney(
            payment_id=payment_id(stream),
            source_wallet_id=WalletId(body.source_wallet_id),
            destination_wallet_id=WalletId(body.destination_wallet_id),
            amount=amount,
            currency=body.currency,
            description=body.description,
            reference=body.reference,
            metadata=body.metadata,
            effective_at=effective_at,
        )
        return command, _transfer_fingerprint(command)


ReasonedCommand = FreezeWallet | UnfreezeWallet | CloseWallet
REASONED: Mapping[str, Callable[[WalletId, str], ReasonedCommand]] = {
    "freeze": FreezeWallet,
    "unfreeze": UnfreezeWallet,
    "close": CloseWallet,
}
"""Commands on one wallet that say no more than why, by the last part of their path."""


def reason_fingerprint(action: str, wallet: WalletId, body: ReasonBody) -> str:
    """Return the fingerprint of a command on a wallet that says no more than why."""
    path = {"wallet_id": wallet}
    return fingerprint(f"{WALLETS}/{{wallet_id}}/{action}", path, {"reason": body.reason})


def _transfer_fingerprint(command: TransferMoney) -> str:
    return fingerprint(
        TRANSFERS,
        {},
        {
            "source_wallet_id": command.source_wallet_id,
            "destination_wallet_id": command.destination_wallet_id,
            "amount": str(command.amount),
            "currency": command.currency,
            "description": command.description,
            "reference": command.reference,
            "metadata": command.metadata,
            "effective_at": command.effective_at,
        },
    )


def _field(name: str, parse: Callable[[], Value]) -> Value:
    try:
        return parse()
    except (AmountInvalid, CurrencyUnknown, InstantInvalid) as fault:
        raise _invalid(name, str(fault)) from None


def _limit(text: str, digits: int) -> int | None:
    if text == "unlimited":
        return None
    return _field("overdraft_limit", lambda: parse_minor(text, digits))


def _above_zero(amount: int) -> int:
    if amount == 0:
        raise AmountInvalid("An amount is above zero.")
    return amount


def _invalid(name: str, detail: str) -> Problem:
    errors = [field_error(f"#/{name}", detail)]
    return Problem("invalid-request", "The body is not as it should be.", errors=errors)
