"""Schedules over real PostgreSQL: each date comes to one end, however often the worker dies."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from application.commands import Command
from application.occurrences import run_of
from domain.instants import instant, moment, next_midnight
from domain.schedule_events import Day
from domain.schedules import DeleteSchedule, PauseSchedule
from domain.wallet_rules import AddMember, ChangeLimits, FreezeWallet, RemoveMember
from tests.aftermath import told
from tests.books import project
from tests.scene import ANN, BEN, Scene
from tests.standing_orders import RENT, Died, Dying, StandingOrders, over
from tests.watched_store import Overtaken
from tests.written import Written

MakeWritten = Callable[[], Written]
MONTHLY = {"recurrence": "FREQ=MONTHLY;BYMONTHDAY=1", "count": 3}


@pytest.fixture
def orders(timed: Scene) -> StandingOrders:
    """Give schedules on a ledger of their own, whose time may go ahead."""
    today = moment(timed.after().rows[-1].recorded_at).date()
    return StandingOrders(timed, today)


def months(orders: StandingOrders, count: int) -> Iterator[Day]:
    """Yield the first days of the next months."""
    day = moment(orders.go_on_to(orders.first)).date()
    for _ in range(count):
        yield Day(day.isoformat())
        day = (day + timedelta(days=32)).replace(day=1)


def test_a_standing_payment_is_paid_on_each_of_its_dates(orders: StandingOrders) -> None:
    """And on no other day, until its count is reached."""
    schedule = orders.make(plan=MONTHLY)
    days = list(months(orders, 4))
    for number, day in enumerate(days):
        due = min(number + 1, 3)
        assert orders.run(orders.go_on_to(day)) == (1 if number < 3 else 0)
        next_day = (moment(orders.go_on_to(day)) + timedelta(days=1)).date().isoformat()
        assert orders.run(orders.go_on_to(next_day)) == 0
        assert orders.paid() == due * RENT
    assert orders.told(schedule) == [f"occurred {day[5:]}" for day in days[:3]]


def test_what_starts_today_runs_at_once(orders: StandingOrders) -> None:
    today = orders.today.isoformat()
    schedule = orders.make(plan={"starts_on": Day(today)})
    assert orders.run(instant(moment(orders.scene.after().rows[-1].recorded_at))) == 1
    assert orders.told(schedule) == [f"occurred {today[5:]}"]


@pytest.mark.parametrize(("if_missed", "paid"), [("run", 3), ("skip", 1)])
def test_what_was_missed_while_everything_was_down(
    orders: StandingOrders, if_missed: str, paid: int
) -> None:
    """It is made up in its order or left out; what is due on the day itself is paid either way."""
    schedule = orders.make(plan=MONTHLY, if_missed=if_missed)
    days = list(months(orders, 3))
    assert orders.run(orders.go_on_to(days[-1])) == 3
    assert orders.paid() == paid * RENT
    early = "occurred" if if_missed == "run" else "skipped"
    assert orders.told(schedule) == [
        f"{early} {days[0][5:]}",
        f"{early} {days[1][5:]}",
        f"occurred {days[2][5:]}",
    ]


@pytest.mark.parametrize("money_after", [0, 1, 2, 3])
def test_want_of_money(orders: StandingOrders, money_after: int) -> None:
    """It is tried again on the next two days; the third try is the last, and declines a payment."""
    scene = orders.scene
    scene.one.pay(scene.home, scene.bank, 100 - RENT + 1)
    schedule = orders.make()
    first = moment(orders.go_on_to(orders.first)).date()
    for tries in range(4):
        if tries == money_after:
            scene.one.pay(scene.bank, scene.home, 1)
        day = (first + timedelta(days=tries)).isoformat()
        orders.run(orders.go_on_to(day))
        orders.run(orders.go_on_to(day, "23:00:00.000000"))
    date = orders.first[5:]
    end = "given_up" if money_after == 3 else "occurred"
    assert orders.told(schedule) == [*[f"postponed {date}"] * min(money_after, 2), f"{end} {date}"]
    assert orders.paid() == (0 if money_after == 3 else RENT)
    payment = run_of(schedule, orders.first, 1).command.payment_id  # type: ignore[union-attr]  # of a run
    expected = ["declined"] if money_after == 3 else ["completed"]
    assert scene.after().story(payment) == expected


@pytest.mark.parametrize("step", range(7))
def test_a_worker_that_dies_between_any_two_steps(
    orders: StandingOrders, make_writer: MakeWritten, step: int
) -> None:
    """Before or after reading, locking or storing: the next worker finishes what there is to do."""
    schedule = orders.make()
    at = orders.go_on_to(orders.first)
    payment = run_of(schedule, orders.first, 1).command.payment_id  # type: ignore[union-attr]  # of a run
    doomed = make_writer()
    store = Dying(doomed, step)
    project(orders.scene.databases)
    if step < 6:
        with pytest.raises(Died):
            orders.worker(doomed, store).run_once(moment(at))
    else:
        assert orders.worker(doomed, store).run_once(moment(at)) == 1
        assert store.steps == 6, "there are no steps but these"
    stored = step > 4
    assert orders.worker(make_writer()).run_once(moment(at)) == (0 if stored else 1)
    assert orders.run(at) == 0
    assert orders.told(schedule) == [f"occurred {orders.first[5:]}"]
    assert orders.scene.after().story(payment) == ["completed"]
    assert orders.paid() == RENT


def test_two_workers_at_once(orders: StandingOrders, make_writer: MakeWritten) -> None:
    """Of forty schedules that are due each is paid by one of them."""
    scene = orders.scene
    scene.one.pay(scene.bank, scene.home, 1000)
    made = [orders.make() for _ in range(40)]
    at = orders.go_on_to(orders.first)
    project(scene.databases)
    workers = [orders.worker(make_writer()) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda worker: worker.run_once(moment(at)), workers))
    assert sum(ran) == 40
    assert orders.run(at) == 0
    for schedule in made:
        assert orders.told(schedule) == [f"occurred {orders.first[5:]}"]
    assert orders.paid() == 40 * RENT


def test_both_workers_hear_of_the_same_payment(orders: StandingOrders) -> None:
    """Who comes second gets the answer of the first, and nothing is done again."""
    schedule = orders.make()
    orders.go_on_to(orders.first)
    run = run_of(schedule, orders.first, 1)
    assert orders.scene.race(run, run) == ["done", "done"]
    assert orders.told(schedule) == [f"occurred {orders.first[5:]}"]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("what", ["pause", "delete", "freeze", "limit", "remove"])
def test_a_race_of_an_occurrence_and_a_change(
    orders: StandingOrders, what: str, first: int
) -> None:
    """Whichever gets the lock first: the occurrence is decided on what then holds."""
    scene = orders.scene
    scene.done(AddMember(scene.home, BEN.subject, "spender"), ANN)
    schedule = orders.make(by=BEN)
    orders.go_on_to(orders.first)
    changes: dict[str, Command] = {
        "pause": PauseSchedule(schedule),
        "delete": DeleteSchedule(schedule),
        "freeze": FreezeWallet(scene.home, "lost"),
        "limit": ChangeLimits(scene.home, RENT - 1, None),
        "remove": RemoveMember(scene.home, BEN.subject),
    }
    run = run_of(schedule, orders.first, 1)
    heard = scene.race(run, scene.one.asking(changes[what], ANN), first=first)
    if first == 0:
        assert heard == ["done", "done"]
        assert orders.paid() == RENT
        return
    assert heard == ["NothingToDo" if what in {"pause", "delete"} else "done", "done"]
    assert orders.paid() == 0
    given_up = what not in {"pause", "delete"}
    assert (f"given_up {orders.first[5:]}" in orders.told(schedule)) is given_up


def test_a_workers_clock_that_is_ahead(orders: StandingOrders) -> None:
    """What it asks for too early is not done, and is done when the ledger's day has come."""
    schedule = orders.make()
    now = moment(orders.go_on_to(orders.today.isoformat(), "23:59:59.999990"))
    project(orders.scene.databases)
    worker = orders.worker()
    assert worker.run_once(now + timedelta(days=40)) == 0
    assert orders.told(schedule) == []
    assert orders.run(orders.go_on_to(orders.first, "00:00:00.000000")) == 1
    assert orders.paid() == RENT


