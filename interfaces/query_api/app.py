"""Composition root of the query API."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.routing import Route

from domain.money import Currencies
from infrastructure.databases.ledgers import LedgerNames, of_ledger
from infrastructure.report_store.snapshots import StoreUnavailable
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from infrastructure.tokens.verify import token_verifier
from interfaces.http.application import new_application
from interfaces.http.auth import Authenticator
from interfaces.http.ledgers import Ledgers
from interfaces.http.serve import serve
from interfaces.query_api.branch import (
    OTHERS_CONNECTIONS,
    Branch,
    known_currencies,
    new_branch,
)
from interfaces.query_api.cursors import Cursors
from interfaces.query_api.endpoint import Endpoint
from interfaces.query_api.openapi import document_queries
from interfaces.query_api.stream import PATH as STREAM
from interfaces.query_api.stream import Stream


def create_app(
    settings: Settings, secrets: Secrets, currencies: Currencies | None = None
) -> FastAPI:
    """Wire the query API; nothing connects before the application starts.

    Without `currencies` those of ISO 4217 and of the settings are known.
    """
    registry = new_registry()
    cursors = Cursors(secrets.get_or_create("cursor_mac"))
    first = new_branch(settings, secrets, currencies or Currencies(settings.assets), cursors)

    async def opened(name: str) -> Branch:
        branch = first
        if name != settings.ledger:
            own = of_ledger(settings, name)
            counted = await asyncio.to_thread(known_currencies, own, secrets)
            branch = new_branch(own, secrets, counted, cursors, OTHERS_CONNECTIONS)
        await branch.open()
        return branch

    names = LedgerNames(settings, secrets, "audit")
    ledgers = Ledgers(settings.ledger, names.look, opened)
    authenticator = Authenticator(token_verifier(settings, ledgers.served))

    async def reports_answer() -> str | None:
        asked = (branch.reports.checkpoints for branch in ledgers.served.values())
        return await _fault(asked, "the reports database does not answer")

    async def ledger_answers() -> str | None:
        asked = (branch.log.head for branch in ledgers.served.values())
        return await _fault(asked, "the ledger database does not answer")

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with ledgers.watched():
            gc.freeze()
            yield
        await asyncio.gather(*(branch.close() for branch in ledgers.served.values()))
        await asyncio.to_thread(names.close)

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
    app.router.routes[:0] = [
        Route(query.path, Endpoint(query, authenticator, ledgers.served), methods=["GET"])
        for query in first.queries
    ]
    app.router.routes.insert(
        0,
        Route(
            STREAM,
            Stream(authenticator, ledgers.served, lambda: stopping(app), settings.stream_clients),
            methods=["GET"],
        ),
    )
    document_queries(app, first.queries)
    return app


def stopping(app: FastAPI) -> bool:
    """Say whether the process has been told to stop."""
    return bool(getattr(app.state, "draining", False))


async def _fault(asked: Iterable[Callable[[], Awaitable[object]]], fault: str) -> str | None:
    """Return the fault unless one ledger answers: one in trouble leaves the others in service."""
    answers = [asyncio.ensure_future(ask()) for ask in asked]
    try:
        for answer in asyncio.as_completed(answers):
            with suppress(StoreUnavailable):
                await answer
                return None
    finally:
        for each in answers:
            each.cancel()
    return fault


def run(settings: Settings, secrets: Secrets) -> None:
    """Serve until SIGTERM; raises `MigrationRefused` where code and databases do not fit."""
    app = create_app(settings, secrets, known_currencies(settings, secrets))
    serve(app, settings.host, settings.query_port)
