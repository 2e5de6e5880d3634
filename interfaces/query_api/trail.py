"""The log of who did what, searched by person, wallet, payment and reference."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import UNSET

from domain.identifiers import StreamId, event_id
from infrastructure.report_store.acts import Act, Acts, Places
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import Reports
from interfaces.http.problems import Problem
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import MAX_POSITION
from interfaces.query_api.report_answers import Action, Actions
from interfaces.query_api.report_parameters import TrailParameters
from interfaces.query_api.tags import tag
from projections.audit_trail import AUDIT_TRAIL, acted
from projections.balances import BALANCES
from projections.contract import Snapshot
from projections.payments import PAYMENTS

TRAIL = "/v1/audit/trail"
READS = (AUDIT_TRAIL, PAYMENTS, BALANCES)
MOST_LOOKS = 8
"""How often a page goes on to look for what fits two filters at once."""

SUBJECTS = ("wallet_id", "payment_id", "reference")
BEGINNINGS = {
    "wallet.opened.v1": "open-wallet",
    "payment_request.created.v1": "request-payment",
    "schedule.created.v1": "create-schedule",
}
REFUSED = ("request.refused.v1", "payment.declined.v1")
Outcome = Literal["accepted", "refused"]


class TrailQueries:
    """Answers the query of who did what."""

    def __init__(self, reports: Reports, log: LedgerLog, acts: Acts, pages: Pages) -> None:
        """Take what finds who acted where, what tells it, and how pages are written."""
        self._reports = reports
        self._log = log
        self._acts = acts
        self._pages = pages

    def queries(self) -> Sequence[Query[Any]]:
        """Return the route."""
        summary = "Who did what, operators and workers included"
        parameters, tagged = TrailParameters, True
        return (Query(TRAIL, summary, ("audit",), parameters, Actions, self.trail, tagged=tagged),)

    async def trail(self, asked: Asked[TrailParameters]) -> Answer:
        """`GET /v1/audit/trail`."""
        wanted = asked.parameters
        _refuse_two_subjects(wanted)
        (until,) = self._pages.key(asked, TRAIL) or (MAX_POSITION,)
        after = 0
        if wanted.since is not None:
            after = await self._log.position_before(wanted.since)
        if wanted.until is not None:
            until = min(until, await self._log.position_before(wanted.until))

        async def place(snapshot: Snapshot, position: int) -> str:
            return await tag(snapshot, asked, READS, position)

        position, found = await self._reports.ask(READS, wanted.min_position, place)
        acts, floor = await self._find(wanted, after, min(until, position))
        page, following = self._pages.cut(asked, TRAIL, acts, lambda act: [act.event.position - 1])
        if following is None and floor > after:
            following = self._pages.following(asked, TRAIL, [floor])
        items = [_action(act) for act in page]
        return Answer(position, Actions(items=items, next_cursor=following), found)

    async def _find(self, wanted: TrailParameters, after: int, until: int) -> tuple[list[Act], int]:
        """Return one act more than the page needs, if there are, and how far was looked."""
        most = wanted.limit + 1
        if wanted.person is None and not any(getattr(wanted, name) for name in SUBJECTS):
            acts = await self._acts.latest(after, until, most)
            return acts, after
        found: list[Act] = []
        for _ in range(MOST_LOOKS):
            places = await self._places(wanted, after, until, most)
            acts = await self._acts.at(places.positions)
            by = wanted.person
            found += [act for act in acts if by is None or act.actor.sub == by]
            until = places.floor
            if len(found) >= most or until <= after:
                break
        return found, until

    async def _places(self, wanted: TrailParameters, after: int, until: int, limit: int) -> Places:
        """Return where something may be found: of two filters by the one that finds less."""
        by_person = all(getattr(wanted, name) is None for name in SUBJECTS)

        async def query(snapshot: Snapshot, _position: int) -> list[int]:
            return await acted(
                snapshot,
                after=after,
                until=until,
                limit=limit,
                person=wanted.person if by_person else None,
                wallet_id=wanted.wallet_id,
                payment_id=wanted.payment_id,
                reference=wanted.reference,
            )

        _, positions = await self._reports.ask(READS, until, query)
        named = Places(positions, positions[-1] - 1 if len(positions) == limit else after)
        if wanted.wallet_id is not None:
            return _both(named, await self._acts.on_wallet(wanted.wallet_id, after, until, limit))
        if wanted.payment_id is not None:
            stream = StreamId(wanted.payment_id)
            return _both(named, await self._acts.on_payment(stream, after, until, limit))
        return named


def _both(one: Places, other: Places) -> Places:
    """Return what either of two ways finds, as far as both of them have looked."""
    floor = max(one.floor, other.floor)
    found = {position for position in (*one.positions, *other.positions) if position > floor}
    return Places(sorted(found, reverse=True), floor)


def _refuse_two_subjects(wanted: TrailParameters) -> None:
    given = [name for name in SUBJECTS if getattr(wanted, name) is not None]
    if len(given) > 1:
        errors = [
            {"detail": f"cannot be asked for beside {given[0]}", "parameter": name}
            for name in given[1:]
        ]
        detail = "The query is not as it should be."
        raise Problem("invalid-request", detail, errors=errors)


def _action(act: Act) -> Action:
    event, told = act.event, act.fields
    kind = event.stream_id.partition("_")[0]
    own = {"wal": "wallet_id", "pay": "payment_id", "prq": "request_id", "sch": "schedule_id"}
    names = {own[kind]: event.stream_id} if kind in own else {}
    outcome: Outcome = "refused" if event.type in REFUSED else "accepted"
    return Action(
        position=event.position,
        recorded_at=event.recorded_at,
        person=act.actor.sub,
        client_id=act.actor.client_id,
        right=act.actor.right,
        action=_name(event.type, told),
        outcome=outcome,
        code=told.get("code", UNSET),
        event_id=event_id(event.stream_id, event.version),
        command_id=act.command_id,
        wallet_id=_first(names.get("wallet_id"), told, "wallet_id", "source_wallet_id"),
        destination_wallet_id=_first(None, told, "destination_wallet_id"),
        payment_id=_first(names.get("payment_id"), told, "payment_id"),
        original_payment_id=_first(None, told, "original_payment_id"),
        request_id=_first(names.get("request_id"), told, "payment_request_id"),
        schedule_id=_first(names.get("schedule_id"), told, "schedule_id"),
        reference=_first(None, told, "reference"),
    )


def _name(type_name: str, told: dict[str, Any]) -> str:
    """Return what was done: the action of a request, the kind of a payment, else the type."""
    if type_name.startswith("request."):
        return str(told["action"])
    if type_name.startswith("payment."):
        return str(told["kind"])
    return BEGINNINGS.get(type_name) or type_name.rpartition(".")[0]


def _first(known: str | None, told: dict[str, Any], *names: str) -> Any:
    """Return the first id that is told, if any is."""
    values = (known, *(told.get(name) for name in names))
    return next((value for value in values if value is not None), UNSET)
