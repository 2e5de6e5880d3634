"""Two writers over one PostgreSQL are as correct as one, in turns and at the same moment."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from application.commands import Outcome, Work
from application.ledger import Ledger
from application.ports import LedgerStore
from domain.money import Currencies
from domain.recorded import RecordedEvent
from infrastructure.event_log.reader import EventReader
from infrastructure.ledger_store.opening import open_ledger
from infrastructure.ledger_store.store import PostgresLedgerStore
from tests.property.drawn_requests import CHANCES
from tests.property.ledger_machine import run
from tests.property.reach import LEAST, check_reach
from tests.property.settling_machine import SettlingMachine
from tests.servers import FreshDatabases, PostgresHome, fresh_databases


class Writers:
    """Two ledgers, each with a connection of its own, and what looks at what they store."""

    def __init__(self, databases: FreshDatabases) -> None:
        self.defects: list[Exception] = []
        opened = [
            open_ledger(databases.settings, databases.secrets, Currencies({}), self.defects.append)
            for _ in range(3)
        ]
        self.ledgers: list[Ledger] = [ledger for ledger, _ in opened[:2]]
        self.stores: list[PostgresLedgerStore] = [store for _, store in opened]
        self.connection = databases.connect("audit")
        self.reader = EventReader(self.connection)
        self.pool = ThreadPoolExecutor(2)

    def at_once(self, works: Sequence[Sequence[Work]]) -> list[list[Outcome]]:
        """Let each writer execute its own batch at the same moment."""
        pairs = zip(self.ledgers, works, strict=True)
        running = [self.pool.submit(ledger.execute, batch) for ledger, batch in pairs]
        return [future.result(30) for future in running]

    def close(self) -> None:
        self.pool.shutdown()
        self.connection.close()
        for store in self.stores:
            store.close()


class TwoWriters(SettlingMachine):
    """Both writers in turns, where the model knows each end, and together, where order tells."""

    writers: ClassVar[Writers]
    patient = True

    def __init__(self) -> None:
        super().__init__()
        # Examples share the database; each reads from where the one before it ended.
        self.fold.position = self.writers.reader.head()

    def rows(self, after: int) -> Sequence[RecordedEvent]:
        return list(self.writers.reader.all(after))

    def store(self) -> LedgerStore:
        return self.writers.stores[2]

    @initialize(chance=CHANCES)
    def begin(self, chance: Random) -> None:
        self.set_up(self.writers.ledgers[0], chance)

    @rule(data=st.data(), writer=st.integers(0, 1))
    def in_turns(self, data: st.DataObject, writer: int) -> None:
        self.execute_exactly(self.writers.ledgers[writer], self.draw_works(data))

    @rule(data=st.data())
    def together(self, data: st.DataObject) -> None:
        works = [self.draw_works(data, 8), self.draw_works(data, 8)]
        works[1] += data.draw(st.lists(st.sampled_from(works[0]), max_size=3), "sent to both")
        one, other = self.writers.at_once(works)
        self.crossing = True
        self.settle([*works[0], *works[1]], [*one, *other])
        self.crossing = False

    def teardown(self) -> None:
        assert self.writers.defects == []
        super().teardown()


@pytest.fixture
def writers(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writers]:
    """Two writers on fresh databases."""
    databases = fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    made = Writers(databases)
    yield made
    made.close()
    databases.drop()


@pytest.mark.timeout(240)
def test_two_writers_do_what_the_model_says(writers: Writers) -> None:
    """In turns exactly; together, the order of positions explains every end and balance."""
    TwoWriters.writers = writers
    # How the two get in each other's way is not drawn, so there is more room below what is usual,
    # and most for the end that needs most steps before it.
    # What can be drawn follows from who came first, too: no beginning is drawn a second time here,
    # since Hypothesis would expect it to go on as it did.
    reached = run(TwoWriters, examples=25, steps=20, backend="hypothesis-urandom")
    least = {**LEAST, "overdraft-in-use": 0.002}
    check_reach(reached, beyond={"hold-expired"}, share=0.5, least=least)
