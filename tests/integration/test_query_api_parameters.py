"""Query parameters: each known, given once and right, and nothing that is sent is a 500."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import httpx
import pytest

from interfaces.query_api import examples
from tests.query_book import ALICE, Book, write_book
from tests.query_system import QuerySystem
from tests.streams import asked


@pytest.fixture(scope="module")
def book(system: QuerySystem) -> Book:
    return write_book(system)


def code(response: httpx.Response) -> str:
    return f"{response.status_code} {response.json()['code']}"


def _own(template: str, book: Book) -> str:
    """Return a path of the book's own; parameters are judged before anything is looked for."""
    return template.format(
        wallet_id=book.alice,
        payment_id=book.lunch,
        request_id=examples.REQUEST_ID,
        schedule_id=examples.SCHEDULE_ID,
    )


def test_parameters_are_known_and_given_once(system: QuerySystem, book: Book) -> None:
    templates = system.documented.document["paths"]
    paths = [_own(path, book) for path in templates]
    queries = (
        "min_position=1&min_position=1",
        "min_position=0&MIN_POSITION=0",
        "Limit=1",
        "offset=0",
        "min_position",
        "=1",
        "min_position[]=1",
        "%ff=1",
        "x=%ff",
        "&".join(f"p{n}=1" for n in range(500)),
    )
    for path, query in product(paths, queries):
        response = system.ask(f"{path}?{query}", ALICE, "audit")
        assert code(response) == "422 invalid-request", query
        assert isinstance(response.json()["errors"], list)


WRONG = {
    "min_position": ["", "-1", "+1", " 1", "1.0", "1e3", "0x1", "²", "1_0", str(2**63), "9" * 5000],
    "limit": ["", "0", "201", "-1", "1.0", "all", "9" * 5000],
    "kind": ["", "Personal", "personal,shared", "null"],
    "status": ["", "COMPLETED", "would-complete", "null"],
    "direction": ["", "in", "Debit"],
    "reference": ["x" * 65, "a\nb", "\x00", "\u202e"],
    "as_of": [
        "",
        "-1",
        "1.5",
        "now",
        "2026-02-30T00:00:00Z",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00+24:00",
        "0001-01-01T00:00:00+23:59",
        "99999-01-01T00:00:00Z",
        "\u0661",
    ],
    "effective_as_of": ["", "5", "now", "2026-02-30", "20260101", "2026-01-01T00:00:00"],
    "by": ["", "Class", "currency"],
    "format": ["", "JSON", "xls", "camt.052"],
    "from": ["", "0", "yesterday", "2026-01-01T25:00:00Z"],
    "to": ["", "0", "2026-13-01T00:00:00Z"],
    "after": ["", "-1", "1.0", str(2**63)],
    "wallet_id": ["", "wal_1", "pay_" + "0" * 26, "wal_" + "Z" * 26, "wal_" + "0" * 25 + "U"],
    "payment_id": ["", "pay_1", "wal_" + "0" * 26, "pay_" + "Z" * 26, "pay_" + "0" * 25 + "U"],
    "person": ["", "x" * 256, "a\nb", "\x00", "\u202e"],
    "points": ["", "9", "501", "-1", "1.0", "all", "9" * 5000],
    "currency": ["", "eur", "EURO", "XYZ", "€"],
    "cursor": ["", "x", "=", "a" * 5000, "é", "e30", "AA==", "null"],
}


OF_DAYS = ("daily", "statement", "monthly", "declined", "counterparties", "cash-flow")
"""How the routes end whose periods are of days."""


DAYS = ("2024-02-01", "2024-02-29", "1924-02-29")


def parameters(system: QuerySystem) -> list[tuple[str, str]]:
    """Return each parameter of each path, as documented."""
    return [
        (path, parameter["name"])
        for path, item in system.documented.document["paths"].items()
        for parameter in item["get"]["parameters"]
        if parameter["in"] == "query"
    ]


def _required(path: str) -> dict[str, str]:
    """Return good values of those parameters that a path cannot do without."""
    return {"from": "1", "to": "1"} if path.endswith("/consistency") else {}


