"""A process that outlives its starter and is found again by process id and start time."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from infrastructure.embedded.server import RunningServer, ServerUnavailable, tail
from infrastructure.embedded.unprivileged import Account

LOG_LIMIT_BYTES = 16 * 1024 * 1024
CLOCK_ROUNDING_SECONDS = 1.5
KILLED_WITHIN_SECONDS = 10.0

# The child waits for a line on its standard input before it becomes the server. The line comes
# after its process id is on disk, so a starter killed in between leaves no server that nobody
# knows of: the pipe closes and the child ends.
WAIT_FOR_RECORD = 'read -r go && exec "$@" </dev/null'


@dataclass(frozen=True, slots=True)
class _Record:
    pid: int
    port: int
    started: float


class HomeServer:
    """What all servers of a home share: folder, log, and one process with its record on disk."""

    name: str

    def __init__(self, home: Path, stop_signal: int = signal.SIGTERM) -> None:
        """Point at a home; nothing is started or read yet."""
        self._folder = home / "servers" / self.name
        self._data = self._folder / "data"
        self._log = home / "logs" / f"{self.name}.log"
        self._record = self._folder / "process.json"
        self._stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None

    def running(self) -> RunningServer | None:
        """Return the recorded process if it still lives and is the one that was recorded."""
        record = self._read()
        if record is None or self._process(record) is None:
            return None
        return RunningServer(record.pid, record.port)

    def alive(self) -> bool:
        """Say whether its process lives."""
        return self.running() is not None

    def port(self) -> int:
        """Return the port of the running server; raises `ServerUnavailable` when none runs."""
        running = self.running()
        if running is None:
            raise ServerUnavailable(f"{self.name} is not running: start it by ./falcon up.")
        return running.port

    def last_words(self) -> str:
        """Return the last lines of its log."""
        return tail(self._log)

    def _spawn(
        self, argv: Sequence[str], port: int, account: Account | None = None
    ) -> RunningServer:
        """Start the server in a session of its own; its output goes to the log."""
        account = account or Account()
        with writing_to(self._log.parent):
            self._log.parent.mkdir(parents=True, exist_ok=True)
            _rotate(self._log)
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                ["/bin/sh", "-c", WAIT_FOR_RECORD, "sh", *account.command(argv)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/" if account.user is not None else self._folder,
                # Our settings may hold secrets, and a server's environment is easily seen.
                env={name: text for name, text in os.environ.items() if "FALCONPAY_" not in name},
                user=account.user,
                group=account.group,
                extra_groups=None if account.user is None else [],
            )
        self._write(_Record(child.pid, port, _started(psutil.Process(child.pid))))
        if child.stdin is not None:
            with contextlib.suppress(BrokenPipeError), child.stdin as gate:
                gate.write(b"go\n")
        self._child = child
        return RunningServer(child.pid, port)

    def stop(self, timeout_seconds: float) -> None:
        """End the recorded process by its own signal, after the time-out its whole group."""
        record = self._read()
        process = None if record is None else self._process(record)
        if record is not None and process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(self._stop_signal)
            if not self._ends(record, timeout_seconds):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(record.pid, signal.SIGKILL)
                self._ends(record, KILLED_WITHIN_SECONDS)
        self._record.unlink(missing_ok=True)

    def _ends(self, record: _Record, timeout_seconds: float) -> bool:
        # A process whose parent does not ask for its end, as in many containers, stays in the
        # list as a zombie; waiting for it to disappear would take the whole time-out.
        deadline = time.monotonic() + timeout_seconds
        while self._process(record) is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        if self._child is not None:
            # It may have ended between the last two looks at it, and is a zombie until asked.
            self._child.poll()
        return True

    def _process(self, record: _Record) -> psutil.Process | None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        try:
            process = psutil.Process(record.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            if abs(_started(process) - record.started) > CLOCK_ROUNDING_SECONDS:
                return None
        except psutil.NoSuchProcess:
            return None
        return process

    def _read(self) -> _Record | None:
        try:
            found = json.loads(self._record.read_text())
            return _Record(int(found["pid"]), int(found["port"]), float(found["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, record: _Record) -> None:
        draft = self._record.with_suffix(".new")
        with writing_to(self._folder):
            draft.write_text(json.dumps(asdict(record)))
            draft.replace(self._record)


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn a full disk or a missing right into `ServerUnavailable` with the remedy."""
    try:
        yield
    except OSError as error:
        raise ServerUnavailable(
            f"{error.filename or folder} cannot be used ({error.strerror}):"
            " make room on the disk, or choose another FALCONPAY_HOME that is yours."
        ) from error


def _started(process: psutil.Process) -> float:
    """Return seconds from the machine's start to the process's: no step of the clock moves it."""
    return float(process.create_time() - psutil.boot_time())


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
