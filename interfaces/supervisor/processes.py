"""Knows a process by its id and its start, so that a stranger with the same id is left alone."""

import contextlib
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

CLOCK_ROUNDING_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process as it was seen: its id and the seconds from the machine's start to its own."""

    pid: int
    started: float


def mark(pid: int) -> ProcessMark:
    """Return the mark of a process that lives now; raises `psutil.NoSuchProcess`."""
    return ProcessMark(pid, _started(psutil.Process(pid)))


def lives(seen: ProcessMark) -> bool:
    """Say whether the very process that was marked still runs."""
    return _process(seen) is not None


def send(seen: ProcessMark, number: signal.Signals) -> None:
    """Send a signal to the marked process, to nobody when it has ended."""
    process = _process(seen)
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def end(marks: Iterable[ProcessMark], timeout_seconds: float) -> list[int]:
    """Ask processes to end, after the time-out force them; return the ids of those forced."""
    left = [seen for seen in marks if lives(seen)]
    for seen in left:
        send(seen, signal.SIGTERM)
    left = _wait(left, timeout_seconds)
    for seen in left:
        send(seen, signal.SIGKILL)
    _wait(left, 5)
    return [seen.pid for seen in left]


def _wait(marks: list[ProcessMark], timeout_seconds: float) -> list[ProcessMark]:
    deadline = time.monotonic() + timeout_seconds
    while (left := [seen for seen in marks if lives(seen)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _process(seen: ProcessMark) -> psutil.Process | None:
    try:
        process = psutil.Process(seen.pid)
        same = abs(_started(process) - seen.started) <= CLOCK_ROUNDING_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def _started(process: psutil.Process) -> float:
    """Return seconds from the machine's start to the process's: no step of the clock moves it."""
    return float(process.create_time() - psutil.boot_time())
