"""Composition root of the roles that follow the ledger: threads of one process, one health."""

import gc
import signal
import threading
from collections.abc import Callable, Mapping, Sequence

import structlog
from prometheus_client import CollectorRegistry

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from interfaces.workers.health import HealthServer
from interfaces.workers.projector import Projector
from interfaces.workers.relay import Relay
from interfaces.workers.role import Role, keep_working

ROLES: Mapping[str, Callable[[Settings, Secrets, CollectorRegistry], Role]] = {
    "relay": Relay,
    "projector": Projector,
}

_LOG = structlog.get_logger("worker")


COLLECTED_AFTER = 200_000


def _collect_garbage_rarely() -> None:
    """Search for cycles after as many new objects as a few chunks have, not after every 700.

    Events and records hold no cycles, and looking through them took a third of a projector's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


def run(settings: Settings, secrets: Secrets, names: Sequence[str]) -> None:
    """Run the named roles until SIGTERM.

    Exits with code 1 when a role meets a broken invariant; nothing else ends one.
    """
    stop, broken = threading.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    registry = new_registry()
    roles = [ROLES[name](settings, secrets, registry) for name in names]
    checks = {role.name: role.condition.check for role in roles}
    health = HealthServer("127.0.0.1", settings.health_port, checks, registry)
    health.start()

    def work(role: Role) -> None:
        try:
            keep_working(role, stop)
        except BaseException as fault:  # noqa: BLE001 (whatever comes here ends the process)
            _LOG.critical("invariant-broken", role=role.name, exc_info=fault)
            broken.set()
            stop.set()

    _collect_garbage_rarely()
    threads = [threading.Thread(target=work, args=(role,), name=role.name) for role in roles]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            # A bounded wait lets a signal of the main thread in between.
            thread.join(0.2)
    health.stop()
    if broken.is_set():
        raise SystemExit(1)
