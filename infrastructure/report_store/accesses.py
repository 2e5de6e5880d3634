"""Reads the log of reads by auditors, which is no read model: no event tells of them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from projections.contract import Snapshot

LIST = """
    SELECT number, accessed_at, sub, client_id, route, asked::text AS asked, status
    FROM access_log
    WHERE number < %(before)s
        AND (%(person)s::text IS NULL OR sub = %(person)s)
        AND (%(since)s::timestamptz IS NULL OR accessed_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR accessed_at < %(until)s)
    ORDER BY number DESC LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A read: who, when, by which client, on which route, for what as JSON, and its status."""

    number: int
    accessed_at: datetime
    sub: str
    client_id: str
    route: str
    asked: str
    status: int


async def list_accesses(
    snapshot: Snapshot,
    *,
    person: str | None,
    since: str | None,
    until: str | None,
    before: int,
    limit: int,
) -> list[AccessRow]:
    """Return reads written down before a number, the newest first; None asks for any."""
    asked = {"person": person, "since": since, "until": until, "before": before, "limit": limit}
    async with snapshot.cursor(row_factory=class_row(AccessRow)) as cursor:
        await cursor.execute(LIST, asked)
        return await cursor.fetchall()
