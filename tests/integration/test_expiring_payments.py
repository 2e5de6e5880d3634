"""Payments that run out over real databases: found in the read model, decided by the ledger."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from application.commands import Answer
from application.expiry import expiry_of
from domain.events import RequestRefused
from interfaces.workers.due_work import AGAIN_SECONDS, BATCH
from projections.due_payments import DUE, due_payments
from tests.running_out import FREED, PLACED, TAKEN, RunningOut, sleep_until
from tests.servers import FreshDatabases


@pytest.fixture
def world(databases: FreshDatabases) -> RunningOut:
    return RunningOut(databases)


def test_a_hold_that_has_run_out_is_freed_once(world: RunningOut) -> None:
    """Its money is available again, and a second round asks the ledger nothing."""
    (payment,) = world.place()
    world.follow()
    with world.sweeper() as sweeper:
        assert sweeper.sweep() == 1
        assert world.story(payment) == [PLACED, FREED]
        assert world.standing(payment).status == "expired"
        assert world.money(world.payer) == (0, 0)
        # The read model has not followed yet, so it still shows the hold as due.
        assert sweeper.sweep() == 0
        world.follow()
        assert sweeper.sweep() == 0
        assert sweeper.asked == [1]


def test_a_hold_that_has_not_run_out_is_left_alone(world: RunningOut) -> None:
    """Only what has come to its end is asked for."""
    (payment,) = world.place(seconds=600)
    world.follow()
    with world.sweeper() as sweeper:
        assert sweeper.sweep() == 0
        assert sweeper.asked == []
    assert world.story(payment) == [PLACED]


def test_a_payment_that_nobody_approved_in_time(world: RunningOut) -> None:
    """It ends as expired, and what it held of the payer's money is available again."""
    payment = world.ask_for_approval()
    world.follow()
    assert world.money(world.payer) == (0, 100)
    with world.sweeper() as sweeper:
        assert sweeper.sweep() == 1
    assert world.standing(payment).status == "expired"
    assert world.money(world.payer) == (0, 0)
    assert world.money(world.payee) == (0, 0)


@pytest.mark.parametrize("ended", ["captured", "released"])
def test_what_has_ended_meanwhile_stays_as_it_is(world: RunningOut, ended: str) -> None:
    """The read model lags, the ledger knows better, and nothing at all is stored."""
    (payment,) = world.place(seconds=1)
    world.follow()
    end = world.ends(payment)
    outcome = world.capture(payment) if ended == "captured" else world.release(payment)
    assert isinstance(outcome, Answer)
    assert not outcome.refused
    sleep_until(end)
    head = world.head()
    with world.sweeper() as sweeper:
        assert sweeper.sweep() == 0
        assert sweeper.asked == [1]
    assert world.head() == head
    assert world.standing(payment).ended_by == ended


def test_an_extended_hold_ends_at_its_later_end(world: RunningOut) -> None:
    """The end that the read model still shows frees nothing; the later one does."""
    (payment,) = world.place(seconds=1)
    world.follow()
    first = world.ends(payment)
    assert isinstance(world.extend(payment, 2), Answer)
    second = world.ends(payment)
    sleep_until(first)
    with world.sweeper() as sweeper:
        assert sweeper.sweep() == 0
        assert sweeper.asked == [1], "the read model has the first end"
        assert world.standing(payment).status == "authorized"
        world.follow()
        sleep_until(second)
        assert sweeper.sweep() == 1, "what was said of the first end says nothing of the second"
    assert world.money(world.payer) == (0, 0)


def test_a_clock_that_is_ahead_frees_nothing_early(world: RunningOut) -> None:
    """The ledger's clock decides; what it has not ended is asked for again a little later."""
    (payment,) = world.place(seconds=2)
    world.follow()
    with world.sweeper() as sweeper:
        assert sweeper.sweep(later=3600) == 0
        assert world.story(payment) == [PLACED]
        sleep_until(world.ends(payment))
        assert sweeper.sweep() == 0
        assert sweeper.asked == [1], "it is not asked at every look"
        sweeper.ahead += AGAIN_SECONDS
        assert sweeper.sweep() == 1
        assert sweeper.asked == [1, 1]


