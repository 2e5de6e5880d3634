"""Builds read models of an older version anew in a thread, while their old rows go on serving."""

import threading
from collections.abc import Sequence

import structlog

from infrastructure.report_store.rebuilt_tables import rebuilt_tables
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.rebuilding.run import rebuild
from projections.checkpoints import Checkpoint
from projections.contract import Projection

AGAIN_SECONDS = 3.0
REFUSED_SECONDS = 600.0
"""After how long rows that were found wrong are built again: it takes a processor, and whoever
mends what is wrong begins the process anew."""

_LOG = structlog.get_logger("projector")


class _Stopped(Exception):
    """The process ends; what was built so far is gone on from by the next one."""


def older(
    catalogue: Sequence[Projection], known: dict[str, Checkpoint], epoch: int
) -> list[Projection]:
    """Return the projections whose live rows an older version has made, and which tell something.

    Rows of an earlier epoch tell of a past that is void: they serve nobody, and are not among them.
    """
    return [
        each
        for each in catalogue
        if known[each.name].version < each.version
        and known[each.name].position > 0
        and known[each.name].epoch == epoch
    ]


class Renewal:
    """A thread that rebuilds one read model after the other until all are of this version."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        projections: Sequence[Projection],
        stop: threading.Event,
    ) -> None:
        """Take what is to be built anew; nothing is begun without any."""
        self._settings = settings
        self._secrets = secrets
        self._projections = projections
        self._stop = stop
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="renewal", daemon=True)
        self.done = False
        self.reason: str | None = None
        """Why it does not come to an end, for health checks."""

    def start(self) -> None:
        """Begin, where there is anything to do."""
        if self._projections:
            self._thread.start()

    def close(self) -> None:
        """End the thread at the next place where it may be left."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        structlog.contextvars.bind_contextvars(ledger=self._settings.ledger)
        try:
            for projection in self._projections:
                self._renew(projection)
            self.done = True
        except _Stopped:
            pass

    def _renew(self, projection: Projection) -> None:
        while True:
            pause = AGAIN_SECONDS
            try:
                with rebuilt_tables(self._settings, self._secrets, projection) as tables:
                    if tables.version() >= projection.version:
                        # Another process has done it.
                        return
                found = rebuild(self._settings, self._secrets, projection, self._go_on)
            except _Stopped:
                raise
            except Exception as fault:  # noqa: BLE001 (whatever is away comes back, as for a role)
                _LOG.warning("renewal-waits", projection=projection.name, fault=repr(fault))
            else:
                if found.findings.first is None:
                    self.reason = None
                    _LOG.info("renewed", projection=projection.name, version=projection.version)
                    return
                self.reason = (
                    f"the new version of {projection.name} is not as the events say, so the old"
                    f" one serves: {found.findings.first.sentence()}"
                )
                _LOG.error("renewal-refused", projection=projection.name, why=self.reason)
                pause = REFUSED_SECONDS
            self._ended.wait(pause)
            self._go_on("waiting", 0, 0)

    def _go_on(self, _doing: str, _done: int, _last: int) -> None:
        if self._stop.is_set() or self._ended.is_set():
            raise _Stopped
