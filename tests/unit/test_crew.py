"""One process works for several ledgers: what breaks in one of them stops none of the others."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry

from interfaces.workers.crew import Crew
from interfaces.workers.role import Condition

REST_SECONDS = 0.05


@dataclass
class Counting:
    """A role that counts its attempts, and whose invariant can be broken."""

    name: str = "counting"
    condition: Condition = field(default_factory=Condition)
    breaks: threading.Event = field(default_factory=threading.Event)
    attempts: int = 0

    def attempt(self, stop: threading.Event) -> None:
        """Work until `stop`, or until the invariant is broken."""
        self.attempts += 1
        while not stop.wait(0.005):
            assert not self.breaks.is_set(), "the sum of all wallets is 1"
            self.condition.reason = None


@dataclass
class Process:
    """A crew with a role for each ledger that it serves."""

    stop: threading.Event = field(default_factory=threading.Event)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    roles: dict[str, Counting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crew = Crew("main", [self._engage], self.stop, self.registry, REST_SECONDS)

    def _engage(self, ledger: str) -> Counting:
        self.roles[ledger] = Counting()
        return self.roles[ledger]

    def serve(self, *ledgers: str) -> None:
        """Begin to work for ledgers, and wait until the role of each works."""
        self.crew.look(lambda: ledgers)
        until(lambda: all(role.condition.reason is None for role in self.roles.values()))

    def working(self, ledger: str) -> float | None:
        """Return what the figures say of a ledger's role: 1 where it works."""
        self.crew.look(list)
        labels = {"role": "counting", "ledger": ledger}
        return self.registry.get_sample_value("falconpay_role_working", labels)


def until(met: Callable[[], bool]) -> None:
    """Wait until it is true, not for long."""
    end = time.monotonic() + 10
    while not met():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def process() -> Iterator[Process]:
    """Give a process that tries again soon; whatever still works at the end is stopped."""
    made = Process()
    yield made
    made.stop.set()
    made.crew.join()


def test_a_broken_invariant_of_the_only_ledger_ends_the_process(process: Process) -> None:
    """It is tried no second time here: what began the process begins another one."""
    process.serve("main")
    process.roles["main"].breaks.set()
    process.crew.join()
    assert process.stop.is_set()
    assert process.crew.broken
    assert process.roles["main"].attempts == 1


@pytest.mark.parametrize("ledger", ["main", "north"])
def test_a_broken_invariant_of_one_of_several_ledgers_stops_that_one_only(
    process: Process, ledger: str
) -> None:
    """The others work on in the process, which lives; the figures say whose role does not."""
    process.serve("main", "north")
    other = {"main": "north", "north": "main"}[ledger]
    broken, well = process.roles[ledger], process.roles[other]
    broken.breaks.set()
    until(lambda: broken.condition.reason == "an invariant is broken; the log tells more")
    assert (process.working(ledger), process.working(other)) == (0.0, 1.0)
    assert not process.stop.is_set()
    assert not process.crew.broken
    assert (well.attempts, well.condition.reason) == (1, None)


def test_a_broken_invariant_is_tried_again_after_a_pause(process: Process) -> None:
    """As a new process would try it: again and again, and it works when the cause is gone."""
    process.serve("main", "north")
    broken = process.roles["north"]
    broken.breaks.set()
    until(lambda: broken.attempts > 3)
    broken.breaks.clear()
    until(lambda: broken.condition.reason is None)
    assert process.working("north") == 1.0
    assert process.roles["main"].attempts == 1


def test_only_the_first_ledger_takes_the_process_from_service(process: Process) -> None:
    """A process that is not ready serves nobody, and the other ledgers are well."""
    process.serve("main", "north")
    for role in process.roles.values():
        role.breaks.set()
    until(lambda: None not in [role.condition.reason for role in process.roles.values()])
    checks = process.crew.checks
    assert checks["counting of north"]() is None
    assert checks["counting"]() == "an invariant is broken; the log tells more"
