"""The query of closed periods."""

from collections.abc import Sequence
from typing import Any

from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.period_log import PeriodLog, PeriodRow
from interfaces.query_api.answers import DateText, InstantText, NextCursor, Shape
from interfaces.query_api.cursors import Key
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import ListParameters

PERIODS = "/v1/operations/periods"
AFTER_ALL = "9999-12-31"


class Period(Shape, kw_only=True):
    """A period in which no value date is given any more."""

    operation_id: str
    through: DateText
    reason: str
    closed_by: str
    closed_at: InstantText
    position: int


class Periods(Shape, kw_only=True):
    """A page of closed periods, the latest first."""

    items: list[Period]
    next_cursor: NextCursor


class PeriodQueries:
    """Answers up to when the books are closed."""

    def __init__(self, periods: PeriodLog, log: LedgerLog, pages: Pages) -> None:
        """Take the periods, the log that is waited for, and how pages are written."""
        self._periods = periods
        self._log = log
        self._pages = pages

    def queries(self) -> Sequence[Query[Any]]:
        """Return the route."""
        reads = ("operate", "audit")
        return (Query(PERIODS, "Closed periods", reads, ListParameters, Periods, self.periods),)

    async def periods(self, asked: Asked[ListParameters]) -> Answer:
        """`GET /v1/operations/periods`."""
        wanted = asked.parameters.min_position
        if wanted:
            await self._log.events(wanted, 0, at_least=wanted)
        (before,) = self._pages.key(asked, PERIODS) or (AFTER_ALL,)
        position, rows = await self._periods.before(before, asked.parameters.limit + 1)
        page, following = self._pages.cut(asked, PERIODS, rows, _key)
        items = [
            Period(
                operation_id=row.operation_id,
                through=row.through,
                reason=row.reason,
                closed_by=row.closed_by,
                closed_at=row.closed_at,
                position=row.position,
            )
            for row in page
        ]
        return Answer(position, Periods(items=items, next_cursor=following))


def _key(row: PeriodRow) -> Key:
    return [row.through]
