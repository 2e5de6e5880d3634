"""Queries of payment requests, each shown to its payee's side and to whom it is meant for."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from domain.identifiers import PaymentRequestId
from domain.instants import instant
from domain.money import Currencies
from domain.payment_requests import reference_of
from infrastructure.report_store.reports import Reports
from interfaces.http.request_codes import link_of, qr_svg
from interfaces.query_api.answers import (
    PaymentRequest,
    PaymentRequests,
    PaymentRequestWithCode,
    or_unset,
)
from interfaces.query_api.endpoint import Answer, Asked, Query, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import Parameters, RequestsParameters
from projections.contract import Snapshot
from projections.members import MEMBERS
from projections.payment_requests import (
    PAYMENT_REQUESTS,
    RequestRow,
    find_request,
    list_requests,
)

LIST = "/v1/payment-requests"
READS = ("read", "payments", "operate", "audit")
READ_MODELS = (PAYMENT_REQUESTS, MEMBERS)


class RequestQueries:
    """Answers the queries of payment requests."""

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
                "The payment requests into the caller's wallets, and those meant for the caller",
                READS,
                RequestsParameters,
                PaymentRequests,
                self.list,
            ),
            Query(
                f"{LIST}/{{request_id}}",
                "A payment request, with its QR code as long as it is open",
                READS,
                Parameters,
                PaymentRequestWithCode,
                self.request,
                "prq",
            ),
        )

    async def list(self, asked: Asked[RequestsParameters]) -> Answer:
        """`GET /v1/payment-requests`."""
        given = asked.parameters
        before = self._pages.before(asked, LIST)

        async def query(snapshot: Snapshot, _position: int) -> PaymentRequests:
            rows = await list_requests(
                snapshot,
                asked.user,
                sees_all=asked.sees_all,
                status=given.status,
                before=before,
                limit=given.limit + 1,
            )
            page, following = self._pages.cut(asked, LIST, rows, lambda r: [r.position])
            items = [PaymentRequest(**self._fields(row)) for row in page]
            return PaymentRequests(items=items, next_cursor=following)

        return Answer(*await self._reports.ask(READ_MODELS, given.min_position, query))

    async def request(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/payment-requests/{id}`."""

        async def query(snapshot: Snapshot, position: int) -> PaymentRequestWithCode:
            row = await find_request(snapshot, asked.object_id, asked.user, sees_all=asked.sees_all)
            if row is None:
                raise not_found("request-not-found", position)
            code = qr_svg(link_of(row.request_id)) if row.status == "open" else UNSET
            return PaymentRequestWithCode(**self._fields(row), qr_svg=code)

        at_least = asked.parameters.min_position
        return Answer(*await self._reports.ask(READ_MODELS, at_least, query))

    def _fields(self, row: RequestRow) -> dict[str, Any]:
        paid = row.payment_id is not None and row.told
        return {
            "request_id": row.request_id,
            "status": row.status,
            "reference": reference_of(PaymentRequestId(row.request_id)),
            "wallet_id": row.wallet_id,
            "amount": self._currencies.format(row.amount, row.currency),
            "currency": row.currency,
            "payer": or_unset(row.payer),
            "description": or_unset(row.description),
            "payment_id": row.payment_id if paid else UNSET,
            "created_at": instant(row.recorded_at),
            "expires_at": instant(row.expires_at),
        }
