"""What runs in a home, where, how far and how healthy: asked of the parts themselves."""

from collections.abc import Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypedDict

import psycopg

from infrastructure.databases.ledgers import ledger_names, of_ledger
from infrastructure.databases.logins import conninfo, reader_url
from infrastructure.embedded.kafka import Kafka
from infrastructure.report_store.rebuilt_tables import REBUILDING
from infrastructure.secrets import SecretMissing, Secrets
from infrastructure.settings import Settings
from infrastructure.version import VERSION
from interfaces.supervisor.anchors import failing_anchors
from interfaces.supervisor.first_steps import urls
from interfaces.supervisor.home import HomeLock
from interfaces.supervisor.plan import gateway_of
from interfaces.supervisor.probes import diverged
from interfaces.supervisor.role_process import is_ready
from interfaces.supervisor.state import Part, SystemState, read_state

PROBES_AT_ONCE = 8

LAG = """
    SELECT w.position, extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
    FROM unnest(%s::bigint[]) AS w (position)
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM events WHERE notification_id <= w.position
        ORDER BY notification_id DESC LIMIT 1) AS e
"""


class PartReport(TypedDict):
    """One role or server; `pid` is null while it is down."""

    name: str
    pid: int | None
    port: int
    ready: bool
    restarts: int


class ProjectionReport(TypedDict):
    """How far a read model is; `lag_seconds` is the age of the oldest event it lacks."""

    name: str
    version: int
    position: int
    lag_events: int
    lag_seconds: float
    state: str


class LedgerReport(TypedDict):
    """A further ledger; `position` is null while it does not answer."""

    name: str
    position: int | None
    projections: list[ProjectionReport]


class Report(TypedDict):
    """The whole of `status --json`; `position` is null while the database is away.

    They are the first ledger's, with its projections; `ledgers` has the further ones.
    `diverged` has what relay, projector and sealer say that have seen more than the store has,
    `anchors` which places do not take seals.
    """

    running: bool
    version: str
    home: str
    position: int | None
    urls: dict[str, str]
    database_url: str | None
    kafka_bootstrap: str | None
    roles: list[PartReport]
    servers: list[PartReport]
    projections: list[ProjectionReport]
    ledgers: list[LedgerReport]
    diverged: list[str]
    anchors: list[str]


def report(settings: Settings) -> Report:
    """Return what runs in the home now; without a supervisor `running` is false."""
    holder = HomeLock(settings.home).holder()
    state = read_state(settings.home) if holder is not None else None
    found = Report(
        running=holder is not None,
        version=VERSION,
        home=str(settings.home),
        position=None,
        urls={},
        database_url=None,
        kafka_bootstrap=None,
        roles=[],
        servers=[],
        projections=[],
        ledgers=[],
        diverged=[],
        anchors=[],
    )
    if state is None:
        return found
    secrets = Secrets(settings.home)
    found["position"], found["projections"] = _positions(settings, secrets)
    found["ledgers"] = _further_ledgers(settings, secrets)
    found["urls"] = urls(settings)
    found["kafka_bootstrap"] = settings.kafka_bootstrap
    found["roles"], found["servers"] = _parts(settings, state, found["position"] is not None)
    found["diverged"] = _diverged(found["roles"])
    sealers = {part["port"] for part in found["roles"] if part["name"] == "sealer" and part["pid"]}
    found["anchors"] = [told for port in sealers for told in failing_anchors(port)]
    try:
        found["database_url"] = reader_url(settings, secrets)
    except SecretMissing:
        found["database_url"] = None
    return found


def _parts(
    settings: Settings, state: SystemState, database_answers: bool
) -> tuple[list[PartReport], list[PartReport]]:
    probes: dict[str, Callable[[], bool]] = {
        "postgres": lambda: database_answers,
        "kafka": Kafka(settings.home, settings.cache).ready,
        "gateway": gateway_of(settings).ready,
    }

    def role(part: Part) -> PartReport:
        host = settings.host if part.name.endswith("-api") else "127.0.0.1"
        return _part(part, is_ready(host, part.port, part.pid))

    def server(part: Part) -> PartReport:
        return _part(part, part.pid > 0 and probes[part.name]())

    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        roles, servers = pool.map(role, state.roles), pool.map(server, state.servers)
        return list(roles), list(servers)


def _diverged(roles: Sequence[PartReport]) -> list[str]:
    unready = {part["port"] for part in roles if not part["ready"] and part["pid"]}
    told = [diverged("127.0.0.1", port) for port in sorted(unready)]
    return [sentence for sentence in told if sentence is not None]


def _part(part: Part, ready: bool) -> PartReport:
    return PartReport(
        name=part.name,
        pid=part.pid or None,
        port=part.port,
        ready=ready,
        restarts=part.restarts,
    )


def _further_ledgers(settings: Settings, secrets: Secrets) -> list[LedgerReport]:
    try:
        with psycopg.connect(conninfo(settings, secrets, "reader", "ledger")) as connection:
            names = [name for name in ledger_names(connection) if name != settings.ledger]
    except (psycopg.Error, SecretMissing):
        return []

    def ledger(name: str) -> LedgerReport:
        position, projections = _positions(of_ledger(settings, name), secrets)
        return LedgerReport(name=name, position=position, projections=projections)

    if settings.pinned or not names:
        return []
    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        return list(pool.map(ledger, names))


def _positions(settings: Settings, secrets: Secrets) -> tuple[int | None, list[ProjectionReport]]:
    """Return the store's last position and every read model's; none while a database is away."""
    try:
        with psycopg.connect(conninfo(settings, secrets, "reader", "reports")) as connection:
            checkpoints = connection.execute(
                "SELECT projection, version, position, state FROM checkpoint ORDER BY projection"
            ).fetchall()
            rebuilding = {name for (name,) in connection.execute(REBUILDING)}
        with psycopg.connect(conninfo(settings, secrets, "reader", "ledger")) as connection:
            row = connection.execute(
                "SELECT coalesce(max(notification_id), 0) FROM events"
            ).fetchone()
            head = int(row[0]) if row else 0
            wanted = [position + 1 for _, _, position, _ in checkpoints if position < head]
            ages: dict[int, float] = dict(connection.execute(LAG, [wanted]).fetchall())
    except (psycopg.Error, SecretMissing):
        return None, []
    return head, _projections(checkpoints, rebuilding, head, ages)


def _projections(
    checkpoints: Sequence[tuple[str, int, int, str]],
    rebuilding: Container[str],
    head: int,
    ages: dict[int, float],
) -> list[ProjectionReport]:
    return [
        ProjectionReport(
            name=name,
            version=version,
            position=position,
            lag_events=max(0, head - position),
            lag_seconds=round(max(0.0, ages.get(position + 1, 0.0)), 3),
            state="rebuilding" if name in rebuilding else state,
        )
        for name, version, position, state in checkpoints
    ]
