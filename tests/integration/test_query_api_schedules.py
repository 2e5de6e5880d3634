"""What the query API shows of schedules, to whom, and that a replay and a rebuild agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import pytest

from application.occurrences import run_of
from domain.identifiers import ScheduleId
from domain.schedules import DeleteSchedule, PauseSchedule
from domain.wallet_rules import AddMember, ChangeLimits
from domain.wallets import Caller
from tests.books import replay
from tests.fan_out import FanOut, drain
from tests.query_system import QuerySystem, query_system
from tests.scene import ANN, SHOP, scene_on
from tests.servers import PostgresHome
from tests.standing_orders import StandingOrders
from tests.written import Written

SCHEDULES = "/v1/schedules"
CAROL, DAN = (Caller(f"usr_{name}", "tests", operate=False) for name in ("carol", "dan"))
OPERATOR, AUDITOR = ("usr_operator", "operate"), ("usr_auditor", "audit")
ALL = ["failed", "poor", "paused", "once", "rent"]


@dataclass
class Book:
    """Ann's schedules from a wallet that Carol may look into; the shop is paid, Dan is nobody.

    The rent was paid once of many times, another one was due once; one is paused, one is deleted,
    one wants money, one is too large for the wallet's limit.
    """

    system: QuerySystem
    orders: StandingOrders
    made: dict[str, ScheduleId]

    def names(self, *caller: str, **query: Any) -> list[str]:
        """Return which schedules a caller is shown, by what they are called here."""
        by_id = {name: called for called, name in self.made.items()}
        items = self.system.found(SCHEDULES, *caller, **query)["items"]
        return [by_id[item["schedule_id"]] for item in items]

    def shown(self, called: str, *caller: str) -> Any:
        """Return a schedule as the caller is shown it."""
        return self.system.found(f"{SCHEDULES}/{self.made[called]}", *(caller or AUDITOR))


@pytest.fixture(scope="module")
def book(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as system:
        writers = [Written(system.databases.settings, system.databases.secrets) for _ in "12"]
        scene = scene_on(system.databases, *writers)
        scene.done(AddMember(scene.home, CAROL.subject, "viewer"), ANN)
        today = scene.after().rows[-1].recorded_at[:10]
        orders = StandingOrders(scene, date.fromisoformat(today))
        monthly = {"recurrence": "FREQ=MONTHLY;BYMONTHDAY=1", "count": 12}
        texts: dict[str, Any] = {
            "description": "Rent",
            "reference": "R-1",
            "metadata": {"flat": "3"},
        }
        made = {
            "rent": orders.make(plan=monthly, **texts),
            "once": orders.make(),
            "paused": orders.make(plan=monthly),
            "deleted": orders.make(),
            "poor": orders.make(leg=orders.leg(500)),
            "failed": orders.make(leg=orders.leg(10)),
        }
        scene.done(PauseSchedule(made["paused"]), ANN)
        scene.done(DeleteSchedule(made["deleted"]), ANN)
        at = orders.go_on_to(orders.first)
        for called in ("rent", "once", "poor"):
            scene.one.one(run_of(made[called], orders.first, 1))
        scene.done(ChangeLimits(scene.home, 9, None), ANN)
        scene.one.one(run_of(made["failed"], orders.first, 1))
        assert at[:10] == orders.first
        system.follow()
        yield Book(system, orders, made)
        for writer in writers:
            writer.close()


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        ((ANN.subject, "read"), ALL),
        ((CAROL.subject, "payments"), ALL),
        ((SHOP.subject, "read"), []),
        ((DAN.subject, "read"), []),
        (OPERATOR, ALL),
        (AUDITOR, ALL),
    ],
)
def test_the_schedules_of_a_caller(book: Book, caller: tuple[str, str], shown: list[str]) -> None:
    """Those of one's wallets, the newest first; deleted ones are seen by nobody."""
    assert book.names(*caller) == shown


@pytest.mark.parametrize(
    ("status", "shown"),
    [("active", ["poor", "rent"]), ("paused", ["paused"]), ("ended", ["failed", "once"])],
)
def test_schedules_of_one_status(book: Book, status: str, shown: list[str]) -> None:
    assert book.names(ANN.subject, "read", status=status) == shown
    assert book.names(*AUDITOR, status=status) == shown


def test_an_unknown_status_is_refused(book: Book) -> None:
    for status in ("deleted", "running"):
        assert book.system.ask(SCHEDULES, status=status).status_code == 422


def test_each_schedule_is_on_one_page(book: Book) -> None:
    everything = book.system.found(SCHEDULES, ANN.subject, "read")["items"]
    assert book.system.pages(SCHEDULES, ANN.subject, "read", limit=2) == everything


