"""`ledger create` on a PostgreSQL of one's own: rights, grants, and a login that is forgotten."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from infrastructure.databases.ledgers import LedgerNames, of_ledger
from infrastructure.databases.logins import Login, conninfo
from infrastructure.databases.migrate import check
from tests.servers import FreshDatabases

ROOT = Path(__file__).parents[2]
IN_LEDGER: tuple[Login, ...] = ("command", "relay", "projector", "audit", "reader")
IN_REPORTS: tuple[Login, ...] = ("query", "projector", "reader")


def falcon(
    databases: FreshDatabases, *words: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    environ = {**databases.environ, "FALCONPAY_DATABASE_HOST": "127.0.0.1", **settings}
    environ.pop("FALCONPAY_LEDGER")
    return subprocess.run(
        [sys.executable, "-m", "interfaces.cli", *words],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def url(databases: FreshDatabases) -> str:
    parts = psycopg.conninfo.conninfo_to_dict(databases.admin)
    place = f"{parts['host']}:{parts['port']}"
    return f"postgresql://{parts['user']}:{parts['password']}@{place}/postgres"


def test_the_login_makes_it_once_and_is_forgotten(databases: FreshDatabases, url: str) -> None:
    """The login of roles cannot make schemas, so the admin's is needed, and kept nowhere."""
    done = falcon(databases, "ledger", "create", "north", FALCONPAY_DATABASE=url)
    assert done.returncode == 0, done.stderr
    again = falcon(databases, "ledger", "create", "north", FALCONPAY_DATABASE=url)
    assert (again.returncode, again.stdout) == (0, "The ledger north is there already.\n")
    password = str(psycopg.conninfo.conninfo_to_dict(databases.admin)["password"])
    admin_secret = databases.settings.home / "secrets" / "db_admin"
    for path in databases.settings.home.rglob("*"):
        if path.is_file() and path != admin_secret:
            assert password.encode() not in path.read_bytes(), path
    listed = falcon(databases, "ledger", "list")
    assert listed.stdout == "main\nnorth\n"


def test_without_the_login_it_says_what_is_needed(databases: FreshDatabases, url: str) -> None:
    assert falcon(databases, "ledger", "create", "a", FALCONPAY_DATABASE=url).returncode == 0
    done = falcon(databases, "ledger", "create", "b")
    assert done.returncode == 2
    assert "--database URL" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_new_ledger_has_the_grants_of_the_first(databases: FreshDatabases, url: str) -> None:
    """Each login passes its check, nobody writes events by hand, and `main` stays where it is."""
    assert falcon(databases, "ledger", "create", "north", FALCONPAY_DATABASE=url).returncode == 0
    north = of_ledger(databases.settings, "north")
    for login in IN_LEDGER:
        where = conninfo(north, databases.secrets, login, "ledger")
        with psycopg.connect(where, autocommit=True) as connection:
            check(connection, north, "ledger")
            for statement in (
                "INSERT INTO events VALUES (gen_random_uuid(), 1, 't', '', 1, '', now())",
                "DELETE FROM events",
                "CREATE SCHEMA ledger_other",
            ):
                with pytest.raises(
                    (
                        psycopg.errors.InsufficientPrivilege,
                        psycopg.errors.ReadOnlySqlTransaction,
                    )
                ):
                    connection.execute(statement.encode())
    for login in IN_REPORTS:
        where = conninfo(north, databases.secrets, login, "reports")
        with psycopg.connect(where, autocommit=True) as connection:
            check(connection, north, "reports")
    names = LedgerNames(databases.settings, databases.secrets, "command")
    assert names.look() == ("main",), "these settings are pinned"
    with databases.connect("reader") as connection:
        path = connection.execute(
            "SELECT setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole"
            " JOIN pg_database d ON d.oid = s.setdatabase"
            " WHERE rolname = 'falconpay_reader' AND datname = current_database()"
        ).fetchone()
    assert path is not None
    assert "ledger_main" in str(path[0])


def test_no_two_ledgers_share_a_store(databases: FreshDatabases, url: str) -> None:
    """Topics and read models are told apart by the store's id, so each has its own."""
    assert falcon(databases, "ledger", "create", "north", FALCONPAY_DATABASE=url).returncode == 0
    ids = set()
    for name in ("main", "north"):
        where = conninfo(of_ledger(databases.settings, name), databases.secrets, "audit", "ledger")
        with psycopg.connect(where) as connection:
            ids.add(connection.execute("SELECT id FROM store").fetchone())
    assert len(ids) == 2
