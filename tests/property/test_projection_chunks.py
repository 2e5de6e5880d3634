"""However a source brings the events, commands stay whole and the read models equal a fold."""

import random
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infrastructure.report_store.stored_events import StoredEvents
from projections.catalogue import CATALOGUE
from projections.checkpoints import reset
from projections.contract import Applied
from projections.sources import Taken
from tests.every_payment import write_every_payment
from tests.fan_out import FanOut
from tests.read_model_fold import folded_rows, stored_rows
from tests.servers import FreshDatabases


class DisorderlySource:
    """Brings the events cut anywhere, with some left out, doubled, swapped or in doubt."""

    def __init__(self, events: list[Applied], chance: random.Random, disorder: float) -> None:
        self.events = events
        self.chance = chance
        self.disorder = disorder
        self.next = 0

    def seek(self, after: int) -> None:
        self.next = after

    def take(self, limit: int, wait_seconds: float) -> Taken:
        count = self.chance.randint(1, min(limit, 12))
        part = self.events[self.next : self.next + count]
        self.next += count
        for place in range(len(part)):
            if self.chance.random() < self.disorder:
                other = self.chance.randrange(len(part))
                match self.chance.randrange(4):
                    case 0:
                        part[place], part[other] = part[other], part[place]
                    case 1:
                        part[place] = part[other]
                    case 2:
                        part[place] = self.chance.choice(self.events)
                    case _:
                        del part[place]
                        break
        # What is missing at the very end is only noticed when something is in doubt.
        return Taken(part, doubtful=self.next >= len(self.events))


def test_every_way_of_cutting(make_databases: Callable[..., FreshDatabases]) -> None:
    """Each committed checkpoint ends a command, and in the end every row is as it must be.

    Holds, approvals and members go on over many commands, wherever those are cut apart.
    """
    fan_out = FanOut(make_databases())
    write_every_payment(fan_out.databases)
    writer = fan_out.writer()
    wallets = [writer.open(kind="system") for _ in range(4)]
    for day in (5, 3, 9, 9, 1, 28, 9):
        # Some of these come late, as does all that is dated before what follows.
        at = f"2026-01-{day:02}T00:00:00.000000Z"
        writer.transfer(wallets[0], wallets[1], 7, effective_at=at)
    writer.busy(wallets, 20)
    writer.transfer(wallets[1], wallets[0], 3, effective_at="2026-01-09T00:00:00.000000Z")
    last = writer.flush().last
    expected = folded_rows(fan_out.databases)
    with fan_out.worker() as worker, fan_out.databases.connect("projector", "reports") as reports:
        events = list(worker._store.after(0, 10_000))
        ends = {0} | {e.position for e in events if e.index == e.count - 1}
        assert len(ends) < len(events) * 0.6
        store = worker._store
        assert isinstance(store, StoredEvents)

        @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(seed=st.integers(0, 2**32), limit=st.integers(1, 30), disorder=st.floats(0, 0.3))
        def cut(seed: int, limit: int, disorder: float) -> None:
            for projection in CATALOGUE:
                reset(reports, projection, store.store_id())
            source = DisorderlySource(events, random.Random(seed), disorder)
            with fan_out.worker(source, limit=limit) as cutting:
                cutting.begin()
                for _ in range(1_000):
                    cutting.step(0.0)
                    found = {row[0] for row in reports.execute("SELECT position FROM checkpoint")}
                    assert found <= ends
                    if found == {last}:
                        break
            assert stored_rows(fan_out.databases) == expected

        cut()
