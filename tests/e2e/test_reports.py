"""Reports through the gateway of a running system, each of the one ledger that its token names."""

import re
import subprocess
from typing import Any

import httpx
import pytest

from interfaces.gateway.exposed import EXPOSED
from tests.several_ledgers import Book, create
from tests.tools.whole_system import ROOT, WholeSystem, until

LEDGER = "dashboards"
OF_WALLETS = ("counterparties", "cash-flow", "balance-history")
ROUTES = [each.path for each in EXPOSED if each.path.startswith("/v1/reports/")]
ROUTES += ["/v1/audit/trail", *(f"/v1/wallets/{{wallet_id}}/{name}" for name in OF_WALLETS)]
LINES = re.compile(r"```sh\n(TAG=.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def main(running: WholeSystem) -> Book:
    return Book(running, "main")


@pytest.fixture(scope="module")
def book(running: WholeSystem, main: Book) -> Book:
    """Give a ledger of its own, beside one in which something has happened, too."""
    main.pay(main.open(), main.open())
    return create(running, LEDGER)


@pytest.fixture(scope="module")
def wallets(book: Book) -> tuple[str, str]:
    """Write a small past: two purchases, what the shop cannot pay back, and a hold."""
    payer, shop = book.open(), book.open(overdraft_limit="0.00")
    bought = {"source_wallet_id": payer, "destination_wallet_id": shop, "currency": "EUR"}
    back = {"source_wallet_id": shop, "destination_wallet_id": payer, "currency": "EUR"}
    for path, body, status in (
        ("/v1/transfers", {**bought, "amount": "12.50", "metadata": {"category": "food"}}, 201),
        ("/v1/transfers", {**bought, "amount": "7.50"}, 201),
        ("/v1/transfers", {**back, "amount": "999.00"}, 422),
        ("/v1/holds", {**bought, "amount": "5.00"}, 201),
    ):
        answer = book.post(path, body)
        assert answer.status_code == status, answer.text
    until(book.follows, 20, "the read models have it")
    return payer, shop


@pytest.fixture(scope="module")
def stranger(running: WholeSystem, book: Book) -> str:
    """Give the token of somebody who has no wallet in the ledger."""
    words = ("--ledger", LEDGER, "--subject", "stranger", "--scope", "read wallets payments")
    done = running.falcon("token", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def shown(book: Book, path: str, *fields: str, **asked: str) -> list[tuple[Any, ...]]:
    """Return some fields of what a report lists."""
    answer = book.http.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return [tuple(item.get(field) for field in fields) for item in answer.json()["items"]]


def test_the_reports_tell_what_happened(book: Book, wallets: tuple[str, str]) -> None:
    """Of this ledger, and of nothing that happened in the other one."""
    payer, shop = wallets
    reports, wallet = "/v1/reports", f"/v1/wallets/{payer}"
    volumes = ("currency", "kind", "count", "volume", "declined")
    for name in ("daily", "monthly"):
        assert shown(book, f"{reports}/{name}", *volumes) == [("EUR", "transfer", 2, "20.00", 1)]
    declined = shown(book, f"{reports}/declined", "code", "kind", "count", "volume")
    assert declined == [("insufficient-funds", "transfer", 1, "999.00")]
    held = shown(book, f"{reports}/holds", "currency", "age", "count", "held")
    assert held == [("EUR", "under-1-hour", 1, "5.00")]
    largest = {"wallet_id": shop, "posted": "20.00", "share": "1.000000"}
    assert shown(book, f"{reports}/concentration", "total", "largest") == [("20.00", [largest])]
    totals = shown(book, f"{reports}/trial-balance", "wallets", "debits", "credits", "sum")
    assert totals == [(2, "20.00", "20.00", "0.00")]
    others = shown(book, f"{wallet}/counterparties", "counterparty", "paid_count", "paid")
    assert others == [(shop, 2, "20.00")]
    flow = shown(book, f"{wallet}/cash-flow", "category", "paid", "received")
    assert flow == [("food", "12.50", "0.00"), ("transfer", "7.50", "0.00")]
    points = book.http.get(f"{wallet}/balance-history").json()["points"]
    assert [point["balance"] for point in points] == ["-12.50", "-20.00"]
    acts = shown(book, "/v1/audit/trail", "action", "outcome", person="auditor")
    assert acts == [
        ("hold", "accepted"),
        ("transfer", "refused"),
        ("transfer", "accepted"),
        ("transfer", "accepted"),
        ("open-wallet", "accepted"),
        ("open-wallet", "accepted"),
    ]


@pytest.mark.parametrize("route", ROUTES)
def test_a_report_is_not_sent_again(
    book: Book, main: Book, wallets: tuple[str, str], route: str
) -> None:
    """As long as its ledger stands still; in another ledger the tag stands for nothing."""
    path = route.format(wallet_id=wallets[0])
    answers = [book.http.get(path)]

    def stands_still() -> bool:
        # What operators did is recorded a moment later, and then the ledger has gone on.
        headers = {"If-None-Match": answers[-1].headers["etag"]}
        answers.append(book.http.get(path, headers=headers))
        return answers[-1].status_code == 304

    until(stands_still, 30, "the ledger stands still")
    same, tag = answers[-1], answers[-1].headers["etag"]
    assert same.content == b""
    assert same.headers["cache-control"] == "private, no-cache"
    assert tag.startswith(f'"{same.headers["ledger-position"]}-')
    other = main.http.get(path, headers={"If-None-Match": tag})
    if "{" in route:
        assert other.status_code == 404
    else:
        assert other.status_code == 200
        assert all(wallet not in other.text for wallet in wallets)


def test_the_documented_lines(running: WholeSystem, book: Book, wallets: tuple[str, str]) -> None:
    """They keep the tag of a report and ask for it again."""
    (lines,) = LINES.findall((ROOT / "docs/how-to/read-reports.md").read_text())
    script = f"TOKEN={book.token}\n{lines}".replace("localhost:8000", f"localhost:{running.port}")

    def told() -> bool:
        words = ["bash", "-euo", "pipefail", "-c", script]
        return "304 Not Modified" in subprocess.check_output(words, text=True, timeout=60)

    until(told, 30, "the ledger stands still")


@pytest.mark.parametrize("route", ROUTES)
def test_who_may_read_a_report(
    running: WholeSystem, wallets: tuple[str, str], stranger: str, route: str
) -> None:
    """A wallet is not there for strangers, the book is the auditors', and a token is needed."""
    url = f"http://127.0.0.1:{running.port}{route.format(wallet_id=wallets[0])}"
    assert httpx.get(url).status_code == 401
    answer = httpx.get(url, headers={"Authorization": f"Bearer {stranger}"})
    assert answer.status_code == (404 if "{" in route else 403), answer.text


def test_who_has_looked_is_on_record_in_that_ledger(
    book: Book, main: Book, wallets: tuple[str, str]
) -> None:
    path = f"/v1/wallets/{wallets[1]}/cash-flow"
    assert book.http.get(path, params={"from": "2020-01-01"}).status_code == 200
    asked = {"wallet_id": wallets[1], "from": "2020-01-01"}
    looked = ("/v1/wallets/{wallet_id}/cash-flow", asked)
    seen = shown(book, "/v1/audit/accesses", "route", "asked", person="auditor")
    assert looked in seen
    assert looked not in shown(main, "/v1/audit/accesses", "route", "asked", person="auditor")
