"""A stock application of the `eventsourcing` library reads the ledger's streams."""

import threading
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import ProgrammingError, StoredEvent
from eventsourcing.utils import register_topic

from application.commands import Answer
from domain.identifiers import bits
from infrastructure.databases.logins import conninfo
from tests.servers import FreshDatabases
from tests.written import Written

TYPES = (
    "wallet.opened.v1",
    "wallet.debited.v1",
    "wallet.credited.v1",
    "payment.completed.v1",
)


class Stored(DomainEvent):
    """Any stored event, with its fields as attributes."""

    amount: int
    currency: str
    name: str
    kind: str


@pytest.fixture(scope="module", autouse=True)
def topics() -> None:
    """Tell the library what our permanent type names stand for."""
    for name in TYPES:
        register_topic(name, Stored)


@pytest.fixture
def reader(databases: FreshDatabases) -> Application[UUID]:
    """Return an application as the library makes it, in the role of an auditor."""
    place = conninfo(databases.settings, databases.secrets, "audit", "ledger")
    return Application(
        env={"PERSISTENCE_MODULE": "infrastructure.event_log.library", "LEDGER_CONNINFO": place}
    )


def test_streams_and_notifications(reader: Application[UUID], writer: Written) -> None:
    """Streams come in version order, the notification log in position order."""
    source, destination = writer.open(overdraft_limit=None), writer.open()
    paid = writer.pay(source, destination, 250)
    assert isinstance(paid, Answer)
    opened, debited = reader.events.get(bits(source))
    assert isinstance(opened, Stored)
    assert (opened.originator_version, opened.currency) == (1, "EUR")
    assert isinstance(debited, Stored)
    assert (debited.originator_version, debited.amount) == (2, 250)
    assert [n.id for n in reader.notification_log.select(1, 10)] == [1, 2, 3, 4, 5]
    found = reader.recorder.select_notifications(1, 10, topics=["wallet.credited.v1"])
    assert [(n.id, n.originator_id) for n in found] == [(5, bits(destination))]
    assert reader.recorder.max_notification_id() == 5


def test_subscription_waits_for_what_comes(reader: Application[UUID], writer: Written) -> None:
    """A subscriber gets what is recorded after it began."""
    writer.open()
    with reader.recorder.subscribe(gt=1) as subscription:
        threading.Timer(0.2, writer.open).start()
        assert next(subscription).id == 2


def test_it_cannot_insert(reader: Application[UUID]) -> None:
    """The library's own insert, which doubles work after a lost connection, is closed."""
    event = StoredEvent(UUID(int=1), 1, "wallet.opened.v1", b"{}")
    with pytest.raises(ProgrammingError):
        reader.recorder.insert_events([event])


def test_the_opening_is_the_commands(writer: Written, reader: Application[UUID]) -> None:
    """What the library reads is what was decided."""
    wallet = writer.open(name="Savings")
    (opened,) = reader.events.get(bits(wallet))
    assert isinstance(opened, Stored)
    assert (opened.name, opened.kind) == ("Savings", "personal")
