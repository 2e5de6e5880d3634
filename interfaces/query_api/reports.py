"""Queries of auditors over the whole ledger: the trial balance and the daily totals."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import UNSET

from domain.money import Currencies
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import Reports
from interfaces.query_api.answers import CurrencyTotal, Days, DayTotal, TrialBalance
from interfaces.query_api.asked_currency import require_known
from interfaces.query_api.cursors import Key
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.pages import Pages
from interfaces.query_api.parameters import DailyParameters, TrialBalanceParameters
from interfaces.query_api.tags import tag
from projections.balances import BALANCES
from projections.contract import Snapshot
from projections.daily_totals import DAILY_TOTALS, DayRow, list_days
from projections.entries import ENTRIES
from projections.trial_balance import TRIAL_BALANCE, CurrencyRow, sum_up

TRIAL_BALANCE_PATH = "/v1/reports/trial-balance"
DAILY_PATH = "/v1/reports/daily"
READS = ("audit",)
_FIRST = (date.min, "", "")


class ReportQueries:
    """Answers the queries of reports."""

    def __init__(
        self, reports: Reports, log: LedgerLog, pages: Pages, currencies: Currencies
    ) -> None:
        """Take the read models, the ledger's log, and how pages and money are written."""
        self._reports = reports
        self._log = log
        self._pages = pages
        self._currencies = currencies

    def queries(self) -> Sequence[Query[Any]]:
        """Return the routes."""
        return (
            Query(
                TRIAL_BALANCE_PATH,
                "What all wallets add up to, now or as of a moment",
                READS,
                TrialBalanceParameters,
                TrialBalance,
                self.trial_balance,
                tagged=True,
            ),
            Query(
                DAILY_PATH,
                "Completed and declined payments per day",
                READS,
                DailyParameters,
                Days,
                self.daily,
                tagged=True,
            ),
        )

    async def trial_balance(self, asked: Asked[TrialBalanceParameters]) -> Answer:
        """`GET /v1/reports/trial-balance`."""
        wanted = asked.parameters
        then = None if wanted.as_of is None else await self._log.position_as_of(wanted.as_of)
        # The classes are the balances' to know.
        reads = (TRIAL_BALANCE, ENTRIES, *(() if wanted.by is None else (BALANCES,)))

        async def query(snapshot: Snapshot, position: int) -> tuple[str, TrialBalance]:
            found = await tag(snapshot, asked, reads, position, str(then))
            as_of = position if then is None else then
            rows = await sum_up(snapshot, as_of, by_class=wanted.by is not None)
            return found, TrialBalance(items=[self._total(row) for row in rows], position=as_of)

        at_least = max(then or 0, wanted.min_position)
        position, found = await self._reports.ask(reads, at_least, query)
        return Answer(position, found[1], found[0])

    async def daily(self, asked: Asked[DailyParameters]) -> Answer:
        """`GET /v1/reports/daily`."""
        wanted = asked.parameters
        require_known(self._currencies, wanted.currency)
        key = self._pages.key(asked, DAILY_PATH)
        after = _FIRST if key is None else (date.fromisoformat(key[0]), key[1], key[2])

        async def query(snapshot: Snapshot, position: int) -> tuple[str, Days]:
            found = await tag(snapshot, asked, (DAILY_TOTALS,), position)
            rows = await list_days(
                snapshot,
                since=wanted.since,
                until=wanted.until,
                currency=wanted.currency,
                after=after,
                limit=wanted.limit + 1,
            )
            page, following = self._pages.cut(asked, DAILY_PATH, rows, _key)
            return found, Days(items=[self._day(row) for row in page], next_cursor=following)

        position, found = await self._reports.ask((DAILY_TOTALS,), wanted.min_position, query)
        return Answer(position, found[1], found[0])

    def _total(self, row: CurrencyRow) -> CurrencyTotal:
        # Decimals would be rounded to 28 digits where they are subtracted.
        debit, credit = int(row.debits), int(row.credits)
        return CurrencyTotal(
            account_class=UNSET if row.account_class is None else row.account_class,
            currency=row.currency,
            wallets=row.wallets,
            debits=self._currencies.format(debit, row.currency),
            credits=self._currencies.format(credit, row.currency),
            sum=self._currencies.format(credit - debit, row.currency),
        )

    def _day(self, row: DayRow) -> DayTotal:
        return DayTotal(
            date=row.date.isoformat(),
            currency=row.currency,
            kind=row.kind,
            count=row.count,
            volume=self._currencies.format(int(row.volume), row.currency),
            declined=row.declined,
        )


def _key(row: DayRow) -> Key:
    return row.date.isoformat(), row.currency, row.kind
