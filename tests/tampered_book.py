"""A sealed book with every kind of payment, tampered with by who owns the database."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.identifiers import StreamId, encode
from domain.money import Currencies
from infrastructure.ledger_store.opening import open_ledger
from interfaces.replay.findings import Findings
from interfaces.replay.seals import look_outside
from interfaces.replay.snapshot import snapshot
from interfaces.replay.verify import verify
from tests import requested, scheduled
from tests.altered_book import REPORT_TABLES, kept
from tests.books import falcon, project
from tests.every_payment import ANN, EveryPayment, write_every_payment
from tests.fan_out import FanOut
from tests.full_book import Full
from tests.sealed_ledger import seal_now
from tests.servers import FreshDatabases

Place = tuple[int, str, str]
"""Position, what it was compared with, and field of a difference."""

PAYMENTS_MORE = 40
"""Small payments, three events each, so that there is a full tile of 256."""


@dataclass(frozen=True)
class Tampered(Full):
    """The book, its seals' sizes, and what was found after something was done to it."""

    sizes: tuple[int, ...]

    @property
    def databases(self) -> FreshDatabases:
        return self.book.databases

    @property
    def home(self) -> Path:  # type: ignore[override]  # the home, where `Full` means a wallet
        return self.databases.settings.home

    @property
    def memory(self) -> Path:
        """The file in which the sealer keeps its last checkpoint."""
        return self.home / "seals" / "main" / "1.checkpoint"

    def found(self) -> Findings:
        """Verify in this process, as the command does."""
        settings, secrets = self.databases.settings, self.databases.secrets
        outside = look_outside(settings)
        with (
            snapshot(settings, secrets, "ledger") as ledger,
            snapshot(settings, secrets, "reports") as reports,
        ):
            return verify(ledger, reports, lambda _position, _last: None, outside).findings

    def places(self) -> list[Place]:
        """Return where differences are, the first ones first."""
        return [(each.position, each.where, each.field) for each in self.found().in_order()]

    def told(self, *options: object, **settings: str) -> tuple[int, list[Place], str]:
        """Run the command; return its exit code, the differences and what it says to people."""
        done = falcon(self.databases, "replay", "verify", "--json", *options, **settings)
        findings = json.loads(done.stdout)["findings"] if done.stdout else []
        places = [(each["position"], each["where"], each["field"]) for each in findings]
        return done.returncode, places, done.stderr

    def sealed_from(self, position: int) -> int:
        """Return the first position under the seal that a position is sealed by."""
        return max((size for size in self.sizes if size < position), default=0) + 1

    def do(self, statement: str, *parameters: object) -> int:
        """Do something to the ledger; return how many rows it concerned."""
        return self.book.ledger.execute(statement.encode(), parameters).rowcount

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.book.ledger.execute(query.encode(), parameters).fetchall()

    def build_read_models_anew(self) -> None:
        """Make every read model what follows from the events as they are now."""
        for table in REPORT_TABLES:
            self.book.reports.execute(f"DELETE FROM {table}")
        project(self.databases)

    def forget_seals(self) -> None:
        """Take every seal, tile and key out of the database, and the checkpoint out of the home."""
        for table in ("seal", "seal_tile", "seal_key"):
            self.do(f"DELETE FROM {table}")
        self.memory.unlink()

    def seal(self) -> int:
        """Seal what there is as the role does; return the size."""
        return seal_now(self.databases)

    @contextmanager
    def home_kept(self) -> Iterator[None]:
        """Put keys and checkpoints of the home right afterwards."""
        copy = self.home.with_name(f"{self.home.name}-kept")
        for name in ("seals", "secrets"):
            shutil.copytree(self.home / name, copy / name)
        try:
            yield
        finally:
            for name in ("seals", "secrets"):
                shutil.rmtree(self.home / name)
                shutil.copytree(copy / name, self.home / name)
            shutil.rmtree(copy)


def pay_more(databases: FreshDatabases, names: EveryPayment, first: int, count: int) -> None:
    """Make small payments that differ in nothing but their number."""
    faults: list[Exception] = []
    ledger, store = open_ledger(
        databases.settings, databases.secrets, Currencies({}), faults.append
    )
    book = EveryPayment(ledger, names.wallets, names.payments, first)
    for number in range(first, first + count):
        book.pay(f"no. {number}", ANN, "ann", "shop", 1)
    store.close()
    assert not faults


@contextmanager
def tampered_book(databases: FreshDatabases) -> Iterator[Tampered]:
    """Write the book in parts, seal each but the last one, and project it."""
    names = write_every_payment(databases)
    writer = FanOut(databases).writer(seed=6)
    for prefix, event in (("prq", requested.created()), ("sch", scheduled.created())):
        writer.command([(StreamId(encode(prefix, writer.new_bits())), event)])
    writer.flush()
    sizes = [seal_now(databases)]
    for part in range(3):
        pay_more(databases, names, 1_000 * (part + 1), PAYMENTS_MORE // 2)
        if part < 2:
            sizes.append(seal_now(databases))
    project(databases)
    with kept(databases) as book:
        yield Tampered(names, book, tuple(sizes))
