"""Composition root of the command API."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import structlog
from fastapi import FastAPI

from domain.money import Currencies
from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.ledger_store.opening import open_ledger
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from infrastructure.tokens.verify import token_verifier
from interfaces.command_api.admission import admit
from interfaces.command_api.batches import Batches
from interfaces.command_api.desk import QUEUE_CAPACITY, Desk
from interfaces.command_api.gate import Gate
from interfaces.command_api.openapi import document_commands
from interfaces.command_api.outcomes import Outcomes
from interfaces.command_api.parsing import CommandParser
from interfaces.command_api.routes import Commands
from interfaces.http.application import new_application
from interfaces.http.auth import Authenticator
from interfaces.http.serve import serve
from interfaces.http.shortcut import take_shortcuts


def create_app(
    settings: Settings,
    secrets: Secrets,
    currencies: Currencies,
    queue_capacity: int = QUEUE_CAPACITY,
) -> FastAPI:
    """Wire the command API; nothing connects before the application starts."""
    registry = new_registry()
    log = structlog.get_logger("ledger")
    ledger, store = open_ledger(
        settings, secrets, lambda fault: log.error("a command failed", exc_info=fault)
    )
    desk = Desk(ledger.execute, registry, queue_capacity)
    authenticator = Authenticator(token_verifier(settings))
    where = conninfo(settings, secrets, "command", "ledger")

    async def database() -> str | None:
        try:
            async with await psycopg.AsyncConnection.connect(where) as connection:
                await connection.execute("SELECT 1 FROM store")
        except psycopg.Error:
            return "the ledger database does not answer"
        return None

    async def draining() -> str | None:
        return "draining" if app.state.draining else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        desk.start()
        gc.freeze()
        # What requests leave behind holds few cycles: looking after every 700 objects cost 7 %.
        gc.set_threshold(20_000)
        yield
        await desk.stop()
        await asyncio.to_thread(store.close)

    app = new_application(
        title="FalconPay command API",
        description="Opens wallets and moves money; reads are the query API's.",
        registry=registry,
        checks={
            "database": database,
            "writer": desk.ready,
            "tokens": authenticator.ready,
            "process": draining,
        },
        lifespan=lifespan,
    )
    app.state.draining = False
    parts = (Gate(authenticator), CommandParser(currencies), desk, Outcomes(currencies))
    routes = [*Commands(*parts).routes(), *Batches(*parts).routes()]
    app.router.routes[:0] = routes
    hot = {route.path: route.endpoint for route in routes if "{" not in route.path}
    take_shortcuts(app, app.state.metrics, hot)
    admit(app, app.state.metrics)
    document_commands(app)
    return app


def run(settings: Settings, secrets: Secrets) -> None:
    """Serve until SIGTERM; raises `MigrationRefused` where code and database do not fit."""
    assert os.environ.get("POSTGRES_ENABLE_DB_FUNCTIONS", "n").lower() not in {"y", "true", "1"}, (
        "the event-sourcing library's own insert function takes no lock and loses events"
    )
    with psycopg.connect(conninfo(settings, secrets, "command", "ledger")) as connection:
        check(connection, settings, "ledger")
        # Those of the store, not of the settings: answers on record must be shown for ever.
        currencies = stored_currencies(connection)
    app = create_app(settings, secrets, currencies)
    serve(app, settings.host, settings.command_port, reuse_port=True)
