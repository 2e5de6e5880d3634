"""Queries that show the ledger itself: its stored events, and how far read models follow them."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

from domain.identifiers import event_id
from domain.leaves import entry, leaf_hash
from domain.recorded import RecordedEvent
from infrastructure.report_store.ledger_log import Lag, LedgerLog
from infrastructure.report_store.reports import Checkpoint, Reports
from interfaces.query_api.cursors import Key
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.log_answers import (
    Projections,
    ProjectionState,
    StoredEvent,
    StoredEvents,
)
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import EventsParameters, ListParameters
from projections.catalogue import CATALOGUE

EVENTS = "/v1/audit/events"
PROJECTIONS = "/v1/projections"


class AuditQueries:
    """Answers the queries of the log and of the read models' progress."""

    def __init__(self, reports: Reports, log: LedgerLog, pages: Pages) -> None:
        """Take the read models, the ledger's log, and how pages are written."""
        self._reports = reports
        self._log = log
        self._pages = pages

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        return (
            Query(
                EVENTS,
                "Stored events, exactly as they are",
                ("audit",),
                EventsParameters,
                StoredEvents,
                self.events,
            ),
            Query(
                PROJECTIONS,
                "How far the read models have come",
                (),
                ListParameters,
                Projections,
                self.projections,
            ),
        )

    async def events(self, asked: Asked[EventsParameters]) -> Answer:
        """`GET /v1/audit/events`."""
        wanted = asked.parameters
        after, version = self._pages.key(asked, EVENTS) or (wanted.after, 0)
        position, events = await self._log.events(
            after,
            wanted.limit + 1,
            at_least=wanted.min_position,
            of=None if wanted.wallet_id is None else (wanted.wallet_id, version),
        )
        page, following = self._pages.cut(asked, EVENTS, events, _key)
        document = StoredEvents(items=[_stored(event) for event in page], next_cursor=following)
        return Answer(position, document)

    async def projections(self, asked: Asked[ListParameters]) -> Answer:
        """`GET /v1/projections`."""
        (last,) = self._pages.key(asked, PROJECTIONS) or ("",)
        position, found = await self._reports.progress(CATALOGUE, asked.parameters.min_position)
        known = {
            p.name: found.get(p.name, Checkpoint(p.version, 0, "catching-up"))
            for p in sorted(CATALOGUE, key=lambda projection: projection.name)
        }
        lags = await self._log.lags([checkpoint.position for checkpoint in known.values()])
        states = map(_state, known.items(), lags)
        rows = [state for state in states if state.name > last][: asked.parameters.limit + 1]
        page, following = self._pages.cut(asked, PROJECTIONS, rows, lambda state: [state.name])
        return Answer(position, Projections(items=list(page), next_cursor=following))


def _state(named: tuple[str, Checkpoint], lag: Lag) -> ProjectionState:
    name, checkpoint = named
    return ProjectionState(
        name=name,
        version=checkpoint.version,
        position=checkpoint.position,
        lag_events=lag.events,
        lag_seconds=round(lag.seconds, 3),
        state=checkpoint.state,
    )


def _stored(event: RecordedEvent) -> StoredEvent:
    return StoredEvent(
        position=event.position,
        event_id=event_id(event.stream_id, event.version),
        stream_id=event.stream_id,
        version=event.version,
        type=event.type,
        recorded_at=event.recorded_at,
        # The stored bytes themselves are sent, so that no reader and writer lies between.
        data=msgspec.Raw(event.data),
        metadata=msgspec.Raw(event.metadata),
        leaf_hash=b64encode(leaf_hash(entry(event))).decode(),
    )


def _key(event: RecordedEvent) -> Key:
    return event.position, event.version
