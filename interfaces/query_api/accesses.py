"""The log of who has read what by the scope `audit`, this log included."""

from collections.abc import Sequence
from typing import Any

import msgspec

from domain.instants import instant
from infrastructure.report_store.accesses import AccessRow, list_accesses
from infrastructure.report_store.reports import Reports
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import MAX_POSITION
from interfaces.query_api.report_answers import Access, Accesses
from interfaces.query_api.report_parameters import AccessesParameters
from projections.audit_trail import AUDIT_TRAIL
from projections.contract import Snapshot

ACCESSES = "/v1/audit/accesses"


class AccessQueries:
    """Answers the query of reads by auditors."""

    def __init__(self, reports: Reports, pages: Pages) -> None:
        """Take the database of the reports, and how pages are written."""
        self._reports = reports
        self._pages = pages

    def queries(self) -> Sequence[Query[Any]]:
        """Return the route."""
        summary = "Who has read what by the scope audit"
        return (Query(ACCESSES, summary, ("audit",), AccessesParameters, Accesses, self.accesses),)

    async def accesses(self, asked: Asked[AccessesParameters]) -> Answer:
        """`GET /v1/audit/accesses`."""
        wanted = asked.parameters
        (before,) = self._pages.key(asked, ACCESSES) or (MAX_POSITION,)

        async def query(snapshot: Snapshot, _position: int) -> Accesses:
            rows = await list_accesses(
                snapshot,
                person=wanted.person,
                since=wanted.since,
                until=wanted.until,
                before=before,
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(asked, ACCESSES, rows, lambda r: [r.number])
            return Accesses(items=[_access(row) for row in page], next_cursor=following)

        position, document = await self._reports.ask((AUDIT_TRAIL,), wanted.min_position, query)
        return Answer(position, document)


def _access(row: AccessRow) -> Access:
    return Access(
        accessed_at=instant(row.accessed_at),
        person=row.sub,
        client_id=row.client_id,
        route=row.route,
        asked=msgspec.Raw(row.asked.encode()),
        status=row.status,
    )
