"""What one ledger has of its own in a query process: connections, read models and log."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from domain.money import Currencies
from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.report_store.access_log import AccessLog
from infrastructure.report_store.acts import Acts
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.period_log import PeriodLog
from infrastructure.report_store.reports import Reports
from infrastructure.report_store.seal_log import SealLog
from infrastructure.report_store.snapshots import Snapshots
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.query_api.accesses import AccessQueries
from interfaces.query_api.audit import AuditQueries
from interfaces.query_api.book_reports import BookReports
from interfaces.query_api.categories import Categories
from interfaces.query_api.cursors import Cursors
from interfaces.query_api.endpoint import Answer, Asked, Query
from interfaces.query_api.pages import Pages
from interfaces.query_api.payments import PaymentQueries
from interfaces.query_api.periods import PeriodQueries
from interfaces.query_api.reports import ReportQueries
from interfaces.query_api.requests import RequestQueries
from interfaces.query_api.schedules import ScheduleQueries
from interfaces.query_api.seals import SealQueries
from interfaces.query_api.statements import StatementQueries
from interfaces.query_api.stream_tail import Tail
from interfaces.query_api.trail import TrailQueries
from interfaces.query_api.wallet_reports import WalletReports
from interfaces.query_api.wallets import WalletQueries

FIRST_CONNECTIONS = (8, 4)
OTHERS_CONNECTIONS = (4, 2)
"""How many connections to reports and to the ledger a ledger may take; a server has few enough
that those of a dozen ledgers must not be as many as the first one's."""

REPORT_STATEMENT_SECONDS = 2.5
LEDGER_STATEMENT_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Branch:
    """One ledger: its queries, and the connections on which they are answered."""

    reports: Reports
    log: LedgerLog
    queries: tuple[Query[Any], ...]
    handlers: Mapping[str, Callable[[Asked[Any]], Awaitable[Answer]]]
    accesses: AccessLog
    tail: Tail
    pools: tuple[Snapshots | AccessLog, ...]

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        for pool in self.pools:
            await pool.open()

    async def close(self) -> None:
        """Close all connections."""
        for pool in self.pools:
            await pool.close()


def known_currencies(settings: Settings, secrets: Secrets) -> Currencies:
    """Return what a ledger counts in; raises `MigrationRefused` where it does not fit the code."""
    with psycopg.connect(conninfo(settings, secrets, "query", "reports")) as connection:
        check(connection, settings, "reports")
    with psycopg.connect(conninfo(settings, secrets, "audit", "ledger")) as connection:
        check(connection, settings, "ledger")
        return stored_currencies(connection)


def new_branch(
    settings: Settings,
    secrets: Secrets,
    currencies: Currencies,
    cursors: Cursors,
    connections: tuple[int, int] = FIRST_CONNECTIONS,
) -> Branch:
    """Return the branch of the ledger that the settings name; it connects when opened."""
    report_snapshots = Snapshots(
        conninfo(settings, secrets, "query", "reports"),
        connections=connections[0],
        statement_seconds=REPORT_STATEMENT_SECONDS,
    )
    ledger_snapshots = Snapshots(
        conninfo(settings, secrets, "audit", "ledger"),
        connections=connections[1],
        statement_seconds=LEDGER_STATEMENT_SECONDS,
    )
    reports = Reports(report_snapshots)
    log = LedgerLog(ledger_snapshots, EventCodec())
    pages = Pages(cursors)
    queries = (
        *WalletQueries(reports, log, pages, currencies).queries(),
        *StatementQueries(reports, log, currencies, settings.ledger, settings.public_url).queries(),
        *PaymentQueries(reports, pages, currencies).queries(),
        *RequestQueries(reports, pages, currencies).queries(),
        *ScheduleQueries(reports, pages, currencies).queries(),
        *ReportQueries(reports, log, pages, currencies).queries(),
        *BookReports(reports, pages, currencies).queries(),
        *WalletReports(reports, log, pages, currencies, Categories(settings.categories)).queries(),
        *TrailQueries(reports, log, Acts(ledger_snapshots, EventCodec()), pages).queries(),
        *AccessQueries(reports, pages).queries(),
        *AuditQueries(reports, log, pages).queries(),
        *PeriodQueries(PeriodLog(ledger_snapshots, EventCodec()), log, pages).queries(),
        *SealQueries(
            reports, SealLog(ledger_snapshots, EventCodec()), pages, settings.seal_interval
        ).queries(),
    )
    handlers = {query.path: query.handle for query in queries}
    accesses = AccessLog(conninfo(settings, secrets, "accesslog", "reports"))
    pools = (report_snapshots, ledger_snapshots, accesses)
    tail = Tail(reports, currencies)
    return Branch(reports, log, queries, handlers, accesses, tail, pools)
