"""PostgreSQL of this home: initialised once, started on loopback, mended by its own recovery."""

import contextlib
import re
import shlex
import shutil
import signal
import time
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

from infrastructure.embedded.postgres_binaries import (
    data_folder,
    packaged_binaries,
    usable_binaries,
)
from infrastructure.embedded.process import HomeServer, writing_to
from infrastructure.embedded.server import (
    LOOPBACK,
    RunningServer,
    ServerUnavailable,
    kept_ports,
)
from infrastructure.embedded.unprivileged import unprivileged_account
from infrastructure.secrets import Secrets

ADMIN = "falconpay_admin"
GRACE_SECONDS = 0.3
LEFTOVERS_SECONDS = 5

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "shared_buffers": "512MB",
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


ARCHIVE_COMMAND = (
    # A segment that is there already was copied before a crash: it is well if it is the same.
    # PostgreSQL 15 cuts a command off at 1,024 characters, so the folder is named once.
    'd={folder}; f=%f; if test -f "$d/$f"; then cmp -s %p "$d/$f"; else'
    ' cp %p "$d/.$f.partial" && sync "$d/.$f.partial"'
    ' && mv "$d/.$f.partial" "$d/$f" && sync "$d"; fi'
)
ARCHIVE_SECONDS = 60
"""How much of the latest writing an archive may lack, when a segment is not full before."""


class Postgres(HomeServer):
    """The home's PostgreSQL; its binaries come from a package or from a folder given."""

    name = "postgres"

    def __init__(
        self,
        home: Path,
        secrets: Secrets,
        binaries: Path | None = None,
        archive: Path | None = None,
    ) -> None:
        """Point at a home; `binaries` is a folder with initdb and postgres (pg_config --bindir).

        `archive` is a folder to which each segment of the write-ahead log is copied.
        """
        super().__init__(home, signal.SIGINT)
        self._account = unprivileged_account()
        self._binaries = usable_binaries(binaries or packaged_binaries(), self._account)
        self._secrets = secrets
        self._archive = archive

    def prepare(self) -> None:
        """Initialise the data folder once; raises `ServerUnavailable`."""
        with writing_to(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._data = data_folder(self._folder, self._account)
            if (self._data / "PG_VERSION").exists():
                self._check_version()
                return
            draft = self._data.with_name("data.new")
            password = self._data.with_name("password.new")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(mode=0o700)
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
        running = self.running()
        if running is not None:
            return running
        with writing_to(self._folder):
            self._data = data_folder(self._folder, self._account)
            self._clear_unclean_end()
            (port,) = kept_ports(self._folder / "port")
        argv = [str(self._binaries / "postgres"), "-D", str(self._data), "-p", str(port)]
        for setting, value in {**SETTINGS, **self._archiving()}.items():
            argv += ["-c", f"{setting}={value}"]
        return self._spawn(argv, port, self._account)

    def ready(self) -> bool:
        """Say whether it takes connections now."""
        running = self.running()
        if running is None:
            return False
        probe = make_conninfo(host=LOOPBACK, port=running.port, connect_timeout=2)
        return psycopg.pq.PGconn.ping(probe.encode()) == psycopg.pq.Ping.OK

    def admin_conninfo(self) -> str:
        """Return the superuser's connection string; raises `ServerUnavailable` when none runs."""
        return make_conninfo(
            host=LOOPBACK,
            port=self.port(),
            user=ADMIN,
            password=self._secrets.get("db_admin"),
            dbname="postgres",
            connect_timeout=5,
        )

    def _archiving(self) -> dict[str, str]:
        if self._archive is None:
            return {}
        with writing_to(self._archive):
            if not self._archive.exists():
                self._archive.mkdir(mode=0o700, parents=True)
                self._account.owns(self._archive)
        # The server takes %f and %p of its own, so a percent sign of the folder's is doubled.
        folder = shlex.quote(str(self._archive)).replace("%", "%%")
        return {
            "archive_mode": "on",
            "archive_command": ARCHIVE_COMMAND.format(folder=folder),
            "archive_timeout": str(ARCHIVE_SECONDS),
        }

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
            said = done.stderr.strip().splitlines() or ["no reason given"]
            reason = next((line for line in said if "FATAL" in line), said[-1])
            raise ServerUnavailable(
                f"PostgreSQL cannot be initialised in {self._data}: {reason}"
                " (make room or choose another FALCONPAY_HOME, or use --database URL)"
            )

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        said = self._account.run([str(self._binaries / "postgres"), "--version"]).stdout
        match = re.search(r"\(PostgreSQL\) (\d+)", said)
        if match is None or match[1] != found:
            raise ServerUnavailable(
                f"{self._data} was made by PostgreSQL {found} and the binaries say {said.strip()}:"
                f" bring PostgreSQL {found} or choose another FALCONPAY_HOME."
            )

    def _clear_unclean_end(self) -> None:
        """End what a killed server left, and drop a pid file that points at a stranger."""
        lock = self._data / "postmaster.pid"
        if not lock.exists():
            return
        first_line = lock.read_text().split("\n", 1)[0]
        server_pid = int(first_line) if first_line.isdecimal() else 0
        begun = time.monotonic()
        while left := _postgres_processes(self._data):
            pids = [process.pid for process in left]
            waited = time.monotonic() - begun
            if server_pid in pids or waited > LEFTOVERS_SECONDS:
                raise ServerUnavailable(
                    f"PostgreSQL, started by something else, works in {self._data} as the"
                    f" processes {pids}: stop it, then try again."
                )
            if waited > GRACE_SECONDS:
                # A session that computes notices late that its server is gone, and until it
                # ends no new server may start. Nothing it still does can be committed.
                for process in left:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
            time.sleep(0.05)
        if server_pid and psutil.pid_exists(server_pid):
            # The number was given to a stranger since, whom PostgreSQL would take for a server.
            lock.unlink()


def _postgres_processes(data: Path) -> list[psutil.Process]:
    """Return PostgreSQL's processes in this folder; it is the current folder of each of them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.name() == "postgres" and process.cwd() == str(data.resolve()):
                found.append(process)
    return found
