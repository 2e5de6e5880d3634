"""An occurrence is paid, tried again, given up or skipped, together with its payment."""

import pytest

from domain.events import (
    RequestAccepted,
    WalletCredited,
    WalletDebited,
    WalletFundsHeld,
    WalletMemberAdded,
    WalletMemberRemoved,
)
from domain.identifiers import bits
from domain.instants import Instant
from domain.occurrences import RunOccurrence
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentCompleted,
    PaymentDeclined,
)
from domain.refusals import NothingToDo, ScheduleNotFound
from domain.schedule_events import (
    Day,
    ScheduleOccurred,
    ScheduleOccurrenceGivenUp,
    ScheduleOccurrencePostponed,
    ScheduleOccurrenceSkipped,
    ScheduleStanding,
)
from domain.schedules import Schedule
from domain.wallets import Caller, Wallet
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    NOW,
    OPERATOR,
    OWNER,
    THEIRS,
    credited,
    opening,
    ruled,
    wallet,
)
from tests.scheduled import (
    AMOUNT,
    EMPTY,
    PAYMENT,
    POOR,
    RICH,
    SCHEDULED,
    WORKER,
    decision,
    kinds,
    on,
    running,
    schedule,
    standing,
)

DAILY = "FREQ=DAILY"


def ran(
    day: str,
    before: ScheduleStanding,
    today: str,
    wallets: tuple[Wallet, ...] = (RICH, EMPTY),
    **fields: object,
) -> tuple[object, ScheduleStanding]:
    """Run an occurrence; return the schedule's event and how it stands then."""
    given = schedule(before, **fields)
    found = decision(running(day, before.attempt), given, by=WORKER, wallets=wallets, now=on(today))
    (event,) = (event for stream, _, event in found.events if stream == bits(SCHEDULED))
    (after,) = found.schedules
    assert after.standing == event.standing  # type: ignore[union-attr]  # every one has it
    return event, after.standing


def test_one_command_has_the_payment_the_schedule_and_the_money() -> None:
    """In the order that the parts of a command have, each at its place in its stream."""
    found = decision(running(), schedule(), by=WORKER)
    assert kinds(found) == [
        *(RequestAccepted, PaymentCompleted, ScheduleOccurred),
        *(WalletDebited, WalletCredited),
    ]
    after = standing("2026-03-31", done=1)
    occurred = ScheduleOccurred(on=Day("2026-01-31"), attempt=1, payment_id=PAYMENT, standing=after)
    assert found.events[1][:2] == (bits(PAYMENT), 1)
    assert found.events[2] == (bits(SCHEDULED), 4, occurred)
    assert found.right == "system"
    payment = found.events[1][2]
    assert isinstance(payment, PaymentCompleted)
    assert (payment.kind, payment.amount, payment.description) == ("transfer", AMOUNT, "Rent")
    assert payment.effective_at == NOW


@pytest.mark.parametrize(
    ("command", "given", "today"),
    [
        (running(), schedule(standing(status="paused")), "2026-01-31"),
        (running(), schedule(standing(None, status="ended")), "2026-01-31"),
        (running(), schedule(standing(None, status="deleted")), "2026-01-31"),
        (running(), schedule(standing("2026-03-31", done=1)), "2026-01-31"),
        (running("2026-03-31"), schedule(), "2026-03-31"),
        (running(attempt=2), schedule(), "2026-01-31"),
        (running(), schedule(standing(attempt=2, retry_on="2026-02-01")), "2026-02-01"),
        (running(attempt=2), schedule(standing(attempt=2, retry_on="2026-02-01")), "2026-01-31"),
        (running("2026-02-01"), schedule(standing("2026-02-01")), "2026-01-31"),
    ],
)
def test_what_is_not_due(command: RunOccurrence, given: Schedule, today: str) -> None:
    """Paused, over, another date, another try, or a day that has not come by the ledger's clock."""
    with pytest.raises(NothingToDo):
        decision(command, given, by=WORKER, now=on(today))


@pytest.mark.parametrize("by", [OWNER, OPERATOR])
def test_nobody_but_the_worker_runs_one(by: Caller) -> None:
    with pytest.raises(ScheduleNotFound):
        decision(running(), schedule(), by=by)


