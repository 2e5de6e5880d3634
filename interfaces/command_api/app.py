"""Composition root of the command API."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI
from starlette.types import Scope

from domain.money import Currencies
from infrastructure.databases.ledgers import LedgerNames, of_ledger
from infrastructure.databases.logins import conninfo
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from infrastructure.tokens.verify import token_verifier
from interfaces.command_api.admission import admit
from interfaces.command_api.batches import Batches
from interfaces.command_api.branch import Branch, Branches, known_currencies, open_branch
from interfaces.command_api.desk import QUEUE_CAPACITY, DeskFigures
from interfaces.command_api.follow_up_routes import FollowUpRoutes
from interfaces.command_api.gate import Gate
from interfaces.command_api.openapi import document_commands
from interfaces.command_api.routes import Commands
from interfaces.http.application import new_application
from interfaces.http.auth import Authenticator
from interfaces.http.health import Check
from interfaces.http.ledgers import Ledgers
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
    figures = DeskFigures(registry)

    async def opened(name: str) -> Branch:
        own = of_ledger(settings, name)
        counted = (
            currencies
            if name == settings.ledger
            else await asyncio.to_thread(known_currencies, own, secrets)
        )
        branch = open_branch(own, secrets, counted, figures, queue_capacity)
        branch.desk.start()
        return branch

    names = LedgerNames(settings, secrets, "command")
    ledgers = Ledgers(settings.ledger, names.look, opened)
    authenticator = Authenticator(token_verifier(settings, ledgers.served))

    async def draining() -> str | None:
        return "draining" if app.state.draining else None

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with ledgers.watched():
            gc.freeze()
            # What requests leave behind holds few cycles: looking after every 700 objects cost 7 %.
            gc.set_threshold(20_000)
            yield
        await asyncio.gather(*(branch.close() for branch in ledgers.served.values()))
        await asyncio.to_thread(names.close)

    app = new_application(
        title="FalconPay command API",
        description="Opens wallets and moves money; reads are the query API's.",
        registry=registry,
        checks={
            "database": _database_check(settings, secrets),
            "writer": _writers_check(ledgers.served),
            "tokens": authenticator.ready,
            "process": draining,
        },
        lifespan=lifespan,
    )
    app.state.draining = False
    parts = (Gate(authenticator), ledgers.served)
    routes = [
        *Commands(*parts).routes(),
        *Batches(*parts).routes(),
        *FollowUpRoutes(*parts).routes(),
    ]
    app.router.routes[:0] = routes
    hot = {route.path: route.endpoint for route in routes if "{" not in route.path}
    take_shortcuts(app, app.state.metrics, hot)

    def ledger_of(scope: Scope) -> str:
        return authenticator.known_ledger(scope) if len(ledgers.served) > 1 else ""

    admit(app, app.state.metrics, ledger_of)
    document_commands(app)
    return app


def _database_check(settings: Settings, secrets: Secrets) -> Check:
    where = conninfo(settings, secrets, "command", "ledger")
    # A table of one ledger that is in trouble must not take the others from service.
    probe = "SELECT 1 FROM store" if settings.pinned else "SELECT 1"

    async def database() -> str | None:
        try:
            async with await psycopg.AsyncConnection.connect(where) as connection:
                await connection.execute(probe)
        except psycopg.Error:
            return "the ledger database does not answer"
        return None

    return database


def _writers_check(branches: Branches) -> Check:
    async def writers() -> str | None:
        faults = [await branch.desk.ready() for branch in branches.values()]
        return None if None in faults or not faults else faults[0]

    return writers


def run(settings: Settings, secrets: Secrets) -> None:
    """Serve until SIGTERM; raises `MigrationRefused` where code and database do not fit."""
    assert os.environ.get("POSTGRES_ENABLE_DB_FUNCTIONS", "n").lower() not in {"y", "true", "1"}, (
        "the event-sourcing library's own insert function takes no lock and loses events"
    )
    app = create_app(settings, secrets, known_currencies(settings, secrets))
    port, own = settings.command_port, settings.health_port
    serve(app, settings.host, port, reuse_port=True, own_port=own)
