"""Follows the events past each read model's checkpoint and compares it there."""

from collections.abc import Collection, Mapping, Sequence
from types import UnionType
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from interfaces.replay import checkpoints, lines, tables
from interfaces.replay.checkpoints import COMPARED, MODEL_OF
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.order import OrderCheck
from interfaces.replay.report_lines import TRAIL, TRAIL_FIELDS, Declines, Trail
from interfaces.replay.request_lines import (
    REQUEST_FIELDS,
    REQUESTS,
    Requested,
    RequestEnded,
    RequestStanding,
    request_of,
)
from interfaces.replay.rows_in_order import RowsInOrder
from interfaces.replay.schedule_lines import (
    OCCURRENCE_FIELDS,
    OCCURRENCES,
    SCHEDULE_FIELDS,
    SCHEDULES,
    Scheduled,
    ScheduleStanding,
    ScheduleWentOn,
    occurrence_of,
    schedule_of,
)
from interfaces.replay.stored import Facts, Moved, Paid, Stored, Unreadable, WentOn, chunks, stamp
from interfaces.replay.value_lines import (
    LATE_ENTRIES,
    LATE_ENTRY_FIELDS,
    VALUE_DAY_FIELDS,
    VALUE_DAYS,
    ValueDates,
)
from interfaces.replay.wallets import Wallet, Wallets