def test_just_before_midnight_it_is_not_tomorrow() -> None:
    given = schedule(standing("2026-02-01"))
    late = Instant("2026-01-31T23:59:59.999999Z")
    early = Instant("2026-02-01T00:00:00.000000Z")
    with pytest.raises(NothingToDo):
        decision(running("2026-02-01"), given, by=WORKER, now=late)
    found = decision(running("2026-02-01"), given, by=WORKER, now=early)
    assert ScheduleOccurred in kinds(found)


def test_without_money_it_is_tried_on_the_next_two_days_and_then_given_up() -> None:
    """Nothing is declined before the third try; that is told by the event and by the payment."""
    poor = (POOR, EMPTY)
    event, after = ran("2026-01-31", standing(), "2026-01-31", poor)
    assert isinstance(event, ScheduleOccurrencePostponed)
    assert (event.code, after) == (
        "insufficient-funds",
        standing(attempt=2, retry_on="2026-02-01"),
    )
    event, after = ran("2026-01-31", after, "2026-02-01", poor)
    assert isinstance(event, ScheduleOccurrencePostponed)
    assert after == standing(attempt=3, retry_on="2026-02-02")
    event, last = ran("2026-01-31", after, "2026-02-02", poor)
    assert event == ScheduleOccurrenceGivenUp(
        on=Day("2026-01-31"),
        attempt=3,
        code="insufficient-funds",
        payment_id=PAYMENT,
        standing=standing("2026-03-31", done=1),
    )
    found = decision(
        running(attempt=3), schedule(after), by=WORKER, wallets=poor, now=on("2026-02-02")
    )
    assert kinds(found) == [RequestAccepted, PaymentDeclined, ScheduleOccurrenceGivenUp]
    assert last.next_on == "2026-03-31"


@pytest.mark.parametrize("attempt", [2, 3])
def test_money_that_has_come_meanwhile(attempt: int) -> None:
    """The payment is the one of the first try: there was none before."""
    before = standing(attempt=attempt, retry_on="2026-02-02")
    event, after = ran("2026-01-31", before, "2026-02-02")
    assert isinstance(event, ScheduleOccurred)
    assert (event.payment_id, event.attempt) == (PAYMENT, attempt)
    assert after == standing("2026-03-31", done=1)


def test_a_try_that_comes_late_is_followed_by_the_day_after_it() -> None:
    """The two days count from when it was tried, not from when it should have been."""
    _, after = ran("2026-01-31", standing(), "2026-02-10", (POOR, EMPTY))
    assert after == standing(attempt=2, retry_on="2026-02-11")


@pytest.mark.parametrize(
    ("source", "payee", "code"),
    [
        (wallet(credited(AMOUNT), FROZEN_BY_MEMBER), EMPTY, "wallet-frozen"),
        (wallet(CLOSED), EMPTY, "wallet-closed"),
        (ruled(RICH, per_payment=AMOUNT - 1), EMPTY, "limit-exceeded"),
        (ruled(RICH, per_day=AMOUNT - 1), EMPTY, "limit-exceeded"),
        (RICH, wallet(CLOSED, name=THEIRS, first=opening(owner="usr_x")), "payee-unavailable"),
    ],
)
def test_any_other_refusal_is_final_for_the_occurrence(
    source: Wallet, payee: Wallet, code: str
) -> None:
    event, after = ran("2026-01-31", standing(), "2026-01-31", (source, payee))
    assert isinstance(event, ScheduleOccurrenceGivenUp)
    assert (event.code, event.payment_id) == (code, PAYMENT)
    assert after == standing("2026-03-31", done=1)


SPENDER = Caller("usr_spender", "tests", operate=False)
ADDED = WalletMemberAdded(SPENDER.subject, "spender")


@pytest.mark.parametrize(
    "after",
    [WalletMemberRemoved(SPENDER.subject), WalletMemberAdded(SPENDER.subject, "viewer")],
)
def test_the_rights_of_the_maker_are_those_of_the_day(after: WalletMemberRemoved) -> None:
    """Without them nothing is paid and no payment is made of it."""
    source = wallet(credited(AMOUNT), ADDED, after)
    event, _ = ran(
        *("2026-01-31", standing(), "2026-01-31", (source, EMPTY)), created_by=SPENDER.subject
    )
    assert isinstance(event, ScheduleOccurrenceGivenUp)
    assert (event.code, event.payment_id) == ("role-missing", None)


