"""Databases, logins and grants are made by one function that may run again at any time."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from infrastructure.databases.logins import (
    DATABASES,
    LOGINS,
    Login,
    conninfo,
    reader_url,
    secret_name,
)
from infrastructure.databases.migrate import check, migrate
from infrastructure.databases.provision import LOCKS_STAY_OPEN, ProvisioningRefused, provision
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.postgres_binaries import packaged_binaries
from infrastructure.embedded.server import wait_until_ready
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings, read_settings
from tests.conftest import MakeDatabases
from tests.servers import FreshDatabases, PostgresHome, free_port

GRANTS = """
    SELECT 'database', datname::text, array_to_string(datacl, ' ') FROM pg_database
        WHERE datname LIKE %(prefix)s || '%%'
    UNION ALL SELECT 'schema', nspname, array_to_string(nspacl, ' ') FROM pg_namespace
    UNION ALL SELECT 'table', relname, array_to_string(relacl, ' ') FROM pg_class
    UNION ALL SELECT 'default', defaclobjtype::text, array_to_string(defaclacl, ' ')
        FROM pg_default_acl
    UNION ALL SELECT 'function', oid::regprocedure::text, array_to_string(proacl, ' ')
        FROM pg_proc
    UNION ALL SELECT 'role', rolname, rolsuper::text || rolcreaterole || rolcanlogin
        FROM pg_roles
    ORDER BY 1, 2, 3