def test_wrong_values(system: QuerySystem, book: Book) -> None:
    """Each parameter of each route has values that it must refuse, and names itself then."""
    asked = 0
    for template, name in parameters(system):
        path = _own(template, book)
        values = WRONG[name]
        if template.endswith(OF_DAYS) and name in ("from", "to"):
            values = [
                "",
                "20260101",
                "2026-02-30",
                "2026-1-1",
                "2026-01-01T00:00:00Z",
                "99999-01-01",
            ]
        for value in values:
            response = system.ask(path, ALICE, "audit", **{**_required(template), name: value})
            expected = "invalid-cursor" if name == "cursor" else "invalid-request"
            assert code(response) == f"422 {expected}", (path, name, value)
            if expected == "invalid-request":
                assert [e["parameter"] for e in response.json()["errors"]] == [name]
            asked += 1
    assert asked > 200


def test_an_end_before_its_beginning(system: QuerySystem, book: Book) -> None:
    """It is a mistake, and told as one on every route with a period; a century is none."""
    asked = 0
    for template, name in parameters(system):
        if name != "to" or template.endswith("/consistency"):
            continue
        path, midnight = _own(template, book), "" if template.endswith(OF_DAYS) else "T00:00:00Z"
        first, last, century = (f"{day}{midnight}" for day in DAYS)
        refused = system.ask(path, ALICE, "audit", to=first, from_=last)
        assert code(refused) == "422 invalid-request", path
        wrong = {"detail": "must not be before from", "parameter": "to"}
        assert refused.json()["errors"] == [wrong]
        for since in (first, last, century):
            assert system.ask(path, ALICE, "audit", to=last, from_=since).status_code == 200, path
        asked += 1
    assert asked >= 11


NASTY = [
    *(
        "0",
        "00",
        "007",
        "1",
        "NaN",
        "Infinity",
        "-0",
        "null",
        "undefined",
        "true",
        "[]",
        "{}",
        "{}[0]",
    ),
    *(str(2**31), str(2**53), str(2**63 - 1), str(2**63), str(2**64), "9" * 19, "9" * 4400),
    *("'", '"', "';DROP TABLE balances;--", "%s", "%(owner)s", "{conditions}", "\\", "$1"),
    *("\x00", "\x1f", "\x7f", "\u202e", "\ufeff", "🎈", "e\u0301", "ß", "\ud7ff", "\U0010ffff"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999-23:59"),
    *("0001-01-01", "9999-12-31", "2024-02-29", "1970-01-01T00:00:00.1234567890Z", "../../etc"),
    *("EUR", "JPY", "debit", "completed", "transfer", "personal", "a" * 64),
]


def test_nasty_values_never_fail_the_service(system: QuerySystem, book: Book) -> None:
    """Answered is 200 or 422; where a position is not reached yet, 503 `read-model-behind`."""

    def ask(case: tuple[str, str, str]) -> str:
        template, name, value = case
        path = _own(template, book)
        if template == "/v1/stream":
            # What it answers has no end, so only its beginning is waited for.
            with asked(system, ALICE, "audit", after=value) as response:
                if response.status_code != 200:
                    response.read()
                return "200" if response.status_code == 200 else code(response)
        response = system.ask(path, ALICE, "audit", **{**_required(template), name: value})
        return "200" if response.status_code == 200 else code(response)

    cases = [(*parameter, value) for parameter in parameters(system) for value in NASTY]
    with ThreadPoolExecutor(16) as pool:
        answers = list(zip(cases, pool.map(ask, cases), strict=True))
    assert len(answers) > 1500
    for (path, name, value), answer in answers:
        allowed = {"200", "422 invalid-request", "422 invalid-cursor"}
        if name == "min_position":
            allowed.add("503 read-model-behind")
        if path.startswith("/v1/audit/"):
            allowed.add("409 not-sealed-yet")
        if "{request_id}" in path or "{schedule_id}" in path:
            # The book has none of these.
            allowed |= {"404 request-not-found", "404 schedule-not-found"}
        assert answer in allowed, (path, name, value, answer)
