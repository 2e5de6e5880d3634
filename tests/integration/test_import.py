"""Imports through a process of their own: what comes of each row, and that twice is once."""

import json
from pathlib import Path

from tests.bank_file import HEADER, BankFile, bank_file, line
from tests.books import (
    assert_imported,
    balances_of,
    events_of,
    falcon,
    falcon_json,
    project,
    replay,
)
from tests.servers import FreshDatabases

BERKA = ("--profile", "berka")


def test_twice_is_once(databases: FreshDatabases, tmp_path: Path) -> None:
    file = bank_file(700)
    path = file.write(tmp_path / "trans.asc")
    first = falcon_json(databases, "import", path, *BERKA)
    again = falcon_json(databases, "import", path, *BERKA)
    assert (first["rows"], first["accepted"], first["already_there"]) == (700, 700, 0)
    assert (again["rows"], again["accepted"], again["already_there"]) == (700, 0, 700)
    assert (first["accounts"], first["differences"], again["differences"]) == (12, 0, 0)
    assert first["refused"] == again["refused"] == 0
    assert_imported(databases, file, 700)


def test_wallets_are_what_the_contract_says(databases: FreshDatabases, tmp_path: Path) -> None:
    lines = [
        line(1, 42, "930315", 70_000, 70_000),
        line(2, 42, "930316", -1_460, 0, "VYBER", "SLUZBY"),
    ]
    path = BankFile(lines).write(tmp_path / "trans.asc")
    falcon_json(databases, "import", path, *BERKA)
    with databases.connect("reader") as connection:
        events = [
            (topic, json.loads(state))
            for topic, state in connection.execute(
                "SELECT topic, state FROM events ORDER BY notification_id"
            )
        ]
    opened = {data["reference"]: data for topic, data in events if topic == "wallet.opened.v1"}
    assert set(opened) == {"42", "cash", "fees"}
    assert opened["42"]["kind"] == "personal"
    assert opened["42"]["owner"] == "account-42"
    assert opened["42"]["class"] == "liability"
    assert opened["42"]["overdraft_limit"] is None
    assert (opened["fees"]["kind"], opened["fees"]["class"]) == ("system", "income")
    paid = [data for topic, data in events if topic == "payment.completed.v1"]
    assert [data["amount"] for data in paid] == [70_000, 1_460]
    assert [data["reference"] for data in paid] == ["1", "2"]
    assert paid[0]["effective_at"] == "1993-03-15T00:00:00.000000Z"
    assert {data["currency"] for data in paid} == {"CZK"}


