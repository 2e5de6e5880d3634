"""An export takes no more memory for more events, and is on the disk when it bears its name."""

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interfaces.cli.export_command import Format
from tests import servers
from tests.books import ROOT, falcon, falcon_command
from tests.events_writer import EventsWriter
from tests.servers import FreshDatabases, PostgresHome
from tests.traced import disk_steps

FEW, MANY = 4_000, 20_000
"""How many payments of three events each; the few fill every chunk that is in memory at a time."""

AT_A_TIME = 1_000
SEEDS = itertools.count()
MORE_MEGABYTES = 45
"""How much may differ by chance, 20 of it at most; the events between are 100 in memory."""


@pytest.fixture(scope="module")
def book(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    """Give a book that the tests here make longer."""
    made = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    yield made
    made.drop()


def pay(databases: FreshDatabases, payments: int) -> None:
    """Write payments between wallets of their own."""
    with databases.connect("command") as connection:
        writer = EventsWriter(connection, seed=next(SEEDS))
        wallets = [writer.open(kind="system") for _ in range(20)]
        for _ in range(payments // AT_A_TIME):
            for number in range(AT_A_TIME):
                source, destination = wallets[number % 20], wallets[(number + 7) % 20]
                writer.transfer(source, destination, number + 1, description="x" * 140)
            writer.flush()


SCRIPT = """
import sys
from interfaces.cli.entry import run_cli
code = run_cli(sys.argv[1:])
(most,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(int(most.split()[1]) // 1024)
sys.exit(code)
"""
"""Says itself how much memory it had: what a parent is told counts the parent's own, too."""


def megabytes(databases: FreshDatabases, path: Path, form: str) -> int:
    """Export in a process of its own and return the most memory that it had."""
    words = ("export", "--format", form, "--force", str(path / form))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        cwd=ROOT,
        env=databases.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def test_memory_does_not_grow_with_events(book: FreshDatabases, tmp_path: Path) -> None:
    pay(book, FEW)
    few = {form: megabytes(book, tmp_path, form) for form in Format}
    pay(book, MANY)
    many = {form: megabytes(book, tmp_path, form) for form in Format}
    more = {form: many[form] - few[form] for form in Format}
    assert max(more.values()) < MORE_MEGABYTES, more


def test_an_export_is_on_the_disk_before_and_after_it_is_named(
    book: FreshDatabases, tmp_path: Path
) -> None:
    """A file first, then its name; of a folder each file, the list of them, then the name."""
    pay(book, AT_A_TIME)
    (out := tmp_path / "out").mkdir()

    def steps(form: str) -> list[tuple[str, str]]:
        words = falcon_command("export", "--to", 50, "--format", form, out / form)
        found = disk_steps(words, book.environ, out, tmp_path / "calls")
        return [(kind, re.sub(r"\d{4}-\d\d-\d\d|\.\d+", "", name)) for kind, name in found]

    assert steps("jsonl") == [("on disk", ".jsonl.partial"), ("named", "jsonl"), ("on disk", ".")]
    assert steps("parquet") == [
        ("on disk", ".parquet.partial/.parquet"),
        ("on disk", ".parquet.partial"),
        ("named", "parquet"),
        ("on disk", "."),
    ]


def test_only_what_was_written_is_on_record(book: FreshDatabases, tmp_path: Path) -> None:
    """A file that is there already was not exported to."""
    pay(book, AT_A_TIME)
    folder = book.settings.home / "operations" / "main"
    for form in ("jsonl", "hledger"):
        path, words = tmp_path / form, ("--to", 5, "--format", form)
        assert falcon(book, "export", *words, path).returncode == 0
        before = sorted(folder.iterdir())
        assert falcon(book, "export", *words, path).returncode == 2
        assert sorted(folder.iterdir()) == before
