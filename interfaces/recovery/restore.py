"""Puts a backup in the place of what a home holds: checked before, verified after, in one step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import psycopg
from psycopg import sql

from infrastructure.databases.logins import OWNER, Database, database_name
from infrastructure.databases.provision import connect_as_admin
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.recovery.access_logs import add_missing
from interfaces.recovery.archive import Archive, open_archive
from interfaces.recovery.backup import SCHEMAS, check_backup
from interfaces.recovery.manifest import Manifest
from interfaces.recovery.staging import (
    REPLACED,
    build,
    check_migrations,
    drop,
    put_in_place,
    staged,
)
from interfaces.replay.snapshot import snapshot
from interfaces.replay.verify import verify

TRUTH: tuple[Database, ...] = ("ledger", "identity")
ALL: tuple[Database, ...] = (*TRUTH, "reports")


@dataclass(frozen=True, slots=True)
class Held:
    """A ledger that is there already, with events."""

    name: str
    store: str
    position: int


def check_file(path: Path) -> Manifest:
    """Compare all digests and fold all events of a backup, before anything is touched.

    Raises `Failure` with the reason why it cannot be restored.
    """
    check_backup(path)
    with open_archive(path) as archive:
        check_migrations(archive.manifest)
        return archive.manifest


def restore(
    admin: str, settings: Settings, secrets: Secrets, path: Path, replacing: bool
) -> tuple[Held, ...]:
    """Restore a backup over a server that runs; return what it has replaced.

    `settings` say where the roles' logins find that server. Until the last step what was there
    is untouched. Raises `Failure`, `ProvisioningRefused` and `MigrationRefused`.
    """
    held = held_ledgers(admin, settings)
    with open_archive(path) as archive:
        _check_place(settings, archive.manifest, held, replacing)
        try:
            build(admin, settings, secrets, archive)
            for ledger in archive.manifest.ledgers:
                _verify(settings, secrets, ledger.ledger, ledger.position or 0)
            _put_secrets(secrets, archive, keeping=bool(held))
            if held:
                add_missing(admin, settings, secrets, archive)
            # Read models are derived. Those of a ledger that is replaced stay, so that whoever
            # has seen more than the backup notices; where there was none they begin anew.
            put_in_place(admin, settings, TRUTH if held else ALL)
        finally:
            drop(admin, staged(settings), ALL)
    return held


def held_ledgers(admin: str, settings: Settings) -> tuple[Held, ...]:
    """Return the ledgers with events that the place of the restore holds."""
    name = database_name(settings, "ledger")
    with connect_as_admin(admin) as connection:
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if row is None:
        return ()
    with connect_as_admin(admin, name) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        schemas = [schema for (schema,) in connection.execute(SCHEMAS["ledger"]).fetchall()]
        found = [_held(connection, schema) for schema in schemas]
    return tuple(each for each in found if each is not None)


def _held(connection: psycopg.Connection, schema: str) -> Held | None:
    query = "SELECT id::text, (SELECT max(notification_id) FROM {0}.events) FROM {0}.store"
    try:
        row = connection.execute(sql.SQL(query).format(sql.Identifier(schema))).fetchone()
    except psycopg.errors.UndefinedTable:
        # Its migrations were never run.
        return None
    name = schema.removeprefix("ledger_")
    return None if row is None or row[1] is None else Held(name, str(row[0]), int(row[1]))


def _check_place(
    settings: Settings, manifest: Manifest, held: Sequence[Held], replacing: bool
) -> None:
    stores = {ledger.ledger: ledger.store for ledger in manifest.ledgers}
    for ledger in held:
        if stores.get(ledger.name, ledger.store) != ledger.store:
            raise Failure(
                f"The ledger {ledger.name} here is another one than that of the backup (store"
                f" {ledger.store}, not {stores[ledger.name]}): nothing was changed. Choose another"
                " FALCONPAY_HOME, or on a server of your own another FALCONPAY_DATABASE_PREFIX.",
                WRONG_USAGE,
            )
    if held and not replacing:
        found = ", ".join(f"{each.name} up to position {each.position:,}" for each in held)
        raise Failure(
            f"The home {settings.home} holds events already ({found}): nothing was changed. To put"
            " the backup in their place add --replace, or choose another FALCONPAY_HOME.",
            WRONG_USAGE,
        )


def _verify(settings: Settings, secrets: Secrets, ledger: str, position: int) -> None:
    """Replay a restored ledger as `replay verify` does."""
    place = replace(staged(settings), ledger=ledger)
    with (
        snapshot(place, secrets, "ledger") as events,
        snapshot(place, secrets, "reports") as reports,
    ):
        result = verify(events, reports, lambda _position, _last: None)
    first = result.findings.first
    if first is not None or result.position != position:
        told = first.sentence() if first else f"It ends at position {result.position}."
        raise Failure(
            f"The restored ledger {ledger} is not as its events say, so nothing was changed."
            f" {told}",
            CHECK_FAILED,
        )


def _put_secrets(secrets: Secrets, archive: Archive, keeping: bool) -> None:
    """Write the backup's secrets; `keeping` leaves alone those that the home has.

    Where the same ledger was, they may be newer than the backup's. What the environment gives
    stays as it is.
    """
    for part in archive.manifest.secrets:
        # The last part of the name alone, so that a file from elsewhere writes nowhere else.
        name = PurePosixPath(part.name).name
        value = b"".join(archive.blocks(part)).decode()
        if keeping:
            secrets.put(name, value)
        elif not secrets.fixed(name):
            secrets.replace(name, value)


def kept_name(settings: Settings) -> str:
    """Return the name under which the replaced ledger is kept."""
    return f"{database_name(settings, 'ledger')}{REPLACED}"
