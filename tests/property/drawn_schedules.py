"""Draws schedules: made, resting, ended, and run on their dates, with all that comes of a date."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import strategies as st

from application.commands import Submission
from domain.events import Role
from domain.identifiers import ScheduleId
from domain.schedules import DeleteSchedule, PauseSchedule, ResumeSchedule
from domain.wallet_rules import AddMember, ChangeApprovals
from tests.property.cast import (
    ANNA,
    CARL,
    OPERATOR,
    PER_PAYMENT,
    THRESHOLD,
)
from tests.property.dealing import Draw, Wish
from tests.property.model_orders import RULES, Plan
from tests.property.model_schedules import GIVEN_UP, SKIPPED_LATER, day_of, outlook
from tests.property.sender import Sender, pick
from tests.property.sent_orders import is_due, plans, running, scheduling

Change = type[PauseSchedule | ResumeSchedule | DeleteSchedule]
CHANGES: list[Change] = [PauseSchedule, ResumeSchedule, DeleteSchedule]

SET_UP = 12
"""How many schedules are there from the beginning, each for something that may come of a date."""


def _drawn_ones(sender: Sender, wanted: Callable[[Plan], bool]) -> list[tuple[str, Plan]]:
    """Return the newest of the schedules that may rest or end: not those of the beginning."""
    later = [*sender.model.book.plans.items()][SET_UP:]
    return [(name, plan) for name, plan in later if wanted(plan)][-6:]


def _create(sender: Sender, data: st.DataObject) -> Submission:
    source = data.draw(st.sampled_from(["rich", "rich", "overdrawn", "limited", "household"]))
    payee = data.draw(st.sampled_from(["shop", "theirs"]))
    caller = CARL if source == "household" else data.draw(st.sampled_from([ANNA, OPERATOR]))
    rule = data.draw(st.sampled_from([*RULES]))
    ahead = data.draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3, 28, 31]))
    starts = day_of(sender.model.book) + timedelta(days=ahead)
    bound = data.draw(st.sampled_from([None, "until", "count"])) if rule is not None else None
    until = starts + timedelta(days=data.draw(st.integers(0, 70))) if bound == "until" else None
    count = data.draw(st.integers(1, 4)) if bound == "count" else None
    skips = data.draw(st.booleans())
    dates = Plan("", "", 1, "EUR", starts, rule, until, count, skips, caller)
    if dates.following(None) is None:
        until = None
    return scheduling(
        sender,
        caller,
        source,
        payee,
        data.draw(st.integers(1, 20)),
        rule,
        starts=starts,
        until=until,
        count=count,
        skips=skips,
    )


def _change(command: Change, status: str, otherwise: Draw) -> Draw:
    def draw(sender: Sender, data: st.DataObject) -> Submission:
        found = _drawn_ones(sender, lambda plan: plan.status == status)
        if not found:
            return otherwise(sender, data)
        name, _ = pick(data, found)
        caller = data.draw(st.sampled_from([OPERATOR, ANNA]))
        return sender.submit(caller, command(ScheduleId(name)))

    return draw


def _run(how: str, otherwise: Draw, *, skips: bool = False) -> Draw:
    """Draw a try of which this will come, perhaps only of those that skip what they miss."""

    def draw(sender: Sender, data: st.DataObject) -> Submission:
        book = sender.model.book
        found = plans(
            sender,
            lambda plan: (
                is_due(sender, plan) and outlook(book, plan) == how and (plan.skips or not skips)
            ),
        )
        if not found:
            return otherwise(sender, data)
        return running(*pick(data, found))

    return draw


def _from_rich(sender: Sender, data: st.DataObject) -> Submission:
    return scheduling(sender, ANNA, "rich", "shop", data.draw(st.integers(1, 9)))


def _skipping(sender: Sender, data: st.DataObject) -> Submission:
    amount = data.draw(st.integers(1, 9))
    return scheduling(sender, ANNA, "rich", "shop", amount, skips=True)


def _for_the_household(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a schedule whose payments wait for other owners, or do not just yet."""
    purse, household = sender.purse("household"), sender.names["household"]
    if purse.approvals == 0:
        return sender.submit(ANNA, ChangeApprovals(household, 1, THRESHOLD))
    amount = THRESHOLD + data.draw(st.sampled_from([0, 1, 1]))
    return scheduling(sender, CARL if purse.pays(CARL) else ANNA, "household", "shop", amount)


