"""Simulated time: what happens next is the earliest event, and fibers are code that can wait.

A fiber is a thread that runs only while the scheduler waits for it, so that one of all runs at
any time and the operating system decides nothing.
"""

import heapq
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

T = TypeVar("T")

MOST_STEPS = 100_000
"""A world that takes more will never come to rest; most take some hundreds."""


class Killed(BaseException):
    """Ends a fiber where it stands, as kill -9 ends a process: not to be caught by any code."""


@dataclass
class Scheduler:
    """One world's clock, chance, trace and counters; times are seconds since it began.

    `pace` says how many times slower than usual each step is.
    """

    random: Random
    pace: float = 1.0
    now: float = 0.0
    steps: int = 0
    trace: list[tuple[float, str, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    current: "Fiber | None" = None
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: int = 0

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen later; what is due at one time happens in the order of asking."""
        self._number += 1
        heapq.heappush(self._events, (self.now + seconds, self._number, action))

    def soon(self, action: Callable[[], None]) -> None:
        """Let something happen after a moment of chance."""
        self.after(self.moment(), action)

    def moment(self) -> float:
        """Return the seconds that a step takes: mostly next to nothing, now and then long."""
        chance = self.random.random()
        if chance < 0.9:
            return self.random.uniform(0, 0.002) * self.pace
        return self.random.uniform(0, 0.05) if chance < 0.985 else self.random.uniform(0, 0.7)

    def happens(self, probability: float) -> bool:
        """Decide by chance."""
        return probability > 0 and self.random.random() < probability

    def note(self, who: str, what: str) -> None:
        """Add a line to the trace."""
        self.trace.append((self.now, who, what))

    def expect(self, holds: bool, fault: str) -> None:
        """Note a broken promise where it does not hold."""
        if not holds:
            self.faults.append(f"{self.now:.4f} {fault}")

    def run(self) -> None:
        """Let everything happen until nothing is left to happen."""
        while self._events and self.steps < MOST_STEPS:
            self.now, _, action = heapq.heappop(self._events)
            self.steps += 1
            action()
        self.expect(not self._events, "the world never comes to rest")


class Fiber:
    """Code that waits in simulated time; it begins at once and ends by itself or by `kill`."""

    def __init__(self, scheduler: Scheduler, body: Callable[[], None]) -> None:
        """Take the code."""
        self._scheduler = scheduler
        self._body = body
        self._go, self._back = threading.Lock(), threading.Lock()
        self._go.acquire()
        self._back.acquire()
        self._killed = False
        self._fault: BaseException | None = None
        self._parked = 0
        self.paused_until = 0.0
        self.done = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._resume()

    def kill(self) -> None:
        """End it now, at the point where it waits."""
        if not self.done:
            self._killed = True
            self._resume()

    def sleep(self, seconds: float) -> None:
        """Wait so long; only the fiber itself calls this."""
        self.wake_after(seconds)
        self._park()

    def rest(self, seconds: float | None = None) -> None:
        """Wait until somebody wakes it, or so long."""
        if seconds is not None:
            self.wake_after(seconds)
        self._park()

    def wake_after(self, seconds: float) -> None:
        """Wake it later, if it is then still in the same wait."""
        parked = self._parked
        self._scheduler.after(seconds, lambda: self._wake(parked))

    def _wake(self, parked: int) -> None:
        if self.done or parked != self._parked:
            return
        late = self.paused_until - self._scheduler.now
        if late > 0:
            self._scheduler.after(late, lambda: self._wake(parked))
        else:
            self._resume()

    def _resume(self) -> None:
        self._parked += 1
        before, self._scheduler.current = self._scheduler.current, self
        self._go.release()
        self._back.acquire()
        self._scheduler.current = before
        if self._fault is not None:
            raise self._fault

    def _park(self) -> None:
        self._back.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._body()
        except Killed:
            pass
        except BaseException as fault:  # noqa: BLE001 - it is raised again where the world runs
            self._fault = fault
        self.done = True
        self._back.release()


class FiberCondition(threading.Condition):
    """What the simulated store takes for its locks, in simulated time."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Take the world."""
        super().__init__()
        self._scheduler = scheduler
        self._resting: list[Fiber] = []

    def __enter__(self) -> bool:
        """Do nothing: one fiber at a time runs anyway."""
        return True

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until it holds; return false when the time is over before."""
        assert timeout is not None
        fiber, end = self._scheduler.current, self._scheduler.now + timeout
        assert fiber is not None
        while not (found := predicate()):
            if self._scheduler.now >= end:
                self._scheduler.counts["lock time-out"] += 1
                return found
            self._scheduler.counts["lock wait"] += 1
            self._resting.append(fiber)
            fiber.rest(end - self._scheduler.now)
        return found

    def notify_all(self) -> None:
        """Wake all that wait, in an order of chance."""
        resting, self._resting = self._resting, []
        for fiber in resting:
            fiber.wake_after(self._scheduler.moment())
