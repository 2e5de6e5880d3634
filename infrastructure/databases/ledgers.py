"""Which ledgers an installation has: one schema each, so the database itself is the list."""

from collections.abc import Sequence
from dataclasses import replace

import psycopg

from infrastructure.databases.logins import Login, conninfo
from infrastructure.secrets import Secrets
from infrastructure.settings import LEDGER_NAME, Settings

NAMES = r"SELECT substr(nspname, 8) FROM pg_namespace WHERE nspname LIKE 'ledger\_%' ORDER BY 1"


def ledger_names(connection: psycopg.Connection) -> tuple[str, ...]:
    """Return the names of all ledgers in this ledger database, sorted.

    One that is being made is among them before it can be used: `migrate.check` tells.
    """
    rows = connection.execute(NAMES).fetchall()
    return tuple(name for (name,) in rows if LEDGER_NAME.fullmatch(name))


def of_ledger(settings: Settings, ledger: str) -> Settings:
    """Return the settings of one ledger of the installation."""
    return replace(settings, ledger=ledger)


class LedgerNames:
    """Looks for ledgers again and again on one connection; to be used by one thread at a time."""

    def __init__(self, settings: Settings, secrets: Secrets, login: Login) -> None:
        """Take a login that may connect to the ledger database; nothing connects yet."""
        self._settings = settings
        self._where = conninfo(settings, secrets, login, "ledger")
        self._connection: psycopg.Connection | None = None

    def look(self) -> Sequence[str]:
        """Return the ledgers to be served: one where a process is pinned to it, else all.

        Raises psycopg's `Error` while the database does not answer.
        """
        if self._settings.pinned:
            return (self._settings.ledger,)
        if self._connection is None:
            self._connection = psycopg.connect(self._where, autocommit=True)
        try:
            return ledger_names(self._connection)
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection back; another look takes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