def test_a_workers_clock_that_is_behind(orders: StandingOrders) -> None:
    """It is late, and nothing else; a ledger's time that jumped ahead makes nothing twice."""
    schedule = orders.make(plan=MONTHLY)
    days = list(months(orders, 3))
    orders.go_on_to(days[-1])
    assert orders.run(instant(moment(orders.go_on_to(days[-1])) - timedelta(days=400))) == 0
    assert orders.run(orders.go_on_to(days[-1])) == 3
    assert orders.told(schedule) == [f"occurred {day[5:]}" for day in days]
    assert orders.paid() == 3 * RENT


@pytest.mark.parametrize(("if_missed", "end"), [("run", "occurred"), ("skip", "skipped")])
def test_midnight_between_a_decision_and_its_append(
    orders: StandingOrders, if_missed: str, end: str
) -> None:
    """It is decided again, on the day on which it is recorded."""
    today = Day(orders.today.isoformat())
    schedule = orders.make(plan={"starts_on": today}, if_missed=if_missed)
    midnight = next_midnight(orders.scene.after().rows[-1].recorded_at)
    store = Overtaken(
        orders.scene.one.store, lambda: orders.go_on_to(midnight[:10], "00:00:00.000000")
    )
    (outcome,) = over(store, orders.scene.one).execute([run_of(schedule, today, 1)])
    assert told(outcome) == "done"
    assert store.commits == 2
    assert orders.told(schedule) == [f"{end} {today[5:]}"]
