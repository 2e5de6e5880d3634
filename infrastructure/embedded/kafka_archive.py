"""The classes of Kafka, archived once as the JVM has them after a start (JEP 483 and 514).

Without them each start reads, checks and links thousands of classes, which takes longer than all
else. The archive is a copy only: without it, or when it is damaged, a broker starts as ever.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from infrastructure.embedded.server import ServerUnavailable

OLDEST_JAVA = 25
READY_SECONDS = 30.0
WRITTEN_SECONDS = 60.0

# Whoever trains holds the other end of the pipe. Told to end, the broker writes the archive on its
# way out; when they have ended themselves, however they did, nobody waits for it.
UNTIL_TOLD = (
    '"$@" </dev/null & broker=$!;'
    ' if read -r end; then kill "$broker"; else kill -9 "$broker"; fi; wait "$broker"'
)


class KafkaArchive:
    """The archive for one version of Kafka and of Java, which homes share."""

    def __init__(self, cache: Path, kafka_version: str, java: Path) -> None:
        """Point at a folder and a Java runtime."""
        self._cache = cache
        version, major = _java_version(java)
        name = f"kafka-{kafka_version}-java-{version}.aot"
        self._path = cache / name if major >= OLDEST_JAVA else None

    def options(self) -> list[str]:
        """Return what the JVM is to be told so that it uses the archive, if there is one."""
        if self._path is None or not self._path.exists():
            return []
        # Its checksum takes a tenth of a second; a damaged archive could end the JVM at any time.
        return [f"-XX:AOTCache={self._path}", "-XX:+VerifySharedSpaces"]

    def make_once(
        self,
        broker: Callable[[Path, str], tuple[Sequence[str], int]],
        answers: Callable[[int], bool],
    ) -> None:
        """Make the archive unless it is there, or cannot be had, or somebody else is at it.

        `broker` prepares one in a new home and returns what starts it, with an option for the JVM,
        and its port; `answers` tells whether the broker at a port does.
        """
        if self._path is None or self._path.exists():
            return
        trouble = contextlib.suppress(OSError, ServerUnavailable)
        with trouble, _alone(self._cache, self._path.name) as home:
            draft = home / self._path.name
            command, port = broker(home, f"-XX:AOTCacheOutput={draft}")
            _train(command, lambda: answers(port))
            draft.replace(self._path)


@contextlib.contextmanager
def _alone(cache: Path, name: str) -> Iterator[Path]:
    """Give a new folder to the only one that is at it; raises `OSError` to others."""
    guard = cache / f"{name}.lock"
    with guard.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in cache.glob(f".{name}-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(
            prefix=f".{name}-", dir=cache, ignore_cleanup_errors=True
        ) as folder:
            yield Path(folder)


def _train(command: Sequence[str], ready: Callable[[], bool]) -> None:
    broker = subprocess.Popen(
        ["/bin/sh", "-c", UNTIL_TOLD, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + READY_SECONDS
        while not ready() and time.monotonic() < end:
            time.sleep(0.1)
        broker.communicate(b"end\n", timeout=WRITTEN_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(broker.pid, signal.SIGKILL)
        broker.wait()


def _java_version(java: Path) -> tuple[str, int]:
    """Return what the runtime's own file says, as 25.0.2 and 25; nothing and 0 without one."""
    try:
        told = (java.resolve().parents[1] / "release").read_text()
    except OSError:
        return "", 0
    found = re.search(r'^JAVA_VERSION="((\d+)[\w.+-]*)"$', told, re.MULTILINE)
    return (found[1], int(found[2])) if found else ("", 0)
