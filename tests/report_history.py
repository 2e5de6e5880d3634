"""A past for reports: every kind of payment, and years of random ones in three currencies."""

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.instants import Instant, instant
from tests.events_writer import EventsWriter
from tests.every_payment import EveryPayment, write_every_payment
from tests.query_system import QuerySystem

BEGIN = datetime(2023, 5, 1, tzinfo=UTC)
DAYS = 1_200
CODES = ("insufficient-funds", "wallet-frozen", "limit-exceeded")
CATEGORIES = (None, None, "groceries", "rent", "Ausflüge", "🎈" * 60, "")


def write_history(system: QuerySystem, payments: int = 150) -> EveryPayment:
    """Write it and let the read models follow."""
    book = write_every_payment(system.databases)
    for currency in ("EUR", "JPY", "KWD"):
        _write_random(system.writer, currency, payments)
        system.writer.flush()
    system.follow()
    return book


def _write_random(writer: EventsWriter, currency: str, payments: int) -> None:
    chance = writer.random
    references = ("cash", "fees", None)
    wallets = [
        writer.open(currency, kind="system", name=f"{currency} {reference}", reference=reference)
        for reference in references
    ]
    wallets += [writer.open(currency, owner=f"usr_{number}") for number in range(14)]
    for _ in range(payments):
        source, payee = chance.sample(wallets, 2)
        amount = chance.choice((1, 99, 10_000, 123_456_789, 10**15))
        more: dict[str, Any] = {"currency": currency, "effective_at": _some_day(writer)}
        category = chance.choice(CATEGORIES)
        if category is not None:
            more["metadata"] = {"category": category, "order": "1"}
        if chance.random() < 0.2:
            writer.decline(source, payee, amount, code=chance.choice(CODES), **more)
        else:
            writer.transfer(source, payee, amount, **more)


def _some_day(writer: EventsWriter) -> Instant:
    """Return a moment of some day, often the first or the last of a month or a day."""
    day = BEGIN + timedelta(days=writer.random.randrange(DAYS))
    if writer.random.random() < 0.3:
        day = day.replace(day=1)
    return instant(day - timedelta(microseconds=writer.random.choice((0, 1, 10**9))))
