"""How far each read model has come, and whether it stands at the event that it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from domain.identifiers import StreamId, event_id
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.stored import Stored

COMPARED = (
    *("balances", "members", "entries", "payments", "payment_requests", "daily_totals"),
    *("schedules", "trial_balance", "value_dates", "declines", "audit_trail"),
)
"""The read models that this check knows; another one is named as not compared."""

MODEL_OF = {
    "payment_legs": "payments",
    "payment_steps": "payments",
    "schedule_occurrences": "schedules",
    "value_days": "value_dates",
    "late_entries": "value_dates",
}
"""Which read model a table belongs to, where that has another name."""

# Version, state, reason and the moment of the last change follow from no event.
CHECKPOINTS: LiteralString = """
SELECT projection, store, position, version, state, epoch, event_id, timestamptz_send(recorded_at)
FROM checkpoint ORDER BY projection"""


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A read model as it was found: `position` is its checkpoint.

    `event_id` and `recorded` are what it says of the event there, by which a projector knows its
    own past again; both are none at position 0.
    """

    name: str
    store: UUID
    position: int
    version: int
    state: str
    epoch: int
    event_id: str | None
    recorded: bytes | None

    @property
    def compared(self) -> bool:
        """Whether this check knows it."""
        return self.name in COMPARED

    @property
    def tables(self) -> Sequence[str]:
        """The tables that belong to it, as differences name them."""
        return (self.name, *(table for table, model in MODEL_OF.items() if model == self.name))


def read_models(connection: psycopg.Connection[Any]) -> Sequence[ReadModel]:
    """Return every read model that has begun."""
    return [ReadModel(*row) for row in connection.execute(CHECKPOINTS)]


def check_place(
    model: ReadModel, store: UUID, epoch: int | None, last: int, findings: Findings
) -> None:
    """Compare of which store, of which epoch of it and where in it a read model says that it is.

    An epoch of none is not asked for.
    """
    if model.store != store:
        wrong(findings, 1, model.name, "store", store, model.store)
    if epoch is not None and model.epoch != epoch:
        wrong(findings, 1, model.name, "epoch", epoch, model.epoch)
    if model.position > last:
        field = "last position that the store has"
        wrong(findings, last + 1, model.name, field, model.position, last)


def check_event(model: ReadModel, last: Stored | None, findings: Findings) -> None:
    """Compare what a checkpoint says of its event; `last` is the one that was read last.

    Where that is another one, the event cannot be read, or is none that was asked for.
    """
    if model.position == 0:
        expected: tuple[str | None, bytes | None] = (None, None)
    elif last is not None and last.position == model.position:
        expected = (event_id(StreamId(last.name), last.version), last.recorded)
    else:
        return
    findings.compare(
        model.position,
        model.name,
        "checkpoint",
        ("event_id", "recorded_at"),
        expected,
        (model.event_id, model.recorded),
    )


def wrong(
    findings: Findings, position: int, name: str, field: str, expected: object, found: object
) -> None:
    """Add a difference of a read model's checkpoint."""
    findings.add(Difference(position, name, "checkpoint", field, expected, found))
