"""Trial balance: which wallets count at which position; their balances are the entries'."""

from collections.abc import Sequence

from domain.events import WalletOpened
from projections.contract import Applied, Cursor, Projection

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
