"""The real servers that tests use: started once a session, with fresh databases for each test."""

import os
import re
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infrastructure.databases.logins import (
    DATABASES,
    OWNER,
    Database,
    Login,
    conninfo,
    database_name,
)
from infrastructure.databases.migrate import migrate
from infrastructure.databases.provision import admit, provision
from infrastructure.embedded.kafka import Kafka
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.server import ServerUnavailable, free_port, wait_until_ready
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings, read_settings
from tests.tools.absent_server import server_absent

__all__ = ["FreshDatabases", "PostgresHome", "free_port", "fresh_databases"]

ANOTHER_STORE: tuple[LiteralString, ...] = (
    "ALTER TABLE {} DISABLE TRIGGER store_is_immutable",
    "UPDATE {} SET id = gen_random_uuid(), created_at = clock_timestamp()",
    "ALTER TABLE {} ENABLE ALWAYS TRIGGER store_is_immutable",
)

SESSION_HOME = re.compile(r"falconpay-tests-(\d+)-")


@dataclass(frozen=True, slots=True)
class PostgresHome:
    """The session's PostgreSQL with the home and the secrets it was started from."""

    home: Path
    secrets: Secrets
    server: Postgres
    patterns: dict[str, Settings] = field(default_factory=dict)
    """By ledger the settings of databases that fresh ones are copied from."""

    @property
    def admin(self) -> str:
        """Connection string of the superuser."""
        return self.server.admin_conninfo()

    def pattern(self, ledger: str) -> Settings:
        """Return the settings of migrated databases of a ledger that nobody connects to."""
        if ledger not in self.patterns:
            settings = self.settings(self.home / "pattern", ledger)
            provision(self.admin, settings, self.secrets)
            migrate(self.admin, settings)
            self.patterns[ledger] = settings
        return self.patterns[ledger]

    def settings(self, home: Path, ledger: str, kafka: str | None = None) -> Settings:
        """Return settings of databases that are not there yet."""
        running = self.server.running()
        assert running is not None, "the session's PostgreSQL has ended"
        environ = {
            "FALCONPAY_HOME": str(home),
            "FALCONPAY_CACHE": os.environ.get("FALCONPAY_CACHE", ""),
            "FALCONPAY_LEDGER": ledger,
            "FALCONPAY_DATABASE_PORT": str(running.port),
            "FALCONPAY_DATABASE_PREFIX": f"t{uuid.uuid4().hex[:10]}_",
            "FALCONPAY_KAFKA_BOOTSTRAP": kafka or "",
        }
        return read_settings(environ)


@dataclass(frozen=True, slots=True)
class FreshDatabases:
    """Three provisioned and migrated databases that no other test uses, in a home of their own."""

    settings: Settings
    secrets: Secrets
    admin: str

    def connect(
        self, login: Login, database: Database = "ledger", autocommit: bool = True
    ) -> psycopg.Connection:
        """Connect as a role does, with its rights and time-outs."""
        return psycopg.connect(
            conninfo(self.settings, self.secrets, login, database), autocommit=autocommit
        )

    def connect_admin(self, database: Database = "ledger") -> psycopg.Connection:
        """Connect as superuser, each statement a transaction."""
        name = database_name(self.settings, database)
        return psycopg.connect(make_conninfo(self.admin, dbname=name), autocommit=True)

    def become_another_store(self) -> None:
        """Give the store an identity of its own, as if it had not been copied."""
        store = sql.Identifier(self.settings.ledger_schema, "store")
        with self.connect_admin() as connection, connection.transaction():
            for statement in ANOTHER_STORE:
                connection.execute(sql.SQL(statement).format(store))

    @property
    def environ(self) -> dict[str, str]:
        """Environment with which a process of its own reads these settings and secrets."""
        kafka = self.settings.kafka_bootstrap
        return {
            **{name: text for name, text in os.environ.items() if "FALCONPAY_" not in name},
            "FALCONPAY_HOME": str(self.settings.home),
            "FALCONPAY_CACHE": str(self.settings.cache),
            "FALCONPAY_LEDGER": self.settings.ledger,
            "FALCONPAY_DATABASE_PORT": str(self.settings.database_port),
            "FALCONPAY_DATABASE_PREFIX": self.settings.database_prefix,
            **({"FALCONPAY_KAFKA_BOOTSTRAP": kafka} if kafka else {}),
        }

    def drop(self) -> None:
        """Drop the three databases, whoever is still connected."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            for database in DATABASES:
                name = sql.Identifier(database_name(self.settings, database))
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def chosen_binaries() -> Path | None:
    """Return the folder of PostgreSQL's binaries that FALCONPAY_TEST_POSTGRES names."""
    wanted = os.environ.get("FALCONPAY_TEST_POSTGRES", "")
    if wanted != "debian":
        return Path(wanted) if wanted else None
    told = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
    return Path(told.stdout.strip())


def start_postgres(home: Path) -> PostgresHome:
    """Start a PostgreSQL in this home and wait until it answers."""
    secrets = Secrets(home, {})
    server = Postgres(home, secrets, chosen_binaries())
    server.prepare()
    server.start()
    wait_until_ready(server, 30)
    return PostgresHome(home, secrets, server)


def start_kafka(home: Path) -> Kafka:
    """Start an Apache Kafka in this home and wait until it takes messages.

    Where its jars or Java cannot be had the test is skipped with the reason, unless
    `FALCONPAY_REQUIRE_SERVERS=1` makes that a failure.
    """
    server = Kafka(home, read_settings().cache)
    try:
        server.prepare()
        server.start()
        wait_until_ready(server, 60)
    except ServerUnavailable as problem:
        server.stop(5)
        server_absent(str(problem))
    return server


def fresh_databases(
    postgres: PostgresHome, home: Path, ledger: str = "main", kafka: str | None = None
) -> FreshDatabases:
    """Make three migrated databases on the session's server, with settings in a new home."""
    settings = postgres.settings(home, ledger, kafka)
    copy = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    with psycopg.connect(postgres.admin, autocommit=True) as connection:
        for database in DATABASES:
            names = [database_name(settings, database), OWNER]
            names.append(database_name(postgres.pattern(ledger), database))
            connection.execute(copy.format(*map(sql.Identifier, names)))
            # Who may enter a database, and what they find there, is not copied with it.
            admit(connection, settings, database)
    # Logins belong to the whole server, so every home on it has the same passwords.
    shutil.copytree(postgres.home / "secrets", home / "secrets", dirs_exist_ok=True)
    made = FreshDatabases(settings, Secrets(home, {}), postgres.admin)
    made.become_another_store()
    return made


def session_home() -> Path:
    """Return a new home for the session's servers; ends what killed sessions left running."""
    for left in Path(tempfile.gettempdir()).glob("falconpay-tests-*"):
        match = SESSION_HOME.match(left.name)
        if match and not psutil.pid_exists(int(match[1])):
            Postgres(left, Secrets(left, {}), chosen_binaries()).stop(10)
            Kafka(left, left).stop(10)
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"falconpay-tests-{os.getpid()}-"))
