"""Queries of payments, each shown as far as it is the caller's to see."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from domain.instants import instant
from domain.money import Currencies
from domain.refusals import REFUSALS
from infrastructure.report_store.reports import Reports
from interfaces.query_api.answers import (
    Failure,
    Leg,
    Payment,
    Payments,
    PaymentWithHistory,
    Step,
)
from interfaces.query_api.cursors import Key
from interfaces.query_api.endpoint import Answer, Asked, Query, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import Parameters, PaymentsParameters
from projections.balances import BALANCES
from projections.contract import Snapshot
from projections.payments import (
    PAYMENTS,
    PaymentFilter,
    PaymentRow,
    find_payment,
    list_payments,
)

LIST = "/v1/payments"
READS = ("read", "payments", "operate", "audit")
MISSING = "payment-not-found"


class PaymentQueries:
    """Answers the queries of payments."""

    def __init__(self, reports: Reports, pages: Pages, currencies: Currencies) -> None:
        """Take the read models, and how pages and money are written."""
        self._reports = reports
        self._pages = pages
        self._currencies = currencies

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        return (
            Query(LIST, "The caller's payments", READS, PaymentsParameters, Payments, self.list),
            Query(
                f"{LIST}/{{payment_id}}",
                "A payment with its legs and its history",
                READS,
                Parameters,
                PaymentWithHistory,
                self.payment,
                "pay",
            ),
        )

    async def list(self, asked: Asked[PaymentsParameters]) -> Answer:
        """`GET /v1/payments`."""
        given = asked.parameters
        key = self._pages.key(asked, LIST)
        wanted = PaymentFilter(
            status=given.status,
            kind=given.kind,
            since=given.since,
            until=given.until,
            before=None if key is None else (key[0], key[1]),
        )

        async def query(snapshot: Snapshot, _position: int) -> Payments:
            rows = await list_payments(snapshot, wanted, asked.owner, given.limit + 1)
            page, following = self._pages.cut(asked, LIST, rows, _key)
            items = [Payment(**self._fields(row)) for row in page]
            return Payments(items=items, next_cursor=following)

        position, document = await self._reports.ask(
            (PAYMENTS, BALANCES), given.min_position, query
        )
        return Answer(document, position)

    async def payment(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/payments/{id}`."""

        async def query(snapshot: Snapshot, position: int) -> PaymentWithHistory:
            row = await find_payment(snapshot, asked.object_id, asked.owner)
            if row is None:
                raise not_found(MISSING, position)
            return self._with_history(row)

        at_least = asked.parameters.min_position
        position, document = await self._reports.ask((PAYMENTS, BALANCES), at_least, query)
        return Answer(document, position)

    def _with_history(self, row: PaymentRow) -> PaymentWithHistory:
        leg = Leg(
            source_wallet_id=row.source_wallet_id,
            destination_wallet_id=row.destination_wallet_id,
            amount=self._currencies.format(row.amount, row.currency),
            currency=row.currency,
        )
        step = Step(
            status=row.status,
            recorded_at=instant(row.recorded_at),
            effective_at=instant(row.effective_at),
            position=row.position,
        )
        return PaymentWithHistory(**self._fields(row), legs=[leg], timeline=[step])

    def _fields(self, row: PaymentRow) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "payment_id": row.payment_id,
            "kind": row.kind,
            "status": row.status,
            "amount": self._currencies.format(row.amount, row.currency),
            "currency": row.currency,
            "source_wallet_id": row.source_wallet_id,
            "destination_wallet_id": row.destination_wallet_id,
            "created_at": instant(row.recorded_at),
        }
        if row.description is not None:
            fields["description"] = row.description
        if row.payer:
            fields["reference"] = UNSET if row.reference is None else row.reference
            fields["metadata"] = UNSET if row.metadata is None else row.metadata
            fields["failure"] = _failure(row.failure_code)
        return fields


def _failure(code: str | None) -> Any:
    if code is None:
        return UNSET
    return Failure(code=code, reason=REFUSALS[code].reason)


def _key(row: PaymentRow) -> Key:
    return instant(row.recorded_at), row.position
