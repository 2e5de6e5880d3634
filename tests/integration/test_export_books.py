"""The book is accepted by other people's programs, which find the ledger's own balances."""

import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from domain.instants import Instant
from tests import servers
from tests.books import INTERRUPTED, ROOT, falcon, falcon_command
from tests.drawn_statements import TRICKY
from tests.events_writer import EventsWriter
from tests.every_payment import write_every_payment
from tests.exported import (
    DIGITS,
    FORMATS,
    JOURNALS,
    READERS,
    ask,
    balances_at,
    export,
    of_hledger,
)
from tests.servers import FreshDatabases, PostgresHome


def write_tricky(databases: FreshDatabases) -> None:
    """Write names and texts that look like syntax, the largest amounts, and three currencies."""
    dice = random.Random(3)
    with databases.connect("command") as connection:
        writer = EventsWriter(connection)
        for currency, most in (("EUR", 10**18), ("JPY", 10**18), ("KWD", 10**18)):
            till = writer.open(currency, kind="system", name='The "till"; \\ till: yes')
            people = [writer.open(currency, name=text[:100]) for text in TRICKY]
            for text in TRICKY:
                at = f"20{dice.randrange(10, 26)}-01-{dice.randrange(10, 29)}T00:00:00.000000Z"
                amount = dice.choice((1, 999, most))
                writer.transfer(
                    till,
                    dice.choice(people),
                    amount,
                    currency=currency,
                    description=text,
                    effective_at=at,
                )
            writer.flush()


