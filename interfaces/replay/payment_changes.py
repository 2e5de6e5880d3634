"""Which payments were made or went on between two positions; none of them is kept in memory."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg

from domain.identifiers import WalletId
from domain.money import Currencies
from interfaces.replay.lines import standing_of
from interfaces.replay.stored import Paid, Reader, Stored, chunks

# Of each payment that has an event in between: its first event of all, the last one before, and
# the last one of those in between.
PAYMENTS: LiteralString = """
WITH touched AS (
    SELECT f.notification_id, f.originator_id, f.originator_version
    FROM events f
    WHERE f.notification_id > %s AND f.notification_id <= %s
      AND f.topic LIKE 'payment.%%'
      AND NOT EXISTS (
        SELECT FROM events p
        WHERE p.originator_id = f.originator_id
          AND p.originator_version = f.originator_version - 1
          AND p.notification_id > %s))
SELECT which, e.notification_id, uuid_send(e.originator_id), e.originator_version, e.topic,
       e.state, e.metadata, timestamptz_send(e.recorded_at)
FROM touched t
CROSS JOIN LATERAL (
    SELECT 1 AS which, * FROM events
    WHERE originator_id = t.originator_id AND originator_version = 1
    UNION ALL
    SELECT 2, * FROM events
    WHERE originator_id = t.originator_id AND originator_version = t.originator_version - 1
    UNION ALL
    (SELECT 3, * FROM events
     WHERE originator_id = t.originator_id AND notification_id <= %s
     ORDER BY originator_version DESC LIMIT 1)) AS e
ORDER BY t.notification_id, which"""


class PaymentChanges:
    """Goes through the payments once, and counts them by kind and by how they stood."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        places: tuple[int, int],
        wallet: WalletId | None,
        currencies: Currencies,
    ) -> None:
        """Take the two positions, and the wallet that payments must be from or to, if any."""
        self._connection = connection
        self._places = places
        self._wallet = wallet
        self._currencies = currencies
        self._counts: Counter[tuple[str, str | None, str]] = Counter()

    def each(self) -> Iterator[dict[str, Any]]:
        """Yield the payments by their first events in between; raises `Unreadable`."""
        first, last = self._places
        decoder = Reader()
        began: Stored | None = None
        before: Stored | None = None
        query = chunks(self._connection, "payments", PAYMENTS, first, last, first, last)
        for which, *row in (row for rows in query for row in rows):
            event = decoder.read(tuple(row))
            if which == 1:
                began, before = event, None
            elif which == 2:
                before = event
            else:
                assert began is not None, "a payment has a first event"
                if self._concerned(began):
                    yield self._fields(began, before, event)

    def counts(self) -> list[dict[str, Any]]:
        """Return how many there were of each kind, by their status before and after."""
        ordered = sorted(self._counts.items(), key=lambda item: [str(part) for part in item[0]])
        return [
            {"kind": kind, "before": before, "after": after, "count": count}
            for (kind, before, after), count in ordered
        ]

    def _concerned(self, began: Stored) -> bool:
        facts = began.facts
        assert isinstance(facts, Paid), "a payment begins with one of these"
        if self._wallet is None:
            return True
        sides = {facts.source_wallet_id, facts.destination_wallet_id}
        for leg in facts.legs or ():
            sides |= {leg.source_wallet_id, leg.destination_wallet_id}
        return self._wallet in sides

    def _fields(self, began: Stored, before: Stored | None, after: Stored) -> dict[str, Any]:
        facts = began.facts
        assert isinstance(facts, Paid), "a payment begins with one of these"
        then = None if before is None else standing_of(before).status
        now = standing_of(after)
        self._counts[facts.kind, then, now.status] += 1
        return {
            "payment_id": began.name,
            "kind": facts.kind,
            "amount": self._currencies.format(now.amount, facts.currency),
            "currency": facts.currency,
            "before": then,
            "after": now.status,
            "position": after.position,
        }
