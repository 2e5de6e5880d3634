"""Compares the read models with the checker's own fold, row by row while the events pass."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.faults.book import MOST_FAULTS, Book, Row
from tests.faults.book_schedules import STANDING
from tests.faults.reporting import DECLINES, IN_ORDER, Reporting
from tests.faults.story import Story

ENTRIES = """
    SELECT position, version, amount, posted_after, held_after, recorded_at, effective_at,
        wallet_id, payment_id, counterparty, direction, currency, description
    FROM "{schema}".entries ORDER BY position"""
PAYMENTS = """
    SELECT position, payment_id, amount, available, recorded_at, effective_at, source_wallet_id,
        destination_wallet_id, kind, status, currency, failure_code, description, reference,
        metadata, began_as, captured, uncaptured, refunded, refundable, expires_at,
        original_payment_id, requested_by, approved_by, quorums
    FROM "{schema}".payments ORDER BY position"""
LEGS = """
    SELECT payment_id, leg, position, amount, source_wallet_id, destination_wallet_id, currency
    FROM "{schema}".payment_legs ORDER BY position, leg"""
STEPS = """
    SELECT position, payment_id, status, amount, recorded_at, effective_at
    FROM "{schema}".payment_steps ORDER BY position"""
OCCURRENCES = """
    SELECT position, schedule_id, occurs_on, attempt, outcome, payment_id, code, retry_on,
        recorded_at
    FROM "{schema}".schedule_occurrences ORDER BY position"""
BALANCES = """
    SELECT wallet_id, posted, held, overdraft_limit, frozen_by_member, frozen_by_operator, closed,
        position, opened_position, opened_at, kind, account_class, currency, owner, name,
        reference, per_payment, per_day, approvals_required, approvals_above
    FROM "{schema}".balances"""
MEMBERS = 'SELECT wallet_id, user_id, role, opened_position FROM "{schema}".members'
SCHEDULES = """
    SELECT schedule_id, position, amount, recorded_at, source_wallet_id, destination_wallet_id,
        currency, description, starts_on::text, recurrence, until::text, count, if_missed,
        created_by, status, next_on::text, done, attempt, retry_on::text
    FROM "{schema}".schedules"""
DAYS = 'SELECT date, currency, kind, count, volume, declined FROM "{schema}".daily_totals'
TRIAL = 'SELECT opened_position, wallet_id, currency FROM "{schema}".trial_balance'
REQUESTS = 'SELECT request_id FROM "{schema}".payment_requests'
ALONG = {
    "entries": ENTRIES,
    "payment_legs": LEGS,
    "payment_steps": STEPS,
    "schedule_occurrences": OCCURRENCES,
    "payments": PAYMENTS,
    **IN_ORDER,
}
"""The tables that are read in the order of positions, while the events pass."""


class Tables:
    """The read models of a ledger; all of them must have come as far as the events."""

    def __init__(self, reports_url: str, schema: str = "reports_main") -> None:
        """Take the URL of the reports database; connects at once."""
        self.faults: list[str] = []
        self.rows = 0
        self._schema = schema
        self._reporting = Reporting()
        # One snapshot would be better still, but nothing writes any more when this is read.
        self._connections = [psycopg.connect(reports_url) for _ in (*ALONG, "the end")]
        self._tables = {
            name: self._rows(place, statement)
            for place, (name, statement) in enumerate(ALONG.items())
        }

    def watch(self, book: Book, row: Row) -> None:
        """Compare the rows that the last event adds."""
        if book.entry is not None:
            self._compare("entries", book.entry)
        for leg in book.stories.legs:
            self._compare("payment_legs", leg)
        if book.stories.step is not None:
            self._compare("payment_steps", book.stories.step)
        if book.schedules.occurrence is not None:
            self._compare("schedule_occurrences", book.schedules.occurrence)
        self._reporting.tell(book, row)
        for name, expected in self._reporting.added.items():
            self._compare(name, expected)

    def finish(self, book: Book) -> None:
        """Compare what is known at the end only, and close."""
        for story in book.stories.told.values():
            self._compare("payments", _payment(story))
        for name, rows in self._tables.items():
            left = next(rows, None)
            if left is not None:
                self._fault(f"{name} has a row that no event tells of: {left}")
        self._sets("balances", BALANCES, set(_balances(book)))
        self._sets("members", MEMBERS, set(_members(book)))
        self._sets("schedules", SCHEDULES, set(_schedules(book)))
        self._sets("daily_totals", DAYS, {(*day, *total) for day, total in book.days.items()})
        opened = {
            (wallet.row["opened_position"], name, wallet.row["currency"])
            for name, wallet in book.wallets.items()
        }
        self._sets("trial_balance", TRIAL, opened)
        self._sets("declines", DECLINES, self._reporting.declined())
        # No campaign asks anybody for money.
        self._sets("payment_requests", REQUESTS, set())
        for connection in self._connections:
            connection.close()

    def _rows(self, place: int, statement: str) -> Iterator[tuple[Any, ...]]:
        with self._connections[place].cursor(f"rows{place}") as cursor:
            cursor.itersize = 5_000
            cursor.execute(statement.format(schema=self._schema))
            yield from cursor

    def _compare(self, name: str, expected: tuple[Any, ...]) -> None:
        self.rows += 1
        found = next(self._tables[name], None)
        if found != expected:
            self._fault(f"{name} has {found} where the events say {expected}")

    def _sets(self, name: str, statement: str, expected: set[tuple[Any, ...]]) -> None:
        rows = self._connections[-1].execute(statement.format(schema=self._schema))
        found = set(rows.fetchall())
        self.rows += len(expected)
        for row in list(found - expected)[:5]:
            self._fault(f"{name} has {row}, which the events do not say")
        for row in list(expected - found)[:5]:
            self._fault(f"{name} lacks {row}")

    def _fault(self, text: str) -> None:
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(text)


def _balances(book: Book) -> Iterator[tuple[Any, ...]]:
    for name, wallet in book.wallets.items():
        row = wallet.row
        yield (
            name,
            wallet.balance,
            wallet.held,
            wallet.limit,
            wallet.frozen.get("member", False),
            wallet.frozen.get("operate", False),
            wallet.closed,
            wallet.position,
            row["opened_position"],
            row["opened_at"],
            row["kind"],
            row["class"],
            row["currency"],
            row["owner"],
            row["name"],
            row["reference"],
            wallet.per_payment,
            wallet.per_day,
            *wallet.approvals,
        )


def _payment(story: Story) -> tuple[Any, ...]:
    began = story.began
    waits = "quorums" in began
    return (
        story.position,
        story.name,
        story.amount,
        began.get("available"),
        story.recorded_at,
        _moment(began.get("effective_at")) or story.recorded_at,
        began["source_wallet_id"],
        began["destination_wallet_id"],
        story.kind,
        story.status,
        began["currency"],
        story.failure,
        *(began.get(name) for name in ("description", "reference", "metadata")),
        story.began_as,
        *(story.captured, story.left, story.refunded, story.refundable),
        _moment(story.expires_at),
        began.get("original_payment_id"),
        began.get("requested_by"),
        story.approved_by if waits else None,
        {q["wallet_id"]: q["required"] for q in began["quorums"]} if waits else None,
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _members(book: Book) -> Iterator[tuple[Any, ...]]:
    for name, wallet in book.wallets.items():
        for user, role in wallet.members.items():
            yield name, user, role, wallet.row["opened_position"]


def _schedules(book: Book) -> Iterator[tuple[Any, ...]]:
    facts = ("source_wallet_id", "destination_wallet_id", "currency", "description")
    dates = ("starts_on", "recurrence", "until", "count", "if_missed", "created_by")
    for name, made in book.schedules.made.items():
        yield (
            *(name, made.position, made.began["amount"], made.recorded_at),
            *(made.began[fact] for fact in (*facts, *dates)),
            *(made.standing[fact] for fact in STANDING),
        )


def reports_of(ledger_url: str, name: str = "reports") -> str:
    """Return the URL of the reports database beside that of the ledger."""
    return make_conninfo(ledger_url, dbname=name)
