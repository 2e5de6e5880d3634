"""What all who look on from outside have in common: a thread that ends when it is told to."""

import threading
from abc import ABC, abstractmethod


class Watcher(ABC):
    """A thread; it begins as soon as the watcher is made, so what it needs comes before."""

    patience = 5.0
    """Seconds that the end of its last look is waited for."""

    def __init__(self) -> None:
        """Begin at once."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; who hangs with a paused server or an endless answer is left behind."""
        self._stop.set()
        self._thread.join(self.patience)

    @abstractmethod
    def _run(self) -> None:
        """Look until `_stop` is set."""
