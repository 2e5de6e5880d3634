"""Which login exists, which databases it reaches, and how it connects."""

from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote

from psycopg.conninfo import make_conninfo

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings

Database = Literal["ledger", "identity", "reports"]
Login = Literal[
    "command",
    "relay",
    "projector",
    "sealer",
    "query",
    "audit",
    "accesslog",
    "identity",
    "archiver",
    "reader",
]

DATABASES: tuple[Database, ...] = get_args(Database)
OWNER = "falconpay_owner"


@dataclass(frozen=True, slots=True)
class LoginRules:
    """Where a login may connect and how long its statements may take, in milliseconds.

    A session left idle in a transaction holds locks, so its limit is the shortest: it ends
    before those who wait for its locks give up. A session whose message has come only in part
    is not idle; what ends it is the limit of the whole transaction. Zero means no limit.
    """

    databases: tuple[Database, ...]
    read_only: bool
    idle_in_transaction: int
    lock: int
    statement: int
    transaction: int = 0


LOGINS: dict[Login, LoginRules] = {
    "command": LoginRules(("ledger",), False, 1000, 1500, 2500, 3000),
    "relay": LoginRules(("ledger",), False, 5000, 1500, 10000),
    "projector": LoginRules(("reports", "ledger"), False, 10000, 12000, 30000),
    "sealer": LoginRules(("ledger",), False, 5000, 1500, 10000),
    "query": LoginRules(("reports",), True, 1000, 1500, 2500),
    "audit": LoginRules(("ledger",), True, 60000, 1500, 60000),
    "accesslog": LoginRules(("reports",), False, 1000, 1500, 2500),
    "identity": LoginRules(("identity",), False, 1000, 1500, 2500),
    "archiver": LoginRules(("ledger",), False, 5000, 1500, 60000),
    "reader": LoginRules(DATABASES, True, 60000, 1500, 0),
}


def user_name(login: Login) -> str:
    """Return the role's name on the database server."""
    return f"falconpay_{login}"


def secret_name(login: Login) -> str:
    """Return the name of the secret that is the login's password."""
    return f"db_{login}"


def database_name(settings: Settings, database: Database) -> str:
    """Return the database's name on the server."""
    return f"{settings.database_prefix}{database}"


def schema_name(settings: Settings, database: Database) -> str:
    """Return the schema in which this ledger's tables of the database are."""
    schemas: dict[Database, str] = {
        "ledger": settings.ledger_schema,
        "identity": "identity",
        "reports": settings.reports_schema,
    }
    return schemas[database]


def conninfo(
    settings: Settings,
    secrets: Secrets,
    login: Login,
    database: Database,
    application: str | None = None,
) -> str:
    """Return the connection string of a login for psycopg, with its time-outs and schema.

    A role that uses another one's login tells its own name as the `application`.
    Raises `SecretMissing` when the password is nowhere, and `ValueError` when this login has
    no right to connect to this database. TLS follows libpq's own settings (`PGSSLMODE`, ...).
    """
    rules = LOGINS[login]
    if database not in rules.databases:
        raise ValueError(f"{user_name(login)} has no right to connect to {database}")
    options = {
        "search_path": f'"{schema_name(settings, database)}"',
        "timezone": "UTC",
        "default_transaction_read_only": "on" if rules.read_only else "off",
        "idle_in_transaction_session_timeout": str(rules.idle_in_transaction),
        "lock_timeout": str(rules.lock),
        "statement_timeout": str(rules.statement),
        # A report is planned for more than it reads, and to compile it takes longer than to run it.
        "jit": "off",
        # Seconds after which a client that the network has swallowed loses session and locks.
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        # Milliseconds for the same while an answer is on its way to it.
        "tcp_user_timeout": "10000",
    }
    return make_conninfo(
        host=settings.database_host,
        port=settings.database_port,
        dbname=database_name(settings, database),
        user=user_name(login),
        password=secrets.get(secret_name(login)),
        application_name=f"falconpay-{application or login}",
        client_encoding="utf8",
        connect_timeout=2,
        # Milliseconds after which sent data that nobody confirms ends the connection.
        tcp_user_timeout=5000,
        keepalives_idle=5,
        keepalives_interval=2,
        keepalives_count=3,
        options=" ".join(f"-c {name}={value}" for name, value in options.items()),
    )


def reader_url(settings: Settings, secrets: Secrets, database: Database = "ledger") -> str:
    """Return the URL of the read-only login, for psql and auditors; raises `SecretMissing`."""
    password = quote(secrets.get(secret_name("reader")), safe="")
    place = f"{settings.database_host}:{settings.database_port}"
    name = quote(database_name(settings, database), safe="")
    return f"postgresql://{user_name('reader')}:{password}@{place}/{name}"
