"""Takes seals to their anchors, each in a thread of its own: none of them holds up the sealer."""

import threading
from collections.abc import Sequence

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from application.anchoring import Anchor, AnchorFailed
from application.sealing import Seal

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

_LOG = structlog.get_logger("sealer")


class AnchorFigures:
    """The figures of the anchors of one process, each with its ledger."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""
        labels = ["anchor", "ledger"]
        self.size = Gauge(
            "falconpay_anchor_size", "Last position anchored.", labels, registry=registry
        )
        self.failing = Gauge(
            "falconpay_anchor_failing",
            "Whether the last attempt to anchor a seal failed.",
            labels,
            registry=registry,
        )
        self.failures = Counter(
            "falconpay_anchor_failures", "Attempts that failed.", labels, registry=registry
        )


class Anchoring:
    """Gives the latest seal to every anchor until it is taken; use it as a context."""

    def __init__(self, anchors: Sequence[Anchor], figures: AnchorFigures, ledger: str) -> None:
        """Take the anchors of one ledger; nothing begins yet."""
        self._figures = figures
        self._ledger = ledger
        self._latest: Seal | None = None
        self._ended = False
        self._changed = threading.Condition()
        # A place that hangs must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._work, args=(anchor,), name=anchor.kind, daemon=True)
            for anchor in anchors
        ]

    def __enter__(self) -> "Anchoring":
        """Begin to work."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        """Let every thread end after what it is doing."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def offer(self, seal: Seal) -> None:
        """Let a seal take the place of the one before, whether or not that was anchored."""
        with self._changed:
            self._latest = seal
            self._changed.notify_all()

    def _work(self, anchor: Anchor) -> None:
        done: Seal | None = None
        pause: float | None = None
        told = ""
        while (seal := self._next(done, pause)) is not None:
            try:
                anchor.publish(seal)
            except Exception as fault:  # noqa: BLE001 (an anchor may fail in any way)
                pause = min(2 * (pause or FIRST_PAUSE_SECONDS / 2), LONGEST_PAUSE_SECONDS)
                told = self._failed(anchor, fault, told)
            else:
                done, pause, told = seal, None, ""
                self._figures.failing.labels(anchor.kind, self._ledger).set(0)
                self._figures.size.labels(anchor.kind, self._ledger).set(seal.checkpoint.size)

    def _next(self, done: Seal | None, pause: float | None) -> Seal | None:
        """Wait for a seal that is not anchored yet, and for the pause; none when it is to end."""
        with self._changed:
            if pause is not None:
                self._changed.wait_for(lambda: self._ended, pause)
            self._changed.wait_for(lambda: self._ended or self._latest is not done)
            return None if self._ended else self._latest

    def _failed(self, anchor: Anchor, fault: Exception, told: str) -> str:
        reason = str(fault) if isinstance(fault, AnchorFailed) else type(fault).__name__
        self._figures.failing.labels(anchor.kind, self._ledger).set(1)
        self._figures.failures.labels(anchor.kind, self._ledger).inc()
        if reason != told:
            _LOG.warning("anchor-failed", anchor=anchor.kind, ledger=self._ledger, why=reason)
        return reason
