"""The order of an import, its keys, and the balances that a file gives itself."""

from collections.abc import Iterable
from datetime import date

import pytest

from domain.payments import MakePayment
from domain.wallet_rules import OpenWallet
from interfaces.importing.balances import Difference, FileBalances
from interfaces.importing.order import KEPT, BadLineFound, days, survey
from interfaces.importing.rows import BadLine, Row
from interfaces.importing.submissions import Submissions

Found = list[Row | BadLine]
FIRST, SECOND = date(1993, 1, 1), date(1993, 1, 2)


def row(number: int, day: date, amount: int, balance: int | None = None, account: str = "7") -> Row:
    return Row(number + 1, str(number), account, day, amount, "CZK", "cash", balance=balance)


def numbers(found: Iterable[list[Row]]) -> list[list[int]]:
    return [[int(row.key) for row in rows] for rows in found]


def test_credits_come_before_debits_within_a_day_and_keep_the_order_of_the_file() -> None:
    rows: Found = [
        row(1, FIRST, -5),
        row(2, FIRST, 5),
        row(3, FIRST, -1),
        row(4, FIRST, 1),
        row(5, SECOND, -2),
        row(6, SECOND, 2),
    ]
    assert numbers(days(lambda: rows, survey(rows), False)) == [[2, 4, 1, 3], [6, 5]]


def test_a_file_too_long_to_be_kept_is_read_once_more() -> None:
    rows: Found = [row(number, FIRST, 5) for number in range(1, KEPT + 1)]
    assert survey(rows).kept == rows
    longer = survey([*rows, row(KEPT + 1, FIRST, 5)])
    assert (longer.kept, longer.rows) == (None, KEPT + 1)
    again: Found = [row(1, FIRST, -5), row(2, FIRST, 5)]
    assert numbers(days(lambda: again, longer, False)) == [[2, 1]]


def test_a_file_whose_dates_go_back_is_sorted_first() -> None:
    rows: Found = [row(1, SECOND, 5), row(2, FIRST, 5), row(3, SECOND, 6), row(4, FIRST, 6)]
    seen = survey(rows)
    assert not seen.sorted
    assert numbers(days(lambda: rows, seen, False)) == [[2, 4], [1, 3]]


def test_a_bad_line_lets_only_whole_days_before_it_pass() -> None:
    """Else credits of its day that stand behind it would come after debits of the day."""
    bad = BadLine(4, "No amount.")
    rows: Found = [row(1, FIRST, 5), row(2, SECOND, -5), bad, row(4, SECOND, 5)]
    given = days(lambda: rows, survey(rows), False)
    assert numbers([next(given)]) == [[1]]
    with pytest.raises(BadLineFound, match="Line 4: No amount") as raised:
        next(given)
    assert raised.value.bad is bad


def test_of_a_file_to_be_sorted_nothing_passes_with_a_bad_line() -> None:
    rows: Found = [row(1, SECOND, 5), row(2, FIRST, 5), BadLine(4, "No amount.")]
    with pytest.raises(BadLineFound):
        next(days(lambda: rows, survey(rows), False))


def test_bad_lines_that_are_skipped_are_counted_apart() -> None:
    rows: Found = [row(1, FIRST, 5), BadLine(3, "No amount."), row(3, FIRST, -5)]
    seen = survey(rows)
    assert (seen.rows, seen.bad) == (2, [BadLine(3, "No amount.")])
    assert numbers(days(lambda: rows, seen, True)) == [[1, 3]]


