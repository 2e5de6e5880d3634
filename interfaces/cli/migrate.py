"""The role `migrate`: makes and grows the databases, or without an admin's login checks them."""

import os
import time
from collections.abc import Iterator

import psycopg
import typer

from infrastructure.databases.assets import missing_assets, register_assets
from infrastructure.databases.ledgers import ledger_names, of_ledger
from infrastructure.databases.logins import DATABASES, conninfo
from infrastructure.databases.migrate import MigrationRefused, check, migrate
from infrastructure.databases.new_ledger import ledgers_of, make_ledger
from infrastructure.databases.provision import provision
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings

PATIENCE_SECONDS = 30.0
RECOVERY_SECONDS = 6 * 3600.0
"""How long a server is waited for that says it is recovering: after a crash, or to a moment."""

RECOVERING = ("starting up", "not accepting connections", "not yet accepting connections")
PAUSE_SECONDS = 0.05


def run(settings: Settings, secrets: Secrets) -> None:
    """Bring databases and assets to what this version needs, and end.

    Raises `MigrationRefused`, `ProvisioningRefused` and, without FALCONPAY_DATABASE, psycopg's
    `OperationalError` when the server is not there.
    """
    admin = os.environ.get("FALCONPAY_DATABASE")
    if admin:
        _await_server(admin)
        for sentence in bring_forward(admin, settings, secrets):
            typer.echo(sentence)
    else:
        _check(settings, secrets)


def bring_forward(admin: str, settings: Settings, secrets: Secrets) -> Iterator[str]:
    """Make or migrate the databases with every ledger of theirs; yield sentences about it.

    Where the settings are pinned to a ledger it is that one alone. Raises `MigrationRefused`,
    `ProvisioningRefused`.
    """
    yield from provision(admin, settings, secrets)
    for step in migrate(admin, settings):
        yield f"migrated {step}"
    register_assets(admin, settings)
    for name in () if settings.pinned else ledgers_of(admin, settings):
        if name != settings.ledger:
            for step in make_ledger(admin, of_ledger(settings, name)):
                yield f"migrated {step} of the ledger {name}"


def _await_server(admin: str) -> None:
    """Wait while the server is starting; what else is wrong is told by the first real use."""
    begun = time.monotonic()
    while True:
        try:
            psycopg.connect(admin, connect_timeout=5).close()
        except psycopg.OperationalError as problem:
            recovering = any(word in str(problem) for word in RECOVERING)
            starting = recovering or "Connection refused" in str(problem)
            patience = RECOVERY_SECONDS if recovering else PATIENCE_SECONDS
            if not starting or time.monotonic() - begun > patience:
                return
        except psycopg.Error:
            return
        else:
            return
        time.sleep(PAUSE_SECONDS)


def _check(settings: Settings, secrets: Secrets) -> None:
    names = _check_ledger(settings, secrets)
    for name in () if settings.pinned else names:
        if name != settings.ledger:
            try:
                _check_ledger(of_ledger(settings, name), secrets)
            except MigrationRefused as refusal:
                # It is not served then, and the others are.
                typer.echo(f"The ledger {name} is not ready: {refusal}")


def _check_ledger(settings: Settings, secrets: Secrets) -> tuple[str, ...]:
    """Check what one ledger has in each database; return the names of all ledgers."""
    names: tuple[str, ...] = ()
    for database in DATABASES:
        with psycopg.connect(
            conninfo(settings, secrets, "reader", database), autocommit=True
        ) as connection:
            check(connection, settings, database)
            if database == "ledger":
                names = ledger_names(connection)
                if missing := missing_assets(connection, settings):
                    raise MigrationRefused(
                        f"The asset {next(iter(missing))} is not registered in this ledger yet: run"
                        " ./falcon up --database URL once, which registers it."
                    )
    return names
