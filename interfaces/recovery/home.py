"""Holds a home still for a restore: nothing of it runs but the database server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.server import LOOPBACK, wait_until_ready
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings, read_settings
from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure
from interfaces.supervisor.database_place import DatabasePlace, choose_place, keep_place
from interfaces.supervisor.home import HomeLock, open_home
from interfaces.supervisor.leftovers import clear_leftovers
from interfaces.supervisor.ports import check_database

READY_SECONDS = 90.0
STOP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class StillHome:
    """A home with its database server: the owner's login, and where roles' logins find it."""

    admin: str
    settings: Settings
    secrets: Secrets


@contextmanager
def still_home(url: str | None) -> Iterator[StillHome]:
    """Give the home while no other command can start it; its own server ends afterwards.

    Raises `Failure`, `StartRefused` and `ServerUnavailable`.
    """
    home = read_settings().home
    open_home(home)
    lock = HomeLock(home)
    if not lock.take():
        raise Failure(
            f"FalconPay runs in {home}: stop it by ./falcon down, then try again.",
            DEPENDENCY_MISSING,
        )
    try:
        clear_leftovers(home)
        settings = read_settings()
        place = choose_place(home, url)
        if place is None:
            with _own_server(settings) as still:
                yield still
        else:
            yield _given_server(settings, place, url)
            keep_place(home, place)
    finally:
        lock.release()


@contextmanager
def _own_server(settings: Settings) -> Iterator[StillHome]:
    secrets = Secrets(settings.home)
    server = Postgres(settings.home, secrets, archive=settings.wal_archive)
    server.prepare()
    server.start()
    try:
        wait_until_ready(server, READY_SECONDS)
        found = replace(settings, database_host=LOOPBACK, database_port=server.port())
        yield StillHome(server.admin_conninfo(), found, secrets)
    finally:
        server.stop(STOP_SECONDS)


def _given_server(settings: Settings, place: DatabasePlace, url: str | None) -> StillHome:
    if url is None:
        raise Failure(
            f"The home {settings.home} keeps its books on a database server of yours: name it by"
            " --database URL, with the login that ./falcon up was given.",
            WRONG_USAGE,
        )
    check_database(place.host, place.port)
    # The roles' logins, by which the restored books are read, use the same TLS.
    os.environ.update(place.tls)
    found = replace(settings, database_host=place.host, database_port=place.port)
    return StillHome(url, found, Secrets(settings.home))
