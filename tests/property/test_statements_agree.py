"""Whatever is paid, all forms of a statement tell the same, and opening + entries = closing."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.drawn_statements import TEXTS
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome
from tests.told_statements import READERS, Told

ASSETS = {"POINTS": 0, "ETH": 18}
DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3, **ASSETS}
NOT_FOR_ASSETS = {"camt.053", "ofx"}
MOST = 10**16
"""An amount of which a dozen have room in every form."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment into the wallet, or out of it where the amount is below zero."""

    day: date
    amount: int
    description: str | None


@dataclass(frozen=True, slots=True)
class Book:
    """A wallet's currency, what was paid in the order of positions, and the days asked for."""

    currency: str
    paid: list[Paid]
    since: date
    through: date

    def exact(self, minor: int) -> Decimal:
        return Decimal(minor).scaleb(-DIGITS[self.currency])

    def expected(self) -> Told:
        """Return what must be told, by plain sums."""
        balance = sum(each.amount for each in self.paid if each.day < self.since)
        opening, amounts, after = self.exact(balance), [], []
        for each in sorted(self.paid, key=lambda paid: paid.day):
            if self.since <= each.day <= self.through:
                balance += each.amount
                amounts.append(self.exact(each.amount))
                after.append(self.exact(balance))
        return Told(opening, amounts, self.exact(balance), after)


FIRST = date(2024, 1, 1)
DAYS = st.integers(0, 90).map(lambda number: FIRST + timedelta(days=number))
SIZES = st.one_of(st.integers(1, 10_000), st.integers(1, MOST), st.just(MOST))
AMOUNTS = st.tuples(SIZES, st.sampled_from([1, 1, -1])).map(lambda pair: pair[0] * pair[1])


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Draw a book; value dates go back and forth along the positions."""
    paid = draw(st.lists(st.builds(Paid, DAYS, AMOUNTS, TEXTS), max_size=12))
    days = [draw(DAYS), draw(DAYS)]
    if draw(st.booleans()):
        days = [FIRST, FIRST + timedelta(days=36_525)]
    return Book(draw(st.sampled_from(sorted(DIGITS))), paid, min(days), max(days))


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home"), assets=ASSETS) as running:
        yield running


def of_json(found: Any) -> Told:
    signs = {"credit": 1, "debit": -1}
    return Told(
        Decimal(found["opening_balance"]),
        [signs[each["direction"]] * Decimal(each["amount"]) for each in found["entries"]],
        Decimal(found["closing_balance"]),
        [Decimal(each["balance_after"]) for each in found["entries"]],
    )


def write(system: QuerySystem, book: Book) -> str:
    """Write a book into the ledger and return its wallet."""
    till, wallet = (system.writer.open(book.currency, kind="system") for _ in range(2))
    for each in book.paid:
        ends = (till, wallet) if each.amount > 0 else (wallet, till)
        system.writer.transfer(
            *ends,
            abs(each.amount),
            currency=book.currency,
            description=each.description,
            effective_at=f"{each.day}T12:00:00.000000Z",
        )
    system.follow()
    return wallet


def test_all_forms_tell_the_same(system: QuerySystem) -> None:
    """In currencies of 0, 2, 3 and 18 digits, over nothing, and over a hundred years."""
    seen: Counter[str] = Counter()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(book=books())
    def check(book: Book) -> None:
        path, expected = f"/v1/wallets/{write(system, book)}/statement", book.expected()
        assert expected.opening is not None
        assert expected.closing == expected.opening + sum(expected.amounts)
        days: dict[str, Any] = {"from_": book.since, "to": book.through}
        assert of_json(system.found(path, **days)) == expected
        for form, read in READERS.items():
            answer = system.ask(path, format=form, **days)
            if book.currency in ASSETS and form in NOT_FOR_ASSETS:
                assert answer.status_code == 422, form
                continue
            assert answer.status_code == 200, answer.text
            told = read(answer.content)
            assert told.amounts == expected.amounts, form
            assert told.after in (None, expected.after), form
            if told.opening is not None:
                assert (told.opening, told.closing) == (expected.opening, expected.closing), form
        seen.update({"none": not expected.amounts, "opened": expected.opening != 0})
        seen.update({"late": [p.day for p in book.paid] != sorted(p.day for p in book.paid)})

    check()
    assert min(seen[kind] for kind in ("none", "opened", "late")) > 0, seen
