"""Races against the clock: the end of a hold and of a day, between a decision and its append."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from application.clock import ClockGuard
from application.commands import Answer
from application.ledger import Ledger
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, payment_id
from domain.instants import instant, later, moment, next_midnight
from domain.payment_events import PaymentCaptured, PaymentReleased
from domain.wallet_rules import ChangeLimits
from infrastructure.ledger_store.opening import suspended_too
from tests.aftermath import counted, told
from tests.given import ISO
from tests.scene import ANN, SHOP, WORKER, Scene, advance
from tests.watched_store import Overtaken
from tests.written import Written


def overtaken(writer: Written, other: Callable[[], object]) -> tuple[Ledger, Overtaken]:
    """Return a ledger whose first commit comes after what another process does."""
    store = Overtaken(writer.store, other)
    guard = ClockGuard(suspended_too)
    return Ledger(store, guard, digits=ISO.digits, report=writer.faults.append), store


def in_one_day(seconds: int) -> None:
    """Wait for midnight where it is nearer than so many seconds: a day has an end of its own."""
    now = datetime.now(UTC)
    left = (moment(next_midnight(instant(now))) - now).total_seconds()
    if left < seconds + 10:
        time.sleep(left + 1)


@pytest.mark.parametrize("past", [0, 1])
def test_a_capture_decided_before_the_end_and_stored_after_it(timed: Scene, past: int) -> None:
    """The append refuses what passes the end of the hold, and it is decided again: too late."""
    in_one_day(60)
    placed = timed.one.one(timed.one.holding(timed.home, timed.shop, 40, ANN, expires_in=60))
    assert isinstance(placed, Answer)
    end = later(placed.recorded_at, 60)
    at = end if past else instant(moment(end).replace(microsecond=0))
    ledger, store = overtaken(timed.one, lambda: advance(timed.other, at))
    capture = CaptureHold(payment_id(placed.stream), None, final=True)
    (outcome,) = ledger.execute([timed.one.asking(capture, SHOP)])
    assert told(outcome) == ("hold-expired" if past else "done")
    assert store.commits == 1 + past
    assert timed.balances() == ((100, 40, 0) if past else (60, 0, 40))


def test_a_hold_past_its_end_that_nobody_has_swept(timed: Scene) -> None:
    """It is captured, released and increased by nobody; the sweep frees it once."""
    placed = timed.one.one(timed.one.holding(timed.home, timed.shop, 40, ANN, expires_in=60))
    assert isinstance(placed, Answer)
    payment = payment_id(placed.stream)
    sweep = ExpirePayment(payment)
    assert told(timed.one.one(timed.one.asking(sweep, WORKER))) == "NothingToDo"
    advance(timed.other, later(placed.recorded_at, 60))
    for command, by in (
        (CaptureHold(payment, 1, final=False), SHOP),
        (ReleaseHold(payment), SHOP),
        (IncreaseHold(payment, 1, 60), ANN),
    ):
        assert told(timed.one.one(timed.one.asking(command, by))) == "hold-expired"
    assert timed.balances() == (100, 40, 0)
    heard = timed.race(timed.one.asking(sweep, WORKER), timed.other.asking(sweep, WORKER))
    assert heard == ["done", "NothingToDo"]
    assert timed.balances() == (100, 0, 0)
    assert timed.after().story(payment) == ["authorized", "released"]


def test_a_refusal_of_yesterday(timed: Scene) -> None:
    """What passes the limit of a day is decided again where it would be recorded on the next."""
    timed.done(ChangeLimits(timed.home, None, 70), ANN)
    paid = timed.one.one(timed.one.transfer(timed.home, timed.shop, 40, by=ANN))
    assert isinstance(paid, Answer)
    midnight = next_midnight(paid.recorded_at)
    ledger, store = overtaken(timed.one, lambda: advance(timed.other, midnight))
    (outcome,) = ledger.execute([timed.one.transfer(timed.home, timed.shop, 40, by=ANN)])
    assert told(outcome) == "done"
    assert store.commits == 2
    wallet = timed.after().wallets[timed.home]
    assert (wallet.spent_on, wallet.spent) == (midnight[:10], 40)


@pytest.mark.parametrize("past", [0, 1])
def test_a_release_around_midnight(timed: Scene, past: int) -> None:
    """A hold gives back to the day on which it was placed, and to no other."""
    timed.done(ChangeLimits(timed.home, None, 70), ANN)
    payment = timed.begun(timed.one.holding(timed.home, timed.shop, 40, ANN))
    day = timed.after().rows[-1].recorded_at
    midnight = next_midnight(day)
    ledger, _ = overtaken(timed.one, lambda: advance(timed.other, midnight if past else day))
    (outcome,) = ledger.execute([timed.one.asking(ReleaseHold(payment), SHOP)])
    assert told(outcome) == "done"
    wallet = timed.after().wallets[timed.home]
    assert (wallet.spent_on, wallet.spent) == (day[:10], 40 if past else 0)


def test_captures_and_the_sweep_around_the_end(timed: Scene) -> None:
    """Of twenty holds that end at once each is captured before its end or swept after it."""
    works = [timed.one.holding(timed.home, timed.shop, 1, ANN, expires_in=1) for _ in range(20)]
    placed = timed.one.ledger.execute(works)
    assert counted(placed) == {"done": 20}
    payments = [payment_id(work.stream) for work in works]

    def capture() -> list[str]:
        heard = []
        for payment in payments:
            time.sleep(0.09)
            command = CaptureHold(payment, None, final=True)
            heard.append(told(timed.one.one(timed.one.asking(command, SHOP))))
        return heard

    def sweep() -> dict[PaymentId, str]:
        swept: dict[PaymentId, str] = {}
        began = time.monotonic()
        while time.monotonic() - began < 3:
            for payment in payments:
                work = timed.other.asking(ExpirePayment(payment), WORKER)
                heard = told(timed.other.one(work))
                if heard == "done":
                    assert payment not in swept, "swept twice"
                    swept[payment] = heard
        return swept

    with ThreadPoolExecutor(2) as pool:
        captured, swept = pool.submit(capture), pool.submit(sweep)
        heard = dict(zip(payments, captured.result(30), strict=True))
        gone = swept.result(30)
    assert set(heard.values()) == {"done", "hold-expired"}
    after = timed.after()
    times = {(str(row.stream_id), row.version): row.recorded_at for row in after.rows}
    for payment in payments:
        _, end = after.stories[payment]
        assert isinstance(end, PaymentCaptured | PaymentReleased)
        in_time = times[payment, 2] < str(end.standing.expires_at)
        assert isinstance(end, PaymentCaptured) is in_time
        assert (heard[payment] == "done") is in_time
        assert (payment in gone) is not in_time
    done = sum(each == "done" for each in heard.values())
    assert timed.balances() == (100 - done, 0, done)
