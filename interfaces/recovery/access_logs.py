"""Gives the logs of reads that stay through a restore what a backup knows of them."""

from dataclasses import replace
from typing import LiteralString

from psycopg import sql

from infrastructure.databases.logins import OWNER, database_name
from infrastructure.databases.migrate import migrate
from infrastructure.databases.provision import connect_as_admin, provision
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.recovery.archive import Archive
from interfaces.recovery.manifest import Schema
from interfaces.recovery.tables import copy_table

LOG = "access_log"
ADD: LiteralString = """
    INSERT INTO {log} (accessed_at, sub, client_id, route, asked, status)
    SELECT k.accessed_at, k.sub, k.client_id, k.route, k.asked, k.status FROM kept_log k
    WHERE NOT EXISTS (
        SELECT FROM {log} l
        WHERE l.accessed_at = k.accessed_at AND l.sub = k.sub AND l.client_id = k.client_id
            AND l.route = k.route AND l.asked::text = k.asked::text AND l.status = k.status)
    ORDER BY k.number"""


def add_missing(admin: str, settings: Settings, secrets: Secrets, archive: Archive) -> None:
    """Add those reads of a backup that the logs in place lack; nothing is taken out of them.

    Whatever becomes of the rest of the restore, they are reads of the same ledgers. Twice is once.
    Raises `ProvisioningRefused` and `MigrationRefused`.
    """
    for schema in archive.manifest.logs:
        if not _there(admin, settings, schema):
            place = replace(settings, ledger=schema.ledger)
            provision(admin, place, secrets)
            migrate(admin, place)
        _add(admin, settings, schema, archive)


def _there(admin: str, settings: Settings, schema: Schema) -> bool:
    with connect_as_admin(admin, database_name(settings, "reports")) as connection:
        row = connection.execute(
            "SELECT to_regclass(format('%%I.%%I', %s::text, %s::text)) IS NOT NULL",
            [schema.name, LOG],
        ).fetchone()
    return row is not None and bool(row[0])


def _add(admin: str, settings: Settings, schema: Schema, archive: Archive) -> None:
    log = sql.Identifier(schema.name, LOG)
    with (
        connect_as_admin(admin, database_name(settings, "reports")) as connection,
        connection.transaction(),
    ):
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE kept_log (LIKE {}) ON COMMIT DROP").format(log)
        )
        copy_table(connection, sql.Identifier("kept_log"), schema.table(LOG), archive)
        connection.execute(sql.SQL(ADD).format(log=log))
