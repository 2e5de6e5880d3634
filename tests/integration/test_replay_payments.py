"""`replay verify` finds whatever is altered of payments that go on, where it was altered."""

import gc
import tracemalloc
from collections.abc import Iterator
from typing import LiteralString

import pytest

from domain.identifiers import StreamId
from interfaces.replay.snapshot import snapshot
from interfaces.replay.verify import verify
from tests import servers
from tests.altered_book import REPORT_TABLES
from tests.books import falcon, project, replay
from tests.fan_out import FanOut
from tests.full_book import Full, full_book
from tests.servers import FreshDatabases, PostgresHome


@pytest.fixture(scope="module")
def unaltered(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    with full_book(databases) as full:
        yield full
    databases.drop()


@pytest.fixture
def full(unaltered: Full) -> Iterator[Full]:
    yield unaltered
    unaltered.book.put_right()


def test_a_book_with_every_kind_of_payment_has_no_difference(full: Full) -> None:
    found = replay(full.book.databases)
    assert found.findings.kept == []
    assert found.events > 200
    assert all(model.compared for model in found.read_models)


@pytest.mark.parametrize("until", [45, 70, 100, 150])
def test_read_models_in_the_middle_of_payments_are_compared_there(full: Full, until: int) -> None:
    """A payment that went on later must look as it did, not as it does."""
    reports = full.book.reports
    for table in REPORT_TABLES:
        reports.execute(f"DELETE FROM {table}")
    project(full.book.databases, until)
    found = replay(full.book.databases)
    assert {model.position < found.position for model in found.read_models} == {True}
    assert found.findings.kept == []
    reports.execute("UPDATE payments SET status = 'completed', began_as = 'authorized'"
                    " WHERE payment_id = %s", (full.names.payments["run out"],))  # fmt: skip
    assert full.book.place()[1] == "payments"


PAYMENT_CHANGES: list[tuple[str, LiteralString, str]] = [
    ("captured in part", "status = 'completed'", "status"),
    ("captured in part", "captured = captured + 1", "captured"),
    ("captured in part", "uncaptured = 0", "uncaptured"),
    ("captured", "amount = 10000", "amount"),
    ("captured", "refunded = refunded - 1", "refunded"),
    ("captured", "refundable = 0", "refundable"),
    ("captured", "expires_at = expires_at + interval '1 microsecond'", "expires_at"),
    ("run out", "began_as = NULL", "began_as"),
    ("rejected", "failure_code = NULL", "failure_code"),
    ("waits for one more", "approved_by = '{}'", "approved_by"),
    ("approved", "approved_by = '{usr_dan}'", "approved_by"),
]
FIRST_CHANGES: list[tuple[str, LiteralString, str]] = [
    ("first refund", "original_payment_id = payment_id", "original_payment_id"),
    ("approved", "requested_by = 'usr_dan'", "requested_by"),
    ("waits for two", "quorums = '{}'", "quorums"),
    ("split", "source_wallet_id = 'wal_0'", "source_wallet_id"),
    ("held", "uncaptured = uncaptured + 1", "uncaptured"),
    ("held", "expires_at = NULL", "expires_at"),
    ("lunch", "refundable = 0", "refundable"),
]


@pytest.mark.parametrize(("name", "change", "field"), PAYMENT_CHANGES)
def test_what_a_payment_came_to_is_compared_with_its_last_event(
    full: Full, name: str, change: LiteralString, field: str
) -> None:
    payment = full.names.payments[name]
    full.book.reports.execute(
        "UPDATE payments SET " + change + " WHERE payment_id = %s", (payment,)
    )
    assert full.book.place() == (full.of(name)[-1], "payments", payment, field)


@pytest.mark.parametrize(("name", "change", "field"), FIRST_CHANGES)
def test_what_a_payment_began_with_is_compared_with_its_first_event(
    full: Full, name: str, change: LiteralString, field: str
) -> None:
    payment = full.names.payments[name]
    full.book.reports.execute(
        "UPDATE payments SET " + change + " WHERE payment_id = %s", (payment,)
    )
    assert full.book.place() == (full.of(name)[0], "payments", payment, field)


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        ("UPDATE payment_legs SET amount = amount + 1 WHERE leg = 1 AND payment_id = %s", "amount"),
        ("UPDATE payment_legs SET currency = 'USD' WHERE leg = 1 AND payment_id = %s", "currency"),
        ("UPDATE payment_legs SET source_wallet_id = destination_wallet_id WHERE payment_id = %s",
         "source_wallet_id"),
        ("UPDATE payment_legs SET destination_wallet_id = source_wallet_id WHERE payment_id = %s",
         "destination_wallet_id"),
        ("UPDATE payment_legs SET leg = leg + 7 WHERE payment_id = %s", "leg"),
        ("DELETE FROM payment_legs WHERE leg = 2 AND payment_id = %s", "row"),
        ("INSERT INTO payment_legs SELECT payment_id, 7, position, 1, source_wallet_id,"
         " destination_wallet_id, currency FROM payment_legs WHERE leg = 0 AND payment_id = %s",
         "row"),
    ],
)  # fmt: skip
def test_an_altered_leg_is_found(full: Full, statement: LiteralString, field: str) -> None:
    payment = full.names.payments["split"]
    full.book.reports.execute(statement, (payment,))
    assert full.book.place() == (full.of("split")[0], "payment_legs", payment, field)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("UPDATE payment_steps SET status = 'authorized' WHERE position = %s", "status"),
        ("UPDATE payment_steps SET amount = NULL WHERE position = %s", "amount"),
        ("UPDATE payment_steps SET recorded_at = now() WHERE position = %s", "recorded_at"),
        ("UPDATE payment_steps SET effective_at = now() WHERE position = %s", "effective_at"),
        ("UPDATE payment_steps SET payment_id = 'pay_0' WHERE position = %s", "payment_id"),
        ("DELETE FROM payment_steps WHERE position = %s", "row"),
    ],
)
def test_an_altered_step_is_found(full: Full, change: LiteralString, field: str) -> None:
    position = full.of("captured")[-2]
    full.book.reports.execute(change, (position,))
    payment = full.names.payments["captured"]
    assert full.book.place() == (position, "payment_steps", payment, field)


