"""Queries of schedules, each shown to the members of the wallet that it pays from."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from domain.instants import instant
from domain.money import Currencies
from domain.refusals import REFUSALS
from infrastructure.report_store.reports import Reports
from interfaces.query_api.answers import Failure, or_unset
from interfaces.query_api.endpoint import Answer, Asked, Query, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import Parameters, SchedulesParameters
from interfaces.query_api.schedule_answers import (
    Occurrence,
    Schedule,
    ScheduledTransfer,
    Schedules,
    ScheduleWithHistory,
)
from projections.contract import Snapshot
from projections.members import MEMBERS
from projections.schedules import (
    SCHEDULES,
    OccurrenceRow,
    ScheduleRow,
    find_schedule,
    list_schedules,
    occurrences_of,
)

LIST = "/v1/schedules"
READS = ("read", "payments", "operate", "audit")
READ_MODELS = (SCHEDULES, MEMBERS)
SHOWN_OCCURRENCES = 50


class ScheduleQueries:
    """Answers the queries of schedules."""

    def __init__(self, reports: Reports, pages: Pages, currencies: Currencies) -> None:
        """Take the read models, and how pages and money are written."""
        self._reports = reports
        self._pages = pages
        self._currencies = currencies

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        return (
            Query(
                LIST,
                "The schedules of the caller's wallets",
                READS,
                SchedulesParameters,
                Schedules,
                self.list,
            ),
            Query(
                f"{LIST}/{{schedule_id}}",
                "A schedule with what came of its last occurrences",
                READS,
                Parameters,
                ScheduleWithHistory,
                self.schedule,
                "sch",
            ),
        )

    async def list(self, asked: Asked[SchedulesParameters]) -> Answer:
        """`GET /v1/schedules`."""
        given = asked.parameters
        before = self._pages.before(asked, LIST)

        async def query(snapshot: Snapshot, _position: int) -> Schedules:
            rows = await list_schedules(
                snapshot,
                asked.user,
                sees_all=asked.sees_all,
                status=given.status,
                before=before,
                limit=given.limit + 1,
            )
            page, following = self._pages.cut(asked, LIST, rows, lambda r: [r.position])
            items = [Schedule(**self._fields(row)) for row in page]
            return Schedules(items=items, next_cursor=following)

        return Answer(*await self._reports.ask(READ_MODELS, given.min_position, query))

    async def schedule(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/schedules/{id}`."""

        async def query(snapshot: Snapshot, position: int) -> ScheduleWithHistory:
            row = await find_schedule(
                snapshot, asked.object_id, asked.user, sees_all=asked.sees_all
            )
            if row is None:
                raise not_found("schedule-not-found", position)
            past = await occurrences_of(snapshot, row.schedule_id, SHOWN_OCCURRENCES)
            return ScheduleWithHistory(**self._fields(row), occurrences=[*map(_occurrence, past)])

        at_least = asked.parameters.min_position
        return Answer(*await self._reports.ask(READ_MODELS, at_least, query))

    def _fields(self, row: ScheduleRow) -> dict[str, Any]:
        return {
            "schedule_id": row.schedule_id,
            "status": row.status,
            "next_on": None if row.next_on is None else row.next_on.isoformat(),
            "retry_on": or_unset(row.retry_on and row.retry_on.isoformat()),
            "starts_on": row.starts_on.isoformat(),
            "recurrence": or_unset(row.recurrence),
            "until": or_unset(row.until and row.until.isoformat()),
            "count": or_unset(row.count),
            "if_missed": row.if_missed,
            "done": row.done,
            "transfer": self._transfer(row),
            "created_at": instant(row.recorded_at),
        }

    def _transfer(self, row: ScheduleRow) -> ScheduledTransfer:
        return ScheduledTransfer(
            source_wallet_id=row.source_wallet_id,
            destination_wallet_id=row.destination_wallet_id,
            amount=self._currencies.format(row.amount, row.currency),
            currency=row.currency,
            description=or_unset(row.description),
            reference=or_unset(row.reference),
            metadata=or_unset(row.metadata),
            effective_at=or_unset(row.effective_at and instant(row.effective_at)),
        )


def _occurrence(row: OccurrenceRow) -> Occurrence:
    return Occurrence(
        on=row.occurs_on.isoformat(),
        attempt=row.attempt,
        outcome=row.outcome,
        payment_id=or_unset(row.payment_id),
        failure=_failure(row.code),
        retry_on=or_unset(row.retry_on and row.retry_on.isoformat()),
        recorded_at=instant(row.recorded_at),
        position=row.position,
    )


def _failure(code: str | None) -> Failure | UnsetType:
    if code is None:
        return UNSET
    refusal = REFUSALS.get(code)
    reason = _NO_RIGHT if refusal is None else refusal.reason
    return Failure(code=code, reason=reason)


_NO_RIGHT = "Whoever made the schedule may not pay from the wallet any more."
