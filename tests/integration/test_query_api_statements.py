"""Statements are in the order of value dates, add up, and are the same when asked for again."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from domain.identifiers import WalletId
from interfaces.statements.forms import MOST_LINES_IN_PDF
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome
from tests.value_book import (
    DAYS,
    FIRST_DAY,
    expected_statement,
    moved,
    told_statement,
    write_value_book,
)

FORMATS = ("json", "csv", "pdf", "camt.053", "ofx", "hledger", "beancount")
NEXT_TO_NOTHING = "wal_00000000000000000000000000"


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def wallets(system: QuerySystem) -> list[WalletId]:
    return write_value_book(system)


def test_it_is_what_the_events_say_for_any_days_and_any_position(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Value date, then position; opening + entries = closing; and as it was at any position."""
    dice, entries, head = random.Random(1), moved(system.databases), system.head()
    ends = [e.position for e in entries]
    late = 0
    for _ in range(120):
        wallet = dice.choice(wallets)
        since = FIRST_DAY + timedelta(days=dice.randint(-25, DAYS))
        until = since + timedelta(days=dice.choice((0, 1, 7, 31, 400)))
        as_of = dice.choice((head, dice.choice(ends)))
        found = system.found(f"/v1/wallets/{wallet}/statement", from_=since, to=until, as_of=as_of)
        # A position inside a command means the end of the command before.
        reached = max(e.position for e in entries if e.position <= as_of)
        places = range(reached - 3, reached + 1)
        expected = [expected_statement(entries, wallet, since, until, each) for each in places]
        assert told_statement(found) in expected
        lines = [position for position, _ in told_statement(found)[1]]
        late += lines != sorted(lines)
        assert (found["wallet_id"], found["currency"]) == (wallet, "EUR")
        assert (found["from"], found["to"]) == (since.isoformat(), until.isoformat())
    assert late > 10, "the order of positions was the order of value dates too often"


def test_without_ends_it_has_every_entry(system: QuerySystem, wallets: list[WalletId]) -> None:
    for wallet in wallets:
        own = [e for e in moved(system.databases) if e.wallet == wallet and e.amount]
        found = system.found(f"/v1/wallets/{wallet}/statement")
        days = [e.day for e in own]
        assert (found["from"], found["to"]) == (min(days).isoformat(), max(days).isoformat())
        assert len(found["entries"]) == len(own)
        assert found["opening_balance"] == "0.00"
        balance = system.found(f"/v1/wallets/{wallet}/balance")
        assert found["closing_balance"] == balance["posted"]


