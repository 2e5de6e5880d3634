"""Processes stopped at named points of their work, found from outside without hooks in them.

A point is reached by looking where the process's session in PostgreSQL stands, or by taking from
outside the lock for which it must wait there.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from psycopg import sql

from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.kinds.processes import PAUSE_SECONDS
from tests.faults.sessions import (
    Connection,
    Session,
    administration,
    process_of,
    sessions,
    table,
)

ROLE = "command-api"
LOOK_SECONDS = 15.0
SETTLES_SECONDS = 0.02
HOLD_SECONDS = 1.2
"""Shorter than the lock time-out of a command: the lock is given back before anybody gives up."""

PROJECTOR_SECONDS = 12.0
"""Longer than the time after which the session of a projector that stands still is ended."""

Harm = Callable[[Ground, int], None]


def kill(_ground: Ground, pid: int) -> None:
    """End a process as it stands."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def sleep(ground: Ground, pid: int) -> None:
    """Let a process stand still for longer than all time-outs of a command."""
    _sleep(ground, pid, ground.choose.uniform(*PAUSE_SECONDS))


def sleep_long(ground: Ground, pid: int) -> None:
    """Let a process stand still until its session has been ended."""
    _sleep(ground, pid, PROJECTOR_SECONDS)


def _sleep(ground: Ground, pid: int, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        try:
            ground.pause(seconds)
        finally:
            os.kill(pid, signal.SIGCONT)


def between_lock_and_append(harm: Harm) -> Callable[[Ground], None]:
    """Stop a command process again and again until its session has locks and waits for it."""

    def strike(ground: Ground) -> None:
        pids = [pid for pid in (*ground.pids(ROLE), ground.others[ROLE].pid) if pid]
        with administration(ground, "ledger") as connection:
            end = time.monotonic() + LOOK_SECONDS
            while time.monotonic() < end and ground.remaining():
                pid = ground.choose.choice(pids)
                with _stopped(pid):
                    # What the process has asked for is done first, and its locks are kept.
                    time.sleep(SETTLES_SECONDS)
                    for session in sessions(connection, "command"):
                        waits = session.state == "idle in transaction"
                        if waits and process_of(ground, ROLE, session) == pid:
                            ground.note("stopped between lock and append", session=session.pid)
                            harm(ground, pid)
                            return
                ground.pause(ground.choose.uniform(0.0, 0.03))
        raise NotStruck("no command process was met between lock and append")

    return strike


def _again(connection: Connection, known: Session) -> Session | None:
    """Return a session as it is now, if it still is."""
    return next((s for s in sessions(connection, "command") if s.pid == known.pid), None)


@contextlib.contextmanager
def _stopped(pid: int) -> Iterator[None]:
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        raise NotStruck("the process has just ended") from None
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def inside_append(harm: Callable[[Ground, Connection, Session], None]) -> Callable[[Ground], None]:
    """Take the lock of the append, so that a batch waits with its heads written and COMMIT sent."""

    def strike(ground: Ground) -> None:
        with (
            administration(ground, "ledger") as holder,
            administration(ground, "ledger") as connection,
        ):
            holder.execute("SELECT pg_advisory_lock('ledger_main.events'::regclass::oid::bigint)")
            session = met(
                ground,
                connection,
                "command",
                lambda s: s.wait_type == "Lock" and s.wait == "advisory",
                HOLD_SECONDS,
            )
            ground.note("stopped inside append", session=session.pid)
            harm(ground, connection, session)

    return strike


def _kill_asker(ground: Ground, _connection: Connection, session: Session) -> None:
    kill(ground, process_of(ground, ROLE, session))


def _end_session(_ground: Ground, connection: Connection, session: Session) -> None:
    connection.execute("SELECT pg_terminate_backend(%s)", [session.pid])


def between_append_and_commit(ground: Ground) -> None:
    """Stop sessions until one is in its append or COMMIT, then kill its process, then end it."""
    with administration(ground, "ledger") as connection:
        end = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < end and ground.remaining():
            for session in sessions(connection, "command"):
                with _stopped(session.pid):
                    now = _again(connection, session)
                    if now is not None and _has_appended(now):
                        ground.note("stopped between append and commit", query=now.query.strip())
                        kill(ground, process_of(ground, ROLE, now))
                        connection.execute("SELECT pg_terminate_backend(%s)", [now.pid])
                        return
            ground.pause(ground.choose.uniform(0.0, 0.02))
    raise NotStruck("no session was met between append and commit")


def _has_appended(session: Session) -> bool:
    """Whether a session that is at work has the lock of the append, which COMMIT gives back."""
    return session.state == "active" and session.has_advisory_lock


def between_commit_and_answer(harm: Harm) -> Callable[[Ground], None]:
    """Let COMMIT wait for a standby that does not exist: it is durable, and not answered yet."""

    def strike(ground: Ground) -> None:
        with administration(ground, "ledger") as connection, _without_standby(ground, connection):
            session = met(
                ground, connection, "command", lambda s: s.wait == "SyncRep", HOLD_SECONDS
            )
            pid = process_of(ground, ROLE, session)
            ground.note("stopped between commit and answer", session=session.pid)
            os.kill(pid, signal.SIGSTOP)
        harm(ground, pid)

    return strike


@contextlib.contextmanager
def _without_standby(ground: Ground, connection: Connection) -> Iterator[None]:
    connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    try:
        connection.execute("SELECT pg_reload_conf()")
        yield
    finally:
        # On a connection of its own, since nothing could be committed while this stands.
        for _ in range(40):
            with contextlib.suppress(NotStruck), administration(ground, "ledger") as another:
                another.execute("ALTER SYSTEM RESET synchronous_standby_names")
                another.execute("SELECT pg_reload_conf()")
                break
            time.sleep(0.5)


def between_rows_and_checkpoint(harm: Harm) -> Callable[[Ground], None]:
    """Take a table of the read models: a projector waits with its checkpoint and rows written."""

    def strike(ground: Ground) -> None:
        daily = table("reports_main", "daily_totals")
        with (
            administration(ground, "reports") as holder,
            administration(ground, "reports") as connection,
            holder.transaction(),
        ):
            holder.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(daily))
            session = met(ground, connection, "projector", lambda s: s.wait == "relation", 5.0)
            pid = process_of(ground, "projector", session)
            ground.note("stopped between rows and checkpoint", session=session.pid)
            os.kill(pid, signal.SIGSTOP)
        harm(ground, pid)

    return strike


