"""Composition root of the roles that follow ledgers: threads of one process, one health."""

import gc
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry

from infrastructure.databases.ledgers import LedgerNames, of_ledger
from infrastructure.databases.logins import Login
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from interfaces.workers.crew import PAUSE_SECONDS, Crew, Engage
from interfaces.workers.health import HealthServer
from interfaces.workers.payments import Payments, PaymentsFigures
from interfaces.workers.projector import Projector, ProjectorFigures
from interfaces.workers.relay import Relay, RelayFigures
from interfaces.workers.role import Role
from interfaces.workers.sealer import Sealer, SealerFigures

SWITCH_SECONDS = 0.001
"""How long a role that computes may let the others of its process wait, each of which waits for a
dozen answers in a row: by default it is five times as long."""

COLLECTED_AFTER = 200_000


def _relays(settings: Settings, secrets: Secrets, registry: CollectorRegistry) -> Engage:
    figures = RelayFigures(registry)

    def engage(ledger: str) -> Role:
        return Relay(of_ledger(settings, ledger), secrets, figures)

    return engage


def _projectors(settings: Settings, secrets: Secrets, registry: CollectorRegistry) -> Engage:
    figures = ProjectorFigures(registry)

    def engage(ledger: str) -> Role:
        return Projector(of_ledger(settings, ledger), secrets, figures)

    return engage


def _payments(settings: Settings, secrets: Secrets, registry: CollectorRegistry) -> Engage:
    figures = PaymentsFigures(registry)

    def engage(ledger: str) -> Role:
        return Payments(of_ledger(settings, ledger), secrets, figures)

    return engage


def _sealers(settings: Settings, secrets: Secrets, registry: CollectorRegistry) -> Engage:
    figures = SealerFigures(registry)

    def engage(ledger: str) -> Role:
        return Sealer(of_ledger(settings, ledger), secrets, figures)

    return engage


ROLES: Mapping[str, Callable[[Settings, Secrets, CollectorRegistry], Engage]] = {
    "relay": _relays,
    "projector": _projectors,
    "payments": _payments,
    "sealer": _sealers,
}
LOGINS: Mapping[str, Login] = {
    "relay": "relay",
    "projector": "projector",
    "payments": "command",
    "sealer": "sealer",
}
"""By which login a process looks for ledgers, that of its first role."""


def _collect_garbage_rarely() -> None:
    """Search for cycles after as many new objects as a few chunks have, not after every 700.

    Events and records hold no cycles, and looking through them took a third of a projector's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


def run(settings: Settings, secrets: Secrets, names: Sequence[str]) -> None:
    """Run the named roles for every ledger until SIGTERM.

    Exits with code 1 when a role of the only ledger meets a broken invariant; nothing else ends
    one.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    registry = new_registry()
    engaged = [ROLES[name](settings, secrets, registry) for name in names]
    crew = Crew(settings.ledger, engaged, stop, registry)
    health = HealthServer("127.0.0.1", settings.health_port, crew.checks, registry)
    health.start()
    ledgers = LedgerNames(settings, secrets, LOGINS[names[0]])
    _collect_garbage_rarely()
    sys.setswitchinterval(SWITCH_SECONDS)
    crew.engage([settings.ledger])
    while not stop.is_set():
        crew.look(ledgers.look)
        # A bounded wait lets a signal of the main thread in between.
        stop.wait(PAUSE_SECONDS)
    crew.join()
    ledgers.close()
    health.stop()
    if crew.broken:
        raise SystemExit(1)
