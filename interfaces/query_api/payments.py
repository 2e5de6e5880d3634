"""Queries of payments, each shown as far as it is the caller's to see."""

from collections.abc import Sequence
from typing import Any

from domain.instants import instant
from domain.money import Currencies
from infrastructure.report_store.reports import Reports
from interfaces.query_api.answers import (
    Holds,
    Payment,
    Payments,
    PaymentWithHistory,
    WaitingPayments,
)
from interfaces.query_api.cursors import Key
from interfaces.query_api.endpoint import Answer, Asked, Query, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import ListParameters, Parameters, PaymentsParameters
from interfaces.query_api.shown_payments import ShownPayments
from projections.balances import BALANCES, find_wallet
from projections.contract import Snapshot
from projections.members import MEMBERS
from projections.payment_queries import (
    PaymentFilter,
    PaymentRow,
    find_payment,
    legs_of,
    list_holds,
    list_payments,
    list_waiting,
    steps_of,
)
from projections.payments import PAYMENTS

LIST = "/v1/payments"
HOLDS = "/v1/wallets/{wallet_id}/holds"
APPROVALS = "/v1/approvals"
READS = ("read", "payments", "operate", "audit")
HOLD_READS = ("read", "wallets", "payments", "operate", "audit")
"""Holds are as much a wallet's as they are payments."""
MISSING = "payment-not-found"


Items = list[Payment]


class PaymentQueries:
    """Answers the queries of payments."""

    def __init__(self, reports: Reports, pages: Pages, currencies: Currencies) -> None:
        """Take the read models, and how pages and money are written."""
        self._reports = reports
        self._pages = pages
        self._shown = ShownPayments(currencies)

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
            Query(
                HOLDS,
                "The payments that hold money of a wallet",
                HOLD_READS,
                ListParameters,
                Holds,
                self.holds,
                "wal",
            ),
            Query(
                APPROVALS,
                "The payments that wait for the caller's approval",
                READS,
                ListParameters,
                WaitingPayments,
                self.approvals,
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
            rows = await list_payments(
                snapshot, wanted, asked.user, sees_all=asked.sees_all, limit=given.limit + 1
            )
            page, following = self._pages.cut(asked, LIST, rows, _key)
            return Payments(items=await self._items(snapshot, asked, page), next_cursor=following)

        return await self._ask((PAYMENTS, MEMBERS), asked, query)

    async def holds(self, asked: Asked[ListParameters]) -> Answer:
        """`GET /v1/wallets/{id}/holds`."""
        given = asked.parameters
        before = self._pages.before(asked, HOLDS)

        async def query(snapshot: Snapshot, position: int) -> Holds:
            wallet = await find_wallet(
                snapshot, asked.object_id, asked.user, sees_all=asked.sees_all
            )
            if wallet is None:
                raise not_found("wallet-not-found", position)
            rows = await list_holds(
                snapshot,
                wallet.wallet_id,
                asked.user,
                sees_all=asked.sees_all,
                before=before,
                limit=given.limit + 1,
            )
            page, following = self._pages.cut(asked, HOLDS, rows, lambda r: [r.position])
            return Holds(items=await self._items(snapshot, asked, page), next_cursor=following)

        return await self._ask((PAYMENTS, MEMBERS, BALANCES), asked, query)

    async def approvals(self, asked: Asked[ListParameters]) -> Answer:
        """`GET /v1/approvals`."""
        given = asked.parameters
        before = self._pages.before(asked, APPROVALS)

        async def query(snapshot: Snapshot, _position: int) -> WaitingPayments:
            rows = await list_waiting(snapshot, asked.user, before=before, limit=given.limit + 1)
            page, following = self._pages.cut(asked, APPROVALS, rows, lambda r: [r.position])
            items = await self._items(snapshot, asked, page)
            return WaitingPayments(items=items, next_cursor=following)

        return await self._ask((PAYMENTS, MEMBERS), asked, query)

    async def payment(self, asked: Asked[Parameters]) -> Answer:
        """`GET /v1/payments/{id}`."""

        async def query(snapshot: Snapshot, position: int) -> PaymentWithHistory:
            row = await find_payment(snapshot, asked.object_id, asked.user, sees_all=asked.sees_all)
            if row is None:
                raise not_found(MISSING, position)
            legs = await legs_of(snapshot, [row.payment_id], asked.user)
            steps = await steps_of(snapshot, row.payment_id)
            return self._shown.with_history(
                row, legs.get(row.payment_id, []), steps, sees_all=asked.sees_all
            )

        return await self._ask((PAYMENTS, MEMBERS), asked, query)

    async def _items(
        self, snapshot: Snapshot, asked: Asked[Any], rows: Sequence[PaymentRow]
    ) -> Items:
        many = [row.payment_id for row in rows if row.source_wallet_id is None]
        legs = await legs_of(snapshot, many, asked.user) if many else {}
        return [
            Payment(**self._shown.fields(row, legs.get(row.payment_id, []), asked.sees_all))
            for row in rows
        ]

    async def _ask(self, reads: Any, asked: Asked[Any], query: Any) -> Answer:
        return Answer(*await self._reports.ask(reads, asked.parameters.min_position, query))


def _key(row: PaymentRow) -> Key:
    return instant(row.recorded_at), row.position
