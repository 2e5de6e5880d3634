"""Opens a ledger for writing: settings and secrets in, a ready `Ledger` out."""

import time
from collections.abc import Callable

import psycopg

from application.clock import ClockGuard
from application.ledger import Ledger
from domain.money import Currencies
from infrastructure.databases.logins import conninfo
from infrastructure.event_codec import EventCodec
from infrastructure.ledger_store.store import Connection, PostgresLedgerStore
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings


def connector(
    settings: Settings, secrets: Secrets, application: str | None = None
) -> Callable[[], Connection]:
    """Return how the write path connects: as `falconpay_command`, transactions by its own hand."""
    where = conninfo(settings, secrets, "command", "ledger", application)

    def connect() -> Connection:
        return psycopg.connect(where, autocommit=True)

    return connect


def suspended_too() -> float:
    """Return seconds of a clock that nobody sets and that also runs while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def open_ledger(
    settings: Settings,
    secrets: Secrets,
    currencies: Currencies,
    report: Callable[[Exception], None],
    application: str | None = None,
) -> tuple[Ledger, PostgresLedgerStore]:
    """Return a ledger that counts in these currencies, and its store.

    The store connects when first used and is the caller's to close. `report` is told of each
    fault that ends a command as a `Defect`. A role other than the command API tells its name as
    the `application`, by which its session is known on the server.
    """
    store = PostgresLedgerStore(connector(settings, secrets, application), EventCodec())
    return Ledger(store, ClockGuard(suspended_too), digits=currencies.digits, report=report), store
