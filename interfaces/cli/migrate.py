"""The role `migrate`: makes and grows the databases, or without an admin's login checks them."""

import os
import time

import psycopg
import typer

from infrastructure.databases.assets import missing_assets, register_assets
from infrastructure.databases.logins import DATABASES, conninfo
from infrastructure.databases.migrate import MigrationRefused, check, migrate
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
        for sentence in provision(admin, settings, secrets):
            typer.echo(sentence)
        for step in migrate(admin, settings):
            typer.echo(f"migrated {step}")
        register_assets(admin, settings)
    else:
        _check(settings, secrets)


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
    for database in DATABASES:
        with psycopg.connect(
            conninfo(settings, secrets, "reader", database), autocommit=True
        ) as connection:
            check(connection, settings, database)
            if database == "ledger" and (missing := missing_assets(connection, settings)):
                raise MigrationRefused(
                    f"The asset {next(iter(missing))} is not registered in this ledger yet: run"
                    " ./falcon up --database URL once, which registers it."
                )
