"""Daily totals: what completed and what was declined, per day, currency and kind of payment."""

from collections.abc import Sequence

from domain.events import PaymentCompleted, PaymentDeclined
from projections.contract import Applied, Cursor, Projection

ADD = """
    INSERT INTO daily_totals AS t (date, currency, kind, count, volume, declined)
    SELECT * FROM unnest(%s::date[], %s::text[], %s::text[],
        %s::bigint[], %s::numeric[], %s::bigint[])
    ON CONFLICT (date, currency, kind) DO UPDATE SET
        count = t.count + excluded.count,
        volume = t.volume + excluded.volume,
        declined = t.declined + excluded.declined"""


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add up by value date what completed, and by the day recorded what was declined (UTC)."""
    totals: dict[tuple[str, str, str], list[int]] = {}
    for applied in events:
        event = applied.event
        if isinstance(event, PaymentCompleted):
            key = (event.effective_at[:10], event.currency, event.kind)
            total = totals.setdefault(key, [0, 0, 0])
            total[0] += 1
            total[1] += event.amount
        elif isinstance(event, PaymentDeclined):
            key = (applied.recorded_at[:10], event.currency, event.kind)
            totals.setdefault(key, [0, 0, 0])[2] += 1
    if totals:
        columns = [list(column) for column in zip(*totals, strict=True)]
        sums = [list(column) for column in zip(*totals.values(), strict=True)]
        cursor.execute(ADD, [*columns, *sums])


DAILY_TOTALS = Projection("daily_totals", 1, ("daily_totals",), apply)