class ReadModels:
    """The read models of one snapshot, each compared at its own checkpoint."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        findings: Findings,
        chosen: Collection[str] = COMPARED,
    ) -> None:
        """Take the snapshot and read the checkpoints; what has none yet is at position 0.

        Of the read models only the chosen ones need to be there.
        """
        self._connection = connection
        self._chosen = chosen
        self._findings = findings
        self._totals = tables.DailyTotals()
        self._declines = Declines()
        self._descriptions = lines.Descriptions()
        self._last: Stored | None = None
        self.found = checkpoints.read_models(connection)

    def begin(self, store: UUID, last: int, epoch: int | None = None) -> None:
        """Check the checkpoints against the store, and open what is compared on the way."""
        for model in self.found:
            checkpoints.check_place(model, store, epoch, last, self._findings)
        positions = {model.name: model.position for model in self.found}
        reached = [(positions.get(name, 0), name) for name in self._chosen]
        self._due = sorted((each for each in reached if each[0] <= last), reverse=True)
        self._entries_until = min(positions.get("entries", 0), last)
        self._payments_until = min(positions.get("payments", 0), last)
        self._requests_until = min(positions.get("payment_requests", 0), last)
        self._requests = self._in_order("payment_requests", REQUEST_FIELDS, REQUESTS, last)
        self._schedules_until = min(positions.get("schedules", 0), last)
        self._schedules = self._in_order("schedules", SCHEDULE_FIELDS, SCHEDULES, last)
        self._occurrences = self._in_order(
            "schedule_occurrences", OCCURRENCE_FIELDS, OCCURRENCES, last
        )
        self._entries = self._in_order("entries", lines.ENTRY_FIELDS, lines.ENTRIES, last)
        self._payments = self._in_order(
            "payments", lines.PAYMENT_FIELDS, lines.PAYMENTS, last, lines.PAYMENT_CHANGES
        )
        self._legs = self._in_order("payment_legs", lines.LEG_FIELDS, lines.LEGS, last)
        self._steps = self._in_order("payment_steps", lines.STEP_FIELDS, lines.STEPS, last)
        self._value_dates = ValueDates(
            self._in_order("value_days", VALUE_DAY_FIELDS, VALUE_DAYS, last),
            self._in_order("late_entries", LATE_ENTRY_FIELDS, LATE_ENTRIES, last),
            min(positions.get("value_dates", 0), last),
        )
        self._trail = Trail(
            self._in_order("audit_trail", TRAIL_FIELDS, TRAIL, last),
            min(positions.get("audit_trail", 0), last),
        )

    def before(self, position: int, wallets: Wallets, order: OrderCheck) -> None:
        """Compare what has its checkpoint before a position, while the fold stands there."""
        while self._due and self._due[-1][0] < position:
            checkpoint, name = self._due.pop()
            if not order.between_commands:
                place = (checkpoint, name, "position", "a command's end", checkpoint)
                checkpoints.wrong(self._findings, *place)
            for model in self.found:
                if model.name == name:
                    checkpoints.check_event(model, self._last, self._findings)
            self._compare(name, checkpoint, wallets)

    @property
    def until(self) -> Mapping[str, int]:
        """The positions up to which streams are compared by their last event, by their types."""
        return {
            "payment.": self._payments_until,
            "payment_request.": self._requests_until,
            "schedule.": self._schedules_until,
        }

    def add(self, event: Stored, wallet: Wallet | None, last: Stored | Unreadable | None) -> None:
        """Follow one event, with its wallet as it stands behind it.

        `last` is the last event of a payment or a request that begins here, where there are more
        than this one.
        """
        facts = event.facts
        self._last = event
        self._trail.add(event)
        last = self._fitting(facts, last)
        if isinstance(last, Unreadable):
            # That event is found where it stands; nothing is wrong where its stream begins.
            for rows in (self._payments, self._requests, self._schedules):
                rows.pass_over(event.position)
        if isinstance(facts, Moved):
            self._value_dates.add(event, facts)
            if wallet is not None and event.position <= self._entries_until:
                description = self._descriptions.of(event, facts.payment_id)
                self._entries.expect(lines.entry_of(event, facts, wallet, description))
        elif isinstance(facts, Paid | WentOn):
            self._descriptions.add(event, facts)
            self._totals.add(event)
            self._declines.add(event)
            if event.position > self._payments_until:
                return
            if event.version > 1:
                self._steps.expect(lines.step_of(event, facts))
            elif isinstance(facts, Paid):
                if not isinstance(last, Unreadable):
                    changed_at = None if last is None else last.position
                    self._payments.expect(lines.payment_of(event, facts, last), changed_at)
                for leg in lines.legs_of(event, facts):
                    self._legs.expect(leg)
        elif isinstance(last, Unreadable):
            return
        elif isinstance(facts, Requested) and event.position <= self._requests_until:
            ended = facts.standing if last is None else _standing_of(last)
            place = (event.position, event.name, event.recorded)
            self._requests.expect(request_of(*place, facts, stamp(facts.expires_at), ended))

        elif isinstance(facts, Scheduled | ScheduleWentOn):
            self._follow_schedule(event, facts, last)

    def _fitting(
        self, facts: Facts, last: Stored | Unreadable | None
    ) -> Stored | Unreadable | None:
        """Say where a stream goes on with what cannot follow its first event."""
        if last is None or isinstance(last, Unreadable):
            return last
        for beginning, going_on in _GOES_ON:
            if isinstance(facts, beginning) and not isinstance(last.facts, going_on):
                wrong = "type", "one that goes on with its stream", last.type
                self._findings.add(Difference(last.position, "events", last.name, *wrong))
                return Unreadable("type", last.type)
        return last

    def _follow_schedule(
        self, event: Stored, facts: Scheduled | ScheduleWentOn, last: Stored | None
    ) -> None:
        if event.position > self._schedules_until:
            return
        place = (event.position, event.name)
        if isinstance(facts, Scheduled):
            after = facts.standing if last is None else _schedule_after(last)
            effective = stamp(facts.effective_at)
            row = schedule_of(*place, event.recorded, facts, effective, after)
            self._schedules.expect(row)
        elif facts.on is not None:
            self._occurrences.expect(occurrence_of(*place, event.type, event.recorded, facts))

    def end(self) -> None:
        """Look for rows behind the last that an event asked for."""
        for rows in (self._entries, self._payments, self._legs, self._steps, self._requests):
            rows.end()
        self._schedules.end()
        self._occurrences.end()
        self._value_dates.end()
        self._trail.end()

    def _compare(self, name: str, checkpoint: int, wallets: Wallets) -> None:
        if name == "balances":
            tables.compare_balances(self._connection, wallets.known, self._findings)
        elif name == "members":
            tables.compare_members(self._connection, wallets.known, self._findings)
        elif name == "daily_totals":
            self._totals.compare(self._connection, checkpoint, self._findings)
        elif name == "declines":
            self._declines.compare(self._connection, checkpoint, self._findings)
        elif name == "trial_balance":
            tables.compare_trial_balance(self._connection, wallets.known, self._findings)

    def _in_order(
        self,
        name: str,
        fields: Sequence[str],
        query: LiteralString,
        last: int,
        changing: Sequence[str] = (),
    ) -> RowsInOrder:
        # Rows beyond the store's last position belong to events that are missing, which is
        # known from the checkpoint.
        model_name = MODEL_OF.get(name, name)
        beyond = any(model.name == model_name and model.position > last for model in self.found)
        limit = last if beyond else 2**63 - 1
        chosen = model_name in self._chosen
        rows = chunks(self._connection, name, query, limit) if chosen else iter(())
        return RowsInOrder(name, fields, rows, self._findings, changing)


def _standing_of(last: Stored) -> RequestStanding:
    assert isinstance(last.facts, RequestEnded), "what comes after the first event of a request"
    return last.facts.standing


def _schedule_after(last: Stored) -> ScheduleStanding:
    assert isinstance(last.facts, ScheduleWentOn), "what comes after the first event of a schedule"
    return last.facts.standing


_GOES_ON: Sequence[tuple[type | UnionType, type | UnionType]] = (
    (Paid, Paid | WentOn),
    (Requested, RequestEnded),
    (Scheduled, ScheduleWentOn),
)
"""What may stand behind the first event of a stream."""
