"""Stops a home: by its supervisor where one runs, else what a killed one left behind."""

import contextlib
import signal
import time
from collections.abc import Collection, Iterator

from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.server import EmbeddedServer, ServerUnavailable
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.supervisor.failure import StartRefused
from interfaces.supervisor.home import HomeLock
from interfaces.supervisor.leftovers import clear_leftovers
from interfaces.supervisor.plan import gateway_of
from interfaces.supervisor.processes import ProcessMark, lives, send

PATIENCE_SECONDS = 60.0
SERVER_STOP_SECONDS = 15.0


def stop_home(settings: Settings) -> str:
    """Stop everything of a home and say what was done.

    Raises `StartRefused` when the supervisor does not end in time.
    """
    home = settings.home
    if not home.exists():
        return f"Nothing runs: there is no home {home}."
    lock = HomeLock(home)
    holder = lock.holder()
    if holder is not None:
        _stop_supervisor(holder)
        return f"Stopped FalconPay in {home}."
    if not lock.take():
        raise StartRefused(f"Another command works in {home} just now: try again in a moment.")
    try:
        left = clear_leftovers(home) + stop_servers(settings, ())
    finally:
        lock.release()
    if left:
        return f"Stopped what was left of FalconPay in {home}: {', '.join(left)}."
    return f"Nothing runs in {home}."


def stop_servers(settings: Settings, wanted: Collection[str]) -> list[str]:
    """Stop the running servers of a home but those wanted; return the names of the stopped."""
    stopped = []
    for server in _servers(settings):
        if server.name not in wanted and server.alive():
            server.stop(SERVER_STOP_SECONDS)
            stopped.append(server.name)
    return stopped


def _servers(settings: Settings) -> Iterator[EmbeddedServer]:
    """Give the servers in the order of a stop: those first which depend on others."""
    yield gateway_of(settings)
    yield Kafka(settings.home, settings.cache)
    with contextlib.suppress(ServerUnavailable):
        yield Postgres(settings.home, Secrets(settings.home))


def _stop_supervisor(holder: ProcessMark) -> None:
    send(holder, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while lives(holder):
        if time.monotonic() > deadline:
            raise StartRefused(
                f"The supervisor (process {holder.pid}) has not ended after"
                f" {PATIENCE_SECONDS:.0f} s: see logs/up.jsonl in the home, then try again."
            )
        time.sleep(0.1)
