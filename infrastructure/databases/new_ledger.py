"""Makes one more ledger beside those of an installation, with the rights of their admin."""

from infrastructure.databases.assets import register_assets
from infrastructure.databases.ledgers import ledger_names
from infrastructure.databases.logins import Database, database_name
from infrastructure.databases.migrate import migrate
from infrastructure.databases.provision import connect_as_admin, make_schema
from infrastructure.settings import Settings

OF_A_LEDGER: tuple[Database, ...] = ("reports", "ledger")
"""What a ledger has of its own; where it is looked for comes last."""


def ledgers_of(admin: str, settings: Settings) -> tuple[str, ...]:
    """Return the names of all ledgers; raises `ProvisioningRefused`."""
    with connect_as_admin(admin, database_name(settings, "ledger")) as connection:
        return ledger_names(connection)


def make_ledger(admin: str, settings: Settings) -> tuple[str, ...]:
    """Make the ledger that the settings name, or bring it forward; twice is once.

    The databases and logins must be there. Returns what was applied as `migrate` does, nothing
    where the ledger was whole. Raises `ProvisioningRefused`, `MigrationRefused`.
    """
    for database in OF_A_LEDGER:
        with connect_as_admin(admin, database_name(settings, database)) as connection:
            make_schema(connection, settings, database)
    applied = migrate(admin, settings)
    register_assets(admin, settings)
    return applied
