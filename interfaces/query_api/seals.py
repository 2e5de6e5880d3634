"""Queries of seals and proofs: what outsiders need to check the log without trusting anybody."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from domain.identifiers import PaymentId
from domain.instants import instant
from domain.leaves import entry
from domain.recorded import RecordedEvent
from infrastructure.report_store.reports import Reports
from infrastructure.report_store.seal_log import SealLog, SealRow
from interfaces.http.problems import Problem
from interfaces.query_api.cursors import Key
from interfaces.query_api.endpoint import Answer, Asked, Query, at, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import ConsistencyParameters, ListParameters, Parameters
from interfaces.query_api.seal_answers import (
    ConsistencyProof,
    KeyPeriod,
    LatestSeal,
    PaymentProof,
    ProvenEvent,
    Seal,
    SealKey,
    SealKeys,
    Seals,
)
from projections.contract import Snapshot
from projections.members import MEMBERS, own_among
from projections.payment_queries import find_payment
from projections.payments import PAYMENTS

SEALS = "/v1/audit/seals"
CONSISTENCY = "/v1/audit/consistency"
PROOF = "/v1/audit/payments/{payment_id}/proof"
PROOF_READS = ("read", "payments", "operate", "audit")
NOT_SEALED = ("409",)


class SealQueries:
    """Answers the queries of seals, keys and proofs."""

    def __init__(
        self, reports: Reports, seals: SealLog, pages: Pages, interval_seconds: int
    ) -> None:
        """Take the read models, the seals, how pages are written, and how often seals come."""
        self._reports = reports
        self._seals = seals
        self._pages = pages
        self._interval_seconds = interval_seconds

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        return (
            Query(SEALS, "Every seal of the log", (), ListParameters, Seals, self.seals),
            Query(
                f"{SEALS}/latest",
                "The latest seal of the log",
                (),
                Parameters,
                LatestSeal,
                self.latest,
                problems=NOT_SEALED,
            ),
            Query(
                "/v1/audit/key",
                "The key that signs seals now",
                (),
                Parameters,
                SealKey,
                self.key,
                problems=NOT_SEALED,
            ),
            Query(
                "/v1/audit/keys",
                "Every key that has signed seals",
                (),
                Parameters,
                SealKeys,
                self.keys,
            ),
            Query(
                CONSISTENCY,
                "The proof that nothing before was rewritten",
                (),
                ConsistencyParameters,
                ConsistencyProof,
                self.consistency,
            ),
            Query(
                PROOF,
                "The proof of what was recorded of a payment",
                PROOF_READS,
                Parameters,
                PaymentProof,
                self.proof,
                "pay",
                problems=NOT_SEALED,
            ),
        )

    async def seals(self, asked: Asked[ListParameters]) -> Answer:
        """`GET /v1/audit/seals`."""
        latest = await self._seals.latest(asked.parameters.min_position)
        epoch, size = self._pages.key(asked, SEALS) or (0, 0)
        rows = await self._seals.page((epoch, size), asked.parameters.limit + 1)
        page, following = self._pages.cut(asked, SEALS, rows, _key)
        document = Seals(items=[Seal(**_fields(row)) for row in page], next_cursor=following)
        return Answer(_position(latest), document)

    async def latest(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/audit/seals/latest`."""
        seal = await self._latest(asked)
        return Answer(seal.size, LatestSeal(**_fields(seal)))

    async def key(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/audit/key`."""
        seal = await self._latest(asked)
        return Answer(seal.size, SealKey(vkey=await self._seals.signer(seal)))

    async def keys(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/audit/keys`."""
        latest = await self._seals.latest(asked.parameters.min_position)
        periods = [
            KeyPeriod(vkey=row.vkey, from_size=row.from_size, to_size=row.to_size)
            for row in await self._seals.keys()
        ]
        return Answer(_position(latest), SealKeys(items=periods))

    async def consistency(self, asked: Asked[ConsistencyParameters]) -> Answer:
        """`GET /v1/audit/consistency`."""
        wanted = asked.parameters
        latest = await self._seals.latest(wanted.min_position)
        if latest is None or wanted.until > latest.size:
            raise _wrong("to", f"must not be beyond the latest seal, which is {_position(latest)}")
        if wanted.since > wanted.until:
            raise _wrong("from", "must not be beyond `to`")
        hashes = await self._seals.consistency(latest, wanted.since, wanted.until)
        return Answer(latest.size, ConsistencyProof(proof=list(map(_base64, hashes))))

    async def proof(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/audit/payments/{id}/proof`."""
        payment = PaymentId(asked.object_id)
        events = await self._seals.events_of(payment) if payment else ()
        position, shown = await self._shown(asked, events)
        seal = await self._seals.latest()
        if seal is None or shown[-1].position > seal.size:
            raise self._not_sealed(position)
        document = PaymentProof(
            payment_id=payment,
            checkpoint=seal.checkpoint,
            vkey=await self._seals.signer(seal),
            events=[
                ProvenEvent(
                    position=proven.event.position,
                    entry=_base64(entry(proven.event)),
                    proof=list(map(_base64, proven.path)),
                )
                for proven in await self._seals.proofs(seal, shown)
            ],
        )
        return Answer(position, document)

    async def _shown(
        self, asked: Asked[Parameters], events: Sequence[RecordedEvent]
    ) -> tuple[int, Sequence[RecordedEvent]]:
        """Return what the caller may see of a payment's events; raises `Problem` 404 for none."""
        wallets = [event.stream_id for event in events if event.type.startswith("wallet.")]

        async def query(snapshot: Snapshot, position: int) -> Sequence[RecordedEvent]:
            row = await find_payment(snapshot, asked.object_id, asked.user, sees_all=asked.sees_all)
            if row is None or not events:
                raise not_found("payment-not-found", position)
            if asked.sees_all:
                return events
            own = await own_among(snapshot, wallets, asked.user)
            return [
                event
                for event in events
                if event.stream_id in own or not event.type.startswith("wallet.")
            ]

        return await self._reports.ask((PAYMENTS, MEMBERS), asked.parameters.min_position, query)

    async def _latest(self, asked: Asked[Parameters]) -> SealRow:
        seal = await self._seals.latest(asked.parameters.min_position)
        if seal is None:
            raise self._not_sealed(0)
        return seal

    def _not_sealed(self, position: int) -> Problem:
        return Problem(
            "not-sealed-yet",
            f"A seal comes every {self._interval_seconds} seconds while there are new events.",
            headers={"Retry-After": str(self._interval_seconds), **at(position)},
        )


def _fields(row: SealRow) -> dict[str, Any]:
    return {
        "size": row.size,
        "root": _base64(row.root),
        "checkpoint": row.checkpoint,
        "sealed_at": instant(row.sealed_at),
    }


def _position(latest: SealRow | None) -> int:
    return 0 if latest is None else latest.size


def _wrong(parameter: str, detail: str) -> Problem:
    errors = [{"detail": detail, "parameter": parameter}]
    return Problem("invalid-request", "The query is not as it should be.", errors=errors)


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _key(row: SealRow) -> Key:
    return row.epoch, row.size
