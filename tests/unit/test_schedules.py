"""A schedule is made, paused, resumed and deleted by whoever may pay from its wallet."""

import pytest

from application.commands import ScheduleCommand
from domain.events import (
    RequestAccepted,
    RequestRefused,
    WalletMemberAdded,
    WalletMemberRemoved,
)
from domain.payment_events import Leg
from domain.refusals import (
    FieldInvalid,
    Rejection,
    RoleMissing,
    ScheduleNotFound,
    WalletNotFound,
)
from domain.schedule_events import (
    ScheduleDeleted,
    SchedulePaused,
    ScheduleResumed,
    ScheduleStanding,
)
from domain.schedules import DeleteSchedule, PauseSchedule, ResumeSchedule
from domain.wallets import Caller, Wallet
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    OPERATOR,
    OURS,
    OWNER,
    STRANGER,
    THEIRS,
    opening,
    wallet,
    wallet_named,
)
from tests.scheduled import (
    AMOUNT,
    EMPTY,
    KEY,
    RICH,
    SCHEDULED,
    created,
    decision,
    kinds,
    made_by,
    on,
    schedule,
    standing,
)

SPENDER, VIEWER = (Caller(f"usr_{name}", "tests", operate=False) for name in ("spender", "viewer"))
SHARED = wallet(
    WalletMemberAdded(SPENDER.subject, "spender"), WalletMemberAdded(VIEWER.subject, "viewer")
)
CHANGES: list[ScheduleCommand] = [
    PauseSchedule(SCHEDULED),
    ResumeSchedule(SCHEDULED),
    DeleteSchedule(SCHEDULED),
]


def test_making_begins_the_schedules_own_stream() -> None:
    found = decision(made_by())
    assert found.events == ((KEY, 1, created()),)
    assert [(each.version, each.standing) for each in found.schedules] == [(1, standing())]


def test_the_first_date_is_that_of_the_rule() -> None:
    """Where the rule does not fall on the first day, nothing is paid on that."""
    found = decision(made_by(recurrence="FREQ=MONTHLY;BYMONTHDAY=1"))
    assert found.schedules[0].standing.next_on == "2026-02-01"


@pytest.mark.parametrize(
    ("starts_on", "fits"),
    [("2026-01-30", False), ("2026-01-31", True), ("2036-12-31", True), ("2037-01-01", False)],
)
def test_it_begins_today_or_within_ten_years(starts_on: str, fits: bool) -> None:
    """Today is that of the ledger's clock, not of whoever asks."""
    if fits:
        assert decision(made_by(starts_on=starts_on, recurrence=None)).refusal is None
    else:
        with pytest.raises(FieldInvalid) as no:
            decision(made_by(starts_on=starts_on, recurrence=None))
        assert no.value.field == "starts_on"


@pytest.mark.parametrize(
    ("by", "no"),
    [(STRANGER, WalletNotFound), (VIEWER, RoleMissing), (SPENDER, None), (OPERATOR, None)],
)
def test_who_may_make_one(by: Caller, no: type[Rejection] | None) -> None:
    """Owners and spenders of the wallet that pays, and operators, as whom it is run then."""
    if no is None:
        _, _, event = decision(made_by(), by=by, wallets=(SHARED, EMPTY)).events[0]
        assert event == created(created_by=by.subject, operate=by.operate)
    else:
        with pytest.raises(no):
            decision(made_by(), by=by, wallets=(SHARED, EMPTY))


def test_an_operator_who_is_a_member_makes_it_as_a_member() -> None:
    """Then it ends with the membership, as everybody's does."""
    both = Caller(OWNER.subject, "tests", operate=True)
    assert decision(made_by(), by=both).events[0][2] == created()


@pytest.mark.parametrize(
    ("leg", "wallets", "code"),
    [
        (Leg(OURS, OURS, AMOUNT, "EUR"), (RICH,), "same-wallet"),
        (
            Leg(OURS, THEIRS, AMOUNT, "EUR"),
            (RICH, wallet(name=THEIRS, first=opening(currency="USD"))),
            "currency-mismatch",
        ),
        (Leg(OURS, THEIRS, AMOUNT, "EUR"), (wallet(CLOSED), EMPTY), "wallet-closed"),
        (
            Leg(OURS, THEIRS, AMOUNT, "EUR"),
            (RICH, wallet(CLOSED, name=THEIRS, first=opening(owner="usr_else"))),
            "payee-unavailable",
        ),
    ],
)
def test_what_can_never_be_paid_is_refused(
    leg: Leg, wallets: tuple[Wallet, ...], code: str
) -> None:
    """The refusal is remembered under the key."""
    found = decision(made_by(leg=leg), wallets=wallets)
    refused = RequestRefused(action="create-schedule", wallet_id=OURS, code=code)
    assert found.events == ((KEY, 1, refused),)


