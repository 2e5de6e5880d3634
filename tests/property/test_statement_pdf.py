"""A PDF statement is read by other people's programs, whatever the names and texts in it are."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import zxingcpp
from hypothesis import HealthCheck, given, settings
from PIL import Image

from domain.instants import Instant
from interfaces.statements import pdf_form
from interfaces.statements.statement import Line, Statement
from tests.drawn_statements import statements
from tests.outside_programs import output_of


def text_of(statement: Statement, folder: Path) -> str:
    file = folder / "statement.pdf"
    file.write_bytes(pdf_form.write(statement))
    return output_of("pdftotext", "-layout", file, "-")


def grouped(statement: Statement, minor: int) -> str:
    whole, point, rest = statement.money(abs(minor)).partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{point}{rest}"


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(statement=statements())
def test_pdftotext_finds_every_figure(statement: Statement, tmp_path: Path) -> None:
    """Opening and closing balance, and each entry's day, amount and balance on one line."""
    text = text_of(statement, tmp_path)
    lines = [line.split() for line in text.splitlines()]
    for label, day, minor in (
        ("Opening", statement.since, statement.opening),
        ("Closing", statement.through, statement.closing),
    ):
        assert [day.isoformat(), label, "balance", grouped(statement, minor)] in lines
    found = [
        (line[0], line[-2], line[-1])
        for line in lines
        if len(line) > 2 and re.fullmatch(r"\d{4}-\d\d-\d\d", line[0]) and line[2] != "balance"
    ]
    assert found == [
        (
            line.value_date.isoformat(),
            grouped(statement, line.amount),
            grouped(statement, line.balance_after),
        )
        for line in statement.lines
    ]
    for line in statement.lines:
        assert line.payment_id in text
        assert line.counterparty in text


def long_statement(count: int) -> Statement:
    """Return a statement of so many entries, with descriptions of all lengths."""
    lines, balance = [], 1_000_00
    for number in range(count):
        amount = -(number + 1) if number % 3 else 3 * number + 5
        balance += amount
        lines.append(
            Line(
                date(2026, 1, 1) + timedelta(days=number // 20),
                f"evt_{number:026}",
                f"pay_{number:026}",
                ("A payment for this and that " * 5)[: number * 7 % 141] or None,
                f"wal_{number % 7:026}",
                amount,
                balance,
                Instant("2026-03-01T12:00:00.123456Z"),
            )
        )
    return Statement(
        ledger="main",
        wallet_id="wal_4ZK7QX2M9T8B3C5D6E7F8G9H0J",
        name="Everyday",
        currency="EUR",
        digits=2,
        since=date(2026, 1, 1),
        through=date(2026, 1, 31),
        opening=1_000_00,
        lines=lines,
        position=123_456,
        issued_at=Instant("2026-03-01T12:00:00.123456Z"),
        proof_url="https://ledger.example/v1/audit/payments/pay_00000000000000000000000000/proof",
    )


def test_pages_are_numbered_and_none_is_lost(tmp_path: Path) -> None:
    """Each page says which one it is of how many, and every entry is on one of them."""
    statement = long_statement(200)
    text = text_of(statement, tmp_path)
    pages = text.rstrip("\f").split("\f")
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Value date" in page
    for line in statement.lines:
        assert text.count(line.payment_id) == 1


def test_the_code_leads_to_the_proof(tmp_path: Path) -> None:
    """A reader that shares no code with us finds the address in the printed picture."""
    statement = long_statement(3)
    text_of(statement, tmp_path)
    output_of("pdftoppm", "-r", "150", "-png", tmp_path / "statement.pdf", tmp_path / "page")
    (picture,) = tmp_path.glob("page*.png")
    (code,) = zxingcpp.read_barcodes(Image.open(picture))
    assert code.text == statement.proof_url


@pytest.mark.parametrize(
    "change",
    [
        lambda s: replace(s, name="العربية עברית Ελληνικά Кириллица 東京 😀 \ufffe"),
        lambda s: replace(s, name="W" * 100),
        lambda s: replace(s, lines=[replace(s.lines[0], description="w" * 140)]),
        lambda s: replace(s, lines=[replace(s.lines[0], description="\u00ad\u200d\u0301" * 40)]),
        lambda s: replace(s, name="", lines=[]),
    ],
)
def test_no_text_is_too_odd(change: Callable[[Statement], Statement], tmp_path: Path) -> None:
    assert "Account statement" in text_of(change(long_statement(1)), tmp_path)


def test_what_the_font_lacks_is_a_box_and_what_is_unseen_is_nothing(tmp_path: Path) -> None:
    """A variation selector is no character that a reader misses."""
    (line,) = long_statement(1).lines
    odd = replace(line, description="Lunch 東京 \U0001f600\ufe0f, paid\u2060back")
    text = text_of(replace(long_statement(1), lines=[odd]), tmp_path)
    assert "Lunch \u25af\u25af \u25af, paidback" in text
