"""Guards decisions against a database clock that jumps."""

from collections.abc import Callable

from application.commands import ClockUnsure

MAX_STEP_SECONDS = 60.0
SETTLE_SECONDS = 60.0


class ClockGuard:
    """Compares the database's clock with a monotonic one that also runs while suspended.

    A step of more than a minute between them makes the clock unsure. It is settled when it is
    back where it was, or has kept its new pace for a minute.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Take the monotonic clock, in seconds."""
        self._monotonic = monotonic
        self._offset: float | None = None
        self._candidate = 0.0
        self._since: float | None = None

    def check(self, clock: float) -> None:
        """Accept the database's clock in seconds, or raise `ClockUnsure`."""
        now = self._monotonic()
        offset = clock - now
        if self._offset is None or abs(offset - self._offset) <= MAX_STEP_SECONDS:
            self._offset, self._since = offset, None
            return
        if self._since is None or abs(offset - self._candidate) > 1.0:
            self._candidate, self._since = offset, now
        if now - self._since < SETTLE_SECONDS:
            raise ClockUnsure
        self._offset, self._since = offset, None