"""


def _grants(databases: FreshDatabases) -> list[list[tuple[object, ...]]]:
    found = []
    for database in DATABASES:
        with databases.connect_admin(database) as connection:
            prefix = {"prefix": databases.settings.database_prefix}
            found.append(connection.execute(GRANTS, prefix).fetchall())
    return found


def test_provisioning_again_changes_nothing(databases: FreshDatabases) -> None:
    before = _grants(databases)
    assert provision(databases.admin, databases.settings, databases.secrets) == ()
    assert migrate(databases.admin, databases.settings) == ()
    assert _grants(databases) == before


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_reaches_its_own_databases_only(databases: FreshDatabases, login: Login) -> None:
    """Neither the databases of others nor, without a password, its own."""
    own = LOGINS[login].databases
    text = conninfo(databases.settings, databases.secrets, login, own[0])
    for database in DATABASES:
        there = make_conninfo(text, dbname=f"{databases.settings.database_prefix}{database}")
        if database in own:
            with psycopg.connect(there) as connection:
                check(connection, databases.settings, database)
        else:
            with pytest.raises(psycopg.OperationalError, match="permission denied"):
                psycopg.connect(there)
            with pytest.raises(ValueError, match="no right to connect"):
                conninfo(databases.settings, databases.secrets, login, database)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(text, password="wrong")


def test_a_stranger_reaches_nothing(databases: FreshDatabases) -> None:
    """What PostgreSQL gives to everybody, CONNECT and TEMPORARY, is taken away."""
    with databases.connect_admin() as connection:
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    for database in DATABASES:
        name = f"{databases.settings.database_prefix}{database}"
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(databases.admin, user="stranger", password="stranger", dbname=name)
    with databases.connect_admin() as connection:
        connection.execute("DROP ROLE stranger")
    with (
        databases.connect("command") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TEMPORARY TABLE events (id int)")


def test_every_table_to_come_is_readable_where_no_secrets_are(databases: FreshDatabases) -> None:
    """The reader sees all of ledger and reports; of identity what a migration names."""
    for database in DATABASES:
        with databases.connect_admin(database) as owner:
            schema = owner.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(ledger_|reports_|identity)'"
            ).fetchall()[0][0]
            owner.execute("SET ROLE falconpay_owner")
            owner.execute(f'CREATE TABLE "{schema}".made_later (word text)'.encode())
        with databases.connect("reader", database) as reader:
            if database == "identity":
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute("SELECT * FROM made_later")
            else:
                assert reader.execute("SELECT * FROM made_later").fetchall() == []
            reader.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute("DELETE FROM made_later")


@pytest.mark.parametrize("login", ["reader", "audit", "projector"])
def test_who_only_reads_the_ledger_cannot_stop_its_writers(
    databases: FreshDatabases, login: Login
) -> None:
    """An advisory lock held by a read-only session would hold up every command."""
    with databases.connect(login) as connection:
        for function in ("pg_advisory_lock(1)", "pg_try_advisory_lock_shared(1, 2)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT {function}".encode())
    with databases.connect("relay") as connection:
        assert connection.execute("SELECT pg_try_advisory_lock(1)").fetchone() == (True,)


def test_time_outs_end_an_idle_transaction_before_those_who_wait_for_it(
    databases: FreshDatabases,
) -> None:
    with databases.connect("command") as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM current_setting("
            "'idle_in_transaction_session_timeout')::interval),"
            " extract(epoch FROM current_setting('lock_timeout')::interval),"
            " extract(epoch FROM current_setting('statement_timeout')::interval),"
            # Before PostgreSQL 17 there is no such limit.
            " extract(epoch FROM"
            " coalesce(current_setting('transaction_timeout', true), '3s')::interval),"
            " current_setting('tcp_keepalives_idle')"
        ).fetchone()
    assert row is not None
    assert [float(seconds) for seconds in row] == [1.0, 1.5, 2.5, 3.0, 5.0]


def test_the_readers_url_is_as_good_as_its_connection_string(databases: FreshDatabases) -> None:
    """It is shown to people, who paste it into psql: schema and rights come with the login."""
    for database in DATABASES:
        url = reader_url(databases.settings, databases.secrets, database)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM schema_migration").fetchall()


def test_a_changed_secret_becomes_the_password(
    postgres: PostgresHome, make_databases: MakeDatabases, tmp_path: Path
) -> None:
    databases = make_databases()
    changed = Secrets(tmp_path / "changed", {})
    for login in LOGINS:
        old = postgres.secrets.get(secret_name(login))
        changed.put(secret_name(login), "other" if login == "query" else old)
    text = conninfo(databases.settings, changed, "query", "reports")
    try:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(text)
        provision(databases.admin, databases.settings, changed)
        psycopg.connect(text).close()
    finally:
        provision(databases.admin, databases.settings, postgres.secrets)


def test_ledgers_with_dashes_and_two_ledgers_side_by_side(make_databases: MakeDatabases) -> None:
    databases = make_databases(ledger="my-book")
    with databases.connect("command") as connection:
        assert connection.execute("SELECT current_schema()").fetchone() == ("ledger_my-book",)
        assert connection.execute("SELECT count(*) FROM store").fetchone() == (1,)


def test_two_callers_at_once_take_turns(postgres: PostgresHome, tmp_path: Path) -> None:
    """Neither provisioning nor migrating fails or is done twice when two `up` race."""
    settings = _settings(postgres.server, tmp_path, "race_")
    databases = FreshDatabases(settings, postgres.secrets, postgres.admin)

    def make(_: int) -> tuple[str, ...]:
        provision(postgres.admin, settings, postgres.secrets)
        return migrate(postgres.admin, settings)

    try:
        with ThreadPoolExecutor(4) as pool:
            applied = [name for names in pool.map(make, range(4)) for name in names]
        assert len(applied) == len(set(applied)) >= 3
    finally:
        databases.drop()


@pytest.fixture(params=["18", "16", "debian"])
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Postgres]:
    """Give a new server, for roles belong to all databases of one."""
    folders = {"18": packaged_binaries(), "16": packaged_binaries().parents[1] / "pginstall/bin"}
    if request.param == "debian":
        told = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
        folders["debian"] = Path(told.stdout.strip())
    server = Postgres(tmp_path, Secrets(tmp_path, {}), folders[request.param])
    server.prepare()
    server.start()
    try:
        wait_until_ready(server, 30)
        yield server
    finally:
        server.stop(10)


def _settings(server: Postgres, home: Path, prefix: str = "") -> Settings:
    environ = {
        "FALCONPAY_HOME": str(home),
        "FALCONPAY_DATABASE_PORT": str(server.port()),
        "FALCONPAY_DATABASE_PREFIX": prefix,
    }
    return read_settings(environ)


def test_a_login_that_is_no_superuser_makes_everything(
    own_server: Postgres, tmp_path: Path
) -> None:
    """CREATEDB and CREATEROLE are enough, on every version; what only a superuser can is said."""
    settings, secrets = _settings(own_server, tmp_path), Secrets(tmp_path, {})
    root = own_server.admin_conninfo()
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute("CREATE ROLE maker LOGIN CREATEDB CREATEROLE NOINHERIT PASSWORD 'maker'")
    admin = make_conninfo(root, user="maker", password="maker")
    for _ in range(2):
        assert provision(admin, settings, secrets) == (LOCKS_STAY_OPEN,)
        migrate(admin, settings)
    for login, rules in LOGINS.items():
        for database in rules.databases:
            with psycopg.connect(conninfo(settings, secrets, login, database)) as connection:
                check(connection, settings, database)
    with psycopg.connect(conninfo(settings, secrets, "reader", "ledger")) as connection:
        connection.execute("SELECT pg_advisory_lock_shared(1)")
    assert provision(root, settings, secrets) == ()
    with (
        psycopg.connect(conninfo(settings, secrets, "reader", "ledger")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT pg_advisory_lock_shared(1)")
    assert provision(admin, settings, secrets) == ()
    migrate(admin, settings)


@pytest.mark.parametrize("own_server", ["18"], indirect=True)
def test_another_login_that_may_not_administer_the_roles_is_refused(
    own_server: Postgres, tmp_path: Path
) -> None:
    settings, secrets = _settings(own_server, tmp_path), Secrets(tmp_path, {})
    root = own_server.admin_conninfo()
    provision(root, settings, secrets)
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute("CREATE ROLE late LOGIN CREATEDB CREATEROLE PASSWORD 'late'")
        connection.execute("CREATE ROLE weak LOGIN CREATEDB PASSWORD 'weak'")
    with pytest.raises(ProvisioningRefused, match=r"lacks a right .*use the login that made"):
        provision(make_conninfo(root, user="late", password="late"), settings, secrets)
    with pytest.raises(ProvisioningRefused, match=r"weak may not make .*CREATEDB and CREATEROLE"):
        provision(make_conninfo(root, user="weak", password="weak"), settings, secrets)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nobody:wrong@127.0.0.1:{port}/postgres",
        "postgresql://127.0.0.1:{free}/postgres",
        "postgresql://127.0.0.1:{port}/nothing-of-this-name",
        "mysql://127.0.0.1/falconpay",
        "nonsense",
        "host=127.0.0.1 colour=blue",
    ],
)
def test_a_wrong_url_is_one_sentence_with_the_remedy(
    postgres: PostgresHome, tmp_path: Path, url: str
) -> None:
    admin = url.format(port=postgres.server.port(), free=free_port())
    settings = _settings(postgres.server, tmp_path, "never_")
    with pytest.raises(ProvisioningRefused, match=r"check .*--database URL") as refused:
        provision(admin, settings, postgres.secrets)
    assert "\n" not in str(refused.value)
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize("own_server", ["18"], indirect=True)
def test_no_password_reaches_the_servers_log(own_server: Postgres, tmp_path: Path) -> None:
    """Even where every statement is logged: the server gets verifiers only."""
    settings, secrets = _settings(own_server, tmp_path), Secrets(tmp_path, {})
    admin = make_conninfo(own_server.admin_conninfo(), options="-c log_statement=all")
    provision(admin, settings, secrets)
    log = (tmp_path / "logs" / "postgres.log").read_text()
    assert 'ALTER ROLE "falconpay_query"' in log or 'CREATE ROLE "falconpay_query"' in log
    assert not [login for login in LOGINS if secrets.get(secret_name(login)) in log]
