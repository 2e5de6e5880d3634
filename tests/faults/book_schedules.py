"""Schedules told anew from their events: each date ends once, and none that is due is left."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.faults.names import identifier, occurrence, run

ENDS = {"occurred": "run", "occurrence_given_up": "given-up", "occurrence_skipped": "skipped"}
POSTPONED = "occurrence_postponed"
STANDING = ("status", "next_on", "done", "attempt", "retry_on")
TRIES = 3

Row = tuple[int, UUID, int, str, bytes, bytes, datetime]


@dataclass(slots=True)
class Schedule:
    """A schedule as its events leave it; `standing` is what the last of them says."""

    name: str
    position: int
    recorded_at: datetime
    began: dict[str, Any]
    standing: dict[str, Any]
    ended: set[str] = field(default_factory=set)

    @property
    def due_on(self) -> str | None:
        """The day on which something is to be done next, if it is active."""
        if self.standing["status"] != "active":
            return None
        return str(self.standing["retry_on"] or self.standing["next_on"])

    def following(self, on: str) -> str | None:
        """Return the date behind another one: campaigns ask for one date, or for every day."""
        rule, count, until = (self.began[name] for name in ("recurrence", "count", "until"))
        if rule is None:
            return None
        assert rule == "FREQ=DAILY", "no campaign asks for another rule"
        first = date.fromisoformat(self.began["starts_on"])
        following = date.fromisoformat(on) + timedelta(days=1)
        ended = count is not None and (following - first).days >= count
        text = following.isoformat()
        return None if ended or (until is not None and text > until) else text


@dataclass(slots=True)
class Schedules:
    """All schedules; `occurrence` is the row that the last event adds to the read model."""

    fault: Callable[[str], None]
    made: dict[str, Schedule] = field(default_factory=dict)
    occurrence: tuple[Any, ...] | None = None
    ran: int = 0

    def tell(
        self, row: Row, fields: dict[str, Any], answer: UUID | None, payments: Collection[str]
    ) -> None:
        """Follow one event; `answer` is the stream that its command began."""
        position, stream, version, topic, _, _, now = row
        name, word = identifier("sch", stream), topic.split(".")[1]
        self.occurrence = None
        standing = fields["standing"]
        if version == 1 and word == "created":
            self.made[name] = Schedule(name, position, now, fields, standing)
            if standing["next_on"] != fields["starts_on"]:
                self.fault(f"position {position}: {name} begins with {standing['next_on']}")
            return
        schedule = self.made.get(name)
        if schedule is None:
            self.fault(f"position {position}: {topic} of a schedule that was never made")
            return
        if word in ENDS or word == POSTPONED:
            for wrong in self._occurrence(row, schedule, word, fields, answer, payments):
                self.fault(f"position {position}: {fields['on']} of {name} {wrong}")
        schedule.standing = standing

    def finish(self, now: datetime) -> None:
        """Say which occurrences are due and did not end."""
        today = now.date().isoformat()
        for schedule in self.made.values():
            if schedule.due_on is not None and schedule.due_on <= today:
                self.fault(f"{schedule.name} was due on {schedule.due_on} and was not run")

    def _occurrence(
        self,
        row: Row,
        schedule: Schedule,
        word: str,
        fields: dict[str, Any],
        answer: UUID | None,
        payments: Collection[str],
    ) -> list[str]:
        on, attempt, now = fields["on"], fields["attempt"], row[6]
        today, before, after = now.date().isoformat(), schedule.standing, fields["standing"]
        wrong = []
        if on in schedule.ended:
            wrong.append("ends twice")
        if (before["status"], before["next_on"], before["attempt"]) != ("active", on, attempt):
            wrong.append(f"was tried for time {attempt} and is not next")
        if on > today:
            wrong.append("was tried before its day")
        if answer != run(schedule.name, on, attempt):
            wrong.append("was tried by a command that does not follow from it")
        payment, retry_on = fields.get("payment_id"), None
        if word == "occurred" and payment is None:
            wrong.append("has no payment")
        if payment is not None and (
            payment != occurrence(schedule.name, on) or payment not in payments
        ):
            wrong.append("has a payment that is not its own")
        if word == POSTPONED:
            retry_on = after["retry_on"]
            if attempt >= TRIES or (after["next_on"], after["attempt"]) != (on, attempt + 1):
                wrong.append("was postponed and is not tried again")
        else:
            schedule.ended.add(on)
            self.ran += word == "occurred"
            if after["next_on"] != schedule.following(on):
                wrong.append(f"is followed by {after['next_on']}")
        self.occurrence = (
            row[0],
            schedule.name,
            date.fromisoformat(on),
            attempt,
            ENDS.get(word, "postponed"),
            payment,
            fields.get("code"),
            None if retry_on is None else date.fromisoformat(retry_on),
            now,
        )
        return wrong
