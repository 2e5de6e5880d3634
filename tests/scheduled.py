"""The words of tests about schedules: a transfer of ten euros on dates."""

from typing import Any
from uuid import UUID

from application.commands import Command, Submission
from application.deciding import Decision
from application.decisions import decide
from application.state import State
from domain.identifiers import payment_id, schedule_id
from domain.instants import Instant
from domain.occurrences import RunOccurrence
from domain.payment_events import Leg
from domain.schedule_events import Day, ScheduleCreated, ScheduleStanding
from domain.schedules import CreateSchedule, Plan, Schedule
from domain.wallets import Caller, Wallet
from tests.given import ISO, NOW, OURS, OWNER, THEIRS, credited, wallet

KEY = UUID(int=1001)
SCHEDULED = schedule_id(UUID(int=21))
PAYMENT = payment_id(UUID(int=22))
AMOUNT = 1000
TODAY = Day(NOW[:10])
WORKER = Caller("payments", "tests", operate=True, system=True)
MONTHLY = "FREQ=MONTHLY;BYMONTHDAY=31"
RICH, POOR = wallet(credited(AMOUNT)), wallet(credited(AMOUNT - 1))
EMPTY = wallet(name=THEIRS)


def on(day: str) -> Instant:
    """Return noon of a day."""
    return Instant(f"{day}T12:00:00.000000Z")


def made_by(**fields: Any) -> CreateSchedule:
    """Return the command to pay each month from today on, but for the fields of its plan."""
    rest = {"if_missed": fields.pop("if_missed", "run"), "leg": fields.pop("leg", LEG)}
    plan = Plan(**{"starts_on": TODAY, "recurrence": MONTHLY, **fields})
    return CreateSchedule(schedule_id=SCHEDULED, plan=plan, description="Rent", **rest)


LEG = Leg(OURS, THEIRS, AMOUNT, "EUR")


def standing(next_on: str | None = "2026-01-31", **fields: Any) -> ScheduleStanding:
    """Return how a schedule stands: active, its first date today, but for the fields given."""
    return ScheduleStanding(**{"status": "active", "next_on": next_on, **fields})


def created(**fields: Any) -> ScheduleCreated:
    """Return the fact that the owner has made the schedule, but for the fields given."""
    return ScheduleCreated(
        **{
            "source_wallet_id": OURS,
            "destination_wallet_id": THEIRS,
            "amount": AMOUNT,
            "currency": "EUR",
            "description": "Rent",
            "starts_on": TODAY,
            "recurrence": MONTHLY,
            "until": None,
            "count": None,
            "if_missed": "run",
            "created_by": OWNER.subject,
            "operate": False,
            "standing": standing(),
            **fields,
        }
    )


def schedule(now: ScheduleStanding | None = None, **fields: Any) -> Schedule:
    """Return the schedule as it stands, made as `created` says."""
    began = created(**fields)
    return Schedule(SCHEDULED, 3, began, now or began.standing)


def running(day: str = "2026-01-31", attempt: int = 1) -> RunOccurrence:
    """Return the command to try the occurrence of a day."""
    return RunOccurrence(SCHEDULED, PAYMENT, Day(day), attempt)


def decision(
    command: Command,
    *schedules: Schedule,
    by: Caller = OWNER,
    wallets: tuple[Wallet, ...] = (RICH, EMPTY),
    now: Instant = NOW,
) -> Decision:
    """Decide one command on these wallets and schedules."""
    state = State(
        {each.wallet_id: each for each in wallets},
        ISO.digits,
        schedules={each.schedule_id: each for each in schedules},
    )
    return decide(Submission(command, by, KEY, "asked"), state, now)


def kinds(found: Decision) -> list[type]:
    """Return of which classes the events are, in their order."""
    return [type(event) for _, _, event in found.events]
