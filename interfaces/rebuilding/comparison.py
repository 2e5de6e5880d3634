"""Compares rows that were built anew with a fold of the events that shares no code with theirs."""

from collections.abc import Callable, Mapping, Sequence

from psycopg import sql

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.in_order import EVERY, WALLETS, events_between
from interfaces.replay.order import OrderCheck
from interfaces.replay.read_models import ReadModels
from interfaces.replay.snapshot import snapshot
from interfaces.replay.stored import Reader, Unreadable, stream_name
from interfaces.replay.verify import last_events, read_row
from interfaces.replay.wallets import Wallets

PAYMENTS = "payment.%"
ASKED_OF: Mapping[str, Sequence[str]] = {
    "balances": (WALLETS,),
    "members": (WALLETS,),
    "trial_balance": (WALLETS,),
    "value_dates": (WALLETS,),
    "entries": (WALLETS, PAYMENTS),
    "payments": (PAYMENTS,),
    "daily_totals": (PAYMENTS,),
    "declines": (PAYMENTS,),
    "payment_requests": ("payment_request.%",),
    "schedules": ("schedule.%",),
}
"""Which types of events tell all that a read model holds, where it is not every type."""


def compare(
    settings: Settings,
    secrets: Secrets,
    name: str,
    schema: str,
    position: int,
    progress: Callable[[int, int], object],
) -> Findings:
    """Return in what the read model in a schema, built up to a position, is not as events say.

    What is wrong with the events themselves is not the read model's, and `replay verify` tells it;
    but rows of events that cannot be read are confirmed by nothing.
    """
    findings, of_events = Findings(), Findings()
    with (
        snapshot(settings, secrets, "ledger") as ledger,
        snapshot(settings, secrets, "reports") as reports,
    ):
        reports.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema)))
        ((store,),) = ledger.execute("SELECT id FROM store")
        models = ReadModels(reports, findings, (name,))
        models.begin(store, position)
        wallets, reader = Wallets(of_events), Reader()
        asked_of = ASKED_OF.get(name, (EVERY,))
        for rows in events_between(ledger, 1, position, asked_of):
            lasts = last_events(ledger, rows, models.until)
            for row in rows:
                event = read_row(reader, row)
                if isinstance(event, Unreadable):
                    of_row = (stream_name(row[3], row[1]), event.column, "what its type says")
                    findings.add(Difference(row[0], "events", *of_row, event))
                    continue
                last = lasts.get(event.stream) if event.version == 1 else None
                ended = None if last is None else read_row(reader, last)
                models.add(event, wallets.add(event), ended)
            progress(rows[-1][0], position)
        models.before(position + 1, wallets, OrderCheck(of_events))
        models.end()
    return findings
