"""What one ledger has of its own in a command process, so that none waits for another."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
import structlog

from domain.money import Currencies
from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.ledger_store.opening import open_ledger
from infrastructure.ledger_store.store import PostgresLedgerStore
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.command_api.desk import Desk, DeskFigures
from interfaces.command_api.outcomes import Outcomes
from interfaces.command_api.parsing import CommandParser
from interfaces.command_api.payment_parsing import PaymentParser


@dataclass(frozen=True, slots=True)
class Branch:
    """One ledger: how its commands are read, its queue and writer, how its outcomes are shown."""

    parser: CommandParser
    payments: PaymentParser
    desk: Desk
    outcomes: Outcomes
    store: PostgresLedgerStore

    async def close(self) -> None:
        """Finish what is queued, then give the connection back."""
        await self.desk.stop()
        await asyncio.to_thread(self.store.close)


Branches = Mapping[str, Branch]
"""The branches of a process, by the names of their ledgers; there may come more."""


def known_currencies(settings: Settings, secrets: Secrets) -> Currencies:
    """Return what a ledger counts in; raises `MigrationRefused` where it does not fit the code.

    They are those of the store, not of the settings: answers on record must be shown for ever.
    """
    with psycopg.connect(conninfo(settings, secrets, "command", "ledger")) as connection:
        check(connection, settings, "ledger")
        return stored_currencies(connection)


def open_branch(
    settings: Settings,
    secrets: Secrets,
    currencies: Currencies,
    figures: DeskFigures,
    queue_capacity: int,
) -> Branch:
    """Return the branch of the ledger that the settings name; it connects when first used."""
    log = structlog.get_logger("ledger").bind(ledger=settings.ledger)
    ledger, store = open_ledger(
        settings, secrets, currencies, lambda fault: log.error("a command failed", exc_info=fault)
    )
    desk = Desk(ledger.execute, figures, settings.ledger, queue_capacity)
    parser = CommandParser(currencies)
    return Branch(parser, PaymentParser(parser), desk, Outcomes(currencies), store)