@pytest.fixture(scope="module")
def every(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    """Give a book with every kind of payment."""
    made = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    write_every_payment(made)
    yield made
    made.drop()


@pytest.fixture(scope="module")
def tricky(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    """Give a book of odd texts and the largest amounts."""
    made = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    write_tricky(made)
    yield made
    made.drop()


@pytest.fixture
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder that is empty, as that of a test's databases is not."""
    return tmp_path_factory.mktemp("out")


@pytest.mark.parametrize("book", ["every", "tricky"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_program_finds_our_balances(
    request: pytest.FixtureRequest, out: Path, book: str, form: str
) -> None:
    """Of every kind of payment, and of texts that look like the program's own syntax."""
    databases: FreshDatabases = request.getfixturevalue(book)
    assert READERS[form](export(databases, form, out / "book")) == balances_at(databases)


@pytest.mark.parametrize("form", JOURNALS)
@pytest.mark.parametrize("words", [("--from", 20), ("--from", 33, "--to", 47), ("--to", 50)])
def test_a_part_begins_and_ends_with_balances(
    every: FreshDatabases, out: Path, form: str, words: tuple[object, ...]
) -> None:
    """A command of which something lies in the part is whole, and what was before is opened."""
    options = dict(zip(words[::2], words[1::2], strict=True))
    expected = balances_at(every, int(str(options.get("--to", 2**40))))
    path = export(every, form, out / "book", *words)
    assert READERS[form](path) == expected


def test_parquet_has_a_file_a_day_and_every_event_typed(
    databases: FreshDatabases, out: Path
) -> None:
    """Decimals are exact and times are times; what is stored stands beside them."""
    with databases.connect("command") as connection:
        writer = EventsWriter(connection)
        till, wallet = writer.open(kind="system"), writer.open()
        writer.flush(Instant("2031-01-01T10:00:00.000000Z"))
        writer.transfer(till, wallet, 12_34, effective_at="2030-12-31T23:00:00.000000Z")
        writer.flush(Instant("2031-01-01T23:59:59.999999Z"))
        writer.hold(wallet, till, 1_00)
        writer.flush(Instant("2031-01-02T00:00:00.000000Z"))
    folder = export(databases, "parquet", out / "book")
    assert sorted(each.name for each in folder.iterdir()) == [
        "2031-01-01.parquet",
        "2031-01-02.parquet",
    ]
    types = {name: kind for name, kind, *_ in ask(folder, "DESCRIBE book")}
    assert types["posted"] == types["held"] == "DECIMAL(38,4)"
    assert types["recorded_at"] == types["effective_at"] == "TIMESTAMP WITH TIME ZONE"
    assert ask(folder, "SELECT position FROM book ORDER BY 1") == [
        (position,) for position in range(1, 8)
    ]
    moved = ask(
        folder,
        "SELECT posted, held, counterparty, strftime(effective_at, '%Y-%m-%dT%H'), data->>'amount'"
        " FROM book WHERE type = 'wallet.credited.v1'",
    )
    assert moved == [(Decimal("12.34"), Decimal(0), till, "2030-12-31T23", "1234")]
    with databases.connect("reader") as reader:
        stored = reader.execute("SELECT convert_from(state, 'UTF8') FROM events ORDER BY 1")
        assert ask(folder, "SELECT data FROM book ORDER BY 1") == stored.fetchall()


def test_duckdb_gives_the_trial_balance(every: FreshDatabases, out: Path) -> None:
    """By the statement of the how-to, which is taken from its page."""
    folder = export(every, "parquet", out / "book")
    page = (ROOT / "docs" / "how-to" / "analyse-with-duckdb.md").read_text()
    (statement,) = [
        part.partition("```")[0]
        for part in page.split("```sql\n")[1:]
        if "AS debits" in part.partition("```")[0]
    ]
    found = ask(folder, statement.replace("book/*.parquet", f"{folder}/*.parquet"))
    with every.connect("reader") as reader:
        rows = reader.execute(
            "SELECT currency, count(*), coalesce(sum(-posted) FILTER (WHERE posted < 0), 0),"
            " coalesce(sum(posted) FILTER (WHERE posted > 0), 0) FROM wallet_head"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert len(rows) > 1
    expected = [
        (currency, count, *(each.scaleb(-DIGITS[currency]) for each in sums))
        for currency, count, *sums in rows
    ]
    assert [row[:4] for row in found] == expected
    assert {row[4] for row in found} == {Decimal(0)}


def test_duckdb_takes_every_statement_of_the_page(every: FreshDatabases, out: Path) -> None:
    """The wallet by value date ends with its balance; volumes are of the currencies that moved."""
    folder = export(every, "parquet", out / "book")
    page = (ROOT / "docs" / "how-to" / "analyse-with-duckdb.md").read_text()
    wallet, balance = next(iter(balances_at(every).items()))
    trial, by_day, volumes = (
        ask(
            folder,
            part.partition("```")[0]
            .replace("book/*.parquet", f"{folder}/*.parquet")
            .replace("wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J", wallet),
        )
        for part in page.split("```sql\n")[1:]
    )
    assert by_day[-1][-1] == balance
    assert {row[1] for row in volumes} == {row[0] for row in trial if row[3]}


@pytest.mark.parametrize("form", FORMATS)
def test_without_room_nothing_is_left(every: FreshDatabases, out: Path, form: str) -> None:
    """The process may write files of 2 kB only, which fails in the middle like a full disk."""
    done = subprocess.run(
        falcon_command("export", "--format", form, out / "book"),
        cwd=ROOT,
        env=every.environ,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )
    assert done.returncode == 3, done.stderr
    assert "There is no room for" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("form", ["jsonl", *FORMATS])
def test_an_interrupt_in_the_middle_leaves_nothing(
    every: FreshDatabases, out: Path, form: str
) -> None:
    """The draft is there and the export waits for a table that somebody has locked."""
    schema = f"ledger_{every.settings.ledger}"
    with every.connect_admin() as admin, admin.transaction():
        admin.execute(f'LOCK TABLE "{schema}".asset, "{schema}".seal IN ACCESS EXCLUSIVE MODE')
        process = subprocess.Popen(
            falcon_command("export", "--format", form, out / "book"),
            cwd=ROOT,
            env=every.environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 30
        while not list(out.iterdir()):
            assert time.monotonic() < deadline, "no draft was begun"
            assert process.poll() is None, "it has ended before"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode in INTERRUPTED, told) == (True, "")
    assert list(out.iterdir()) == []


def test_a_folder_is_replaced_by_force_and_only_if_it_is_an_export(
    tricky: FreshDatabases, out: Path
) -> None:
    words = ("export", "--format", "parquet", out / "book")
    assert falcon(tricky, *words).returncode == 0
    (out / "book" / "1999-01-01.parquet").touch()
    refused = falcon(tricky, *words)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert falcon(tricky, *words, "--force").returncode == 0
    assert not (out / "book" / "1999-01-01.parquet").exists()
    (out / "book" / "diary.txt").write_text("mine")
    refused = falcon(tricky, *words, "--force")
    assert refused.returncode == 2
    assert (out / "book" / "diary.txt").read_text() == "mine"
    assert [each.name for each in out.iterdir()] == ["book"]
    file = out / "book" / "diary.txt"
    assert falcon(tricky, *words[:3], file, "--force").returncode == 2
    assert falcon(tricky, *words[:3], "-").returncode == 2


def test_without_its_package_parquet_says_what_to_install(every: FreshDatabases, out: Path) -> None:
    """It comes as an extra, which a small installation leaves out."""
    words = ["export", "--format", "parquet", str(out / "book")]
    script = (
        "import sys; sys.modules['pyarrow'] = None;"
        f" from interfaces.cli.entry import run_cli; sys.exit(run_cli({words}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=every.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == ("Parquet needs the package pyarrow: install falconpay[parquet].\n")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_a_ledger_without_events_is_an_empty_book(
    databases: FreshDatabases, out: Path, form: str
) -> None:
    path = export(databases, form, out / "book")
    if form == "parquet":
        assert list(path.iterdir()) == []
    else:
        assert READERS[form](path) == {}


def test_years_that_beancount_cannot_read_are_refused(databases: FreshDatabases, out: Path) -> None:
    with databases.connect("command") as connection:
        writer = EventsWriter(connection)
        till, wallet = writer.open(kind="system"), writer.open()
        writer.transfer(till, wallet, 1, effective_at="0999-12-31T00:00:00.000000Z")
        writer.flush()
    done = falcon(databases, "export", "--format", "beancount", out / "book")
    assert done.returncode == 2
    assert "Beancount reads years" in done.stderr
    assert list(out.iterdir()) == []
    assert of_hledger(export(databases, "hledger", out / "book")) == balances_at(databases)
