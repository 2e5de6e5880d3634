"""What is read ahead is what the store has, wherever and however much is asked for."""

from collections.abc import Sequence
from contextlib import closing
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import WalletClosed
from domain.identifiers import StreamId, encode
from domain.instants import Instant
from infrastructure.report_store.read_ahead import LEAST, ReadAhead
from projections.contract import Applied

EVENTS = 9 * LEAST
STREAM = StreamId(encode("wal", UUID(int=1)))


def event(position: int) -> Applied:
    at = Instant("2026-01-31T12:00:00.000000Z")
    return Applied(position, STREAM, position, at, "wal_1", 0, 1, WalletClosed("done"))


class ListedStore:
    """A store in memory, which counts how often it is read and may be told to fail."""

    def __init__(self) -> None:
        self.events = [event(position) for position in range(1, EVENTS + 1)]
        self.reads: list[tuple[int, int]] = []
        self.broken = False

    def store_id(self) -> UUID:
        return UUID(int=7)

    def epoch(self) -> int:
        return 1

    def head(self) -> int:
        return len(self.events)

    def after(self, position: int, limit: int) -> Sequence[Applied]:
        self.reads.append((position, limit))
        if self.broken:
            raise ConnectionError("the store is away")
        return self.events[position : position + limit]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-40, LEAST + 40), st.sampled_from([1, LEAST, 2 * LEAST]))))
def test_every_answer_is_the_stores_own(steps: list[tuple[int, int]]) -> None:
    """Steps on, back into what was given, and past it, in small and large amounts."""
    store = ListedStore()
    with closing(ReadAhead(store)) as ahead:
        position = 0
        for step, limit in steps:
            position = min(max(0, position + step), EVENTS)
            found = ahead.after(position, limit)
            last = min(EVENTS, position + limit)
            assert [each.position for each in found] == list(range(position + 1, last + 1))


def test_a_full_answer_is_continued_without_being_asked() -> None:
    store = ListedStore()
    with closing(ReadAhead(store)) as ahead:
        ahead.after(0, LEAST)
        # The last two belong to a command that goes on, so they are asked for again.
        ahead.after(LEAST - 2, LEAST)
    assert store.reads[:2] == [(0, LEAST), (LEAST, LEAST)]
    assert (LEAST - 2, LEAST) not in store.reads


def test_the_end_is_looked_at_anew() -> None:
    """An answer that was not full is no reason to believe that nothing follows later."""
    store = ListedStore()
    with closing(ReadAhead(store)) as ahead:
        assert len(ahead.after(EVENTS - 3, LEAST)) == 3
        store.events.append(event(EVENTS + 1))
        assert [each.position for each in ahead.after(EVENTS, LEAST)] == [EVENTS + 1]


def test_what_fails_while_reading_ahead_is_told_to_whoever_asks() -> None:
    store = ListedStore()
    with closing(ReadAhead(store)) as ahead:
        store.broken = True
        with pytest.raises(ConnectionError):
            ahead.after(0, LEAST)
        store.broken = False
        assert len(ahead.after(0, LEAST)) == LEAST
