"""Reports of auditors over the whole ledger, for dashboards."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

from domain.instants import instant
from domain.money import Currencies
from domain.refusals import REFUSALS
from infrastructure.report_store.reports import Reports
from interfaces.query_api.asked_currency import require_known
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.pages import Pages
from interfaces.query_api.report_answers import (
    Concentration,
    Concentrations,
    DeclineReason,
    Declines,
    HoldAges,
    HoldsOfAge,
    LargeWallet,
    Months,
    MonthTotal,
)
from interfaces.query_api.report_parameters import CurrencyParameters, DaysParameters
from interfaces.query_api.tags import tag
from projections.balances import BALANCES
from projections.book_reports import (
    AGES,
    HoldsRow,
    LargeRow,
    MonthRow,
    list_holds_by_age,
    list_largest,
    list_months,
)
from projections.contract import Snapshot
from projections.daily_totals import DAILY_TOTALS
from projections.declines import DECLINES, DeclineRow, list_declines
from projections.payments import PAYMENTS

MONTHLY = "/v1/reports/monthly"
DECLINED = "/v1/reports/declined"
HOLDS = "/v1/reports/holds"
CONCENTRATION = "/v1/reports/concentration"
READS = ("audit",)
_MILLION = 1_000_000


class BookReports:
    """Answers the queries of reports over the whole ledger."""

    def __init__(self, reports: Reports, pages: Pages, currencies: Currencies) -> None:
        """Take the read models, and how pages and money are written."""
        self._reports = reports
        self._pages = pages
        self._currencies = currencies

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        days, currency = DaysParameters, CurrencyParameters
        return (
            Query(
                MONTHLY,
                "Completed and declined payments per month",
                READS,
                days,
                Months,
                self.monthly,
                tagged=True,
            ),
            Query(
                DECLINED,
                "For which reasons payments were declined",
                READS,
                days,
                Declines,
                self.declined,
                tagged=True,
            ),
            Query(
                HOLDS,
                "What is held, by the time since it was set aside",
                READS,
                currency,
                HoldAges,
                self.holds,
                tagged=True,
            ),
            Query(
                CONCENTRATION,
                "How much is in the ten largest wallets",
                READS,
                currency,
                Concentrations,
                self.concentration,
                tagged=True,
            ),
        )

    async def monthly(self, asked: Asked[DaysParameters]) -> Answer:
        """`GET /v1/reports/monthly`."""
        wanted = asked.parameters
        require_known(self._currencies, wanted.currency)
        key = self._pages.key(asked, MONTHLY) or (date.min.isoformat(), "", "")

        async def query(snapshot: Snapshot, position: int) -> tuple[str, Months]:
            found = await tag(snapshot, asked, (DAILY_TOTALS,), position)
            rows = await list_months(
                snapshot,
                since=wanted.since,
                until=wanted.until,
                currency=wanted.currency,
                kind=wanted.kind,
                after=(date.fromisoformat(key[0]), key[1], key[2]),
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(
                asked, MONTHLY, rows, lambda r: [r.month.isoformat(), r.currency, r.kind]
            )
            return found, Months(items=[self._month(row) for row in page], next_cursor=following)

        return await self._ask((DAILY_TOTALS,), asked, query)

    async def declined(self, asked: Asked[DaysParameters]) -> Answer:
        """`GET /v1/reports/declined`."""
        wanted = asked.parameters
        require_known(self._currencies, wanted.currency)
        key = self._pages.key(asked, DECLINED) or ("", "", "")

        async def query(snapshot: Snapshot, position: int) -> tuple[str, Declines]:
            found = await tag(snapshot, asked, (DECLINES,), position)
            rows = await list_declines(
                snapshot,
                since=wanted.since,
                until=wanted.until,
                currency=wanted.currency,
                kind=wanted.kind,
                after=(key[0], key[1], key[2]),
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(
                asked, DECLINED, rows, lambda r: [r.code, r.currency, r.kind]
            )
            return found, Declines(
                items=[self._decline(row) for row in page], next_cursor=following
            )

        return await self._ask((DECLINES,), asked, query)

    async def holds(self, asked: Asked[CurrencyParameters]) -> Answer:
        """`GET /v1/reports/holds`."""
        wanted = asked.parameters
        require_known(self._currencies, wanted.currency)
        key = self._pages.key(asked, HOLDS) or ("", -1)
        # Ages go on without the ledger, so for a minute they are the same, and no longer.
        now = datetime.now(UTC).replace(second=0, microsecond=0)

        async def query(snapshot: Snapshot, position: int) -> tuple[str, HoldAges]:
            found = await tag(snapshot, asked, (PAYMENTS,), position, now.isoformat())
            rows = await list_holds_by_age(
                snapshot,
                now,
                currency=wanted.currency,
                after=(key[0], key[1]),
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(asked, HOLDS, rows, lambda r: [r.currency, r.age])
            return found, HoldAges(items=[self._age(row) for row in page], next_cursor=following)

        return await self._ask((PAYMENTS,), asked, query)

    async def concentration(self, asked: Asked[CurrencyParameters]) -> Answer:
        """`GET /v1/reports/concentration`."""
        wanted = asked.parameters
        require_known(self._currencies, wanted.currency)
        (after,) = self._pages.key(asked, CONCENTRATION) or ("",)

        async def query(snapshot: Snapshot, position: int) -> tuple[str, Concentrations]:
            found = await tag(snapshot, asked, (BALANCES,), position)
            rows = await list_largest(
                snapshot, currency=wanted.currency, after=after, limit=wanted.limit + 1
            )
            groups = [list(group) for _, group in groupby(rows, lambda row: row.currency)]
            page, following = self._pages.cut(
                asked, CONCENTRATION, groups, lambda group: [group[0].currency]
            )
            items = [self._concentration(group) for group in page]
            return found, Concentrations(items=items, next_cursor=following)

        return await self._ask((BALANCES,), asked, query)

    async def _ask(self, reads: Any, asked: Asked[Any], query: Any) -> Answer:
        found: tuple[str, Any]
        position, found = await self._reports.ask(reads, asked.parameters.min_position, query)
        return Answer(position, found[1], found[0])

    def _month(self, row: MonthRow) -> MonthTotal:
        return MonthTotal(
            month=row.month.isoformat()[:7],
            currency=row.currency,
            kind=row.kind,
            count=row.count,
            volume=self._currencies.format(int(row.volume), row.currency),
            declined=row.declined,
        )

    def _decline(self, row: DeclineRow) -> DeclineReason:
        return DeclineReason(
            code=row.code,
            reason=REFUSALS[row.code].reason,
            currency=row.currency,
            kind=row.kind,
            count=row.count,
            volume=self._currencies.format(int(row.volume), row.currency),
            first_on=row.first_on.isoformat(),
            last_on=row.last_on.isoformat(),
        )

    def _age(self, row: HoldsRow) -> HoldsOfAge:
        return HoldsOfAge(
            currency=row.currency,
            age=AGES[row.age][0],
            count=row.count,
            held=self._currencies.format(int(row.held), row.currency),
            oldest_at=instant(row.oldest),
        )

    def _concentration(self, rows: Sequence[LargeRow]) -> Concentration:
        first, total = rows[0], int(rows[0].total)
        written = self._currencies.format
        return Concentration(
            currency=first.currency,
            wallets=first.wallets,
            total=written(total, first.currency),
            share=_share(sum(row.posted for row in rows), total),
            largest=[
                LargeWallet(
                    wallet_id=row.wallet_id,
                    posted=written(row.posted, row.currency),
                    share=_share(row.posted, total),
                )
                for row in rows
            ],
        )


def _share(part: int, whole: int) -> str:
    """Return a part of a whole above zero as a decimal with six digits, rounded down."""
    millionths = part * _MILLION // whole
    return f"{millionths // _MILLION}.{millionths % _MILLION:06}"
