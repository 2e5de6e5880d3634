"""`replay diff` tells what is otherwise between two positions, as whoever adds up both would."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from domain.identifiers import WalletId, key_stream, wallet_id
from domain.recorded import RecordedEvent
from infrastructure.event_log.reader import EventReader
from tests import servers
from tests.books import falcon, falcon_json
from tests.events_writer import EventsWriter
from tests.naive_changes import NaiveBook, euros, naive_book, naive_changes, told
from tests.servers import FreshDatabases, PostgresHome

FIELDS = frozenset(told(None))


@pytest.fixture(scope="module")
def databases(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    """Give a ledger with a random book, in which wallets come and go between payments."""
    made = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    writer = EventsWriter(made.connect("command"), seed=random.randrange(2**32))
    wallets = [writer.open(kind="system") for _ in range(3)]
    for _ in range(12):
        wallets.append(writer.open(name=f"no. {len(wallets)}"))
        writer.member(wallets[-1], "usr_1", "spender")
        writer.busy(wallets, 8)
        payment = writer.hold(wallets[0], wallets[1], 700)
        if writer.random.random() < 0.5:
            writer.flush()
            writer.capture(payment, wallets[0], wallets[1], 700)
        writer.ask(wallets[0], wallets[2], 900, "usr_2")
        if writer.random.random() < 0.3:
            writer.remove(wallets[-1], "usr_1")
            writer.close(writer.open())
        writer.flush()
    yield made
    made.drop()


@pytest.fixture(scope="module")
def events(databases: FreshDatabases) -> list[RecordedEvent]:
    with databases.connect("audit") as connection:
        return list(EventReader(connection).all())


def assert_as_added_up(
    found: dict[str, Any], one: NaiveBook, other: NaiveBook, wallets: set[str] | None = None
) -> None:
    """Compare the wallets of a diff, or those chosen, and the sums where it is of all."""
    assert (found["from"], found["to"]) == (one.position, other.position)
    shown = {
        wallet["wallet_id"]: {k: v for k, v in wallet["fields"].items() if k in FIELDS}
        for wallet in found["wallets"]
    }
    expected = naive_changes(one, other)
    if wallets is not None:
        expected = {name: fields for name, fields in expected.items() if name in wallets}
    assert shown == expected
    for wallet in found["wallets"]:
        name = wallet["wallet_id"]
        assert wallet["opened"] is (name not in one.wallets)
        was_closed = one.wallets.get(name, {"closed": False})["closed"]
        assert wallet["closed"] is (other.wallets[name]["closed"] and not was_closed)
    if wallets is None and other.wallets:
        (total,) = found["totals"]
        assert total["moved"] == euros(other.credited - one.credited)
        for book, side in ((one, "before"), (other, "after")):
            above = sum(max(each["posted"], 0) for each in book.wallets.values())
            assert (total[side]["credits"], total[side]["sum"]) == (euros(above), "0.00")
            assert total[side]["wallets"] == len(book.wallets)


@pytest.mark.parametrize("run", range(5))
def test_it_is_what_two_folds_differ_in(
    databases: FreshDatabases, events: list[RecordedEvent], run: int
) -> None:
    """Wallets, payments and sums, from any position to any later one; no command is cut."""
    positions = random.Random(f"{len(events)} {run}").choices(range(len(events) + 1), k=2)
    first, last = sorted(positions) if run else (0, len(events))
    found = falcon_json(databases, "replay", "diff", first, last)
    one, other = naive_book(events, first), naive_book(events, last)
    assert_as_added_up(found, one, other)
    touched = {
        str(event.stream_id)
        for event in events[one.position : other.position]
        if event.type.startswith("payment.")
    }
    assert {each["payment_id"]: (each["before"], each["after"]) for each in found["payments"]} == {
        name: (one.payments.get(name), other.payments[name]) for name in touched
    }
    assert sum(each["count"] for each in found["payment_counts"]) == len(touched)


def test_one_wallet_alone(databases: FreshDatabases, events: list[RecordedEvent]) -> None:
    """Its changes, and the payments from and to it."""
    wallet = str(events[0].stream_id)
    found = falcon_json(databases, "replay", "diff", 0, len(events), "--wallet", wallet)
    assert_as_added_up(found, naive_book(events, 0), naive_book(events, len(events)), {wallet})
    shown = {each["payment_id"] for each in found["payments"]}
    concerned = {
        str(event.stream_id)
        for event in events
        if event.type.startswith("payment.")
        and event.version == 1
        and wallet.encode() in event.data
    }
    assert shown == concerned


def test_times_stand_for_positions(databases: FreshDatabases, events: list[RecordedEvent]) -> None:
    """The last position recorded by then; what lies in the future means the end."""
    middle = events[len(events) // 2]
    last = max(event.position for event in events if event.recorded_at <= middle.recorded_at)
    found = falcon_json(databases, "replay", "diff", middle.recorded_at, "2999-01-01T00:00:00Z")
    assert (found["from"], found["to"]) == (last, len(events))


def test_people_are_shown_what_is_most_of_it(
    databases: FreshDatabases, events: list[RecordedEvent]
) -> None:
    done = falcon(databases, "replay", "diff", 0, 10**9)
    assert done.returncode == 0
    assert f"{len(events)} events after position 0 and up to {len(events)}" in done.stdout
    assert "more payments: --json lists all." in done.stdout
    nothing = falcon(databases, "replay", "diff", 10**9, 10**9)
    assert (nothing.returncode, "0 events" in nothing.stdout) == (0, True)


NOBODY = wallet_id(key_stream("main", "tests", "nobody", "nothing"))


@pytest.mark.parametrize(
    ("words", "code", "reason"),
    [
        (("9", "3"), 2, "A is 9 and lies behind B, which is 3"),
        ((str(10**9), str(10**8)), 2, "lies behind B"),
        (("2999-01-01T00:00:00Z", "2998-01-01T00:00:00Z"), 2, "lies behind B"),
        (("2999-01-01T00:00:00Z", "3"), 2, "lies behind B"),
        (("yesterday", "3"), 2, "A is 'yesterday'"),
        (("3", "-1"), 2, "-1"),
        (("3",), 2, "B"),
        (("0", "9", "--wallet", NOBODY), 1, "There is no wallet"),
        (("0", "9", "--wallet", "wal_1"), 2, "is no wallet's id"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    databases: FreshDatabases, words: tuple[str | WalletId, ...], code: int, reason: str
) -> None:
    done = falcon(databases, "replay", "diff", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1
