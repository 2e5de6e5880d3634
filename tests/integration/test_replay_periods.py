"""`replay verify` finds closed periods that are altered, and value dates that came into them."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from application.commands import Answer
from domain.instants import instant
from domain.periods import ClosePeriod
from tests.books import project, replay
from tests.servers import FreshDatabases
from tests.written import Written

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


@pytest.fixture
def closed(databases: FreshDatabases, writer: Written) -> FreshDatabases:
    """Give a book of one payment, and a period closed behind it."""
    bank = writer.open(kind="system", account_class="asset", overdraft_limit=None)
    shop = writer.open()
    assert isinstance(writer.pay(bank, shop, 100), Answer)
    done = writer.one(writer.asking(ClosePeriod(YESTERDAY, "Accounts")))
    assert isinstance(done, Answer), done
    assert isinstance(writer.pay(bank, shop, 5), Answer)
    project(databases)
    return databases


def alter(databases: FreshDatabases, statement: str, *values: object) -> None:
    """Change what is stored as nobody but a superuser can."""
    with databases.connect_admin() as admin:
        admin.execute("SET search_path = ledger_main")
        admin.execute("SET session_replication_role = replica")
        for table in ("closed_period", "events"):
            admin.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        admin.execute(statement.encode(), values)


def place(databases: FreshDatabases) -> tuple[str, str, str]:
    first = replay(databases).findings.first
    assert first is not None
    return first.where, first.stream, first.field


def test_a_book_with_closed_periods_is_right(closed: FreshDatabases) -> None:
    assert replay(closed).findings.count == 0


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM closed_period", (YESTERDAY, "row")),
        ("UPDATE closed_period SET stream = gen_random_uuid()", (YESTERDAY, "stream")),
        (
            "INSERT INTO closed_period VALUES ('1999-12-31', gen_random_uuid())",
            ("1999-12-31", "stream"),
        ),
    ],
)
def test_an_altered_period_is_found(
    closed: FreshDatabases, statement: str, found: tuple[str, str]
) -> None:
    alter(closed, statement)
    assert place(closed) == ("closed_period", *found)


def test_a_value_date_that_came_into_a_closed_period_is_found(closed: FreshDatabases) -> None:
    """Somebody has given the payment behind the closing an earlier value date."""
    today = instant(datetime.now(UTC))[:10]
    alter(
        closed,
        "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'),"
        " '\"effective_at\":\"' || %s, '\"effective_at\":\"' || %s), 'UTF8')"
        " WHERE topic = 'wallet.credited.v1'"
        " AND notification_id = (SELECT max(notification_id) FROM events)",
        today,
        YESTERDAY,
    )
    findings = replay(closed).findings
    assert any((each.where, each.field) == ("events", "effective_at") for each in findings.kept), (
        findings
    )


def test_nobody_but_a_superuser_alters_them(closed: FreshDatabases) -> None:
    with closed.connect("command") as connection, pytest.raises(psycopg.Error):
        connection.execute("DELETE FROM closed_period")
