"""PostgreSQL's sessions seen from outside: which process each serves, and where it stands."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import psycopg
from psycopg import sql

from tests.faults.ground import Ground, NotStruck

Connection = psycopg.Connection[tuple[object, ...]]

SESSIONS = """
    SELECT a.pid, a.client_port, coalesce(a.state, ''), coalesce(a.wait_event_type, ''),
        coalesce(a.wait_event, ''), a.query,
        EXISTS (SELECT FROM pg_locks l
            WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted)
    FROM pg_stat_activity a WHERE a.application_name = %s AND a.client_port > 0"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session of PostgreSQL as `pg_stat_activity` tells of it."""

    pid: int
    client_port: int
    state: str
    wait_type: str
    wait: str
    query: str
    has_advisory_lock: bool


@contextlib.contextmanager
def administration(ground: Ground, database: str) -> Iterator[Connection]:
    """Give a superuser's connection; raises `NotStruck` while PostgreSQL is away or goes away."""
    try:
        with psycopg.connect(
            host="127.0.0.1",
            port=int(ground.settings()["FALCONPAY_DATABASE_PORT"]),
            user="falconpay_admin",
            password=ground.secret("db_admin"),
            dbname=database,
            connect_timeout=2,
            application_name="campaign",
            autocommit=True,
            options="-c statement_timeout=5000 -c lock_timeout=3000",
        ) as connection:
            yield connection
    except psycopg.Error as away:
        raise NotStruck(f"PostgreSQL: {away}") from None


def sessions(connection: Connection, login: str) -> list[Session]:
    """Return the sessions of a login of the product."""
    return [
        Session(*row)  # type: ignore[arg-type]  # the columns are those of the class
        for row in connection.execute(SESSIONS, [f"falconpay-{login}"]).fetchall()
    ]


def process_of(ground: Ground, role: str, session: Session) -> int:
    """Return the id of the process that a session serves.

    Those of `up` are known by their sockets; what is left comes through a proxy and is the
    second process. Raises `NotStruck` when it has ended.
    """
    for pid in ground.pids(role):
        with contextlib.suppress(psutil.Error):
            sockets = psutil.Process(pid).net_connections("tcp")
            if any(socket.laddr.port == session.client_port for socket in sockets):
                return pid
    second = ground.others[role].pid
    if second is None:
        raise NotStruck(f"the {role} of the session has ended")
    return second


def table(schema: str, name: str) -> sql.Identifier:
    """Return a table's name for a statement."""
    return sql.Identifier(schema, name)
