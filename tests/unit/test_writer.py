"""Batches fill while another one runs, in order, within bounds, and nothing queued is forgotten."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from application.commands import AtomicBatch, DryRun, Outcome, Overloaded, Unavailable, Work
from application.writer import Writer
from tests.given import OWNER, transfer_of


def work(amount: int) -> DryRun:
    """Return work that can be told from other work by its amount."""
    return DryRun(transfer_of(amount), OWNER)


class Executor:
    """Stands where the ledger does: holds each batch until it is let go, and notes it."""

    def __init__(self) -> None:
        self.batches: list[list[Work]] = []
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Semaphore(0)
        self.delivered: list[tuple[str, Outcome]] = []

    def execute(self, works: Sequence[Work]) -> list[Outcome]:
        self.batches.append(list(works))
        self.entered.release()
        assert self.let_go.acquire(timeout=10)
        return [Unavailable() for _ in works]

    def deliver(self, pairs: list[tuple[str, Outcome]]) -> None:
        self.delivered += pairs

    def writer(
        self,
        *,
        capacity: int = 4000,
        batch: int = 250,
        monotonic: Callable[[], float] = lambda: 0.0,
    ) -> Writer[str]:
        writer: Writer[str] = Writer(
            self.execute, self.deliver, capacity=capacity, batch=batch, monotonic=monotonic
        )
        writer.start()
        return writer

    def begin(self, writer: Writer[str]) -> None:
        """Submit one piece of work and wait until it is being executed."""
        writer.submit(work(1), "first")
        assert self.entered.acquire(timeout=10)

    def finish(self, writer: Writer[str], batches: int) -> None:
        self.let_go.release(batches)
        writer.stop()

    @property
    def tickets(self) -> list[str]:
        return [ticket for ticket, _ in self.delivered]


def test_work_that_comes_while_a_batch_runs_is_the_next_batch() -> None:
    """All of it at once, in the order of arrival, each outcome to its own ticket."""
    executor = Executor()
    writer = executor.writer()
    executor.begin(writer)
    for number in range(2, 6):
        writer.submit(work(number), f"ticket {number}")
    assert writer.queued == 4
    executor.finish(writer, 2)
    assert executor.batches == [[work(1)], [work(number) for number in range(2, 6)]]
    assert executor.tickets == ["first", *(f"ticket {number}" for number in range(2, 6))]
    assert writer.queued == 0


def test_a_batch_has_no_more_commands_than_allowed() -> None:
    """What is over waits for the next one."""
    executor = Executor()
    writer = executor.writer(batch=3)
    executor.begin(writer)
    for number in range(7):
        writer.submit(work(2 + number), str(number))
    executor.finish(writer, 4)
    assert [len(batch) for batch in executor.batches] == [1, 3, 3, 1]
    assert executor.tickets == ["first", *map(str, range(7))]


def test_an_atomic_batch_counts_by_its_items_and_is_never_cut() -> None:
    """It waits for a batch with room, and one larger than any batch goes alone."""
    executor = Executor()
    writer = executor.writer(batch=4)
    executor.begin(writer)
    large, small = AtomicBatch((None,) * 9), AtomicBatch((None,) * 3)
    works: list[Work] = [work(2), work(3), small, large, work(4)]
    for index, each in enumerate(works):
        writer.submit(each, str(index))
    assert writer.queued == 15
    executor.finish(writer, 5)
    assert executor.batches[1:] == [[work(2), work(3)], [small], [large], [work(4)]]


def test_a_full_queue_refuses_at_once() -> None:
    """The capacity counts what waits, not what is being executed, and is free again after."""
    executor = Executor()
    writer = executor.writer(capacity=3)
    executor.begin(writer)
    writer.submit(work(2), "second")
    with pytest.raises(Overloaded):
        writer.submit(AtomicBatch((None,) * 3), "too many")
    writer.submit(AtomicBatch((None,) * 2), "just right")
    with pytest.raises(Overloaded):
        writer.submit(work(3), "one too many")
    executor.let_go.release()
    assert executor.entered.acquire(timeout=10)
    writer.submit(work(4), "again")
    executor.finish(writer, 2)
    assert executor.tickets == ["first", "second", "just right", "again"]


def test_what_has_waited_too_long_is_dropped_undone() -> None:
    """Its outcome says so, and only what is still in time is executed."""
    now = 0.0
    executor = Executor()
    writer = executor.writer(monotonic=lambda: now)
    executor.begin(writer)
    writer.submit(work(2), "late")
    now = 3.0
    writer.submit(work(3), "in time")
    now = 5.5
    executor.finish(writer, 2)
    assert executor.batches == [[work(1)], [work(3)]]
    ends = {ticket: type(outcome) for ticket, outcome in executor.delivered}
    assert ends == {"first": Unavailable, "late": Overloaded, "in time": Unavailable}


def test_stopping_takes_nothing_more_and_executes_what_is_queued() -> None:
    """`stop` returns only when the last outcome has been delivered."""
    executor = Executor()
    writer = executor.writer(batch=1)
    executor.begin(writer)
    writer.submit(work(2), "queued")
    stopping = threading.Thread(target=writer.stop)
    stopping.start()
    refused = threading.Event()
    for _ in range(1000):
        try:
            writer.submit(work(3), "while it drains")
        except Overloaded:
            refused.set()
            break
        threading.Event().wait(0.001)
    assert refused.is_set()
    assert stopping.is_alive()
    executor.let_go.release(1000)
    stopping.join(10)
    assert not stopping.is_alive()
    assert not writer.alive
    assert executor.tickets[:2] == ["first", "queued"]
    assert len(executor.delivered) == sum(map(len, executor.batches))


def test_stopping_without_any_work_ends_at_once() -> None:
    """A writer that has nothing to do does not wait for something."""
    writer = Executor().writer()
    writer.stop()
    assert not writer.alive


def test_many_threads_lose_and_double_nothing() -> None:
    """Each ticket gets exactly one outcome, and each thread's order is kept."""
    executor = Executor()
    executor.let_go.release(100_000)
    writer = executor.writer(batch=10)

    def submit(thread: int) -> None:
        for number in range(300):
            writer.submit(work(1), f"{UUID(int=thread)} {number:04}")

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.stop()
    assert len(executor.tickets) == len(set(executor.tickets)) == 1200
    for number in range(4):
        own = [ticket for ticket in executor.tickets if ticket.startswith(str(UUID(int=number)))]
        assert own == sorted(own)
