"""Compares rows that were built anew with a fold of the events that shares no code with theirs."""

from collections.abc import Callable

from psycopg import sql

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.replay.findings import Findings
from interfaces.replay.order import OrderCheck
from interfaces.replay.read_models import ReadModels
from interfaces.replay.snapshot import snapshot
from interfaces.replay.stored import Reader, chunks
from interfaces.replay.verify import IN_ORDER, fold, last_events
from interfaces.replay.wallets import Wallets


def compare(
    settings: Settings,
    secrets: Secrets,
    name: str,
    schema: str,
    position: int,
    progress: Callable[[int, int], object],
) -> Findings:
    """Return in what the read model in a schema, built up to a position, is not as events say.

    What is wrong with the events themselves is not the read model's, and `replay verify` tells it.
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
        wallets, order, reader = Wallets(of_events), OrderCheck(of_events), Reader()
        for rows in chunks(ledger, "events", IN_ORDER, position):
            lasts = last_events(ledger, rows, models.until)
            fold(rows, lasts, reader, order, wallets, models, of_events)
            progress(rows[-1][0], position)
        models.before(position + 1, wallets, order)
        models.end()
    return findings
