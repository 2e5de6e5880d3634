"""Rows of `wallet_head` and wallets, one into the other."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

from domain.events import Role
from domain.identifiers import WalletId, bits
from domain.wallets import Wallet, WalletRules
from infrastructure.ledger_store.arrays import Bigints, Booleans, Column, Texts, Uuids

EPOCH = date(1970, 1, 1).toordinal()

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Role]).decode


def wallet_of(wallet_id: WalletId, row: tuple[Any, ...]) -> Wallet:
    """Return the wallet of a row of `LOCK_HEADS`."""
    _, version, posted, held, spent_on, spent, kind, currency, owner, members, *rest = row
    known = _only(owner) if members is None else _decode(members)
    day = None if spent_on is None else _day(spent_on)
    rules = WalletRules(kind, currency, owner, known, *rest)
    return Wallet(wallet_id, version, posted, held, day, spent, rules)


def moved_columns(wallets: Sequence[Wallet]) -> tuple[Column, ...]:
    """Return what moves with money, for `MOVE_HEADS`."""
    return (
        Uuids([bits(wallet.wallet_id) for wallet in wallets]),
        Bigints([wallet.version for wallet in wallets]),
        Bigints([wallet.posted for wallet in wallets]),
        Bigints([wallet.held for wallet in wallets]),
        Bigints([_number(wallet.spent_on) for wallet in wallets]),
        Bigints([wallet.spent for wallet in wallets]),
    )


def rules_columns(wallets: Sequence[Wallet]) -> tuple[Column, ...]:
    """Return what only commands on wallets change, for `CHANGE_RULES` behind the ids."""
    rules = [wallet.rules for wallet in wallets]
    return (
        Texts([_members(each) for each in rules]),
        Bigints([each.overdraft_limit for each in rules]),
        Bigints([each.per_payment for each in rules]),
        Bigints([each.per_day for each in rules]),
        Bigints([each.approvals_required for each in rules]),
        Bigints([each.approvals_above for each in rules]),
        Booleans([each.frozen_by_member for each in rules]),
        Booleans([each.frozen_by_operator for each in rules]),
        Booleans([each.closed for each in rules]),
    )


def fixed_columns(wallets: Sequence[Wallet]) -> tuple[Column, ...]:
    """Return what never changes, for `OPEN_HEADS` behind all others."""
    rules = [wallet.rules for wallet in wallets]
    return (
        Texts([each.kind for each in rules]),
        Texts([each.currency for each in rules]),
        Texts([each.owner for each in rules]),
    )


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    """Return the day so many days after that which PostgreSQL calls its epoch."""
    return date.fromordinal(EPOCH + number).isoformat()


@lru_cache(maxsize=64)
def _number(day: str | None) -> int | None:
    return None if day is None else date.fromisoformat(day).toordinal() - EPOCH


def _only(owner: str | None) -> Mapping[str, Role]:
    return {} if owner is None else {owner: "owner"}


def _members(rules: WalletRules) -> str | None:
    """Return the members as JSON, nothing where they are as the owner alone says."""
    if rules.members == _only(rules.owner):
        return None
    return _encode(rules.members).decode()
