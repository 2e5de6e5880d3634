"""What roles that follow a ledger have in common: they work until told to stop."""

import threading
from typing import Protocol

import psycopg
import structlog
from confluent_kafka import KafkaException

from application.commands import ClockUnsure, Unanswered
from application.sealing import SealingRefused, SealsDiverged
from infrastructure.archive.failure import ArchiveUnusable
from infrastructure.databases.migrate import MigrationRefused
from infrastructure.event_codec import EventUnreadable
from infrastructure.kafka.publisher import StoreDiverged
from infrastructure.kafka.topic import TopicUnusable
from infrastructure.secrets import SecretMissing
from projections.worker import Diverged, Halted

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 3.0
DIVERGED = "diverged: "
"""How the reason of a role begins that waits for a person, whatever else comes back."""

_LOG = structlog.get_logger("worker")


class Condition:
    """What keeps a role from being ready, in words without secrets, or nothing."""

    def __init__(self) -> None:
        """Begin as not ready."""
        self.reason: str | None = "it is starting"

    def check(self) -> str | None:
        """Answer a health check."""
        return self.reason


class Role(Protocol):
    """A role that lives in a process with others."""

    name: str
    condition: Condition

    def attempt(self, stop: threading.Event) -> None:
        """Connect and work until `stop`; raises whatever ends the work before."""


def keep_working(role: Role, stop: threading.Event) -> None:
    """Attempt the role's work again and again, with a growing pause while something is away.

    Raises only `AssertionError`: a broken invariant is nothing to try again.
    """
    pause = FIRST_PAUSE_SECONDS
    told: str | None = None
    while not stop.is_set():
        try:
            role.attempt(stop)
        except AssertionError:
            raise
        except Exception as fault:  # noqa: BLE001 (a worker outlives whatever is away)
            if role.condition.reason is None:
                # It has worked in between, so what is away now has just gone.
                pause, told = FIRST_PAUSE_SECONDS, None
            reason = reason_of(fault)
            role.condition.reason = reason
            if reason != told:
                _LOG.warning("role-waits", role=role.name, why=reason, fault=repr(fault))
                told = reason
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def reason_of(fault: Exception) -> str:
    """Return why a role cannot work, as its health may tell everybody."""
    match fault:
        case Diverged() | StoreDiverged() | SealsDiverged():
            return f"{DIVERGED}{fault}"
        case Halted() | TopicUnusable() | MigrationRefused() | EventUnreadable():
            return str(fault)
        case SealingRefused():
            return str(fault)
        case ArchiveUnusable():
            return "the archive that events were moved to cannot be read; the log tells more"
        case psycopg.Error():
            return "the database does not answer as it must"
        case ClockUnsure():
            return "the database's clock has jumped and is not trusted yet"
        case Unanswered():
            return "the ledger does not answer in time"
        case KafkaException():
            return "the broker does not answer as it must"
        case SecretMissing():
            return "a secret is missing; the log names it"
        case _:
            return f"it failed with {type(fault).__name__}; the log tells more"
