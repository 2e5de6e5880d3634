"""Composition root of the query API."""

import gc
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI
from starlette.routing import Route

from domain.money import Currencies
from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.report_store.ledger_log import LedgerLog
from infrastructure.report_store.reports import Reports
from infrastructure.report_store.snapshots import Snapshots, StoreUnavailable
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from infrastructure.tokens.verify import token_verifier
from interfaces.http.application import new_application
from interfaces.http.auth import Authenticator
from interfaces.http.serve import serve
from interfaces.query_api.audit import AuditQueries
from interfaces.query_api.cursors import Cursors
from interfaces.query_api.endpoint import Endpoint
from interfaces.query_api.openapi import document_queries
from interfaces.query_api.pages import Pages
from interfaces.query_api.payments import PaymentQueries
from interfaces.query_api.reports import ReportQueries
from interfaces.query_api.wallets import WalletQueries

REPORT_CONNECTIONS = 8
LEDGER_CONNECTIONS = 4
REPORT_STATEMENT_SECONDS = 2.5
LEDGER_STATEMENT_SECONDS = 2.5


def create_app(
    settings: Settings, secrets: Secrets, currencies: Currencies | None = None
) -> FastAPI:
    """Wire the query API; nothing connects before the application starts.

    Without `currencies` those of ISO 4217 and of the settings are known.
    """
    registry = new_registry()
    report_snapshots = Snapshots(
        conninfo(settings, secrets, "query", "reports"),
        connections=REPORT_CONNECTIONS,
        statement_seconds=REPORT_STATEMENT_SECONDS,
    )
    ledger_snapshots = Snapshots(
        conninfo(settings, secrets, "audit", "ledger"),
        connections=LEDGER_CONNECTIONS,
        statement_seconds=LEDGER_STATEMENT_SECONDS,
    )
    reports = Reports(report_snapshots)
    log = LedgerLog(ledger_snapshots, EventCodec())
    pages = Pages(Cursors(secrets.get_or_create("cursor_mac")))
    currencies = currencies or Currencies(settings.assets)
    authenticator = Authenticator(token_verifier(settings))

    async def reports_answer() -> str | None:
        return await _fault(reports.checkpoints(), "the reports database does not answer")

    async def ledger_answers() -> str | None:
        return await _fault(log.head(), "the ledger database does not answer")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await report_snapshots.open()
        await ledger_snapshots.open()
        gc.freeze()
        yield
        await report_snapshots.close()
        await ledger_snapshots.close()

    app = new_application(
        title="FalconPay query API",
        description="Shows wallets, payments, reports and the log; it changes nothing.",
        registry=registry,
        checks={
            "reports": reports_answer,
            "ledger": ledger_answers,
            "tokens": authenticator.ready,
        },
        lifespan=lifespan,
    )
    queries = [
        *WalletQueries(reports, log, pages, currencies).queries(),
        *PaymentQueries(reports, pages, currencies).queries(),
        *ReportQueries(reports, log, pages, currencies).queries(),
        *AuditQueries(reports, log, pages).queries(),
    ]
    app.router.routes[:0] = [
        Route(query.path, Endpoint(query, authenticator), methods=["GET"]) for query in queries
    ]
    document_queries(app, queries)
    return app


async def _fault(asked: Awaitable[object], fault: str) -> str | None:
    try:
        await asked
    except StoreUnavailable:
        return fault
    return None


def run(settings: Settings, secrets: Secrets) -> None:
    """Serve until SIGTERM; raises `MigrationRefused` where code and databases do not fit."""
    with psycopg.connect(conninfo(settings, secrets, "query", "reports")) as connection:
        check(connection, settings, "reports")
    with psycopg.connect(conninfo(settings, secrets, "audit", "ledger")) as connection:
        check(connection, settings, "ledger")
        currencies = stored_currencies(connection)
    app = create_app(settings, secrets, currencies)
    serve(app, settings.host, settings.query_port)
