"""Small parts of the reports: categories, entity tags, shares, and whom a hash stands for."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from infrastructure.settings import SettingInvalid, read_settings
from interfaces.http.conditions import known_tags
from interfaces.query_api.book_reports import _share
from interfaces.query_api.categories import Categories
from interfaces.replay import report_lines
from projections.audit_trail import actor_key
from projections.wallet_reports.cash_flow import FlowRow

RULES = {"counterparty:fees": "Charges", "kind:refund": "Refunds"}


def row(
    category: str | None = None, kind: str = "transfer", counterparty: str | None = None
) -> FlowRow:
    month = date(2024, 2, 1)
    return FlowRow(month, "debit", category, kind, counterparty, 1, Decimal(1), 1)


@pytest.mark.parametrize(
    ("moved", "category"),
    [
        (row("Rent", "refund", "fees"), "Rent"),
        (row(None, "refund", "fees"), "Charges"),
        (row("", "refund", "fees"), "Charges"),
        (row(None, "refund", "cash"), "Refunds"),
        (row(None, "refund"), "Refunds"),
        (row(None, "split", "cash"), "split"),
        (row("x" * 51), "x" * 50),
    ],
)
def test_what_a_movement_is_for(moved: FlowRow, category: str) -> None:
    """The payer's word goes first, then the counterparty's rule, then the kind's, then the kind."""
    assert Categories(RULES).of(moved) == category


def settings_with(rules: str, home: Path) -> dict[str, str]:
    environ = {"FALCONPAY_HOME": str(home), "FALCONPAY_CATEGORIES": rules}
    return dict(read_settings(environ).categories)


def test_rules_of_categories_are_read(tmp_path: Path) -> None:
    """Commas stand between rules, and spaces round a rule do not count."""
    assert settings_with("", tmp_path) == {}
    text = "counterparty:fees=Charges, kind:refund= Refunds "
    assert settings_with(text, tmp_path) == RULES


@pytest.mark.parametrize("rules", ["fees=Charges", "kind:=x", "kind:a=", "kind:a=b=c", "kind"])
def test_a_wrong_rule_is_named(rules: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="FALCONPAY_CATEGORIES"):
        settings_with(rules, tmp_path)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {""}),
        ([b'"1-a"'], {'"1-a"'}),
        ([b'W/"1-a" , "2-b"'], {'"1-a"', '"2-b"'}),
        ([b'"1-a"', b"*"], {'"1-a"', "*"}),
        ([b'\xff"'], {'ÿ"'}),
    ],
)
def test_tags_that_a_client_has(values: list[bytes], expected: set[str]) -> None:
    """Weak and strong ones are alike, and several headers are one list."""
    headers = [(b"accept", b"*/*"), *((b"if-none-match", value) for value in values)]
    assert known_tags({"headers": headers}) == expected


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (1, 1, "1.000000"),
        (1, 3, "0.333333"),
        (2, 3, "0.666666"),
        (1, 10**7, "0.000000"),
        (9 * 10**18, 27 * 10**18, "0.333333"),
        (10**18 - 1, 10**18, "0.999999"),
    ],
)
def test_shares_are_rounded_down(part: int, whole: int, share: str) -> None:
    """All together never are more than the whole, and no float rounds them."""
    assert _share(part, whole) == share


@pytest.mark.parametrize(
    ("sub", "key"),
    [
        ("usr_ada", -8986515447295827087),
        ("", -1970711489451281740),
        ("\ud800", 4758185216457903464),
        ("Ö\N{ESCAPE}", -1545250721107429990),
    ],
)
def test_the_hash_of_a_person_never_changes(sub: str, key: int) -> None:
    """It is stored; and the check of the read models, which makes its own, makes the same."""
    assert actor_key(sub) == report_lines._key(sub)
    assert actor_key(sub) == key
