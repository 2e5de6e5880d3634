"""Reports of one wallet, for dashboards: whom it deals with, what for, and how its balance went."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from domain.instants import instant
from domain.money import Currencies
from infrastructure.report_store.kept_counterparties import KeptCounterparties
from infrastructure.report_store.kept_flows import KeptFlows
from infrastructure.report_store.kept_histories import History, KeptHistories
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import Reports
from interfaces.http.problems import Problem
from interfaces.query_api.categories import Categories
from interfaces.query_api.endpoint import Answer, Asked, Query, not_found
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import MAX_POSITION
from interfaces.query_api.report_answers import (
    BalanceHistory,
    BalancePoint,
    CashFlow,
    CategoryFlow,
    Counterparties,
    CounterpartyTotal,
)
from interfaces.query_api.report_parameters import (
    CounterpartiesParameters,
    FlowParameters,
    HistoryParameters,
)
from interfaces.query_api.tags import tag
from projections.balances import BALANCES, WalletRow, find_wallet
from projections.contract import Projection, Snapshot
from projections.entries import ENTRIES
from projections.members import MEMBERS
from projections.payments import PAYMENTS
from projections.value_dates import VALUE_DATES
from projections.wallet_reports.cash_flow import FlowRow
from projections.wallet_reports.counterparties import Dealing, list_times
from projections.wallet_reports.movements import MOST_MOVEMENTS, Period, TooManyMovements

WALLET = "/v1/wallets/{wallet_id}"
COUNTERPARTIES = f"{WALLET}/counterparties"
CASH_FLOW = f"{WALLET}/cash-flow"
HISTORY = f"{WALLET}/balance-history"
READS = ("read", "wallets", "operate", "audit")
DEALINGS = (BALANCES, MEMBERS, ENTRIES, VALUE_DATES)
PURPOSES = (*DEALINGS, PAYMENTS)
POINTS = (BALANCES, MEMBERS, ENTRIES)


class WalletReports:
    """Answers the queries of a wallet's reports."""

    def __init__(
        self,
        reports: Reports,
        log: LedgerLog,
        pages: Pages,
        currencies: Currencies,
        categories: Categories,
    ) -> None:
        """Take read models and log, how pages and money are written, and what movements are for."""
        self._reports = reports
        self._log = log
        self._pages = pages
        self._currencies = currencies
        self._categories = categories
        self._kept_flows = KeptFlows(categories.references)
        self._kept_counterparties = KeptCounterparties()
        self._kept_histories = KeptHistories()

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        return (
            Query(
                COUNTERPARTIES,
                "Whom a wallet paid and who paid it, the largest volume first",
                READS,
                CounterpartiesParameters,
                Counterparties,
                self.counterparties,
                "wal",
                tagged=True,
            ),
            Query(
                CASH_FLOW,
                "What a wallet received and paid by month and category",
                READS,
                FlowParameters,
                CashFlow,
                self.cash_flow,
                "wal",
                tagged=True,
            ),
            Query(
                HISTORY,
                "A wallet's balance along time, for a chart",
                READS,
                HistoryParameters,
                BalanceHistory,
                self.history,
                "wal",
                tagged=True,
            ),
        )

    async def counterparties(self, asked: Asked[CounterpartiesParameters]) -> Answer:
        """`GET /v1/wallets/{id}/counterparties`."""
        wanted = asked.parameters
        key = self._pages.key(asked, COUNTERPARTIES)

        async def query(snapshot: Snapshot, position: int) -> tuple[str, Counterparties]:
            row = await _found(snapshot, asked, position)
            found = await tag(snapshot, asked, DEALINGS, position)
            period = Period(
                since=wanted.since,
                until=wanted.until,
                at=position if key is None else key[0],
                direction=wanted.direction,
            )
            rows = await self._kept_counterparties.page(
                snapshot,
                row.wallet_id,
                period,
                after=None if key is None else (key[1], key[2]),
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(
                asked,
                COUNTERPARTIES,
                rows,
                lambda dealing: [period.at, dealing.volume, dealing.counterparty],
            )
            times = await list_times(snapshot, [each.position for each in page])
            items = [self._counterparty(row.currency, each, times[each.position]) for each in page]
            return found, Counterparties(items=items, next_cursor=following)

        return await self._ask(DEALINGS, asked, query, 0 if key is None else key[0])

    async def cash_flow(self, asked: Asked[FlowParameters]) -> Answer:
        """`GET /v1/wallets/{id}/cash-flow`."""
        wanted = asked.parameters
        key = self._pages.key(asked, CASH_FLOW)

        async def query(snapshot: Snapshot, position: int) -> tuple[str, CashFlow]:
            row = await _found(snapshot, asked, position)
            found = await tag(snapshot, asked, PURPOSES, position, self._categories.written)
            at = position if key is None else key[0]
            period = Period(since=wanted.since, until=wanted.until, at=at)
            flows = await self._kept_flows.flows(snapshot, row.wallet_id, period)
            items = self._flows(row.currency, flows)
            if key is not None:
                items = [each for each in items if [each.month, each.category] > key[1:]]
            page, following = self._pages.cut(
                asked,
                CASH_FLOW,
                items[: wanted.limit + 1],
                lambda flow: [at, flow.month, flow.category],
            )
            return found, CashFlow(items=list(page), next_cursor=following)

        return await self._ask(PURPOSES, asked, query, 0 if key is None else key[0])

    async def history(self, asked: Asked[HistoryParameters]) -> Answer:
        """`GET /v1/wallets/{id}/balance-history`."""
        wanted = asked.parameters
        after, until = 0, MAX_POSITION
        if wanted.since is not None:
            after = await self._log.position_before(wanted.since)
        if wanted.until is not None:
            until = await self._log.position_before(wanted.until)

        async def query(snapshot: Snapshot, position: int) -> tuple[str, BalanceHistory]:
            row = await _found(snapshot, asked, position)
            found = await tag(snapshot, asked, POINTS, position)
            at = min(until, position)
            history = await self._kept_histories.history(
                snapshot, row.wallet_id, after=min(after, at), at=at, points=wanted.points
            )
            return found, self._history(row.currency, history)

        return await self._ask(POINTS, asked, query)

    async def _ask(
        self, reads: Sequence[Projection], asked: Asked[Any], query: Any, at_least: int = 0
    ) -> Answer:
        found: tuple[str, Any]
        at_least = max(at_least, asked.parameters.min_position)
        try:
            position, found = await self._reports.ask(reads, at_least, query)
        except TooManyMovements:
            detail = f"In this period there are more than {MOST_MOVEMENTS:,} movements."
            raise Problem("period-too-long", detail) from None
        return Answer(position, found[1], found[0])

    def _counterparty(self, currency: str, dealing: Dealing, last: datetime) -> CounterpartyTotal:
        return CounterpartyTotal(
            counterparty=dealing.counterparty,
            currency=currency,
            paid_count=dealing.paid_count,
            paid=self._currencies.format(dealing.paid, currency),
            received_count=dealing.received_count,
            received=self._currencies.format(dealing.received, currency),
            last_at=instant(last),
        )

    def _flows(self, currency: str, rows: Sequence[FlowRow]) -> list[CategoryFlow]:
        """Return the sums by month and category in order."""
        sums: dict[tuple[date, str], dict[str, list[int]]] = {}
        for row in rows:
            ways = {"credit": [0, 0], "debit": [0, 0]}
            way = sums.setdefault((row.month, self._categories.of(row)), ways)[row.direction]
            way[0] += row.count
            way[1] += int(row.amount)
        return [
            CategoryFlow(
                month=month.isoformat()[:7],
                category=category,
                currency=currency,
                received_count=ways["credit"][0],
                received=self._currencies.format(ways["credit"][1], currency),
                paid_count=ways["debit"][0],
                paid=self._currencies.format(ways["debit"][1], currency),
            )
            for (month, category), ways in sorted(sums.items())
        ]

    def _history(self, currency: str, history: History) -> BalanceHistory:
        written = self._currencies.format
        return BalanceHistory(
            currency=currency,
            opening_balance=written(history.opening, currency),
            movements=history.movements,
            points=[
                BalancePoint(
                    at=instant(row.recorded_at),
                    position=row.position,
                    balance=written(row.posted, currency),
                )
                for row in history.points
            ],
        )


async def _found(snapshot: Snapshot, asked: Asked[Any], position: int) -> WalletRow:
    row = await find_wallet(snapshot, asked.object_id, asked.user, sees_all=asked.sees_all)
    if row is None:
        raise not_found("wallet-not-found", position)
    return row
