"""Carries notes of what operators do into a ledger, as the role `payments` does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from infrastructure.operation_notes import Notes
from interfaces.workers.operations_job import Operations
from tests.servers import FreshDatabases
from tests.written import Written


@contextmanager
def carrying(databases: FreshDatabases) -> Iterator[None]:
    """Carry notes into the ledger all the time, as a worker does."""
    settings = databases.settings
    writer = Written(settings, databases.secrets)
    job = Operations(writer.ledger.execute, Notes(settings), settings.ledger)
    over = threading.Event()

    def carry() -> None:
        while not over.wait(0.05):
            job.run_once(datetime.now(UTC))

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        writer.store.close()