def between_publish_and_confirmation(ground: Ground) -> None:
    """Stop the broker with records on their way to it, kill the relay that sent them, go on."""
    broker = ground.pids("kafka")
    if not broker:
        raise NotStruck("the broker is down already")
    with administration(ground, "ledger") as connection:
        active = [s for s in sessions(connection, "relay") if s.has_advisory_lock]
    if not active:
        raise NotStruck("no relay is active")
    pid = process_of(ground, "relay", active[0])
    with _stopped(broker[0]):
        end = time.monotonic() + 5.0
        while not (waiting := _unread(ground.port("kafka"), pid)):
            if time.monotonic() > end:
                raise NotStruck("the relay sent nothing")
            ground.pause(0.02)
        ground.note("stopped between publish and confirmation", bytes=waiting)
        kill(ground, pid)


LEAST_BYTES = 1500
"""More than any request of a consumer has: what waits are records."""


def _unread(port: int, pid: int) -> int:
    """Return how many bytes of a process the server of a port has not read yet, 0 for few."""
    with contextlib.suppress(psutil.Error):
        own = {c.laddr.port for c in psutil.Process(pid).net_connections("tcp")}
        for line in _connections():
            here, there, unread = line
            if here == port and there in own and unread >= LEAST_BYTES:
                return unread
    return 0


def _connections() -> Iterator[tuple[int, int, int]]:
    """Yield local port, remote port and unread bytes of every TCP connection of the machine."""
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            words = line.split()
            here, there = (int(words[n].rpartition(":")[2], 16) for n in (1, 2))
            yield here, there, int(words[4].partition(":")[2], 16)


def met(
    ground: Ground,
    connection: Connection,
    login: str,
    there: Callable[[Session], bool],
    seconds: float,
) -> Session:
    """Wait until a session of the login is where it is wanted; raises `NotStruck`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        met = [session for session in sessions(connection, login) if there(session)]
        if met:
            return ground.choose.choice(met)
        time.sleep(0.01)
    raise NotStruck(f"no session of {login} came to the point")


KINDS: tuple[Kind, ...] = (
    Kind("kill a command API between lock and append", between_lock_and_append(kill)),
    Kind("pause a command API between lock and append", between_lock_and_append(sleep)),
    Kind("kill a command API inside append", inside_append(_kill_asker), alone=True),
    Kind("end a session inside append", inside_append(_end_session), alone=True),
    Kind("kill a command API between append and commit", between_append_and_commit, alone=True),
    Kind(
        "kill a command API between commit and answer", between_commit_and_answer(kill), alone=True
    ),
    Kind(
        "pause a command API between commit and answer",
        between_commit_and_answer(sleep),
        alone=True,
    ),
    Kind("kill a projector between rows and checkpoint", between_rows_and_checkpoint(kill)),
    Kind("pause a projector between rows and checkpoint", between_rows_and_checkpoint(sleep_long)),
    Kind(
        "kill a relay between publish and confirmation",
        between_publish_and_confirmation,
        alone=True,
    ),
)
