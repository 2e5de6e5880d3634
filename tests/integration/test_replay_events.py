"""`replay verify` finds altered events, and names the first position concerned."""

from typing import LiteralString

import pytest

from domain.identifiers import bits, payment_id
from projections.catalogue import CATALOGUE
from tests.altered_book import REPORT_TABLES, Book, wallet_of
from tests.books import project, replay


def rewrite(book: Book, position: int, old: str, new: str) -> None:
    """Exchange a text in an event's stored bytes."""
    done = book.ledger.execute(
        "UPDATE events SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')"
        " WHERE notification_id = %s AND position(%s in convert_from(state, 'UTF8')) > 0",
        (old, new, position, old),
    )
    assert done.rowcount == 1


def test_a_book_that_nobody_touched_has_no_difference(book: Book) -> None:
    found = replay(book.databases)
    assert found.findings.kept == []
    assert (found.position, found.events, found.wallets) == (20, 20, 3)
    assert {model.name: model.position for model in found.read_models} == dict.fromkeys(
        (projection.name for projection in CATALOGUE), 20
    )
    assert all(model.compared for model in found.read_models)


ALTERED_BYTES = [
    pytest.param(8, '"amount":200', '"amount":201', (8, "events", "amount"), id="a debit"),
    pytest.param(9, '"amount":200', '"amount":100', (9, "events", "amount"), id="a credit"),
    pytest.param(7, '"amount":200', '"amount":201', (7, "payments", "amount"), id="a payment"),
    pytest.param(8, '"EUR"', '"CZK"', (8, "events", "currency"), id="a currency"),
    pytest.param(7, "no. 200", "no. 201", (7, "payments", "description"), id="a text"),
    pytest.param(4, '"shelf":"7"', '"shelf":"8"', (4, "payments", "metadata"), id="metadata"),
    pytest.param(10, '"amount":5000', '"amount":5001', (10, "payments", "amount"), id="declined"),
    pytest.param(2, '"name":"two"', '"name":"too"', (20, "balances", "name"), id="a name"),
    pytest.param(14, '"overdraft_limit":100', '"overdraft_limit":999',
                 (20, "balances", "overdraft_limit"), id="a limit"),
    pytest.param(14, '"overdraft_limit":100', '"overdraft_limit":-400',
                 (14, "events", "available"), id="a limit in use"),
    pytest.param(12, '"side":"member"', '"side":"operate"',
                 (17, "balances", "frozen_by_member"), id="a freeze"),
    pytest.param(9, '"amount"', '"amounts"', (9, "events", "data"), id="a key"),
    pytest.param(1, '"kind"', "'kind'", (1, "events", "data"), id="no JSON"),
    pytest.param(8, '"effective_at":"', '"effective_at":"x', (8, "events", "data"), id="no time"),
    pytest.param(7, '"effective_at":"2', '"effective_at":"9999', (7, "events", "data"),
                 id="no time of a payment"),
    pytest.param(8, '"effective_at":', '"effective_at":"2026-02-30T00:00:00.000000Z","x":',
                 (8, "events", "data"), id="a day that never was"),
    pytest.param(8, 'Z"', '+00:00"', (8, "events", "data"), id="a time in another form"),
    pytest.param(8, '"amount":200', f'"amount":{"9" * 5_000}', (8, "events", "data"),
                 id="a number without end"),
    pytest.param(8, '"amount":200', f'"amount":200,"x":{"[" * 50_000}{"]" * 50_000}',
                 (8, "events", "data"), id="nesting without end"),
]  # fmt: skip


@pytest.mark.parametrize(("position", "old", "new", "place"), ALTERED_BYTES)
def test_altered_bytes_are_found(
    book: Book, position: int, old: str, new: str, place: tuple[int, str, str]
) -> None:
    rewrite(book, position, old, new)
    first, where, _, field = book.place()
    assert (first, where, field) == place


def test_an_amount_altered_in_all_events_of_a_command_is_found(book: Book) -> None:
    """The command agrees with itself, so the entries say that it was otherwise."""
    for position in (7, 8, 9):
        rewrite(book, position, '"amount":200', '"amount":201')
    assert book.place() == (7, "payments", payment_of(book, 7), "amount")


def payment_of(book: Book, position: int) -> str:
    row = book.ledger.execute(
        "SELECT originator_id FROM events WHERE notification_id = %s", (position,)
    ).fetchone()
    assert row is not None
    return payment_id(row[0])


def test_a_currency_that_does_not_sum_to_zero_is_found(book: Book) -> None:
    rewrite(book, 8, '"amount":200', '"amount":201')
    sentences = [difference.sentence() for difference in replay(book.databases).findings.kept]
    assert (
        f"Position 9, events, {wallet_of(3)}: sum of EUR over the command should be 0 and is -1."
        in sentences
    )


