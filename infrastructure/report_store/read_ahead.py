"""Reads and decodes the next events of the store while the last ones are being applied."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

from projections.contract import Applied
from projections.sources import Store

LEAST = 1_000
"""Who asks for fewer events at a time does not read a long way, so nothing is read ahead."""


class ReadAhead:
    """A store that answers as the one it is given does; a full answer is continued by a thread."""

    def __init__(self, store: Store) -> None:
        """Take a store whose connection may be used by several threads in turn."""
        self._store = store
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._given: Sequence[Applied] = ()
        self._limit = 0
        self._next: Future[Sequence[Applied]] | None = None

    def close(self) -> None:
        """End the thread; the store is its owner's."""
        self._pool.shutdown(cancel_futures=True)

    def store_id(self) -> UUID:
        """Return the identity of the store."""
        return self._store.store_id()

    def epoch(self) -> int:
        """Return the number of the store's epoch."""
        return self._store.epoch()

    def head(self) -> int:
        """Return the last position, 0 when there are no events."""
        return self._store.head()

    def after(self, position: int, limit: int) -> Sequence[Applied]:
        """Return up to `limit` events beyond a position; raises what the store raises."""
        if limit < LEAST:
            return self._store.after(position, limit)
        found = self._continued(position, limit)
        if found is None:
            found = self._store.after(position, limit)
        self._given, self._limit, self._next = found, limit, None
        if len(found) == limit:
            self._next = self._pool.submit(self._store.after, found[-1].position, limit)
        return found

    def _continued(self, position: int, limit: int) -> Sequence[Applied] | None:
        """Return the answer from what was read ahead, none when something else was.

        Whoever applies whole commands asks again for the few events behind the last of them.
        """
        following, self._next = self._next, None
        if following is None or limit > self._limit:
            return None
        if not self._given[0].position - 1 <= position <= self._given[-1].position:
            return None
        again = position + 1 - self._given[0].position
        return [*self._given[again:], *following.result()][:limit]