def test_months_after_each_other_join(system: QuerySystem, wallets: list[WalletId]) -> None:
    """What closes one statement opens the next, and together they have each entry once."""
    for wallet in wallets:
        path, seen, closing = f"/v1/wallets/{wallet}/statement", [], "0.00"
        for month in range(10, 15):
            first = date(2025 + (month - 1) // 12, (month - 1) % 12 + 1, 1)
            last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            found = system.found(path, from_=first, to=last)
            assert found["opening_balance"] == closing
            closing = found["closing_balance"]
            seen += [entry["entry_id"] for entry in found["entries"]]
        assert seen == [e["entry_id"] for e in system.found(path)["entries"]]


def test_an_entry_is_the_entry_of_the_list(system: QuerySystem, wallets: list[WalletId]) -> None:
    """All but the balance after it, which runs in another order."""
    entries = {
        entry["entry_id"]: entry for entry in system.pages(f"/v1/wallets/{wallets[1]}/entries")
    }
    for entry in system.found(f"/v1/wallets/{wallets[1]}/statement")["entries"]:
        listed = entries.pop(entry["entry_id"])
        assert entry == {**listed, "balance_after": entry["balance_after"]}
    assert entries == {}


@pytest.mark.parametrize("form", FORMATS)
def test_it_is_given_again_to_the_byte(
    system: QuerySystem, wallets: list[WalletId], form: str
) -> None:
    """`as_of` the position that the first answer reflected, after entries were dated into it."""
    path, when = f"/v1/wallets/{wallets[2]}/statement", {"from_": "2026-01-01", "to": "2026-01-31"}
    issued = system.ask(path, format=form, **when)
    assert issued.status_code == 200, issued.text
    position = issued.headers["ledger-position"]
    system.writer.transfer(wallets[0], wallets[2], 7_77, effective_at="2026-01-10T00:00:00.000000Z")
    system.follow()
    again = system.ask(path, format=form, as_of=position, **when)
    assert again.content == issued.content
    assert again.headers["content-type"] == issued.headers["content-type"]
    assert system.ask(path, format=form, **when).content != issued.content


def test_nothing_in_the_time_is_an_empty_statement(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Before all, after all, and far in the future: opening and closing balance are the same."""
    path = f"/v1/wallets/{wallets[1]}/statement"
    posted = system.found(f"/v1/wallets/{wallets[1]}/balance")["posted"]
    for since, until, balance in (
        ("0001-01-01", "1900-12-31", "0.00"),
        ("2990-01-01", "2990-01-31", posted),
        ("9999-12-31", "9999-12-31", posted),
    ):
        found = system.found(path, from_=since, to=until)
        assert found["entries"] == []
        assert found["opening_balance"] == found["closing_balance"] == balance
    century = system.found(path, from_="1926-01-01", to="2025-12-31")
    assert century["opening_balance"] == "0.00"
    assert century["entries"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_wallet_without_entries_has_a_statement(system: QuerySystem, form: str) -> None:
    wallet = system.writer.open(name="Empty", currency="JPY")
    system.follow()
    assert system.ask(f"/v1/wallets/{wallet}/statement", format=form).status_code == 200


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"from_": "2026-02-01", "to": "2026-01-31"}, "to"),
        ({"from_": "2026-02-30"}, "from"),
        ({"to": "tomorrow"}, "to"),
        ({"from_": "2026-01-01T00:00:00Z"}, "from"),
        ({"format": "xls"}, "format"),
        ({"format": "CSV"}, "format"),
        ({"as_of": "soon"}, "as_of"),
        ({"limit": "5"}, "limit"),
    ],
)
def test_what_cannot_be_asked_is_a_422_that_names_it(
    system: QuerySystem, wallets: list[WalletId], query: dict[str, str], parameter: str
) -> None:
    refused = system.ask(f"/v1/wallets/{wallets[1]}/statement", **query)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
    assert [error["parameter"] for error in refused.json()["errors"]] == [parameter]


def test_more_entries_than_a_form_takes_are_refused(system: QuerySystem) -> None:
    """A bound for what one answer takes of memory and time; in parts all of them can be had."""
    writer, most = system.writer, MOST_LINES_IN_PDF
    till, wallet = writer.open(kind="system"), writer.open()
    for number in range(most + 1):
        day = 1 if number < most else 2
        writer.transfer(till, wallet, 1, effective_at=f"2026-01-{day:02}T00:00:00.000000Z")
    system.follow()
    path = f"/v1/wallets/{wallet}/statement"
    refused = system.ask(path, format="pdf")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
    (error,) = refused.json()["errors"]
    assert error["parameter"] == "to"
    assert str(most) in error["detail"]
    assert len(system.found(path)["entries"]) == most + 1
    assert system.ask(path, format="pdf", to="2026-01-01").status_code == 200


def test_what_a_form_cannot_tell_exactly_is_refused(system: QuerySystem) -> None:
    """A camt.053 has 18 digits; two yen amounts of the largest size need 19."""
    writer = system.writer
    till, wallet = writer.open("JPY", kind="system"), writer.open("JPY")
    for _ in range(2):
        writer.transfer(till, wallet, 10**18, currency="JPY")
    system.follow()
    path = f"/v1/wallets/{wallet}/statement"
    refused = system.ask(path, format="camt.053")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
    assert [error["parameter"] for error in refused.json()["errors"]] == ["format"]
    assert system.found(path)["closing_balance"] == str(2 * 10**18)
    assert system.ask(path, format="ofx").status_code == 200


def test_it_is_shown_to_whoever_sees_the_wallet(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    path = f"/v1/wallets/{wallets[1]}/statement"
    assert system.ask(path, "usr_0", "read").status_code == 200
    assert system.ask(path, "usr_0", "payments").status_code == 403
    for wallet in (wallets[1], NEXT_TO_NOTHING, "wal_1", "nonsense"):
        refused = system.ask(f"/v1/wallets/{wallet}/statement", "usr_other", "read", format="csv")
        assert (refused.status_code, refused.json()["code"]) == (404, "wallet-not-found")


def test_files_say_what_they_are(system: QuerySystem, wallets: list[WalletId]) -> None:
    kinds = {
        "csv": "text/csv; charset=utf-8",
        "pdf": "application/pdf",
        "camt.053": "application/xml",
        "ofx": "application/x-ofx",
        "hledger": "text/vnd.hledger; charset=utf-8",
        "beancount": "text/vnd.beancount; charset=utf-8",
    }
    for form, kind in kinds.items():
        answer = system.ask(
            f"/v1/wallets/{wallets[1]}/statement", format=form, from_="2026-01-01", to="2026-01-31"
        )
        assert answer.headers["content-type"] == kind
        name = f'filename="statement-{wallets[1]}-2026-01-01-2026-01-31.'
        assert name in answer.headers["content-disposition"]


def test_the_form_is_what_is_asked_for_by_its_name(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """`format` alone decides: what `Accept` says neither chooses a form nor refuses one."""
    path = f"/v1/wallets/{wallets[1]}/statement"
    token = system.token("usr_auditor", "audit")

    def kind(accept: str, **query: str) -> str:
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        answer = system.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.headers["content-type"].partition(";")[0]

    assert kind("text/csv") == kind("application/pdf, */*;q=0.1") == "application/json"
    assert kind("application/json", format="csv") == kind("*/*", format="csv") == "text/csv"
    headers = {"Authorization": f"Bearer {token}"}
    twice = system.get(f"{path}?format=csv&format=pdf", headers=headers)
    assert (twice.status_code, twice.json()["code"]) == (422, "invalid-request")
