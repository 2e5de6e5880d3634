"""Makes a ledger in a home, whether its system runs or not."""

from infrastructure.databases.ledgers import of_ledger
from infrastructure.databases.new_ledger import ledgers_of, make_ledger
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.migrate import bring_forward
from interfaces.recovery.administration import administration
from interfaces.recovery.home import still_home
from interfaces.supervisor.home import HomeLock


def make(settings: Settings, database_url: str | None) -> bool:
    """Make the ledger that the settings name; return whether anything of it was missing.

    Where the system does not run its database server is started for it and stopped again. Raises
    `Failure`, `ProvisioningRefused`, `MigrationRefused`, `StartRefused`, `ServerUnavailable`.
    """
    if HomeLock(settings.home).holder() is not None:
        admin = administration(settings, Secrets(settings.home), database_url)
        return _make(admin, settings)
    with still_home(database_url) as still:
        # A home that never ran has no databases yet, and one of an older version older ones.
        for _sentence in bring_forward(still.admin, still.settings, still.secrets):
            pass
        return _make(still.admin, of_ledger(still.settings, settings.ledger))


def _make(admin: str, settings: Settings) -> bool:
    known = settings.ledger in ledgers_of(admin, settings)
    return bool(make_ledger(admin, settings)) or not known
