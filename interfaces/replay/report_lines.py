"""What events ask for in the read models of reports: who acted where, and what was declined."""

import hashlib
from functools import lru_cache
from typing import Any, LiteralString

import psycopg

from interfaces.replay.actor_lines import Answered
from interfaces.replay.findings import Findings
from interfaces.replay.rows_in_order import RowsInOrder
from interfaces.replay.stored import Paid, Stored, WentOn, time_of

TRAIL: LiteralString = """
SELECT position, actor, wallet_id, payment_id FROM audit_trail
WHERE position <= %s ORDER BY position"""
TRAIL_FIELDS = ("position", "actor", "wallet_id", "payment_id")
DECLINES: LiteralString = "SELECT date::text, currency, kind, code, count, volume FROM declines"


class Trail:
    """Meets the rows of who acted with the events that tell it."""

    def __init__(self, rows: RowsInOrder, until: int) -> None:
        """Take the rows, which are compared up to a position."""
        self._rows = rows
        self._until = until

    def add(self, event: Stored) -> None:
        """Compare what an event asks for, if it tells who gave its command."""
        actor = event.place.actor
        if actor is None or event.position > self._until:
            return
        wallet = payment = None
        if isinstance(event.facts, Answered):
            wallet, payment = event.facts.wallet_id, event.facts.payment_id
        elif event.type == "payment.declined.v1" and isinstance(event.facts, Paid):
            legs = event.facts.legs
            wallet = legs[0].source_wallet_id if legs else event.facts.source_wallet_id
        self._rows.expect((event.position, _key(actor.sub), wallet, payment))

    def end(self) -> None:
        """Report the rows behind the last that an event asks for."""
        self._rows.end()


@lru_cache(maxsize=65_536)
def _key(sub: str) -> int:
    digest = hashlib.blake2b(sub.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


class Declines:
    """Adds up what was declined by day, currency, kind and reason; memory grows with days."""

    def __init__(self) -> None:
        """Begin without any day."""
        self._totals: dict[tuple[str | None, ...], list[int]] = {}

    def add(self, event: Stored) -> None:
        """Count a payment that was declined, by the ledger or by another owner."""
        facts = event.facts
        if event.type == "payment.declined.v1" and isinstance(facts, Paid):
            code, amount = facts.code, facts.amount
        elif event.type == "payment.rejected.v1" and isinstance(facts, WentOn):
            code, amount = "approval-rejected", facts.standing.amount
        else:
            return
        day = (time_of(event.recorded) or "")[:10]
        total = self._totals.setdefault((day, facts.currency, facts.kind, code), [0, 0])
        total[0] += 1
        total[1] += amount

    def compare(
        self, connection: psycopg.Connection[Any], checkpoint: int, findings: Findings
    ) -> None:
        """Compare with the read model; a sum does not tell which payment of the day is wrong."""
        missing = dict(self._totals)
        for day, currency, kind, code, *found in connection.execute(DECLINES):
            total = missing.pop((day, currency, kind, code), None)
            name = f"{day} {currency} {kind} {code}"
            if total is None:
                findings.unasked(checkpoint, "declines", name)
            else:
                fields = ("count", "volume")
                findings.compare(checkpoint, "declines", name, fields, total, found)
        for key in missing:
            findings.missing(checkpoint, "declines", " ".join(map(str, key)))
