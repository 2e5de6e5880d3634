"""What changed of wallets between two positions; memory grows with wallets, not with events."""

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from domain.identifiers import WalletId, bits
from domain.money import Currencies
from interfaces.replay.findings import Findings
from interfaces.replay.history import standing
from interfaces.replay.in_order import WALLETS, events_between, events_of_stream
from interfaces.replay.stored import Moved, Reader
from interfaces.replay.sums import Sums, sums_fields, sums_of
from interfaces.replay.wallets import Wallet, Wallets


@dataclass(frozen=True, slots=True)
class Changes:
    """Wallets as they stood at one position, where it was otherwise, and at a later one.

    `before` has those of which something was recorded in between, none for one that was opened
    then; `moved` is what was credited in between, in minor units by currency.
    """

    before: Mapping[bytes, Wallet | None]
    after: Mapping[bytes, Wallet]
    sums_before: Sequence[Sums]
    sums_after: Sequence[Sums]
    moved: Mapping[str, int]


def changes(
    connection: psycopg.Connection[Any],
    first: int,
    last: int,
    wallet: WalletId | None,
    progress: Callable[[int, int], object],
) -> Changes:
    """Fold the wallets up to the later position, all or one of them; raises `Unreadable`."""
    wallets, decoder = Wallets(Findings()), Reader()
    before: dict[bytes, Wallet | None] = {}
    sums_before: Sequence[Sums] | None = None
    moved: Counter[str] = Counter()
    for rows in _rows(connection, last, wallet):
        for row in rows:
            event = decoder.read(row)
            if event.position > first:
                if sums_before is None:
                    sums_before = sums_of(wallets.known.values())
                if event.stream not in before:
                    # What a wallet has is exchanged by events and never altered in its place.
                    before[event.stream] = copy.copy(wallets.known.get(event.stream))
                if event.type == "wallet.credited.v1" and isinstance(event.facts, Moved):
                    moved[event.facts.currency] += event.facts.amount
            wallets.add(event)
        progress(rows[-1][0], last)
    sums_after = sums_of(wallets.known.values())
    whole = sums_after if sums_before is None else sums_before
    return Changes(before, wallets.known, whole, sums_after, moved)


def _rows(
    connection: psycopg.Connection[Any], last: int, wallet: WalletId | None
) -> Iterator[list[tuple[Any, ...]]]:
    if wallet is None:
        return events_between(connection, 1, last, [WALLETS])
    return events_of_stream(connection, bits(wallet), last)


def wallet_fields(found: Changes, currencies: Currencies) -> Iterator[dict[str, Any]]:
    """Yield what is otherwise of each wallet, in the order in which they were opened."""
    touched = [found.after[stream] for stream in found.before if stream in found.after]
    known = {wallet.name: found.before[stream] for stream, wallet in found.after.items()
             if stream in found.before}  # fmt: skip
    for wallet in sorted(touched, key=lambda each: each.opened_position):
        before = known[wallet.name]
        now = standing(wallet, currencies)
        then = {} if before is None else standing(before, currencies)
        fields = {
            name: {"before": then.get(name), "after": value}
            for name, value in now.items()
            if then.get(name) != value
        }
        if fields:
            yield {
                "wallet_id": wallet.name,
                "name": wallet.opened.name,
                "currency": wallet.opened.currency,
                "opened": before is None,
                "closed": wallet.closed and not (before is not None and before.closed),
                "fields": fields,
            }


def total_fields(found: Changes, currencies: Currencies) -> list[dict[str, Any]]:
    """Return the sums of each currency at both positions, and what moved between them."""
    then = {sums.currency: sums for sums in found.sums_before}
    return [
        {
            "currency": now.currency,
            "moved": currencies.format(found.moved.get(now.currency, 0), now.currency),
            "before": sums_fields(then.get(now.currency, Sums(now.currency)), currencies),
            "after": sums_fields(now, currencies),
        }
        for now in found.sums_after
    ]
