"""Entries: every movement of a wallet with the balance after it, the lines of statements."""

from collections.abc import Iterator, Sequence

from domain.events import PaymentCompleted, WalletCredited, WalletDebited
from projections.contract import Applied, Cursor, Projection

STANDINGS = """
    SELECT w.wallet_id, e.posted_after, e.held_after
    FROM unnest(%s::text[]) AS w (wallet_id)
    CROSS JOIN LATERAL (
        SELECT posted_after, held_after FROM entries
        WHERE entries.wallet_id = w.wallet_id ORDER BY entries.position DESC LIMIT 1) AS e"""
ADD = """
    COPY entries (position, version, amount, posted_after, held_after, recorded_at, effective_at,
        wallet_id, payment_id, counterparty, direction, currency, description) FROM STDIN"""

Movement = WalletDebited | WalletCredited


def apply(events: Sequence[Applied], cursor: Cursor) -> None:
    """Add an entry for each movement, beginning from the last entry of each wallet."""
    movements = [
        (applied, applied.event) for applied in events if isinstance(applied.event, Movement)
    ]
    if not movements:
        return
    # The payment's own event stands before its movements in the same command.
    descriptions = {
        str(applied.stream_id): applied.event.description
        for applied in events
        if isinstance(applied.event, PaymentCompleted)
    }
    wallets = list({applied.stream_id for applied, _ in movements})
    standings = {row[0]: (row[1], row[2]) for row in cursor.execute(STANDINGS, [wallets])}
    with cursor.copy(ADD) as copy:
        for row in _rows(movements, descriptions, standings):
            copy.write_row(row)


def _rows(
    movements: Sequence[tuple[Applied, Movement]],
    descriptions: dict[str, str | None],
    standings: dict[str, tuple[int, int]],
) -> Iterator[tuple[object, ...]]:
    for applied, event in movements:
        wallet = applied.stream_id
        posted, held = standings.get(wallet, (0, 0))
        credit = isinstance(event, WalletCredited)
        posted += event.amount if credit else -event.amount
        standings[wallet] = (posted, held)
        yield (
            applied.position,
            applied.version,
            event.amount,
            posted,
            held,
            applied.recorded_at,
            event.effective_at,
            wallet,
            event.payment_id,
            event.counterparty,
            "credit" if credit else "debit",
            event.currency,
            descriptions[event.payment_id],
        )


ENTRIES = Projection("entries", 1, ("entries",), apply)
