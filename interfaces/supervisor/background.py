"""Lets what takes long at the first start go on while other parts are started."""

import threading
from collections.abc import Callable


class Background:
    """One function in a thread; a thread left behind does not keep the process from ending."""

    def __init__(self, work: Callable[[], None]) -> None:
        """Begin the work at once."""
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end, and raise what the work raised."""
        while self._thread.is_alive():
            # A bounded wait lets a signal of the main thread in between.
            self._thread.join(0.1)
        if self._problem is not None:
            raise self._problem

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as problem:  # noqa: BLE001 (raised again where it is waited for)
            self._problem = problem
