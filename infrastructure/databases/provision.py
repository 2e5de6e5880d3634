"""Makes the three databases, their logins and schemas, and takes every right not needed."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.databases.logins import (
    DATABASES,
    LOGINS,
    OWNER,
    Database,
    Login,
    database_name,
    schema_name,
    secret_name,
    user_name,
)
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings

OLDEST_SERVER = 150000
LIMITS_TRANSACTIONS = 170000
# Any number will do that no other program takes for its advisory locks.
LOCK = 0x46616C636F6E
OWNER_NAME = sql.Identifier(OWNER)

# Whoever may take advisory locks can stop all writers of that database.
LOCKERS: dict[Database, tuple[Login, ...]] = {
    "ledger": ("command", "relay"),
    "identity": ("identity",),
    "reports": ("projector",),
}
OPEN_LOCK_FUNCTIONS = """
    SELECT oid::regprocedure::text FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
        AND proname ~ '^pg_(try_)?advisory_(xact_)?lock'
        AND has_function_privilege('public', oid, 'EXECUTE')
"""
LOCKS_STAY_OPEN = (
    "Advisory locks stay open to every login, since only a superuser can revoke them:"
    " run ./falcon up --database once with a superuser's URL to close that."
)
# In `identity` some columns hold secrets, so each of its migrations grants by column.
READABLE: tuple[Database, ...] = ("ledger", "reports")


class ProvisioningRefused(RuntimeError):
    """The databases cannot be made; the message is one sentence with the remedy."""


def provision(admin: str, settings: Settings, secrets: Secrets) -> tuple[str, ...]:
    """Make what is missing of databases, logins, schemas and grants; change nothing else.

    `admin` is the connection string of a superuser or of a login with CREATEDB and CREATEROLE.
    Passwords come from `secrets` and are made where there are none. A server serves one home:
    a second one on it must be given the same passwords. Returns sentences about protections
    that only a superuser can set. Raises `ProvisioningRefused`.
    """
    open_locks = 0
    with connect_as_admin(admin) as connection:
        superuser = _check_rights(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        _make_roles(connection, secrets, superuser)
        for database in DATABASES:
            _make_database(connection, settings, database)
            with connect_as_admin(admin, database_name(settings, database)) as inside:
                make_schema(inside, settings, database)
                if superuser:
                    _reserve_advisory_locks(inside, database)
                open_locks += len(inside.execute(OPEN_LOCK_FUNCTIONS).fetchall())
    return (LOCKS_STAY_OPEN,) if open_locks else ()


@contextmanager
def connect_as_admin(admin: str, database: str | None = None) -> Iterator[psycopg.Connection]:
    """Connect with the admin's login, to another database if given; each statement commits.

    Raises `ProvisioningRefused` instead of any error of the server.
    """
    try:
        options = {} if database is None else {"dbname": database}
        with psycopg.connect(
            make_conninfo(admin, connect_timeout=5, **options),
            autocommit=True,
            application_name="falconpay-admin",
        ) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise ProvisioningRefused(
            f"The database login lacks a right ({_first_line(error)}): use the login that made"
            " FalconPay's roles before, or one with CREATEDB and CREATEROLE on a new server."
        ) from error
    except psycopg.errors.DiskFull as error:
        raise ProvisioningRefused(
            f"The database server's disk is full ({_first_line(error)}): make room, then try again."
        ) from error
    except psycopg.ProgrammingError as error:
        raise ProvisioningRefused(
            f"The database URL or a statement is refused ({_first_line(error)}):"
            " check --database URL, like postgresql://login:password@host:5432/postgres."
        ) from error
    except psycopg.OperationalError as error:
        raise ProvisioningRefused(
            f"The database server cannot be reached or refuses the login ({_first_line(error)}):"
            " check the host, port, name and password of --database URL."
        ) from error


def _first_line(error: psycopg.Error) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _check_rights(connection: psycopg.Connection) -> bool:
    """Return whether the admin is a superuser; raises when it is too little or the server old."""
    if connection.info.server_version < OLDEST_SERVER:
        raise ProvisioningRefused("The database server is too old: use PostgreSQL 15 or newer.")
    row = connection.execute(
        "SELECT rolsuper, rolcreatedb AND rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    superuser, enough = row or (False, False)
    if not superuser and not enough:
        raise ProvisioningRefused(
            f"The database login {connection.info.user} may not make databases and roles:"
            " give it CREATEDB and CREATEROLE, or use another in --database URL."
        )
    return bool(superuser)


def _make_roles(connection: psycopg.Connection, secrets: Secrets, superuser: bool) -> None:
    known = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
    if OWNER not in known:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(OWNER_NAME))
    if not superuser:
        connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(OWNER_NAME))
    for login, rules in LOGINS.items():
        name = user_name(login)
        password = secrets.get_or_create(secret_name(login))
        # The server gets the SCRAM verifier only, so the password is in none of its logs.
        verifier = connection.pgconn.encrypt_password(
            password.encode(), name.encode(), b"scram-sha-256"
        ).decode()
        verb = sql.SQL("ALTER" if name in known else "CREATE")
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                verb, sql.Identifier(name), sql.Literal(verifier)
            )
        )
        if rules.transaction and connection.info.server_version >= LIMITS_TRANSACTIONS:
            connection.execute(
                sql.SQL("ALTER ROLE {} SET transaction_timeout = {}").format(
                    sql.Identifier(name), sql.Literal(rules.transaction)
                )
            )


def _make_database(connection: psycopg.Connection, settings: Settings, database: Database) -> None:
    name = database_name(settings, database)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
        # Collation C sorts alike on every machine and survives upgrades of its C library.
        connection.execute(
            sql.SQL(
                "CREATE DATABASE {} OWNER {} TEMPLATE template0"
                " ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            ).format(sql.Identifier(name), OWNER_NAME)
        )
    admit(connection, settings, database)


def admit(connection: psycopg.Connection, settings: Settings, database: Database) -> None:
    """Let its logins and nobody else into a database, each to its schema; as the admin."""
    place = sql.Identifier(database_name(settings, database))
    logins = [login for login, rules in LOGINS.items() if database in rules.databases]
    search_path = sql.Literal(schema_name(settings, database))
    for login in logins:
        connection.execute(
            sql.SQL("ALTER ROLE {} IN DATABASE {} SET search_path = {}").format(
                sql.Identifier(user_name(login)), place, search_path
            )
        )
    who = sql.SQL(", ").join([sql.Identifier(connection.info.user), _names(logins)])
    connection.execute(sql.SQL("SET ROLE {}").format(OWNER_NAME))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(place))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(place, who))
    connection.execute("RESET ROLE")


def make_schema(connection: psycopg.Connection, settings: Settings, database: Database) -> None:
    """Make the schema of one ledger with its grants, where it is missing; as the admin."""
    schema = sql.Identifier(schema_name(settings, database))
    logins = [login for login, rules in LOGINS.items() if database in rules.databases]
    connection.execute(sql.SQL("SET ROLE {}").format(OWNER_NAME))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, _names(logins)))
    if database in READABLE:
        connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}").format(
                schema, _names(["reader"])
            )
        )
    connection.execute("RESET ROLE")


def _reserve_advisory_locks(connection: psycopg.Connection, database: Database) -> None:
    lockers = sql.SQL(", ").join([OWNER_NAME, _names(LOCKERS[database])])
    # One transaction: a function that is closed to all is not looked at again.
    with connection.transaction():
        for (function,) in connection.execute(OPEN_LOCK_FUNCTIONS).fetchall():
            name = sql.SQL(function)
            connection.execute(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(name))
            connection.execute(sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(name, lockers))


def _names(logins: list[Login] | tuple[Login, ...]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(user_name(login)) for login in logins)
