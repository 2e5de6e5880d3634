"""The facts of the ledger: every event that is ever stored, in the past tense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from domain.identifiers import PaymentId, WalletId
from domain.instants import Instant

WalletKind = Literal["personal", "shared", "system"]
AccountClass = Literal["asset", "liability", "equity", "income", "expense"]
Side = Literal["member", "operate"]
"""Who acts on a wallet: one of its members, or an operator."""

Action = Literal["freeze", "unfreeze", "close", "change-overdraft-limit"]
WalletStatus = Literal["open", "frozen", "closed"]


WRITTEN_BY_PEOPLE = {"written_by_people": True}
"""Marks a field in which people write free text, so that it can be encrypted per person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalletOpened:
    """A wallet exists from now on; `overdraft_limit` in minor units, none is unlimited."""

    kind: WalletKind
    account_class: AccountClass
    owner: str | None
    name: str = field(metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    currency: str
    overdraft_limit: int | None


@dataclass(frozen=True, slots=True)
class WalletDebited:
    """Money left a wallet; the amount in minor units."""

    payment_id: PaymentId
    amount: int
    currency: str
    counterparty: WalletId
    effective_at: Instant


@dataclass(frozen=True, slots=True)
class WalletCredited:
    """Money came into a wallet; the amount in minor units."""

    payment_id: PaymentId
    amount: int
    currency: str
    counterparty: WalletId
    effective_at: Instant


@dataclass(frozen=True, slots=True)
class WalletFrozen:
    """One side has stopped debits of a wallet."""

    side: Side
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletUnfrozen:
    """One side has lifted its own freeze."""

    side: Side
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletClosed:
    """A wallet without money has ended for good."""

    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class WalletOverdraftLimitChanged:
    """How far below zero a wallet may go from now on, in minor units; none is unlimited."""

    overdraft_limit: int | None
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCompleted:
    """A payment moved its money; the wallets' events beside it say so leg by leg."""

    kind: Literal["transfer"]
    amount: int
    currency: str
    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    effective_at: Instant
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined:
    """A payment was refused and moved nothing; `available` as it stood, in minor units."""

    kind: Literal["transfer"]
    amount: int
    currency: str
    source_wallet_id: WalletId
    destination_wallet_id: WalletId
    effective_at: Instant
    code: str
    available: int | None = None
    description: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    reference: str | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)
    metadata: Mapping[str, str] | None = field(default=None, metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAccepted:
    """A command on a wallet was done; the wallet's standing after it is what was answered."""

    action: Action
    wallet_id: WalletId
    status: WalletStatus
    overdraft_limit: int | None
    role: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused:
    """A command on a wallet was refused by the ledger and changed nothing."""

    action: Action
    wallet_id: WalletId
    code: str


WalletEvent = (
    WalletOpened
    | WalletDebited
    | WalletCredited
    | WalletFrozen
    | WalletUnfrozen
    | WalletClosed
    | WalletOverdraftLimitChanged
)
PaymentEvent = PaymentCompleted | PaymentDeclined
RequestEvent = RequestAccepted | RequestRefused
Event = WalletEvent | PaymentEvent | RequestEvent