def _from_poor(sender: Sender, data: st.DataObject) -> Submission:
    """Draw a schedule of what there is, or of one minor unit more."""
    purse = sender.purse("poor")
    free = sender.model.book.available(sender.names["poor"]) + (purse.limit or 0)
    amount = max(1, free + data.draw(st.sampled_from([0, 1, 1])))
    skips = data.draw(st.booleans())
    return scheduling(sender, ANNA, "poor", "shop", amount, skips=skips)


def _from_poor_or_skipped(sender: Sender, _data: st.DataObject) -> Submission:
    """Draw a schedule that waits for money, but not beyond the day."""
    free = sender.model.book.available(sender.names["poor"]) + (sender.purse("poor").limit or 0)
    return scheduling(sender, ANNA, "poor", "shop", max(1, free + 1), skips=True)


def _from_limited(sender: Sender, data: st.DataObject) -> Submission:
    amount = PER_PAYMENT + data.draw(st.sampled_from([0, 1, 1]))
    return scheduling(sender, ANNA, "limited", "shop", amount)


def _from_frozen(sender: Sender, _data: st.DataObject) -> Submission:
    return scheduling(sender, ANNA, "frozen", "shop", 1)


def _into_full(sender: Sender, _data: st.DataObject) -> Submission:
    return scheduling(sender, OPERATOR, "bank", "full", 1)


def _without_the_role(sender: Sender, data: st.DataObject) -> Submission:
    """Draw the change of a role on which a schedule hangs, or such a schedule.

    Who could operate any wallet has made it as a member, and loses the right as one.
    """
    household, who = sender.names["household"], data.draw(st.sampled_from([CARL, OPERATOR]))
    pays = sender.purse("household").pays(who)
    made = plans(
        sender,
        lambda plan: (
            plan.source == household
            and plan.maker.subject == who.subject
            and not plan.maker.operate
            and is_due(sender, plan)
        ),
    )
    if not made and pays:
        return scheduling(sender, who, "household", "shop", data.draw(st.integers(1, 9)))
    role: Role = "viewer" if made and pays else "spender"
    return sender.submit(ANNA, AddMember(household, who.subject, role))


def _back_in_role(sender: Sender, _data: st.DataObject) -> Submission:
    command = AddMember(sender.names["household"], CARL.subject, "spender")
    return sender.submit(ANNA, command)


_DELETE = _change(DeleteSchedule, "active", _create)
_PAUSE = _change(PauseSchedule, "active", _create)
_POSTPONE = _run("postponed", _from_poor)
_POSTPONE_OR_SKIP = _run("postponed", _from_poor_or_skipped, skips=True)

SCHEDULES: dict[str, Wish] = {
    "create": Wish("done", _create, 8),
    "pause": Wish("done", _PAUSE, 3),
    "resume": Wish("done", _change(ResumeSchedule, "paused", _PAUSE), 4),
    "delete": Wish("done", _DELETE, 1),
    "delete paused": Wish("done", _change(DeleteSchedule, "paused", _PAUSE), 1),
    "back in role": Wish("done", _back_in_role),
    "paid": Wish("paid", _run("paid", _from_rich)),
    "waits": Wish("waits", _run("waits", _for_the_household)),
    "postponed": Wish("postponed", _POSTPONE),
    "skipped": Wish("skipped", _run("skipped", _skipping)),
    "skipped after a try": Wish(SKIPPED_LATER, _run(SKIPPED_LATER, _POSTPONE_OR_SKIP)),
    "given up for money": Wish(
        f"{GIVEN_UP}insufficient-funds", _run(f"{GIVEN_UP}insufficient-funds", _POSTPONE)
    ),
    "given up for a role": Wish(
        f"{GIVEN_UP}role-missing", _run(f"{GIVEN_UP}role-missing", _without_the_role)
    ),
    "given up, frozen": Wish(
        f"{GIVEN_UP}wallet-frozen", _run(f"{GIVEN_UP}wallet-frozen", _from_frozen)
    ),
    "given up, closed": Wish(
        f"{GIVEN_UP}wallet-closed", _run(f"{GIVEN_UP}wallet-closed", _from_rich)
    ),
    "given up, payee closed": Wish(
        f"{GIVEN_UP}payee-unavailable", _run(f"{GIVEN_UP}payee-unavailable", _from_rich)
    ),
    "given up for a limit": Wish(
        f"{GIVEN_UP}limit-exceeded", _run(f"{GIVEN_UP}limit-exceeded", _from_limited)
    ),
    "given up, full": Wish(
        f"{GIVEN_UP}balance-out-of-range", _run(f"{GIVEN_UP}balance-out-of-range", _into_full)
    ),
}
"""What a request is drawn for, and by what."""