def test_a_bad_line_stops_and_nothing_after_it_is_in(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    lines = [
        line(1, 7, "930101", 100, 100),
        line(2, 7, "930102", 100, 200),
        line(3, 7, "930103", 100, 300),
        "3;no;line",
        line(4, 7, "930104", 100, 400),
    ]
    path = BankFile(lines).write(tmp_path / "trans.asc")
    done = falcon(databases, "import", path, *BERKA, "--json")
    assert done.returncode == 1
    assert "Line 5: It has 3 columns where the header has 10." in done.stderr
    assert len(done.stderr.splitlines()) == 1
    report = json.loads(done.stdout)
    assert (report["rows"], report["accepted"], report["differences"]) == (4, 2, None)
    assert balances_of(databases) == {"7": 200}
    skipped = falcon_json(databases, "import", path, *BERKA, "--skip-bad")
    assert (skipped["accepted"], skipped["already_there"], skipped["skipped"]) == (2, 2, 1)
    assert skipped["bad"] == [{"line": 5, "reason": "It has 3 columns where the header has 10."}]
    assert balances_of(databases) == {"7": 400}


def test_without_overdraft_refusals_are_counted_and_stay(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    """Credits come first within a day, so an account is refused only what it never could pay."""
    file = bank_file(900)
    assert file.overdrawn > 20
    path = file.write(tmp_path / "trans.asc")
    first = falcon_json(databases, "import", path, *BERKA, "--no-overdraft")
    again = falcon_json(databases, "import", path, *BERKA, "--no-overdraft")
    assert first["refused"] == file.overdrawn
    assert first["accepted"] == 900 - file.overdrawn
    assert first["refusals"] == {"insufficient-funds": file.overdrawn}
    assert first["causes"] == {"refused": first["differences"]}
    assert (again["refused"], again["already_there"]) == (0, 900)
    assert again["already_refused"] == file.overdrawn
    assert min(balances_of(databases).values()) >= 0


def test_other_terms_than_the_first_time_are_refused(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    path = BankFile([line(1, 7)]).write(tmp_path / "trans.asc")
    falcon_json(databases, "import", path, *BERKA)
    done = falcon(databases, "import", path, *BERKA, "--no-overdraft")
    assert done.returncode == 2
    assert "Account 7 was imported before with another overdraft limit" in done.stderr


def test_a_number_with_other_content_is_a_bad_line(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    path = BankFile([line(1, 7, amount=100)]).write(tmp_path / "trans.asc")
    falcon_json(databases, "import", path, *BERKA)
    changed = [line(1, 7, amount=900), line(2, 7, "930102", amount=5)]
    path = BankFile(changed).write(tmp_path / "trans.asc")
    done = falcon(databases, "import", path, *BERKA)
    assert done.returncode == 1
    assert "Line 2: Transaction 1 was imported before with other content." in done.stderr
    report = falcon_json(databases, "import", path, *BERKA, "--skip-bad")
    assert report["skipped"] == 1
    assert balances_of(databases) == {"7": 105}


def test_csv_brings_its_own_columns_and_currencies(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(
        "Ref;IBAN;Day;Sum;Ccy;Left\nb;DE1;2026-01-02;-4,00;EUR;6,00\n"
        "a;DE1;2026-01-01;10,00;EUR;10,00\nc;DE1;2026-01-02;500;JPY;500\n"
    )
    options = (
        *("--profile", "csv", "--delimiter", ";", "--decimal-comma"),
        *("--id-column", "Ref", "--account-column", "IBAN", "--date-column", "Day"),
        *("--amount-column", "Sum", "--currency-column", "Ccy", "--balance-column", "Left"),
        "--no-overdraft",
    )
    report = falcon_json(databases, "import", path, *options)
    assert (report["accepted"], report["refused"], report["accounts"]) == (3, 0, 2)
    assert report["differences"] == 0
    assert falcon_json(databases, "import", path, *options)["already_there"] == 3


MISFITS: list[tuple[str, ...]] = [
    ("--profile", "csv"),
    ("--profile", "csv", "--currency", "EUR", "--currency-column", "c"),
    ("--profile", "csv", "--currency", "XXQ"),
    ("--profile", "csv", "--currency", "EUR", "--delimiter", "ab"),
    ("--profile", "csv", "--currency", "EUR"),
    ("--profile", "camt.053"),
    (),
    BERKA,
]


def test_a_file_or_options_that_do_not_fit_are_one_sentence(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Dear bank,\n")
    for words in MISFITS:
        done = falcon(databases, "import", path, *words)
        assert done.returncode == 2, words
        assert len(done.stderr.splitlines()) == 1
        assert "Traceback" not in done.stderr
    assert events_of(databases) == 0


def test_a_payment_from_elsewhere_is_told_apart(databases: FreshDatabases, tmp_path: Path) -> None:
    """A second file of the same profile moves the wallet of an account of the first."""
    path = BankFile([line(1, 7, amount=100, balance=100)]).write(tmp_path / "one")
    other = BankFile([line(2, 7, amount=50, balance=50)]).write(tmp_path / "two")
    falcon_json(databases, "import", path, *BERKA)
    falcon_json(databases, "import", other, *BERKA)
    report = falcon_json(databases, "import", path, *BERKA)
    assert report["differing"] == [
        {
            "account": "7",
            "currency": "CZK",
            "ledger": "1.50",
            "file": "1.00",
            "cause": "other-payments",
        }
    ]


def test_people_are_shown_a_table(databases: FreshDatabases, tmp_path: Path) -> None:
    path = BankFile([line(1, 7, amount=100, balance=105), HEADER]).write(tmp_path / "trans.asc")
    done = falcon(databases, "import", path, *BERKA, "--skip-bad")
    assert done.returncode == 0
    assert "Skipped line 3: type 'type' is none of PRIJEM, VYDAJ, VYBER." in done.stdout
    assert "1 of 1 accounts differ" in done.stdout
    assert "are rounded" in done.stdout
    project(databases)
    assert replay(databases).findings.count == 0
