"""Payment requests: what was asked for, of whom, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from domain.payment_request_events import PaymentRequestCreated, PaymentRequestEvent
from projections.contract import Applied, Cursor, Projection, Snapshot
from projections.rows import Row, Rows

MADE = Rows(
    "payment_requests",
    {
        "bigint": "position amount",
        "timestamptz": "recorded_at expires_at",
        "text": "request_id wallet_id requested_by payer currency status description",
    },
)
GO_ON = """
    UPDATE payment_requests SET status = %s, payment_id = %s, ended_by = %s
    WHERE request_id = %s"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add a row for each request that is made, then follow those that end."""
    made: list[Row] = []
    ended: list[Row] = []
    for applied in events:
        event = applied.event
        if isinstance(event, PaymentRequestCreated):
            made.append(_made(applied, event))
        elif isinstance(event, PaymentRequestEvent):
            standing = event.standing
            ended.append((standing.status, standing.payment_id, standing.by, applied.stream_id))
    MADE.add(cursor, made)
    if ended:
        cursor.executemany(GO_ON, ended)


def _made(applied: Applied, event: PaymentRequestCreated) -> Row:
    return (
        applied.position,
        event.amount,
        applied.recorded_at,
        event.expires_at,
        applied.stream_id,
        event.wallet_id,
        event.requested_by,
        event.payer,
        event.currency,
        event.standing.status,
        event.description,
    )


PAYMENT_REQUESTS = Projection("payment_requests", 1, ("payment_requests",), apply)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as it stands now, its amount in minor units.

    `status` is `expired` where its time has passed; `told` says that whoever asks may know of the
    payment: the payee's side, and who made it.
    """

    request_id: str
    position: int
    amount: int
    recorded_at: datetime
    expires_at: datetime
    wallet_id: str
    payer: str | None
    currency: str
    status: str
    payment_id: str | None
    description: str | None
    told: bool


STATUS = sql.SQL("""CASE WHEN r.status = 'open' AND r.expires_at <= clock_timestamp()
        THEN 'expired' ELSE r.status END""")
MINE = sql.SQL("r.wallet_id IN (SELECT wallet_id FROM members WHERE user_id = %(user)s)")
COLUMNS = sql.SQL("""r.request_id, r.position, r.amount, r.recorded_at, r.expires_at, r.wallet_id,
    r.payer, r.currency, {status} AS status, r.payment_id, r.description,
    %(sees_all)s OR r.ended_by = %(user)s OR {mine} AS told""").format(status=STATUS, mine=MINE)
FIND = sql.SQL("""
    SELECT {columns} FROM payment_requests r WHERE r.request_id = %(request_id)s
        AND (%(sees_all)s OR r.payer IS NULL OR r.payer = %(user)s OR {mine})""").format(
    columns=COLUMNS, mine=MINE
)
WANTED = sql.SQL("""r.position < %(before)s
    AND (%(status)s::text IS NULL OR {status} = %(status)s)""").format(status=STATUS)
LIST_ALL = sql.SQL("""
    SELECT {columns} FROM payment_requests r WHERE {wanted}
    ORDER BY r.position DESC LIMIT %(limit)s""").format(columns=COLUMNS, wanted=WANTED)
# One short walk down an index for each wallet, and one along what is meant for the user; what is
# found in two ways counts once.
LIST_OWN = sql.SQL("""
    WITH found AS (
        SELECT own.position FROM members m CROSS JOIN LATERAL (
            SELECT r.position FROM payment_requests r
            WHERE r.wallet_id = m.wallet_id AND {wanted}
            ORDER BY r.position DESC LIMIT %(limit)s) AS own
        WHERE m.user_id = %(user)s
        UNION
        (SELECT r.position FROM payment_requests r
            WHERE r.payer = %(user)s AND {wanted}
            ORDER BY r.position DESC LIMIT %(limit)s)),
    newest AS (SELECT position FROM found ORDER BY position DESC LIMIT %(limit)s)
    SELECT {columns} FROM newest JOIN payment_requests r USING (position)
    ORDER BY r.position DESC""").format(columns=COLUMNS, wanted=WANTED)


async def find_request(
    snapshot: Snapshot, request_id: str, user: str, *, sees_all: bool
) -> RequestRow | None:
    """Return a request, unless it is meant for somebody else than the user.

    Whose the wallets are is the members' to know, so a snapshot must have those as far.
    """
    asked = {"request_id": request_id, "user": user, "sees_all": sees_all}
    async with snapshot.cursor(row_factory=class_row(RequestRow)) as cursor:
        await cursor.execute(FIND, asked)
        return await cursor.fetchone()


async def list_requests(
    snapshot: Snapshot,
    user: str,
    *,
    sees_all: bool,
    status: str | None,
    before: int,
    limit: int,
) -> list[RequestRow]:
    """Return requests into the user's wallets and those meant for them, the newest first."""
    asked = {"user": user, "sees_all": sees_all, "status": status}
    async with snapshot.cursor(row_factory=class_row(RequestRow)) as cursor:
        chosen = LIST_ALL if sees_all else LIST_OWN
        await cursor.execute(chosen, {**asked, "before": before, "limit": limit})
        return await cursor.fetchall()
