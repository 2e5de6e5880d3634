"""Looks again and again how far the read models are, from outside, while a campaign runs."""

import json
import time
from pathlib import Path

import psycopg

from tests.faults.tables import reports_of
from tests.faults.watcher import Watcher

EVERY_SECONDS = 0.25


class Progress(Watcher):
    """A thread that writes the lowest checkpoint down, with the time, as long as it can be read."""

    def __init__(self, database_url: str, path: Path) -> None:
        """Begin at once; `database_url` is that of the reading login."""
        self._url = f"{reports_of(database_url)} connect_timeout=2"
        self._path = path
        super().__init__()

    def _run(self) -> None:
        with self._path.open("a", buffering=1) as file:
            while not self._stop.wait(EVERY_SECONDS):
                try:
                    with psycopg.connect(self._url, autocommit=True) as connection:
                        while not self._stop.wait(EVERY_SECONDS):
                            row = connection.execute(
                                "SELECT coalesce(min(position), 0) FROM reports_main.checkpoint"
                            ).fetchone()
                            lowest = row[0] if row else 0
                            file.write(json.dumps({"at": time.time(), "lowest": lowest}) + "\n")
                except psycopg.Error:
                    continue
