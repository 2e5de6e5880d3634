"""Cuts lists into pages: each item once, whatever is written or built again meanwhile."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from interfaces.query_api.cursors import Cursors, Key
from interfaces.query_api.endpoint import Asked
from interfaces.query_api.parameters import MAX_POSITION, ListParameters

Listed = TypeVar("Listed", bound=ListParameters)
Row = TypeVar("Row")


class Pages:
    """Pages whose cursors are bound to caller, route, object and filters."""

    def __init__(self, cursors: Cursors) -> None:
        """Take what writes and reads cursors."""
        self._cursors = cursors

    def key(self, asked: Asked[Listed], route: str) -> list[Any] | None:
        """Return behind which item the page begins; raises `Problem` 422 for a false cursor."""
        cursor = asked.parameters.cursor
        return None if cursor is None else self._cursors.read(_bound(asked, route), cursor)

    def before(self, asked: Asked[Listed], route: str) -> int:
        """Return before which position a page begins of which the newest items come first."""
        (before,) = self.key(asked, route) or (MAX_POSITION,)
        return int(before)

    def cut(
        self,
        asked: Asked[Listed],
        route: str,
        rows: Sequence[Row],
        key_of: Callable[[Row], Key],
    ) -> tuple[Sequence[Row], str | None]:
        """Return the page's rows and the next cursor, given up to one row more than the limit."""
        limit = asked.parameters.limit
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], self.following(asked, route, key_of(rows[limit - 1]))

    def following(self, asked: Asked[Listed], route: str, key: Key) -> str:
        """Return the cursor of the page that begins behind a key."""
        return self._cursors.write(_bound(asked, route), key)


def _bound(asked: Asked[Listed], route: str) -> tuple[str, ...]:
    caller = asked.caller
    right = "all" if asked.sees_all else "own"
    return (
        caller.ledger,
        caller.iss,
        caller.sub,
        right,
        route,
        asked.object_id,
        asked.parameters.filters(),
    )