def test_an_invented_step_is_found(full: Full) -> None:
    full.book.reports.execute(
        "INSERT INTO payment_steps VALUES (3, 'pay_0', 'refunded', 1, now(), now())"
    )
    assert full.book.place() == (3, "payment_steps", "pay_0", "row")


def test_an_altered_standing_is_found_at_the_event_that_tells_it(full: Full) -> None:
    last = full.of("captured in part")[-1]
    full.rewrite(last, '"captured":3000', '"captured":3001')
    payment = full.names.payments["captured in part"]
    assert full.book.place() == (last, "payments", payment, "captured")


def test_a_last_event_that_cannot_be_read_is_found_where_it_stands(full: Full) -> None:
    """Not where its payment begins, though what that should look like is not known then."""
    last = full.of("captured in part")[-1]
    full.rewrite(last, '"standing"', '"understanding"')
    payment = full.names.payments["captured in part"]
    assert full.book.place() == (last, "events", payment, "data")
    found = replay(full.book.databases).findings
    assert {difference.position for difference in found.kept if difference.position < last} == set()


def test_a_captured_amount_that_moved_otherwise_is_found(full: Full) -> None:
    shop = StreamId(full.names.wallets["shop"])
    credit = full.of("captured in part")[-1] + 2
    assert credit in full.positions(shop)
    full.rewrite(credit, '"amount":3000', '"amount":3001')
    position, where, _, field = full.book.place()
    assert (position, where, field) == (credit, "events", "sum of EUR over the command")


def test_differences_of_legs_and_steps_are_counted_for_their_read_model(full: Full) -> None:
    full.book.reports.execute("UPDATE payment_steps SET amount = 1 WHERE amount = 1000")
    shown = falcon(full.book.databases, "replay", "verify").stdout
    (line,) = [line for line in shown.splitlines() if "payments " in line]
    assert int(line.split()[-2]) > 0


def test_memory_does_not_grow_with_payments_that_go_on(databases: FreshDatabases) -> None:
    """Three chunks of holds and captures further, a replay keeps no more in mind."""
    writer = FanOut(databases).writer()
    one, other = writer.open(kind="system"), writer.open(kind="system")
    # The server ends a connection that takes a second to write what it appends.
    for _ in range(35):
        for _ in range(100):
            payment = writer.hold(one, other, 5)
            writer.capture(payment, one, other, 5)
        writer.flush()
    project(databases)
    kept_in_mind: list[int] = []

    def progress(_position: int, _last: int) -> None:
        # What is no longer reached is not kept, whenever it would have been looked for.
        gc.collect()
        kept_in_mind.append(tracemalloc.get_traced_memory()[0])

    with (
        snapshot(databases.settings, databases.secrets, "ledger") as ledger,
        snapshot(databases.settings, databases.secrets, "reports") as reports,
    ):
        tracemalloc.start()
        found = verify(ledger, reports, progress)
        tracemalloc.stop()
    assert {difference.where for difference in found.findings.kept} == {"wallet_head"}
    assert len(kept_in_mind) == 5
    assert kept_in_mind[3] < kept_in_mind[0] + 200_000