def test_a_hold_past_its_end_is_not_capturable_before_any_sweep(world: RunningOut) -> None:
    """Whether a worker has come by makes no difference to what a hold allows."""
    (payment,) = world.place()
    outcome = world.capture(payment)
    assert isinstance(outcome, Answer)
    assert isinstance(outcome.event, RequestRefused)
    assert outcome.event.code == "hold-expired"
    assert world.story(payment) == [PLACED]


def test_two_workers_free_each_hold_once(world: RunningOut) -> None:
    """Side by side they issue the same commands, of which each has its effect once."""
    payments = world.place(count=150)
    world.follow()
    begin = threading.Barrier(2)

    def swept() -> int:
        with world.sweeper() as sweeper:
            begin.wait()
            return sweeper.sweep()

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(swept) for _ in range(2)]
        assert sum(one.result() for one in both) == 150
    assert all(world.story(payment) == [PLACED, FREED] for payment in payments)
    assert world.money(world.payer) == (0, 0)


def test_at_the_very_end_either_capture_or_expiry_wins(world: RunningOut) -> None:
    """Both are asked for at the same moment, around the end, again and again: one has its way."""
    payments = world.place(seconds=1, count=40)
    end = world.ends(payments[0])
    others = RunningOut(world.databases)

    def captures() -> None:
        for number, payment in enumerate(payments):
            sleep_until(end + timedelta(milliseconds=number - 30))
            world.capture(payment)

    def expiries() -> None:
        for number, payment in enumerate(payments):
            sleep_until(end + timedelta(milliseconds=number - 30))
            while world.story(payment) == [PLACED]:
                others.writer.one(expiry_of(payment, end))

    with ThreadPoolExecutor(2) as pool:
        for race in [pool.submit(captures), pool.submit(expiries)]:
            race.result()
    ends = Counter(tuple(world.story(payment)) for payment in payments)
    assert set(ends) == {(PLACED, TAKEN), (PLACED, FREED)}
    assert world.money(world.payer) == (-100 * ends[PLACED, TAKEN], 0)
    assert world.money(world.payee) == (100 * ends[PLACED, TAKEN], 0)


def test_a_long_backlog_is_worked_off_in_batches(world: RunningOut) -> None:
    """What is answered already, and still shown, does not stand before what is new."""
    world.place(count=2 * BATCH)
    late = world.place(seconds=2, count=3)
    world.follow()
    with world.sweeper() as sweeper:
        assert sweeper.sweep() == 2 * BATCH
        sleep_until(world.ends(late[-1]))
        assert sweeper.sweep() == 3
        assert sweeper.asked == [BATCH, BATCH, 3]


def test_pages_give_everything_that_is_due_once(world: RunningOut) -> None:
    """Holds of one batch end at the same moment, so the place in the list is more than a time."""
    payments = {*world.place(count=10), *world.place(count=5), world.ask_for_approval()}
    world.place(seconds=600, count=3)
    world.follow()
    with world.databases.connect("query", "reports") as reports:
        found = list(due_payments(reports, datetime.now(UTC), page=3))
        assert [len(page) for page in found] == [3, 3, 3, 3, 3, 1]
        ids = [each.payment_id for page in found for each in page]
        assert len(ids) == len(set(ids))
        assert set(ids) == payments
        times = [each.expires_at for page in found for each in page]
        assert times == sorted(times)


def test_what_is_due_is_found_by_its_index(world: RunningOut) -> None:
    """However many payments there are, a look costs what is due and no more."""
    asked = {"now": datetime.now(UTC), "after": datetime.now(UTC), "after_id": "", "limit": 1}
    with world.databases.connect("query", "reports") as reports:
        # With hardly any rows the planner would read the table, unless it must not.
        reports.execute("SET enable_seqscan = off")
        plan = reports.execute("EXPLAIN " + DUE, asked).fetchall()
    told = " ".join(line for (line,) in plan)
    assert "payments_that_wait" in told
    assert re.search(r"Index Cond: [^:]*expires_at <= ", told), told


def test_a_worker_that_ends_begins_no_other_batch(world: RunningOut) -> None:
    """Between two batches it looks whether it is to end."""
    world.place(count=3)
    world.follow()
    with world.sweeper() as sweeper:
        sweeper.stop.set()
        assert sweeper.sweep() == 0
        assert sweeper.asked == []