@pytest.mark.parametrize("source", [wallet(), wallet(FROZEN_BY_MEMBER)])
def test_what_may_change_until_then_is_no_reason(source: Wallet) -> None:
    """Neither an empty wallet nor a frozen one; that is judged when the day has come."""
    assert decision(made_by(), wallets=(source, EMPTY)).refusal is None


def test_a_wallet_that_is_not_there() -> None:
    with pytest.raises(WalletNotFound):
        decision(made_by(leg=Leg(OURS, wallet_named(77), AMOUNT, "EUR")))


def test_a_pause_keeps_the_place() -> None:
    before = standing("2026-02-28", done=1)
    found = decision(PauseSchedule(SCHEDULED), schedule(before))
    paused = standing("2026-02-28", done=1, status="paused")
    answer = RequestAccepted(
        action="pause-schedule", schedule_id=SCHEDULED, schedule_standing=paused
    )
    assert [event for _, _, event in found.events] == [answer, SchedulePaused(standing=paused)]
    assert found.events[1][1] == 4


@pytest.mark.parametrize(
    ("before", "today", "after"),
    [
        (standing("2026-03-31", status="paused"), "2026-02-15", standing("2026-03-31")),
        (standing("2026-03-31", status="paused"), "2026-03-31", standing("2026-03-31")),
        (standing("2026-03-31", status="paused"), "2026-04-01", standing("2026-05-31")),
        (
            standing("2026-03-31", status="paused", attempt=2, retry_on="2026-04-01", done=4),
            "2026-04-01",
            standing("2026-05-31", done=4),
        ),
        (
            standing("2026-03-31", status="paused", attempt=2, retry_on="2026-04-01"),
            "2026-03-31",
            standing("2026-03-31", attempt=2, retry_on="2026-04-01"),
        ),
    ],
)
def test_what_fell_into_a_pause_is_left_out(
    before: ScheduleStanding, today: str, after: ScheduleStanding
) -> None:
    """Whatever the schedule says of missed ones: nothing was to be paid then."""
    paused = schedule(before)
    found = decision(ResumeSchedule(SCHEDULED), paused, now=on(today))
    assert found.events[1][2] == ScheduleResumed(standing=after)


def test_a_schedule_that_ended_while_it_was_paused() -> None:
    before = standing(status="paused", done=2)
    found = decision(
        ResumeSchedule(SCHEDULED), schedule(before, recurrence=None), now=on("2026-02-01")
    )
    ended = standing(None, status="ended", done=2)
    assert found.events[1][2] == ScheduleResumed(standing=ended)


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (PauseSchedule(SCHEDULED), "paused"),
        (PauseSchedule(SCHEDULED), "ended"),
        (ResumeSchedule(SCHEDULED), "active"),
        (ResumeSchedule(SCHEDULED), "ended"),
    ],
)
def test_what_is_so_already_stays_so(command: ScheduleCommand, status: str) -> None:
    found = decision(command, schedule(standing(status=status)))
    assert kinds(found) == [RequestAccepted]


def test_deleted_is_the_end() -> None:
    found = decision(DeleteSchedule(SCHEDULED), schedule(standing(done=3)))
    deleted = standing(None, status="deleted", done=3)
    assert found.events[1][2] == ScheduleDeleted(standing=deleted)
    for command in CHANGES:
        with pytest.raises(ScheduleNotFound):
            decision(command, *found.schedules)


@pytest.mark.parametrize("command", CHANGES)
@pytest.mark.parametrize(
    ("by", "no"),
    [(STRANGER, ScheduleNotFound), (VIEWER, RoleMissing), (SPENDER, None), (OPERATOR, None)],
)
def test_who_may_change_one(
    command: ScheduleCommand, by: Caller, no: type[Rejection] | None
) -> None:
    """Whoever may pay from the wallet; the payee does not even know."""
    if no is None:
        assert decision(command, schedule(), by=by, wallets=(SHARED, EMPTY)).refusal is None
    else:
        with pytest.raises(no):
            decision(command, schedule(), by=by, wallets=(SHARED, EMPTY))


def test_who_was_removed_knows_nothing_of_it() -> None:
    gone = wallet(
        WalletMemberAdded(SPENDER.subject, "spender"), WalletMemberRemoved(SPENDER.subject)
    )
    with pytest.raises(ScheduleNotFound):
        decision(PauseSchedule(SCHEDULED), schedule(), by=SPENDER, wallets=(gone, EMPTY))


@pytest.mark.parametrize("command", CHANGES)
def test_a_schedule_that_is_not_there(command: ScheduleCommand) -> None:
    with pytest.raises(ScheduleNotFound):
        decision(command)


def test_freezes_stop_no_changes() -> None:
    """Whoever cannot pay can still stop what would be paid."""
    frozen = wallet(FROZEN_BY_OPERATOR)
    for command in CHANGES:
        assert decision(command, schedule(), wallets=(frozen, EMPTY)).refusal is None
