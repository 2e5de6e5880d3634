"""One wallet as it stood at a position, and the events that led to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from domain.identifiers import StreamId, WalletId, bits, event_id
from domain.money import Currencies
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from interfaces.replay.findings import Findings
from interfaces.replay.in_order import events_of_stream
from interfaces.replay.positions import Place, last_at, whole
from interfaces.replay.stored import Moved, Reader, Stored, time_of
from interfaces.replay.wallets import EFFECTS, Wallet, Wallets


@dataclass(frozen=True, slots=True)
class Step:
    """An event of the wallet, its stored fields, and posted and held behind it."""

    event: Stored
    data: dict[str, Any]
    posted: int
    held: int


@dataclass(frozen=True, slots=True)
class History:
    """A wallet at a position that cuts no command; `wallet` is none before it was opened.

    `holds` tells what is held for which payment, in minor units and by the order of the holds.
    """

    position: int
    wallet: Wallet | None
    holds: Sequence[dict[str, Any]]


def history(
    connection: psycopg.Connection[Any], wallet_id: WalletId, place: Place | None
) -> History:
    """Fold a wallet's events up to a place, by default the head; raises `Unreadable`."""
    reader = EventReader(connection)
    position = whole(reader, last_at(reader, place), EventCodec())
    found: Wallet | None = None
    holds: dict[str, dict[str, Any]] = {}
    for wallet, step in steps(connection, wallet_id, position):
        found = wallet
        _hold(holds, step)
    return History(position, found, list(holds.values()))


def steps(
    connection: psycopg.Connection[Any], wallet_id: WalletId, position: int
) -> Iterator[tuple[Wallet, Step]]:
    """Yield the events of a wallet up to a position, each with the wallet as it stands behind it.

    None of them is kept, as a bank's till has millions. Raises `Unreadable`.
    """
    wallets, decoder = Wallets(Findings()), Reader()
    for rows in events_of_stream(connection, bits(wallet_id), position):
        for row in rows:
            event = decoder.read(row)
            wallet = wallets.add(event)
            if wallet is not None:
                data = msgspec.json.decode(row[4])
                yield wallet, Step(event, data, wallet.posted, wallet.held)


def fields(found: History, currencies: Currencies) -> dict[str, Any]:
    """Return a history with its wallet as JSON has it, but for the events."""
    wallet = found.wallet
    assert wallet is not None, "a wallet that was opened has fields"
    currency = wallet.opened.currency
    holds = [
        {**hold, "amount": currencies.format(hold["amount"], currency)} for hold in found.holds
    ]
    return {
        "wallet_id": wallet.name,
        "position": found.position,
        **standing(wallet, currencies),
        "holds": holds,
    }


def _hold(held: dict[str, dict[str, Any]], step: Step) -> None:
    """Follow what is held for payments; one for which nothing is held any more is forgotten."""
    facts = step.event.facts
    change = EFFECTS.get(step.event.type, (0, 0))[1]
    if not change or not isinstance(facts, Moved):
        return
    empty = {"payment_id": facts.payment_id, "amount": 0, "expires_at": None}
    hold = held.setdefault(facts.payment_id, empty)
    hold["amount"] += change * facts.amount
    hold["expires_at"] = step.data.get("expires_at", hold["expires_at"])
    if not hold["amount"]:
        del held[facts.payment_id]


def standing(wallet: Wallet, currencies: Currencies) -> dict[str, Any]:
    """Return all that a wallet is and has, money as decimal strings."""
    opened = wallet.opened

    def shown(minor: int) -> str:
        return currencies.format(minor, opened.currency)

    limit = wallet.overdraft_limit
    sides = (("member", wallet.frozen_by_member), ("operate", wallet.frozen_by_operator))
    frozen = [side for side, has_frozen in sides if has_frozen]
    return {
        "name": opened.name,
        "kind": opened.kind,
        "class": opened.account_class,
        "currency": opened.currency,
        "owner": opened.owner,
        "reference": opened.reference,
        "status": "closed" if wallet.closed else "frozen" if frozen else "open",
        "frozen_by": frozen,
        "posted": shown(wallet.posted),
        "held": shown(wallet.held),
        "available": shown(wallet.posted - wallet.held),
        "overdraft_limit": "unlimited" if limit is None else shown(limit),
        "limits": {
            "per_payment": None if wallet.per_payment is None else shown(wallet.per_payment),
            "per_day": None if wallet.per_day is None else shown(wallet.per_day),
        },
        "approvals": {
            "required": wallet.approvals_required,
            "above": shown(wallet.approvals_above),
        },
        "members": dict(sorted(wallet.members.items())),
        "opened_at": time_of(wallet.opened_recorded),
    }


def amount_of(step: Step) -> int | None:
    """Return by how much an event moves posted or, where it does not, held; else nothing."""
    if not isinstance(step.event.facts, Moved):
        return None
    posted, held = EFFECTS[step.event.type]
    return (posted or held) * step.event.facts.amount


def event_fields(step: Step, currencies: Currencies, currency: str) -> dict[str, Any]:
    """Return an event of a wallet in a currency as JSON has it, with what it left."""
    event = step.event
    return {
        "position": event.position,
        "event_id": event_id(StreamId(event.name), event.version),
        "version": event.version,
        "type": event.type,
        "recorded_at": time_of(event.recorded),
        "effective_at": step.data.get("effective_at"),
        "command_id": event.place.command_id,
        "data": step.data,
        "posted": currencies.format(step.posted, currency),
        "held": currencies.format(step.held, currency),
    }