def test_commands_follow_from_the_file_alone() -> None:
    """Two runs make the same commands, and openings stand before what needs them, once."""
    rows = [row(1, FIRST, 500), row(2, FIRST, -200)]
    one, two = (Submissions("main", "berka", None) for _ in range(2))
    made = [submission for each in rows for submission in one.of(each)]
    assert made == [submission for each in rows for submission in two.of(each)]
    holder, kind, credit, debit = (submission.command for submission in made)
    assert isinstance(holder, OpenWallet)
    assert (holder.reference, holder.overdraft_limit) == ("7", None)
    assert isinstance(kind, OpenWallet)
    assert (kind.kind, kind.reference, kind.overdraft_limit) == ("system", "cash", None)
    assert isinstance(credit, MakePayment)
    assert isinstance(debit, MakePayment)
    assert (credit.source_wallet_id, credit.destination_wallet_id) == (
        kind.wallet_id,
        holder.wallet_id,
    )
    assert (debit.source_wallet_id, debit.destination_wallet_id) == (
        holder.wallet_id,
        kind.wallet_id,
    )
    assert credit.effective_at == "1993-01-01T00:00:00.000000Z"
    assert made[0].caller.subject == "account-7"
    assert made[2].caller.operate


def test_keys_differ_between_ledgers_and_profiles_and_fingerprints_with_the_content() -> None:
    here = Submissions("main", "berka", None).of(row(1, FIRST, 500))
    for other in (Submissions("other", "berka", None), Submissions("main", "csv", None)):
        assert {s.stream for s in here}.isdisjoint(s.stream for s in other.of(row(1, FIRST, 500)))
    changed = Submissions("main", "berka", None).of(row(1, FIRST, 501))
    assert [s.stream for s in here] == [s.stream for s in changed]
    assert here[-1].fingerprint != changed[-1].fingerprint
    strict = Submissions("main", "berka", 0).of(row(1, FIRST, 500))
    assert strict[0].fingerprint != here[0].fingerprint


def closing(rows: list[list[Row]], rounding: int = 10) -> list[Difference]:
    """Return the differences of a ledger that took all rows."""
    balances = FileBalances(rounding)
    for found in rows:
        balances.add_day(found)
    moved = {("7", "CZK"): sum(each.amount for found in rows for each in found)}
    return balances.differences(moved, moved)


def test_the_last_row_of_a_day_is_found_whatever_their_order() -> None:
    """Opened with 100, then +50 and -30: the true order is the one that ends with 120."""
    start = [row(1, FIRST, 10_000, 10_000)]
    assert closing([start, [row(2, SECOND, 5_000, 15_000), row(3, SECOND, -3_000, 12_000)]]) == []
    assert closing([start, [row(3, SECOND, -3_000, 12_000), row(2, SECOND, 5_000, 15_000)]]) == []


def test_a_balance_a_little_off_is_rounding() -> None:
    (difference,) = closing([[row(1, FIRST, 10_004, 10_000)]])
    assert difference == Difference("7", "CZK", 10_004, 10_000, "rounding")


def test_a_balance_that_counts_more_than_its_rows_lacks_one() -> None:
    (difference,) = closing([[row(1, FIRST, 10_000, 10_000)], [row(2, SECOND, -100, 12_000)]])
    assert difference == Difference("7", "CZK", 9_900, 12_000, "row-missing")


def test_rounding_may_add_up_over_the_days() -> None:
    drifting = [[row(n, date(1993, 1, n), 1_004, n * 1_000)] for n in range(1, 20)]
    (difference,) = closing(drifting)
    assert difference.cause == "rounding"
    assert difference.ledger - difference.file == 76


def test_refused_rows_and_payments_from_elsewhere_are_told_apart() -> None:
    balances = FileBalances(10)
    balances.add_day([row(1, FIRST, 500, 500), row(2, FIRST, -900, -400)])
    account = ("7", "CZK")
    (refused,) = balances.differences({account: 500}, {account: 500})
    (elsewhere,) = balances.differences({account: 700}, {account: 500})
    assert (refused.cause, elsewhere.cause) == ("refused", "other-payments")


def test_a_file_without_balances_is_compared_with_nothing() -> None:
    balances = FileBalances(0)
    balances.add_day([row(1, FIRST, 500)])
    assert balances.accounts() == []
