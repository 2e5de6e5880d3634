"""What each login of the ledger must not be able to do, tried by SQL."""

from typing import get_args

import psycopg
import pytest

from infrastructure.databases.logins import LOGINS, Login
from tests.servers import FreshDatabases
from tests.written import Written

LEDGER_LOGINS = [login for login in get_args(Login) if "ledger" in LOGINS[login].databases]
READERS = [login for login in LEDGER_LOGINS if login != "command"]

FOR_ALL = (
    "UPDATE events SET topic = 'x'",
    "DELETE FROM events",
    "TRUNCATE events",
    "INSERT INTO events SELECT * FROM events",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DROP TABLE events CASCADE",
    "SET session_replication_role = replica",
    "SET ROLE falconpay_owner",
    "DELETE FROM wallet_head",
    "TRUNCATE wallet_head",
    "UPDATE store SET id = gen_random_uuid()",
    "CREATE TABLE mine (a int)",
    "CREATE FUNCTION append(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION position_at(at timestamptz) RETURNS bigint"
    " LANGUAGE sql AS 'SELECT 1::bigint'",
    "COPY events TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "ALTER ROLE falconpay_command SUPERUSER",
    "INSERT INTO asset VALUES ('XYZ', 2)",
    "DELETE FROM events USING moved_event m WHERE m.notification_id = events.notification_id",
    "INSERT INTO moved_event SELECT 1, gen_random_uuid(), 1, sha256('')",
    "UPDATE moved_event SET leaf = sha256(leaf)",
    "DELETE FROM moved_event",
    "TRUNCATE moved_event",
    "UPDATE archive_place SET url = 'x'",
    "DELETE FROM archive_place",
    "TRUNCATE archive_place",
    "ALTER TABLE moved_event DISABLE TRIGGER ALL",
)
FOR_READERS = (
    "UPDATE wallet_head SET posted = 0",
    "INSERT INTO wallet_head SELECT * FROM wallet_head",
    "SELECT 1 FROM wallet_head FOR UPDATE",
    "SELECT append('{}', '{}', '{}', '{}', '{}', now(), now())",
    "SELECT pg_advisory_xact_lock('events'::regclass::oid::bigint)",
)
FOR_ALL_BUT_THE_ARCHIVER = (
    "SELECT take_move_lock()",
    "SELECT move_events('{}', '{}')",
    "INSERT INTO archive_place (url, last_position) VALUES ('x', 1)",
)


def refused(databases: FreshDatabases, login: Login, statement: str) -> bool:
    """Return whether a login lacks the right to a statement, which would else go through."""
    with databases.connect(login) as connection:
        connection.execute("SET default_transaction_read_only = off")
        try:
            connection.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege:
            return True
        except psycopg.Error:
            return False
    return False


@pytest.mark.parametrize("login", LEDGER_LOGINS)
def test_nobody_changes_what_is_stored(
    databases: FreshDatabases, writer: Written, login: Login
) -> None:
    """No running role can change, delete or forge events, or give itself more rights."""
    writer.open()
    allowed = [statement for statement in FOR_ALL if not refused(databases, login, statement)]
    assert allowed == []


@pytest.mark.parametrize("login", READERS)
def test_readers_cannot_write_or_block(
    databases: FreshDatabases, writer: Written, login: Login
) -> None:
    """A login that reads neither appends, nor changes heads, nor takes the writers' lock."""
    writer.open()
    # The relay's own lock needs the advisory functions, so it alone may call them.
    statements = [s for s in FOR_READERS if login != "relay" or "advisory" not in s]
    allowed = [statement for statement in statements if not refused(databases, login, statement)]
    assert allowed == []


@pytest.mark.parametrize("login", LEDGER_LOGINS)
def test_only_the_archiver_moves_events(
    databases: FreshDatabases, writer: Written, login: Login
) -> None:
    """What it may do, its own functions and triggers bound; nobody else may do any of it."""
    writer.open()
    allowed = [s for s in FOR_ALL_BUT_THE_ARCHIVER if not refused(databases, login, s)]
    assert allowed == (list(FOR_ALL_BUT_THE_ARCHIVER) if login == "archiver" else [])


def test_the_owner_is_stopped_by_triggers(databases: FreshDatabases, writer: Written) -> None:
    """Even with every right, events change by no plain statement, replica role or not."""
    writer.open()
    with databases.connect_admin() as connection:
        connection.execute("SET search_path = ledger_main")
        connection.execute("SET session_replication_role = replica")
        for statement in FOR_ALL[:3]:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
