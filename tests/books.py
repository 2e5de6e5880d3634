"""Runs the command line against a test's databases, and brings its read models to the head."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from infrastructure.report_store.stored_events import StoredEvents, StoreSource
from interfaces.replay.snapshot import snapshot
from interfaces.replay.verify import Verification, verify
from projections.catalogue import CATALOGUE
from projections.worker import Worker
from tests.bank_file import BankFile
from tests.servers import FreshDatabases

ROOT = Path(__file__).parents[1]
INTERRUPTED = (130, -signal.SIGINT)
"""How a command ends by Ctrl-C; a shell calls both 130.

Python ends itself by the signal, whatever the program does, where it came while an import made a
class by `exec`.
"""


def falcon_command(*words: object) -> list[str]:
    """Return how a command is started in a process of its own."""
    return [sys.executable, "-m", "interfaces.cli", *map(str, words)]


def falcon(
    databases: FreshDatabases, *words: object, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with some settings in its environment."""
    return subprocess.run(
        falcon_command(*words),
        cwd=ROOT,
        env={**databases.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def falcon_json(databases: FreshDatabases, *words: object) -> dict[str, Any]:
    """Run a command that ends well and return what it prints for programs."""
    done = falcon(databases, *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def project(databases: FreshDatabases, until: int | None = None) -> None:
    """Feed all read models from the event store up to its head, or to about a position."""
    with (
        databases.connect("projector", "reports") as reports,
        databases.connect("projector", "ledger") as ledger,
    ):
        store = StoredEvents(EventReader(ledger), EventCodec())
        limit = 5_000 if until is None else until
        worker = Worker(CATALOGUE, reports, store, StoreSource(store), limit=limit)
        worker.begin()
        while worker.step(0.01):
            if until is not None:
                return


def replay(databases: FreshDatabases) -> Verification:
    """Replay the ledger in this process."""
    with (
        snapshot(databases.settings, databases.secrets, "ledger") as ledger,
        snapshot(databases.settings, databases.secrets, "reports") as reports,
    ):
        return verify(ledger, reports, lambda _position, _last: None)


def balances_of(databases: FreshDatabases) -> dict[str, int]:
    """Return each account's balance by its reference, as the events' openings name them."""
    with databases.connect("reader") as connection:
        rows = connection.execute(
            "SELECT convert_from(e.state, 'UTF8')::json->>'reference', h.posted"
            " FROM wallet_head h JOIN events e ON e.originator_id = h.id"
            " WHERE e.topic = 'wallet.opened.v1' AND h.kind = 'personal'"
        ).fetchall()
    return {str(reference): int(posted) for reference, posted in rows}


def events_of(databases: FreshDatabases) -> int:
    with databases.connect("reader") as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchall()[0][0])


def assert_imported(databases: FreshDatabases, file: BankFile, rows: int) -> None:
    """Every row is in once: three events each, one a wallet, and the file's own balances."""
    with databases.connect("reader") as connection:
        ((wallets,),) = connection.execute("SELECT count(*) FROM wallet_head").fetchall()
    assert events_of(databases) == 3 * rows + wallets
    assert balances_of(databases) == file.balances
    found = replay(databases).findings
    assert found.first is None or found.first.where not in ("events", "wallet_head")
