"""Programs of other people read each form of a statement and find our balances, to the unit."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest
from beancount import loader
from beancount.core.data import Transaction
from hypothesis import HealthCheck, given, settings
from ofxtools.Parser import OFXTree

from interfaces.statements import beancount_form, camt_form, csv_form, hledger_form, ofx_form
from interfaces.statements.statement import Inexpressible, Line, Statement
from tests.drawn_statements import AT, statements
from tests.exported import added_up
from tests.outside_programs import camt_schema, output_of
from tests.told_statements import Camt

FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def exact(statement: Statement, minor: int) -> Decimal:
    return Decimal(minor).scaleb(-statement.digits)


def signed(statement: Statement) -> list[Decimal]:
    return [exact(statement, line.amount) for line in statement.lines]


@given(statement=statements())
def test_csv_has_every_field_as_it_is(statement: Statement) -> None:
    """But for descriptions that a spreadsheet would take for a formula of its reader's own."""
    head, *rows = csv.reader(io.StringIO(csv_form.write(statement).decode(), newline=""))
    assert (
        ",".join(head) == "date,entry_id,payment_id,description,counterparty,amount,balance_after"
    )
    for row, line in zip(rows, statement.lines, strict=True):
        day, entry, payment, description, counterparty, amount, after = row
        assert day == line.value_date.isoformat()
        assert (entry, payment, counterparty) == (line.entry_id, line.payment_id, line.counterparty)
        text = line.description or ""
        assert description == (f"'{text}" if text[:1] in FORMULAS else text)
        assert Decimal(amount) == exact(statement, line.amount)
        assert Decimal(after) == exact(statement, line.balance_after)


@settings(max_examples=25, suppress_health_check=FIXTURES, deadline=None)
@given(statement=statements())
def test_hledger_accepts_every_balance(statement: Statement, tmp_path: Path) -> None:
    """Each line asserts the balance after it, and all descriptions are there."""
    journal = tmp_path / "statement.journal"
    journal.write_bytes(hledger_form.write(statement))
    run_hledger(journal, "check", "--strict")
    account = f"assets:{statement.wallet_id}"
    rows = csv.reader(
        io.StringIO(run_hledger(journal, "balance", account, "-O", "csv", "-N", "-E"))
    )
    found = [Decimal(amount.split()[0]) for _, amount in list(rows)[1:]]
    assert sum(found) == exact(statement, statement.closing)
    listed = csv.DictReader(io.StringIO(run_hledger(journal, "print", "-O", "csv")))
    texts = {(row["code"], row["description"]) for row in listed if row["code"]}
    assert texts == {
        (line.payment_id, (line.description or "").replace(";", ",").strip())
        for line in statement.lines
    }


def run_hledger(journal: Path, *words: str) -> str:
    return output_of("hledger", "-f", journal, *words)


@settings(max_examples=60, suppress_health_check=FIXTURES, deadline=None)
@given(statement=statements())
def test_beancount_accepts_the_closing_balance(statement: Statement) -> None:
    entries, errors, _ = loader.load_string(beancount_form.write(statement).decode())
    assert errors == []
    payments = [e for e in entries if isinstance(e, Transaction) and e.links]
    account = f"Assets:{statement.wallet_id[4:]}"
    assert added_up(entries).get(account, Decimal(0)) == exact(statement, statement.closing)
    told = {(e.meta["entry"], e.narration) for e in payments}
    assert told == {(line.entry_id, line.description or "") for line in statement.lines}


def test_bean_check_finds_a_closing_balance_that_is_wrong(tmp_path: Path) -> None:
    """The program itself accepts what is right, and refuses the smallest difference."""
    ledger = tmp_path / "statement.beancount"
    text = beancount_form.write(_small()).decode()
    ledger.write_text(text)
    output_of("bean-check", "--no-cache", ledger)
    ledger.write_text(text.replace("87.66 ~ 0", "87.67 ~ 0"))
    output_of("bean-check", "--no-cache", ledger, accepted=False)


@settings(max_examples=60, suppress_health_check=FIXTURES, deadline=None)
@given(statement=statements())
def test_ofxtools_reads_entries_and_balances(statement: Statement) -> None:
    tree = OFXTree()
    tree.parse(io.BytesIO(ofx_form.write(statement)))
    (told,) = tree.convert().statements
    assert told.curdef == statement.currency
    assert statement.wallet_id.endswith(told.bankacctfrom.acctid)
    assert [each.trnamt for each in told.transactions] == signed(statement)
    assert [each.fitid for each in told.transactions] == [e.entry_id for e in statement.lines]
    assert told.ledgerbal.balamt == exact(statement, statement.closing)
    assert told.ballist[0].value == exact(statement, statement.opening)


ROOM = 10**17
"""Whatever is below has room in camt.053."""


@settings(max_examples=60, suppress_health_check=FIXTURES, deadline=None)
@given(statement=statements(most=ROOM))
def test_camt_053_is_valid_and_adds_up(statement: Statement) -> None:
    written = camt_form.write(statement)
    camt_schema().validate(ET.fromstring(written))
    told = Camt(written)
    assert told.balance("OPBD") == exact(statement, statement.opening)
    assert told.balance("CLBD") == exact(statement, statement.closing)
    assert told.entries == signed(statement)
    assert told.balance("OPBD") + sum(told.entries) == told.balance("CLBD")


@given(statement=statements())
def test_camt_053_refuses_what_it_has_no_room_for(statement: Statement) -> None:
    """The standard has 18 digits: what it cannot tell exactly it does not tell at all."""
    try:
        written = camt_form.write(statement)
    except Inexpressible:
        balances = [statement.opening, *(line.balance_after for line in statement.lines)]
        amounts = [abs(minor) for minor in (*balances, *(e.amount for e in statement.lines))]
        assert max(amounts) >= 10**18
    else:
        camt_schema().validate(ET.fromstring(written))


@pytest.mark.parametrize("form", [camt_form, ofx_form])
@pytest.mark.parametrize("currency", ["POINTS", "B2B", "ETH"])
def test_an_asset_is_refused_where_only_iso_4217_is_known(form: ModuleType, currency: str) -> None:
    """Both standards know currencies of ISO 4217 only; the other forms take any code."""
    asset = replace(_small(), currency=currency)
    with pytest.raises(Inexpressible):
        form.write(asset)
    entries, errors, _ = loader.load_string(beancount_form.write(asset).decode())
    assert errors == []
    assert added_up(entries)[f"Assets:{asset.wallet_id[4:]}"] == exact(asset, asset.closing)


def test_a_wallet_without_a_name_has_none_in_camt_053() -> None:
    """The schema has no empty names."""
    camt_schema().validate(ET.fromstring(camt_form.write(replace(_small(), name=""))))


def _small() -> Statement:
    """Return a statement of one lunch."""
    wallet, payment = "wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J", "pay_7XQ2M9T8B3C5D6E7F8G9H0J4ZK"
    day = date(2026, 1, 31)
    other = "wal_1B2C3D4E5F6G7H8J9K0M1N2P3Q"
    entry = "evt_2M9T8B3C5D6E7F8G9H0J4ZK7XQ"
    line = Line(day, entry, payment, "Lunch", other, -12_34, 87_66, AT)
    return Statement(
        *("main", wallet, "Everyday", "EUR", 2, date(2026, 1, 1), day, 100_00, [line], 7, AT),
        proof_url="http://127.0.0.1:8000/v1/audit/seals/latest",
    )
