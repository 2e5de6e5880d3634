"""The assets of a ledger besides the currencies of ISO 4217, each with a scale for ever."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

from domain.money import Currencies
from infrastructure.databases.logins import OWNER, database_name, schema_name
from infrastructure.databases.migrate import MigrationRefused
from infrastructure.databases.provision import connect_as_admin
from infrastructure.settings import Settings


def register_assets(admin: str, settings: Settings) -> None:
    """Register what `FALCONPAY_ASSETS` names and the ledger does not know yet.

    Raises `MigrationRefused` when a scale differs from the registered one, as amounts are kept
    in minor units, or when a code is taken by ISO 4217.
    """
    with connect_as_admin(admin, database_name(settings, "ledger")) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        table = sql.Identifier(schema_name(settings, "ledger"), "asset")
        with connection.transaction():
            for code, digits in missing_assets(connection, settings).items():
                connection.execute(
                    sql.SQL("INSERT INTO {} (code, digits) VALUES (%s, %s)").format(table),
                    [code, digits],
                )


def missing_assets(connection: psycopg.Connection, settings: Settings) -> Mapping[str, int]:
    """Return which wanted assets are not registered; raises as `register_assets` does."""
    try:
        Currencies(settings.assets)
    except ValueError as problem:
        raise MigrationRefused(f"FALCONPAY_ASSETS cannot be used: {problem}") from None
    table = sql.Identifier(schema_name(settings, "ledger"), "asset")
    known: dict[str, int] = dict(
        connection.execute(sql.SQL("SELECT code, digits FROM {}").format(table)).fetchall()
    )
    for code, digits in settings.assets.items():
        if known.get(code, digits) != digits:
            raise MigrationRefused(
                f"FALCONPAY_ASSETS gives {code} {digits} digits and the ledger keeps it with"
                f" {known[code]}: amounts stand in minor units, so write {code}={known[code]}."
            )
    return {code: digits for code, digits in settings.assets.items() if code not in known}