def test_a_maker_who_still_may() -> None:
    source = wallet(credited(AMOUNT), ADDED)
    event, _ = ran(
        *("2026-01-31", standing(), "2026-01-31", (source, EMPTY)), created_by=SPENDER.subject
    )
    assert isinstance(event, ScheduleOccurred)


def test_what_an_operator_made_needs_no_membership() -> None:
    event, _ = ran(
        "2026-01-31", standing(), "2026-01-31", created_by=OPERATOR.subject, operate=True
    )
    assert isinstance(event, ScheduleOccurred)


def test_above_the_threshold_it_waits_as_any_other_payment() -> None:
    """As one that the maker has asked for, whom the others must then not be."""
    source = ruled(RICH, kind="shared", approvals_required=1, approvals_above=AMOUNT - 1)
    found = decision(running(), schedule(), by=WORKER, wallets=(source, EMPTY))
    assert kinds(found) == [
        *(RequestAccepted, PaymentApprovalRequested, ScheduleOccurred),
        WalletFundsHeld,
    ]
    waiting = found.events[1][2]
    assert isinstance(waiting, PaymentApprovalRequested)
    assert waiting.requested_by == OWNER.subject


def test_what_was_missed_is_made_up_one_by_one() -> None:
    event, after = ran("2026-01-31", standing(), "2026-07-15")
    assert isinstance(event, ScheduleOccurred)
    assert after == standing("2026-03-31", done=1)


def test_what_was_missed_is_skipped_where_the_schedule_says_so() -> None:
    """No payment is made of it, and those behind it were missed as well."""
    given = schedule(if_missed="skip")
    found = decision(running(), given, by=WORKER, now=on("2026-02-01"))
    assert kinds(found) == [RequestAccepted, ScheduleOccurrenceSkipped]
    assert found.schedules[0].standing == standing("2026-03-31", done=1)


def test_on_its_day_it_is_not_missed() -> None:
    event, _ = ran("2026-01-31", standing(), "2026-01-31", if_missed="skip")
    assert isinstance(event, ScheduleOccurred)


def test_a_retry_that_was_missed_is_skipped_too() -> None:
    before = standing("2026-01-31", attempt=2, retry_on="2026-02-01")
    event, after = ran("2026-01-31", before, "2026-02-05", if_missed="skip", recurrence=DAILY)
    assert isinstance(event, ScheduleOccurrenceSkipped)
    assert after == standing("2026-02-01", done=1)


@pytest.mark.parametrize("if_missed", ["run", "skip"])
def test_an_occurrence_that_waited_for_retries_was_not_missed(if_missed: str) -> None:
    """It is tried today, and the days that it has waited count as tries, so none waits for ever."""
    poor, fields = (POOR, EMPTY), {"if_missed": if_missed, "recurrence": DAILY}
    before = standing("2026-01-31", attempt=3, retry_on="2026-02-02")
    _, after = ran("2026-01-31", before, "2026-02-02", poor, **fields)
    assert after == standing("2026-02-01", done=1, attempt=2, retry_on="2026-02-02")
    event, after = ran("2026-02-01", after, "2026-02-02", poor, **fields)
    assert isinstance(event, ScheduleOccurrencePostponed)
    assert after == standing("2026-02-01", done=1, attempt=3, retry_on="2026-02-03")
    event, after = ran("2026-02-01", after, "2026-02-03", poor, **fields)
    assert isinstance(event, ScheduleOccurrenceGivenUp)
    assert after == standing("2026-02-02", done=2, attempt=2, retry_on="2026-02-03")


def test_the_last_occurrence_ends_the_schedule() -> None:
    for fields in ({"recurrence": None}, {"count": 1}, {"until": "2026-03-30"}):
        _, after = ran("2026-01-31", standing(), "2026-01-31", **fields)
        assert after == standing(None, status="ended", done=1)
