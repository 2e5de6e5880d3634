"""Finds the login that owns the databases: the embedded server's own, or one that is given."""

from infrastructure.embedded.postgres import Postgres
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure


def has_own_server(settings: Settings) -> bool:
    """Say whether the home's databases are on a PostgreSQL that `up` has started in it."""
    return (settings.home / "servers" / "postgres").exists()


def administration(settings: Settings, secrets: Secrets, url: str | None) -> str:
    """Return the connection string of the databases' owner for a system that runs.

    Raises `Failure` when it is not known or the embedded server does not run.
    """
    if url is not None:
        return url
    if not has_own_server(settings):
        raise Failure(
            f"The home {settings.home} has no database server of its own: begin it by ./falcon up,"
            " or name your server by --database URL, with the login that up was given.",
            WRONG_USAGE,
        )
    server = Postgres(settings.home, secrets)
    if not server.ready():
        raise Failure(
            f"The database of {settings.home} does not run: start it by ./falcon up.",
            DEPENDENCY_MISSING,
        )
    return server.admin_conninfo()
