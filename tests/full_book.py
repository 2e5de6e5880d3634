"""The book with every kind of payment, and hands that may do everything to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from domain.identifiers import StreamId, bits
from tests.altered_book import Book, kept
from tests.books import project
from tests.every_payment import EveryPayment, write_every_payment
from tests.servers import FreshDatabases


@dataclass(frozen=True)
class Full:
    """The book with every kind of payment, and hands that may do everything to it."""

    names: EveryPayment
    book: Book

    def positions(self, stream: StreamId) -> list[int]:
        """Return where the events of a stream stand."""
        rows = self.book.ledger.execute(
            "SELECT notification_id FROM events WHERE originator_id = %s ORDER BY 1",
            (bits(stream),),
        )
        return [position for (position,) in rows]

    def of(self, name: str) -> list[int]:
        """Return where the events of a payment stand."""
        return self.positions(StreamId(self.names.payments[name]))

    def home(self) -> list[int]:
        """Return where the events of the shared wallet stand."""
        return self.positions(StreamId(self.names.wallets["home"]))

    def place_of(self, stream: StreamId, type_name: str, number: int = 0) -> int:
        """Return where a stream has its nth event of a type."""
        rows = self.book.ledger.execute(
            "SELECT notification_id FROM events WHERE originator_id = %s AND topic = %s ORDER BY 1",
            (bits(stream), type_name),
        ).fetchall()
        return int(rows[number][0])

    def rewrite(self, position: int, old: str, new: str) -> None:
        """Exchange a text in an event's stored bytes."""
        done = self.book.ledger.execute(
            "UPDATE events SET state ="
            " convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')"
            " WHERE notification_id = %s AND position(%s in convert_from(state, 'UTF8')) > 0",
            (old, new, position, old),
        )
        assert done.rowcount == 1


@contextmanager
def full_book(databases: FreshDatabases) -> Iterator[Full]:
    """Write the book and project it."""
    names = write_every_payment(databases)
    project(databases)
    with kept(databases) as book:
        yield Full(names, book)
