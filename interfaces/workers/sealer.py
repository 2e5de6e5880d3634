"""The role `sealer`: signs how far the log of a ledger has come, one active sealer a ledger."""

import threading
import time
from secrets import randbelow

import psycopg
import structlog
from prometheus_client import CollectorRegistry, Gauge

from application.sealing import Rest, Seal, Sealing, SealsDiverged
from infrastructure.databases.logins import conninfo
from infrastructure.databases.migrate import check
from infrastructure.event_log.reader import EventReader
from infrastructure.seals.anchor_choice import chosen_anchors
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.memory import SealMemory
from infrastructure.seals.origin import seal_origin
from infrastructure.seals.signer import SealSigner
from infrastructure.seals.store import StoredSeals
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.workers.anchoring import AnchorFigures, Anchoring
from interfaces.workers.role import Condition

STANDBY_SECONDS = 0.5
REST_SECONDS = 0.03
"""Between parts of what is hashed: the threads of relay and projector would else wait for it."""

_LOG = structlog.get_logger("sealer")


class SealerFigures:
    """The figures of the sealers of one process, each with its ledger."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(f"falconpay_sealer_{name}", meaning, ["ledger"], registry=registry)

        self.size = gauge("size", "Last position sealed.")
        self.lag_events = gauge("lag_events", "Events that are not sealed yet.")
        self.active = gauge("active", "Whether this sealer holds the lock.")
        self.diverged = gauge("diverged", "Whether the store is not what was sealed.")
        self.anchors = AnchorFigures(registry)


class Sealer:
    """Seals while it holds the ledger's lock; without it, it stands by."""

    name = "sealer"

    def __init__(self, settings: Settings, secrets: Secrets, figures: SealerFigures) -> None:
        """Take where everything is and where its figures go; nothing is connected yet."""
        self._settings = settings
        self._secrets = secrets
        self.condition = Condition()
        self._anchor_figures = figures.anchors
        self._size = figures.size.labels(settings.ledger)
        self._lag_events = figures.lag_events.labels(settings.ledger)
        self._active = figures.active.labels(settings.ledger)
        self._diverged = figures.diverged.labels(settings.ledger)

    def attempt(self, stop: threading.Event) -> None:
        """Seal until `stop`; raises whatever is away or wrong."""
        login = conninfo(self._settings, self._secrets, "sealer", "ledger")
        with psycopg.connect(login, autocommit=True) as connection:
            check(connection, self._settings, "ledger")
            epoch = EventReader(connection).epoch()
            stored = StoredSeals(connection, epoch)
            try:
                if self._wait_for_lock(stored, stop):
                    self._seal(stored, epoch, EventReader(connection), stop)
            except SealsDiverged:
                self._diverged.set(1)
                raise
            finally:
                self._active.set(0)

    def _wait_for_lock(self, stored: StoredSeals, stop: threading.Event) -> bool:
        """Stand by until the other sealer's session ends; no when told to stop before."""
        while not stop.is_set():
            if stored.lock():
                self._active.set(1)
                return True
            if self.condition.reason is not None:
                _LOG.info("sealer-stands-by")
                self.condition.reason = None
            stop.wait(STANDBY_SECONDS)
        return False

    def _seal(
        self, stored: StoredSeals, epoch: int, reader: EventReader, stop: threading.Event
    ) -> None:
        """Seal the log of an epoch until `stop`, or until another epoch has begun."""
        memory = SealMemory(self._settings.home, self._settings.ledger, epoch)
        sealing = self._sealing(stored, memory, epoch, lambda: stop.wait(REST_SECONDS))
        if memory.read() is None and stored.last() is not None:
            # Whatever the store has is believed now, if it is signed and its own tree says so.
            _LOG.warning("no-seal-remembered", file=str(memory.path))
        sealing.begin()
        self._diverged.set(0)
        anchors = chosen_anchors(self._settings)
        with Anchoring(anchors, self._anchor_figures, self._settings.ledger) as anchoring:
            if sealing.last is not None:
                anchoring.offer(sealing.last)
            while not stop.is_set() and reader.epoch() == epoch:
                due = time.monotonic() + self._settings.seal_interval
                if not sealing.behind:
                    sealing.look_back()
                seal = sealing.step()
                self.condition.reason = None
                self._observe(stored, sealing.last)
                if seal is not None:
                    anchoring.offer(seal)
                if not sealing.behind:
                    stop.wait(max(0.0, due - time.monotonic()))

    def _sealing(self, stored: StoredSeals, memory: SealMemory, epoch: int, rest: Rest) -> Sealing:
        origin = seal_origin(self._settings, epoch)
        signer = SealSigner(SealKeys(self._settings.home), origin, stored.keys)
        begin = randbelow(1_000_000)
        return Sealing(stored, memory, signer, origin, look_back_from=begin, rest=rest)

    def _observe(self, stored: StoredSeals, last: Seal | None) -> None:
        size = 0 if last is None else last.checkpoint.size
        self._size.set(size)
        self._lag_events.set(max(0, stored.head() - size))
