"""The bodies of commands, as they must be sent."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool

from interfaces.http.bodies import RequestBody
from interfaces.http.text import Description, Metadata, Name, Reason, Reference

WalletText = Annotated[
    str,
    Field(
        pattern=r"^wal_[0-7][0-9A-HJKMNP-TV-Z]{25}$",
        examples=["wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J"],
    ),
]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2,11}$", examples=["EUR"])]
AmountText = Annotated[
    str,
    Field(
        pattern=r"^(0|[1-9][0-9]*)(\.[0-9]+)?$",
        max_length=40,
        description="Above zero, with at most the currency's minor digits.",
        examples=["12.34"],
    ),
]


def _above_zero(text: str) -> str:
    if not text.strip("0."):
        raise ValueError("An amount is above zero.")
    return text


PayableText = Annotated[AmountText, AfterValidator(_above_zero)]
"""An amount in a currency that only the ledger knows; zero is zero in every one."""

LimitText = Annotated[
    str,
    Field(
        pattern=r"^((0|[1-9][0-9]*)(\.[0-9]+)?|unlimited)$",
        max_length=40,
        examples=["100.00"],
    ),
]
InstantText = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
KeyText = Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]


class OpenWalletBody(RequestBody):
    """A wallet to be opened."""

    name: Name
    currency: CurrencyCode
    kind: Literal["personal", "shared", "system"] = "personal"
    account_class: Literal["asset", "liability", "equity", "income", "expense"] | None = Field(
        default=None, alias="class"
    )
    reference: Reference | None = None
    overdraft_limit: LimitText | None = None


class ReasonBody(RequestBody):
    """Why a wallet is frozen, unfrozen or closed."""

    reason: Reason


class PaymentTexts(RequestBody):
    """What every payment may say beside its money."""

    description: Description | None = None
    reference: Reference | None = None
    metadata: Metadata | None = None
    effective_at: InstantText | None = None


class TransferFields(PaymentTexts):
    """Money from one wallet to another."""

    source_wallet_id: WalletText
    destination_wallet_id: WalletText
    amount: AmountText
    currency: CurrencyCode


class TransferBody(TransferFields):
    """A transfer; with `dry_run` it is only decided."""

    dry_run: StrictBool = False


class TransferItem(TransferFields):
    """A transfer of a batch, with the key that it would have as a single one."""

    idempotency_key: KeyText


class BatchBody(RequestBody):
    """Transfers to be done each on its own, or all or none."""

    mode: Literal["independent", "atomic"]
    transfers: Annotated[list[Any], Field(min_length=1, max_length=1000)]
