"""Trial balance: which wallets count at which position; their balances are the entries'."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg.rows import class_row

from domain.events import AccountClass, WalletOpened
from projections.contract import Applied, Cursor, Projection, Snapshot

ADD = """
    INSERT INTO trial_balance (opened_position, wallet_id, currency)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add the wallets that were opened."""
    opened = [
        (applied.position, applied.stream_id, applied.event.currency)
        for applied in events
        if isinstance(applied.event, WalletOpened)
    ]
    if opened:
        cursor.execute(ADD, [list(column) for column in zip(*opened, strict=True)])


TRIAL_BALANCE = Projection("trial_balance", 1, ("trial_balance",), apply)


@dataclass(frozen=True, slots=True)
class CurrencyRow:
    """What all wallets of a currency add up to, in minor units, none of them below zero."""

    currency: str
    wallets: int
    debits: Decimal
    credits: Decimal
    account_class: AccountClass | None = None


# The balances as they were are the entries'; each is one look-up in their index.
TOTALS = """
    SELECT t.currency, count(*) AS wallets,
        coalesce(sum(-e.posted_after) FILTER (WHERE e.posted_after < 0), 0) AS debits,
        coalesce(sum(e.posted_after) FILTER (WHERE e.posted_after > 0), 0) AS credits,
        {chosen} AS account_class
    FROM trial_balance t {joined} LEFT JOIN LATERAL (
        SELECT posted_after FROM entries
        WHERE entries.wallet_id = t.wallet_id AND entries.position <= %(position)s
        ORDER BY entries.position DESC LIMIT 1) AS e ON true
    WHERE t.opened_position <= %(position)s
    GROUP BY t.currency, {chosen} ORDER BY t.currency, {chosen}"""
SUM_UP = TOTALS.format(chosen="NULL::text", joined="")
# A wallet keeps the class that it was opened with.
SUM_UP_BY_CLASS = TOTALS.format(
    chosen="b.account_class", joined="JOIN balances b USING (wallet_id)"
)

PATIENCE = "SET LOCAL statement_timeout = '10s'"


async def sum_up(snapshot: Snapshot, position: int, *, by_class: bool = False) -> list[CurrencyRow]:
    """Return the sums over the wallets opened by a position, as they stood there.

    It reads the entries too, by class the balances as well, so a snapshot must have them as far as
    that. A million wallets take some seconds, which is longer than other queries may.
    """
    await snapshot.execute(PATIENCE)
    async with snapshot.cursor(row_factory=class_row(CurrencyRow)) as cursor:
        await cursor.execute(SUM_UP_BY_CLASS if by_class else SUM_UP, {"position": position})
        return await cursor.fetchall()
