"""Turns rows into commands with keys that follow from the file alone, so that twice is once."""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from uuid import UUID

import msgspec

from application.commands import Submission
from domain.events import AccountClass
from domain.identifiers import WalletId, key_stream, payment_id, wallet_id
from domain.instants import Instant
from domain.payments import MakePayment, transfer_money
from domain.wallet_rules import OpenWallet
from domain.wallets import Caller
from interfaces.importing.rows import Row

ISSUER = "falconpay-import"
"""Whose keys these are: no issuer of tokens, so that no caller's key can be one of them."""

SYSTEM_CLASSES: Mapping[str, AccountClass] = {"interest": "expense", "fees": "income"}
"""The class of a system wallet by its kind; all others are assets."""


class Submissions:
    """Makes the commands for rows of one profile; memory grows with accounts, not with rows."""

    def __init__(self, ledger: str, profile: str, overdraft_limit: int | None) -> None:
        """Take the ledger's name, and the limit of the accounts' wallets in minor units."""
        self._ledger = ledger
        self._subject = f"import-{profile}"
        self._overdraft_limit = overdraft_limit
        self._operator = Caller(self._subject, ISSUER, operate=True)
        self._accounts: dict[tuple[str, str], WalletId] = {}
        self._kinds: dict[tuple[str, str], WalletId] = {}

    def of(self, row: Row) -> list[Submission]:
        """Return a row's transfer, behind the openings of wallets that it is the first to use."""
        openings: list[Submission] = []
        account = self._accounts.get((row.account, row.currency))
        if account is None:
            openings.append(self._open_account(row.account, row.currency))
            account = self.account(row.account, row.currency)
        other = self._kinds.get((row.kind, row.currency))
        if other is None:
            openings.append(self._open_kind(row.kind, row.currency))
            other = self._kinds[row.kind, row.currency]
        return [*openings, self._transfer(row, account, other)]

    def account(self, account: str, currency: str) -> WalletId:
        """Return the wallet of an account that a row has named."""
        return self._accounts[account, currency]

    def accounts(self) -> int:
        """Return how many accounts the rows have named."""
        return len(self._accounts)

    def _stream(self, key: str) -> UUID:
        return key_stream(self._ledger, ISSUER, self._subject, key)

    def _open_account(self, account: str, currency: str) -> Submission:
        stream = self._stream(f"account/{currency}/{account}")
        self._accounts[account, currency] = wallet_id(stream)
        command = OpenWallet(
            wallet_id=wallet_id(stream),
            kind="personal",
            account_class="liability",
            name=f"Account {account}",
            reference=account,
            currency=currency,
            overdraft_limit=self._overdraft_limit,
        )
        # A wallet belongs to the one who opens it: the account's holder.
        holder = Caller(f"account-{account}", ISSUER, operate=True)
        return Submission(command, holder, stream, _opening_fingerprint(command))

    def _open_kind(self, kind: str, currency: str) -> Submission:
        stream = self._stream(f"system/{currency}/{kind}")
        self._kinds[kind, currency] = wallet_id(stream)
        command = OpenWallet(
            wallet_id=wallet_id(stream),
            kind="system",
            account_class=SYSTEM_CLASSES.get(kind, "asset"),
            name=kind,
            reference=kind,
            currency=currency,
            overdraft_limit=None,
        )
        return Submission(command, self._operator, stream, _opening_fingerprint(command))

    def _transfer(self, row: Row, account: WalletId, other: WalletId) -> Submission:
        stream = self._stream(f"transaction/{row.key}")
        comes_in = row.amount > 0
        command = transfer_money(
            payment_id=payment_id(stream),
            source_wallet_id=other if comes_in else account,
            destination_wallet_id=account if comes_in else other,
            amount=abs(row.amount),
            currency=row.currency,
            description=row.description,
            reference=row.key if len(row.key) <= 64 else None,
            metadata=row.metadata,
            effective_at=midnight(row.day),
        )
        return Submission(command, self._operator, stream, _transfer_fingerprint(command))


@lru_cache(maxsize=512)
def midnight(day: date) -> Instant:
    """Return the first instant of a day in UTC."""
    return Instant(f"{day.isoformat()}T00:00:00.000000Z")


def _opening_fingerprint(command: OpenWallet) -> str:
    return _fingerprint("open", command.wallet_id, command.currency, command.overdraft_limit)


def _transfer_fingerprint(command: MakePayment) -> str:
    (leg,) = command.legs
    return _fingerprint(
        "transfer",
        leg.source_wallet_id,
        leg.destination_wallet_id,
        command.amount,
        command.currency,
        command.effective_at,
        command.description,
        command.metadata,
    )


def _fingerprint(*content: object) -> str:
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()
