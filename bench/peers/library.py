"""A ledger of the event-sourcing library's own aggregates, saved by its own recorder."""

import random
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError
from psycopg.conninfo import conninfo_to_dict

ACCOUNTS = 1_000
CONNECTIONS = 8


class Account(Aggregate):
    """An account with its balance; each movement is one event."""

    def __init__(self, currency: str) -> None:
        """Open it."""
        self.currency = currency
        self.balance = Decimal(0)

    @event("Moved")
    def move(self, payment: UUID, amount: Decimal) -> None:
        """Add to the balance, or take from it."""
        self.last_payment = payment
        self.balance += amount


class Payment(Aggregate):
    """A payment, made once."""

    def __init__(self, source: UUID, destination: UUID, amount: Decimal) -> None:
        """Record it."""
        self.source = source
        self.destination = destination
        self.amount = amount


class LibraryLedger(Application[UUID]):
    """Transfers by loading two accounts, moving, and saving three aggregates at once."""

    def open(self) -> UUID:
        """Open an account."""
        account = Account("EUR")
        self.save(account)
        return account.id

    def transfer(self, source: UUID, destination: UUID, amount: Decimal) -> bool:
        """Try once; no when another transfer was first at one of the accounts."""
        payment = Payment(source, destination, amount)
        paying: Account = self.repository.get(source)
        paid: Account = self.repository.get(destination)
        paying.move(payment.id, -amount)
        paid.move(payment.id, amount)
        try:
            self.save(payment, paying, paid)
        except IntegrityError:
            return False
        return True


def open_library(admin: str) -> tuple[LibraryLedger, list[UUID]]:
    """Return the library's application over a database, and its accounts."""
    given = conninfo_to_dict(admin)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(given["dbname"]),
        "POSTGRES_HOST": str(given["host"]),
        "POSTGRES_PORT": str(given["port"]),
        "POSTGRES_USER": str(given["user"]),
        "POSTGRES_PASSWORD": str(given["password"]),
        "POSTGRES_POOL_SIZE": str(CONNECTIONS),
        "POSTGRES_MAX_OVERFLOW": "0",
        # Without it every transfer would read both accounts from their beginning.
        "AGGREGATE_CACHE_MAXSIZE": str(2 * ACCOUNTS),
    }
    ledger = LibraryLedger(env=environment)
    return ledger, [ledger.open() for _ in range(ACCOUNTS)]


def transfers(
    ledger: LibraryLedger, accounts: Sequence[UUID], callers: int, seconds: float, *, hot: bool
) -> float:
    """Return transfers a second of so many threads, each of which tries again until it is done."""
    done = [0] * callers
    began = time.perf_counter()

    def call(caller: int) -> None:
        while time.perf_counter() < began + seconds:
            source, destination = random.sample(accounts, 2)
            if hot and source != accounts[0]:
                destination = accounts[0]
            while not ledger.transfer(source, destination, Decimal("0.01")):
                if time.perf_counter() > began + seconds:
                    return
            done[caller] += 1

    threads = [threading.Thread(target=call, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)
