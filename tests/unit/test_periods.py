"""Closed periods: no value date in them is given any more, whatever way money moves."""

from dataclasses import replace

import pytest

from application.commands import Command, Submission
from domain.identifiers import bits
from domain.instants import Instant
from domain.operation_events import PeriodClosed
from domain.payment_events import PaymentDeclined, PaymentReleased
from domain.periods import ClosePeriod
from domain.refusals import HoldExpired, PeriodIsClosed, PeriodNotOver
from domain.wallets import Caller
from tests.given import NOW, OPERATOR, OWNER, payment_named, transfer_of
from tests.household import ANNA, waiting
from tests.planned_batch import Batch, key
from tests.story import (
    APPROVE,
    END,
    EXPIRE,
    HOUR,
    REJECT,
    RELEASE,
    SWEEPER,
    Story,
    capture,
    hold_of,
    pay,
    story,
)

JANUARY = "2026-01-30"
THEN = f"{JANUARY}T23:59:59.999999Z"
OTHER = payment_named(72)
THE_NEXT_DAY = "2026-01-31T00:00:00.000000Z"


def closing(through: str = JANUARY) -> ClosePeriod:
    return ClosePeriod(through, "Annual accounts")


def held_then() -> Story:
    """Return a story of a hold whose value date is about to be closed."""
    return story().done(hold_of(100, HOUR, effective_at=THEN), by=OWNER)


def test_a_period_is_closed_by_a_fact_of_its_own() -> None:
    told = story().ask(closing())
    assert told.events == (PeriodClosed(JANUARY, "Annual accounts"),)
    assert told.right == "operate"


@pytest.mark.parametrize("through", [NOW[:10], "2026-02-01", "2999-12-31"])
def test_a_day_that_has_not_ended_stays_open(through: str) -> None:
    """What is paid today has today as its value date."""
    story().ask(closing(through)).refused(PeriodNotOver)


@pytest.mark.parametrize("through", [JANUARY, "2026-01-01"])
def test_what_is_closed_is_not_closed_again(through: str) -> None:
    story().done(closing()).ask(closing(through)).refused(PeriodIsClosed)


def test_the_next_period_is_closed_behind_the_last() -> None:
    told = story().done(closing("2025-12-31")).done(closing()).ask(pay(1, effective_at=THEN))
    told.refused(PeriodIsClosed)


@pytest.mark.parametrize("value_date", [THEN, "2001-01-01T00:00:00.000000Z"])
def test_a_value_date_in_a_closed_period_is_refused(value_date: str) -> None:
    """The refusal is on record, and the wallets are as they were."""
    tale = story().done(closing())
    before = tale.wallets.copy()
    tale.ask(pay(1, effective_at=value_date)).refused(PeriodIsClosed)
    assert tale.wallets == before


@pytest.mark.parametrize("value_date", [THE_NEXT_DAY, None, "2026-03-01T00:00:00.000000Z"])
def test_any_other_value_date_is_free(value_date: str | None) -> None:
    story().done(closing()).done(pay(1, effective_at=value_date))


def test_a_hold_of_a_closed_day_is_released_and_not_captured() -> None:
    """It was placed while the day was open; captured, it would change what has been reported."""
    tale = held_then().done(closing())
    tale.copied().ask(capture()).refused(PeriodIsClosed)
    tale.done(RELEASE).stands("cancelled")


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("way", "by", "at"), [(RELEASE, OPERATOR, NOW), (EXPIRE, SWEEPER, END)])
def test_a_hold_of_which_something_was_captured_in_time_ends_in_the_open(
    way: Command, by: Caller, at: Instant, closed: bool
) -> None:
    """The totals of the closed day stay as they were reported; those of an open one may grow."""
    tale = held_then().done(capture(40, final=False))
    if closed:
        tale.done(closing())
    told = tale.at(at).ask(way, by)
    assert told.the(PaymentReleased).effective_at == (at if closed else THEN)


def test_what_waits_for_approval_is_not_carried_out_on_a_closed_day() -> None:
    """It may only be rejected, or run out."""
    tale = waiting(1, transfer_of(200, effective_at=Instant(THEN))).done(closing())
    tale.copied().ask(APPROVE, ANNA).refused(PeriodIsClosed)
    tale.done(REJECT, by=ANNA).stands("declined")


def test_a_hold_that_has_run_out_says_so_first() -> None:
    tale = held_then().done(closing())
    tale.at("2026-01-31T14:00:00.000000Z").ask(capture()).refused(HoldExpired)


def test_what_comes_behind_the_closing_in_one_batch_knows_of_it() -> None:
    """What came before it does not; both are stored at once, and the store is told of the day."""
    closes = Submission(closing(), OPERATOR, key(70), "closing")
    dated = {"effective_at": Instant(THEN)}
    before, behind = transfer_of(1, **dated), replace(transfer_of(1, **dated), payment_id=OTHER)
    batch = Batch(
        Submission(before, OPERATOR, key(71), "before"),
        closes,
        Submission(behind, OPERATOR, bits(OTHER), "behind"),
    )
    assert not batch.answer(0).refused
    refused = batch.answer(2).event
    assert isinstance(refused, PaymentDeclined)
    assert refused.code == "period-closed"
    assert batch.changes is not None
    assert (batch.changes.closed_through, batch.changes.closed) == (JANUARY, [(JANUARY, key(70))])