def test_a_wallet_below_its_limit_is_found_where_it_happened(book: Book) -> None:
    """700 instead of 200 leaves the second wallet with 200 less than nothing."""
    for position in (7, 8, 9):
        rewrite(book, position, '"amount":200', '"amount":700')
    sentences = [difference.sentence() for difference in replay(book.databases).findings.kept]
    assert (
        f"Position 8, events, {wallet_of(2)}: available should be 0 or more and is -200."
        in sentences
    )


@pytest.mark.parametrize("position", range(1, 20))
def test_a_deleted_row_is_found_at_its_position(book: Book, position: int) -> None:
    book.ledger.execute("DELETE FROM events WHERE notification_id = %s", (position,))
    assert book.place() == (position, "events", "-", "position")


@pytest.mark.parametrize("last", [19, 17, 16, 10, 3, 0])
def test_a_cut_tail_is_found_at_the_first_missing_position(book: Book, last: int) -> None:
    book.ledger.execute("DELETE FROM events WHERE notification_id > %s", (last,))
    assert book.place()[0] == last + 1


def test_a_cut_tail_is_found_by_the_heads_alone(book: Book) -> None:
    """The read models stand where the cut is, so only the heads know of more."""
    book.ledger.execute("DELETE FROM events WHERE notification_id > 14")
    for table in REPORT_TABLES:
        book.reports.execute(f"DELETE FROM {table}")
    project(book.databases)
    assert book.place()[:2] == (15, "wallet_head")


def test_a_cut_tail_is_found_by_the_read_models_alone(book: Book) -> None:
    """The heads were taken back as well, as a restore from an older copy does."""
    book.ledger.execute("DELETE FROM events WHERE notification_id > 17")
    book.ledger.execute(
        "UPDATE wallet_head SET posted = posted + 1, version = version - 1, spent = spent - 1"
        " WHERE id = %s",
        (bits(wallet_of(1)),),
    )
    book.ledger.execute(
        "UPDATE wallet_head SET posted = posted - 1, version = version - 1 WHERE id = %s",
        (bits(wallet_of(2)),),
    )
    found = replay(book.databases).findings
    assert {difference.where for difference in found.kept} == {each.name for each in CATALOGUE}
    assert {difference.position for difference in found.kept} == {18}


def swap(book: Book, one: int, other: int) -> None:
    for old, new in ((one, 10**9), (other, one), (10**9, other)):
        book.ledger.execute(
            "UPDATE events SET notification_id = %s WHERE notification_id = %s", (new, old)
        )


@pytest.mark.parametrize(
    ("one", "other"), [(8, 9), (7, 8), (4, 7), (5, 8), (1, 2), (10, 18), (4, 10)]
)
def test_swapped_rows_are_found_at_the_first_of_them(book: Book, one: int, other: int) -> None:
    swap(book, one, other)
    assert book.place()[0] == one


def test_swapped_beginnings_are_found_where_they_stand(book: Book) -> None:
    """Either request could stand at either place, but the trail knows which wallet it was of.

    Without any read model the events behind it tell.
    """
    swap(book, 11, 13)
    assert book.place()[:2] == (11, "audit_trail")
    events = [each for each in replay(book.databases).findings.in_order() if each.where == "events"]
    assert events[0].position == 12


@pytest.mark.parametrize(
    ("statement", "position", "field"),
    [
        ("SET metadata = replace(convert_from(metadata, 'UTF8'),"
         """ '"index":1', '"index":2')::bytea WHERE notification_id = 5""", 5, "metadata.index"),
        ("SET metadata = replace(convert_from(metadata, 'UTF8'),"
         """ '"count":3', '"count":4')::bytea WHERE notification_id = 6""", 6, "metadata.count"),
        ("SET metadata = '{}' WHERE notification_id = 6", 6, "metadata"),
        ("SET recorded_at = recorded_at - interval '1 day' WHERE notification_id = 6", 6,
         "recorded_at"),
        ("SET originator_version = 9 WHERE notification_id = 6", 6, "version"),
        ("SET originator_version = 2 WHERE notification_id = 10", 10, "version"),
        ("SET topic = 'wallet.credited.v1' WHERE notification_id = 8", 8, "stream"),
    ],
)  # fmt: skip
def test_an_altered_column_is_found(
    book: Book, statement: LiteralString, position: int, field: str
) -> None:
    book.ledger.execute("UPDATE events " + statement)
    first, _, _, found = book.place()
    assert (first, found) == (position, field)
