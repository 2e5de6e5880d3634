"""Rebuilds one read model beside the live one: builds, compares, and exchanges the tables."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg

from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_codec import EventCodec, EventUnreadable
from infrastructure.event_log.reader import EventReader
from infrastructure.report_store.read_ahead import ReadAhead
from infrastructure.report_store.rebuilt_tables import (
    RebuiltTables,
    connection_to,
    rebuilt_tables,
)
from infrastructure.report_store.stored_events import StoredEvents
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, Failure
from interfaces.rebuilding.comparison import compare
from interfaces.replay.findings import Findings
from projections.checkpoints import Checkpoint, Superseded
from projections.contract import Projection
from projections.rebuild import Build, stands_in
from projections.sources import Store

NEAR = 5_000
"""How many events may be applied while the projector waits: some tenths of a second."""

CLAIM_SECONDS = 2.0
"""How long a rebuild that was just killed may still hold its claim."""

PATIENCE_SECONDS = 300.0
LOCK_SECONDS = (0.2, 0.2, 0.2, 1.2)
"""How long each attempt waits for the tables, and queries behind it; the longest makes a vacuum
give way, and is still shorter than a query waits."""

_CLAIMED = (
    "The read model {name} is being rebuilt already: wait until that has ended; ./falcon status"
    " shows the state rebuilding as long as it lasts."
)
Progress = Callable[[str, int, int], object]
"""Told what is being done, how far it is, and how far it will go."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to; `began_at` is above 0 where another one was cut off there."""

    projection: str
    version: int
    began_at: int
    compared_at: int
    position: int
    attempts: int
    findings: Findings
    build_seconds: float
    compare_seconds: float
    switch_seconds: float

    @property
    def switched(self) -> bool:
        """Whether the new rows are the live ones now."""
        return not self.findings.count


def rebuild(
    settings: Settings,
    secrets: Secrets,
    projection: Projection,
    progress: Progress,
    limit: int = 20_000,
) -> Rebuilt:
    """Build a read model anew while the live one serves, and exchange them if it is right.

    `limit` is how many events are committed at a time, which is what may have to be done again.
    Raises `Failure` where it cannot be done now; what has been built stays and is gone on from.
    """
    try:
        return _rebuild(settings, secrets, projection, progress, limit)
    except EventUnreadable as fault:
        raise Failure(
            f"{projection.name} cannot be rebuilt: {fault} ./falcon replay verify names the place.",
            CHECK_FAILED,
        ) from None
    except Superseded:
        # The claim went with its connection, and somebody else has it now.
        raise Failure(_CLAIMED.format(name=projection.name), DEPENDENCY_MISSING) from None
    except psycopg.errors.DiskFull:
        raise Failure(
            f"The database server's disk is full: make room, then rebuild {projection.name} again,"
            " which goes on from what has been built, or drop that by ./falcon replay drop.",
            DEPENDENCY_MISSING,
        ) from None


def _rebuild(
    settings: Settings,
    secrets: Secrets,
    projection: Projection,
    progress: Progress,
    limit: int,
) -> Rebuilt:
    with (
        rebuilt_tables(settings, secrets, projection) as tables,
        _event_store(settings, secrets) as store,
    ):
        _claim(tables, projection)
        live = _sound(tables, projection, store)
        began = time.monotonic()
        with _build(settings, secrets, projection, tables, store, live, limit) as (schema, build):
            began_at = build.position
            for position in build.advance_to(live.position):
                progress("building", position, live.position)
            progress("indexing", live.position, live.position)
            tables.complete()
            built, compared_at = time.monotonic(), build.position

            def compared_up_to(position: int, last: int) -> None:
                progress("comparing", position, last)

            place = (schema, compared_at)
            findings = compare(settings, secrets, projection.name, *place, compared_up_to)
            compared, attempts = time.monotonic(), 0
            if findings.first is not None:
                build.condemn(findings.first.sentence())
            else:
                attempts = _exchange(tables, projection, build, store, progress)
            return Rebuilt(
                projection=projection.name,
                version=projection.version,
                began_at=began_at,
                compared_at=compared_at,
                position=build.position,
                attempts=attempts,
                findings=findings,
                build_seconds=built - began,
                compare_seconds=compared - built,
                switch_seconds=time.monotonic() - compared,
            )


@contextmanager
def _event_store(settings: Settings, secrets: Secrets) -> Iterator[Store]:
    login = conninfo(settings, secrets, "projector", "ledger", application="rebuild")
    with psycopg.connect(login, autocommit=True) as ledger:
        check(ledger, settings, "ledger")
        with closing(ReadAhead(StoredEvents(EventReader(ledger), EventCodec()))) as store:
            yield store


def _claim(tables: RebuiltTables, projection: Projection) -> None:
    deadline = time.monotonic() + CLAIM_SECONDS
    while not tables.claim():
        if time.monotonic() >= deadline:
            raise Failure(_CLAIMED.format(name=projection.name), DEPENDENCY_MISSING)
        time.sleep(0.1)


def _sound(tables: RebuiltTables, projection: Projection, store: Store) -> Checkpoint:
    """Return where the live rows stand; raises `Failure` where nothing may be built beside them."""
    live = tables.live(store.store_id(), store.epoch())
    if live.version > projection.version:
        raise Failure(
            f"The read model {projection.name} was written by a newer version: start that version"
            " or a later one.",
            CHECK_FAILED,
        )
    if not stands_in(live, store):
        raise Failure(
            f"The read model {projection.name} stands at position {live.position}, where the store"
            " has another past or none: bring the newer store, or let this one stand by"
            " ./falcon recover, which builds all read models anew.",
            CHECK_FAILED,
        )
    return live


@contextmanager
def _build(
    settings: Settings,
    secrets: Secrets,
    projection: Projection,
    tables: RebuiltTables,
    store: Store,
    live: Checkpoint,
    limit: int,
) -> Iterator[tuple[str, Build]]:
    """Give what was begun before, where it may be gone on from, else new and empty tables."""
    for afresh in (False, True):
        schema = tables.begin(afresh=afresh)
        with connection_to(settings, secrets, schema) as connection:
            build = Build(projection, connection, store, limit)
            if build.may_go_on() and build.position <= live.position:
                yield schema, build
                return
    raise AssertionError("tables just made are empty, and may be gone on from")


def _exchange(
    tables: RebuiltTables, projection: Projection, build: Build, store: Store, progress: Progress
) -> int:
    """Exchange the tables as soon as nobody is in the way; return how many attempts it took."""

    def follow(position: int) -> bool:
        if not 0 <= position - build.position <= NEAR:
            return False
        for _ in build.advance_to(position):
            pass
        return True

    deadline = time.monotonic() + PATIENCE_SECONDS
    attempts = 0
    while True:
        live = _sound(tables, projection, store)
        for position in build.advance_to(live.position):
            progress("catching up", position, live.position)
        progress("switching", live.position, live.position)
        lock_seconds = LOCK_SECONDS[attempts % len(LOCK_SECONDS)]
        attempts += 1
        if tables.exchange(follow, lock_seconds):
            return attempts
        if live.position < build.position:
            raise Failure(
                f"The read model {projection.name} has begun anew meanwhile: rebuild it again.",
                CHECK_FAILED,
            )
        if time.monotonic() >= deadline:
            raise Failure(
                f"Somebody reads {projection.name} or writes a long transaction and does not end:"
                " end that and rebuild again, which goes on from what has been built.",
                DEPENDENCY_MISSING,
            )
        time.sleep(min(1.0, 0.05 * attempts))