def test_a_schedule_is_shown_whole(book: Book) -> None:
    """With what came of its occurrences, and the payment of each."""
    first = book.orders.first
    schedule = book.shown("rent", ANN.subject, "read")
    assert schedule.pop("created_at") < first
    (occurrence,) = schedule.pop("occurrences")
    payment = run_of(book.made["rent"], first, 1).command.payment_id  # type: ignore[union-attr]  # of a run
    assert occurrence.pop("recorded_at").startswith(first)
    assert occurrence.pop("position") > 0
    assert occurrence == {"on": first, "attempt": 1, "outcome": "run", "payment_id": payment}
    assert schedule == {
        "schedule_id": book.made["rent"],
        "status": "active",
        "next_on": book.orders.month_after(first),
        "starts_on": first,
        "recurrence": "FREQ=MONTHLY;BYMONTHDAY=1",
        "count": 12,
        "if_missed": "run",
        "done": 1,
        "transfer": {
            "source_wallet_id": book.orders.scene.home,
            "destination_wallet_id": book.orders.scene.shop,
            "amount": "0.10",
            "currency": "EUR",
            "description": "Rent",
            "reference": "R-1",
            "metadata": {"flat": "3"},
        },
    }
    payments = book.system.found(f"/v1/payments/{payment}", ANN.subject, "read")
    assert (payments["status"], payments["description"]) == ("completed", "Rent")


def test_a_schedule_in_a_list_is_the_schedule(book: Book) -> None:
    """But for its occurrences."""
    for item in book.system.found(SCHEDULES, ANN.subject, "read")["items"]:
        whole = book.system.found(f"{SCHEDULES}/{item['schedule_id']}", ANN.subject, "read")
        del whole["occurrences"]
        assert whole == item


def test_want_of_money_is_told(book: Book) -> None:
    """With the day on which it is tried again."""
    schedule, tomorrow = book.shown("poor"), f"{book.orders.first[:8]}02"
    assert (schedule["next_on"], schedule["retry_on"]) == (book.orders.first, tomorrow)
    (occurrence,) = schedule["occurrences"]
    assert occurrence["outcome"] == "postponed"
    assert (occurrence["failure"]["code"], occurrence["retry_on"]) == (
        "insufficient-funds",
        tomorrow,
    )


def test_giving_up_is_told(book: Book) -> None:
    """With the reason, and the payment that was declined."""
    schedule = book.shown("failed")
    assert (schedule["status"], schedule["next_on"]) == ("ended", None)
    (occurrence,) = schedule["occurrences"]
    assert occurrence["outcome"] == "given-up"
    assert occurrence["failure"]["code"] == "limit-exceeded"
    payment = book.system.found(f"/v1/payments/{occurrence['payment_id']}", *AUDITOR)
    assert payment["failure"] == occurrence["failure"]


@pytest.mark.parametrize(
    ("called", "caller"),
    [
        ("rent", (SHOP.subject, "read")),
        ("rent", (DAN.subject, "read")),
        ("deleted", (ANN.subject, "read")),
        ("deleted", AUDITOR),
    ],
)
def test_what_a_caller_does_not_know_of(book: Book, called: str, caller: tuple[str, str]) -> None:
    """Not the payee, not a stranger; and what is deleted nobody, operators included."""
    response = book.system.ask(f"{SCHEDULES}/{book.made[called]}", *caller)
    assert (response.status_code, response.json()["code"]) == (404, "schedule-not-found")


def test_a_replay_agrees(book: Book) -> None:
    found = replay(book.system.databases)
    assert found.findings.kept == []
    assert "schedules" in {model.name for model in found.read_models if model.compared}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE schedules SET amount = amount + 1", "schedules"),
        ("UPDATE schedules SET next_on = next_on + 1", "schedules"),
        ("UPDATE schedules SET status = 'active' WHERE status = 'deleted'", "schedules"),
        ("UPDATE schedules SET done = done + 1", "schedules"),
        ("UPDATE schedules SET retry_on = NULL", "schedules"),
        ("UPDATE schedules SET metadata = NULL", "schedules"),
        ("UPDATE schedules SET created_by = 'usr_thief'", "schedules"),
        ("DELETE FROM schedules WHERE status = 'deleted'", "schedules"),
        ("UPDATE schedule_occurrences SET outcome = 'run'", "schedule_occurrences"),
        ("UPDATE schedule_occurrences SET code = NULL", "schedule_occurrences"),
        ("UPDATE schedule_occurrences SET payment_id = 'pay_x'", "schedule_occurrences"),
        ("DELETE FROM schedule_occurrences", "schedule_occurrences"),
    ],
)
def test_a_replay_finds_what_was_altered(book: Book, change: LiteralString, where: str) -> None:
    with book.system.databases.connect_admin("reports") as reports:
        reports.execute("SET search_path = reports_main")
        for table in ("schedules", "schedule_occurrences"):
            reports.execute(f"CREATE TABLE kept_{table} AS TABLE {table}".encode())
        reports.execute(change)
        try:
            assert where in {each.where for each in replay(book.system.databases).findings.kept}
        finally:
            for table in ("schedules", "schedule_occurrences"):
                reports.execute(f"DELETE FROM {table}".encode())
                reports.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}".encode())
                reports.execute(f"DROP TABLE kept_{table}".encode())


def test_a_rebuild_in_small_pieces_is_the_same(book: Book) -> None:
    """However many commands are applied at once."""
    tables = ("schedules", "schedule_occurrences")
    with book.system.databases.connect_admin("reports") as reports:
        reports.execute("SET search_path = reports_main")

        def rows() -> list[Any]:
            return [
                reports.execute(
                    f"SELECT t::text FROM {table} t ORDER BY position".encode()
                ).fetchall()
                for table in tables
            ]

        before = rows()
        reports.execute("UPDATE checkpoint SET version = 0 WHERE projection = 'schedules'")
        with FanOut(book.system.databases).worker(limit=1) as worker:
            worker.begin()
            assert rows() == [[], []]
            drain(worker)
        assert rows() == before
