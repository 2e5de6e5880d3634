"""How long to wait before something that died is started again."""

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 2.5
STEADY_SECONDS = 20.0


class Pauses:
    """Pauses that grow while starts keep failing and begin anew after a steady run."""

    def __init__(self) -> None:
        """Begin with the shortest pause."""
        self._next = FIRST_SECONDS

    def after_run_of(self, seconds: float) -> float:
        """Return the pause before the next start, in seconds, after a run of this length."""
        if seconds >= STEADY_SECONDS:
            self._next = FIRST_SECONDS
        pause, self._next = self._next, min(LONGEST_SECONDS, self._next * 2)
        return pause
