"""Whoever reads the log reads it as before when all movements that were sealed have been moved."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent

from domain.identifiers import StreamId, bits, encode
from domain.instants import instant, moment
from domain.recorded import RecordedEvent
from infrastructure.databases.logins import conninfo
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.library import ReadOnlyRecorder
from infrastructure.event_log.reader import EventReader
from interfaces.replay.positions import first_at, last_at, whole, widened
from projections.catalogue import CATALOGUE
from tests import requested, scheduled, servers
from tests.altered_book import REPORT_TABLES
from tests.backups import some_book
from tests.books import falcon, falcon_json, project
from tests.every_payment import write_every_payment
from tests.fan_out import FanOut
from tests.moved_ledger import move
from tests.rebuilds import fingerprints, rebuilt, wrong_rows
from tests.sealed_ledger import SealedLedger, seal_now
from tests.servers import FreshDatabases, PostgresHome
from tests.tampered_book import pay_more
from tests.written import Written

Read = Callable[[FreshDatabases, int], Any]
NAMES = [each.name for each in CATALOGUE]
EXPORTS = (
    ("jsonl", 1, None),
    ("jsonl", 100, 180),
    ("parquet", 1, None),
    ("hledger", 1, None),
    ("hledger", 120, None),
    ("beancount", 5, 170),
)
"""In which forms a book is written, from where to where; by default to its end."""


def every_event(databases: FreshDatabases, head: int) -> list[RecordedEvent]:
    with databases.connect("reader") as connection:
        return [e for e in EventReader(connection).all(chunk=7) if e.position <= head]


def some_events(databases: FreshDatabases, head: int) -> list[Any]:
    """Begin at every position."""
    with databases.connect("reader") as connection:
        reader = EventReader(connection)
        return [
            [event for event in reader.after(position, limit) if event.position <= head]
            for position in range(head)
            for limit in (1, 2, 7, 60, 10_000 if position % 50 == 0 else 3)
        ]


def every_stream(databases: FreshDatabases, head: int) -> list[Any]:
    """In the order of their beginnings."""
    names = dict.fromkeys(event.stream_id for event in every_event(databases, head))
    with databases.connect("reader") as connection:
        return [EventReader(connection).stream(StreamId(name)) for name in names]


def every_place(databases: FreshDatabases, head: int) -> list[Any]:
    """By times and positions, as people give them."""
    times = sorted({moment(event.recorded_at) for event in every_event(databases, head)})
    codec, found = EventCodec(), list[Any]()
    with databases.connect("reader") as connection:
        reader = EventReader(connection)
        for time in times:
            for around in (-1, 0, 1):
                at = instant(time + timedelta(microseconds=around))
                found.append((reader.position_at(at), last_at(reader, at)))
                found.append(first_at(connection, at))
        for position in range(head + 1):
            found.append((last_at(reader, position), first_at(connection, position)))
            found.append(whole(reader, position, codec))
            last = max(1, min(position + position % 11, head))
            found.append(widened(reader, min(position, last), last, codec))
    return found


def every_read_model(databases: FreshDatabases, head: int) -> dict[str, str]:
    """Build them from nothing."""
    with databases.connect_admin("reports") as reports:
        for table in REPORT_TABLES:
            reports.execute(f"DELETE FROM reports_main.{table}".encode())
    project(databases, until=head)
    return fingerprints(databases)


def every_export(databases: FreshDatabases, head: int) -> list[Any]:
    return [exported(databases, form, first, last or head) for form, first, last in EXPORTS]


def exported(databases: FreshDatabases, form: str, first: int, last: int) -> Mapping[str, bytes]:
    """Return the files that an export writes."""
    file = databases.settings.home.parent / f"{form}-book"
    words = ("--format", form, "--from", first, "--to", last, "--force", file)
    done = falcon(databases, "export", *words)
    assert done.returncode == 0, done.stderr
    if form == "jsonl":
        assert falcon_json(databases, "proof", "check", file)["proven"] == last - first + 1
    files = sorted(file.rglob("*.parquet")) if file.is_dir() else [file]
    assert files
    return {str(each.relative_to(file)): each.read_bytes() for each in files}


READS: tuple[Read, ...] = (
    *(every_event, some_events, every_stream, every_place),
    *(every_read_model, every_export),
)


@dataclass(frozen=True)
class Moved:
    """A ledger whose sealed movements have all left, and what was read of it before."""

    databases: FreshDatabases
    head: int
    before: Mapping[Read, Any]


@pytest.fixture(scope="module")
def moved(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    folder = tmp_path_factory.mktemp("moved")
    databases = servers.fresh_databases(postgres, folder / "home")
    names = write_every_payment(databases)
    writer = FanOut(databases).writer(seed=6)
    for prefix, event in (("prq", requested.created()), ("sch", scheduled.created())):
        writer.command([(StreamId(encode(prefix, writer.new_bits())), event)])
    writer.flush()
    pay_more(databases, names, 1_000, 45)
    head = seal_now(databases)
    before = {read: read(databases, head) for read in READS}
    assert move(databases, folder / "archive")["moved"] > 150
    yield Moved(databases, head, before)
    databases.drop()


@pytest.mark.parametrize("read", READS, ids=lambda read: read.__name__)
def test_what_is_read_is_what_was(moved: Moved, read: Read) -> None:
    found, before = read(moved.databases, moved.head), moved.before[read]
    assert found == before


def test_read_models_are_rebuilt(moved: Moved) -> None:
    """Each of them equals a fold of all events, and serves."""
    project(moved.databases)
    rows = fingerprints(moved.databases)
    for name in NAMES:
        found = rebuilt(moved.databases, name)
        assert (found.switched, found.findings.kept) == (True, [])
    told = falcon_json(moved.databases, "replay", "rebuild", "value_dates")
    assert (told["switched"], told["differences"], told["began_at"]) == (True, 0, 0)
    assert fingerprints(moved.databases) == rows
    assert wrong_rows(moved.databases) == []


@pytest.fixture
def recorder(moved: Moved) -> ApplicationRecorder:
    """Return what the `eventsourcing` library reads by, in the role of an auditor."""
    databases = moved.databases
    return ReadOnlyRecorder(conninfo(databases.settings, databases.secrets, "audit", "ledger"))


def test_the_library_selects_of_streams_what_it_did(
    moved: Moved, recorder: ApplicationRecorder
) -> None:
    """Whatever is asked for, it is what a fold of the list of all events says."""
    events, draw = moved.before[every_event], random.Random(5)
    streams = sorted({bits(event.stream_id) for event in events})
    wallets = sorted({bits(event.stream_id) for event in events if event.version > 3})
    for _ in range(200):
        stream, desc = draw.choice(draw.choice((streams, wallets))), draw.random() < 0.5
        gt = draw.choice((None, *range(9), 40))
        lte = draw.choice((None, None, *range(1, 12), 40, 200))
        limit = draw.choice((None, 1, 2, 3, 10, 1_000))
        found = [
            StoredEvent(stream, event.version, event.type, event.data)
            for event in sorted(events, key=lambda event: event.version, reverse=desc)
            if bits(event.stream_id) == stream
            and (gt or 0) < event.version <= (10**9 if lte is None else lte)
        ][:limit]
        asked = {"gt": gt, "lte": lte, "desc": desc, "limit": limit}
        assert recorder.select_events(stream, **asked) == found, asked


def notifications(events: list[RecordedEvent]) -> list[Notification]:
    return [Notification(bits(e.stream_id), e.version, e.type, e.data, e.position) for e in events]


def test_the_library_selects_notifications_as_it_did(
    moved: Moved, recorder: ApplicationRecorder
) -> None:
    """Between any two positions, of any types, however few are taken."""
    every = notifications(every_event(moved.databases, 10**9))
    draw, last = random.Random(7), every[-1].id
    types = sorted({each.topic for each in every})
    for _ in range(400):
        start = draw.choice((None, 0, draw.randint(1, last), last, last + 3))
        near = (start or 0) + draw.randint(0, 8)
        stop = draw.choice((None, near, draw.randint(0, last + 3)))
        limit, inclusive = draw.choice((0, 1, 2, 3, 10, 1_000)), draw.random() < 0.5
        topics = draw.sample(types, draw.choice((0, 0, 1, 2, 5)))
        first = (start or 0) + (not inclusive)
        found = [
            each
            for each in every
            if first <= each.id <= (last if stop is None else stop)
            and (not topics or each.topic in topics)
        ][:limit]
        asked = (start, limit, stop, topics)
        given = recorder.select_notifications(*asked, inclusive_of_start=inclusive)
        assert given == found, (asked, inclusive)


@pytest.mark.parametrize("topics", [(), ("wallet.credited.v1", "wallet.opened.v1")])
def test_a_subscription_goes_on(
    moved: Moved, recorder: ApplicationRecorder, topics: tuple[str, ...]
) -> None:
    """Over what was moved, and with what is recorded behind it."""
    known = notifications(every_event(moved.databases, 10**9))
    known = [each for each in known if not topics or each.topic in topics]
    with recorder.subscribe(gt=0, topics=topics) as subscription:
        assert [next(subscription) for _ in known] == known
        writer = Written(moved.databases.settings, moved.databases.secrets)
        wallet = writer.open()
        writer.close()
        following = next(subscription)
    assert (following.topic, following.originator_id) == ("wallet.opened.v1", bits(wallet))


@pytest.mark.parametrize("transfers", [20, 110])
def test_the_sealer_goes_on_without_the_archive(
    databases: FreshDatabases, writer: Written, tmp_path: Path, transfers: int
) -> None:
    """Over a tile of which a part was moved, the first or a later one; the old seal still holds."""
    store, away = tmp_path / "archive", tmp_path / "away"
    some_book(writer, transfers)
    writer.open()
    size = seal_now(databases)
    assert (size > 256) == (transfers > 100)
    assert size % 256 > 20
    project(databases)
    assert move(databases, store)["moved"] == 2 * transfers
    store.rename(away)
    for _ in range(2):
        some_book(writer, 100)
        size = seal_now(databases, most=100)
    done = falcon(databases, "replay", "verify")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr
    away.rename(store)
    SealedLedger(databases).assert_sealed()
    project(databases)
    told = falcon_json(databases, "replay", "verify")
    assert told["findings"] == []
    assert told["sealed_up_to"] == size > 600
