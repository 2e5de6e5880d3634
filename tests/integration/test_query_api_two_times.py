"""Balances by recorded time and by value date, and what a replay knows of value dates."""

import random
from collections.abc import Iterator

import pytest

from domain.identifiers import WalletId
from tests.books import replay
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome
from tests.value_book import minor, moved, write_value_book


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def wallets(system: QuerySystem) -> list[WalletId]:
    return write_value_book(system)


def test_balances_by_value_are_what_the_events_say(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Of any day and any moment, at any position; holds count from when they were recorded."""
    dice, entries, head = random.Random(2), moved(system.databases), system.head()
    ends = sorted({e.position for e in entries})
    for _ in range(80):
        wallet = dice.choice(wallets)
        one = dice.choice(entries)
        as_of = dice.choice((None, head, dice.choice(ends)))
        exact = dice.random() < 0.5
        at = one.effective_at.isoformat().replace("+00:00", "Z") if exact else one.day
        known = {} if as_of is None else {"as_of": as_of}
        found = system.found(f"/v1/wallets/{wallet}/balance", effective_as_of=at, **known)
        posted = sum(
            e.amount
            for e in entries
            if e.wallet == wallet
            and e.position <= found["position"]
            and (e.effective_at <= one.effective_at if exact else e.day <= one.day)
        )
        assert minor(found["posted"]) == posted
        assert minor(found["available"]) == posted - minor(found["held"])


def test_the_four_questions(system: QuerySystem) -> None:
    """A payment of January that is entered in March: what each pair of times answers."""
    writer = system.writer
    till, wallet = writer.open(kind="system"), writer.open()
    writer.transfer(till, wallet, 100_00, effective_at="2026-01-05T12:00:00.000000Z")
    system.follow()
    before = system.head()
    writer.transfer(till, wallet, 30_00, effective_at="2026-01-06T12:00:00.000000Z")
    writer.transfer(till, wallet, 5_00, effective_at="2026-02-01T00:00:00.000000Z")
    system.follow()
    path = f"/v1/wallets/{wallet}/balance"

    def posted(**times: object) -> str:
        return str(system.found(path, **times)["posted"])

    assert posted() == "135.00"
    assert posted(as_of=before) == "100.00"
    assert posted(effective_as_of="2026-01-31") == "130.00"
    assert posted(effective_as_of="2026-01-31", as_of=before) == "100.00"
    assert posted(effective_as_of="2026-01-06T11:59:59.999999Z") == "100.00"
    assert posted(effective_as_of="2026-01-06T12:00:00Z") == "130.00"
    assert posted(effective_as_of="0001-01-01") == "0.00"
    assert posted(effective_as_of="9999-12-31") == "135.00"


@pytest.mark.parametrize("text", ["", "5", "yesterday", "2026-02-30", "2026-01-01T00:00:00"])
def test_a_value_date_is_a_date_or_a_time(
    system: QuerySystem, wallets: list[WalletId], text: str
) -> None:
    refused = system.ask(f"/v1/wallets/{wallets[1]}/balance", effective_as_of=text)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")


def test_a_replay_finds_a_late_entry_that_is_missing(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Beside the heads, which this book was written without."""

    def found() -> list[tuple[int, str, str]]:
        kept = replay(system.databases).findings.kept
        return [(d.position, d.where, d.field) for d in kept if d.where != "wallet_head"]

    assert found() == []
    with system.databases.connect_admin("reports") as reports:
        reports.execute("SET search_path = reports_main")
        row = reports.execute(
            "DELETE FROM late_entries WHERE position = (SELECT max(position) FROM late_entries)"
            " RETURNING *"
        ).fetchone()
        assert row is not None
        assert found() == [(row[0], "late_entries", "row")]
        reports.execute("INSERT INTO late_entries VALUES (%s, %s, %s, %s)", row)


def test_the_trial_balance_by_class(system: QuerySystem, wallets: list[WalletId]) -> None:
    """The rows of a currency add up to what it has without classes, and their sums to 0."""
    whole = {item["currency"]: item for item in system.found("/v1/reports/trial-balance")["items"]}
    parts = system.found("/v1/reports/trial-balance", by="class")["items"]
    assert {item["class"] for item in parts} == {"asset", "liability"}
    for currency, item in whole.items():
        own = [part for part in parts if part["currency"] == currency]
        assert sum(part["wallets"] for part in own) == item["wallets"]
        for field in ("debits", "credits", "sum"):
            assert sum(minor(part[field]) for part in own) == minor(item[field])
    assert system.ask("/v1/reports/trial-balance", by="colour").status_code == 422
