"""Problems after RFC 9457, and the page that lists them."""

import json
import re
from pathlib import Path

import pytest

from interfaces.http.error_reference import error_reference
from interfaces.http.problem_kinds import KINDS
from interfaces.http.problems import (
    Problem,
    field_error,
    instance_of,
    problem_bytes,
    problem_document,
    response_to,
)

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
# The codes that the outside contract names for wallets, payments and queries.
CONTRACT = [
    "insufficient-funds",
    "payee-unavailable",
    "balance-out-of-range",
    "currency-mismatch",
    "same-wallet",
    "wallet-frozen",
    "wallet-closed",
    "limit-exceeded",
    "hold-expired",
    "hold-already-released",
    "hold-already-captured",
    "amount-exceeds-hold",
    "amount-exceeds-payment",
    "already-reversed",
    "already-refunded",
    "not-refundable",
    "not-reversible",
    "not-cancellable",
    "not-parked",
    "wallet-not-empty",
    "last-owner",
    "overdraft-in-use",
    "batch-refused",
    "not-executed",
    "invalid-request",
    "malformed-json",
    "idempotency-key-reused",
    "invalid-cursor",
    "approval-not-needed",
    "already-approved",
    "request-closed",
]


def test_a_problem_has_the_members_of_the_standard_and_a_code() -> None:
    document = problem_document(
        "insufficient-funds",
        "The wallet has too little.",
        instance="/v1/transfers",
        available="1.00",
    )
    assert document == {
        "type": "https://falconpay.dev/problems/insufficient-funds",
        "title": "Insufficient funds",
        "status": 422,
        "detail": "The wallet has too little.",
        "instance": "/v1/transfers",
        "code": "insufficient-funds",
        "available": "1.00",
    }


def test_the_bytes_of_a_problem_follow_from_what_it_says_alone() -> None:
    """A stored refusal is rendered again for each repeat, and must be the same to the byte."""
    document = problem_document("not-found", "ü\ud800", errors=[field_error("#/a", "b")])
    assert problem_bytes(document) == (
        b'{"type":"https://falconpay.dev/problems/not-found","title":"Not found","status":404,'
        b'"detail":"\\u00fc\\ud800","code":"not-found",'
        b'"errors":[{"detail":"b","pointer":"#/a"}]}'
    )


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_can_be_answered(code: str) -> None:
    """Codes are words of URLs, and titles and explanations fit a table."""
    kind = KINDS[code]
    assert kind.code == code
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert 400 <= kind.status < 600
    assert "|" not in kind.title + kind.explanation
    response = response_to({"path": "/x", "raw_path": b"/x"}, Problem(code, "why"))
    assert response.status_code == kind.status
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(bytes(response.body))["status"] == kind.status


@pytest.mark.parametrize("code", CONTRACT)
def test_what_the_ledger_refuses_is_a_422(code: str) -> None:
    assert KINDS[code].status == 422


@pytest.mark.parametrize(
    ("path", "raw_path", "expected"),
    [
        ("/v1/a", b"/v1/a", "/v1/a"),
        ("/v1/a", b"/v1/a?access_token=x", "/v1/a"),
        ("/v1/é", b"/v1/%C3%A9", "/v1/%C3%A9"),
        ("/v1/a", b"/v1/\xff", "/v1/\ufffd"),
        ("/v1/a", None, "/v1/a"),
        ("/a", b"/" + b"a" * 600, None),
    ],
)
def test_the_instance_is_the_path_as_sent_without_its_query(
    path: str, raw_path: bytes | None, expected: str | None
) -> None:
    assert instance_of({"path": path, "raw_path": raw_path}) == expected


def test_the_page_of_errors_is_current() -> None:
    """`.venv/bin/python -m interfaces.http.error_reference` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == error_reference()
