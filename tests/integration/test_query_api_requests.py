"""What the query API shows of payment requests, to whom, and that a replay agrees."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import pytest

from application.commands import Answer, Command
from domain.identifiers import PaymentRequestId, WalletId, payment_id, payment_request_id
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    RequestPayment,
)
from domain.wallet_rules import AddMember, RemoveMember
from domain.wallets import Caller
from tests.books import replay
from tests.drawn_code import read
from tests.fan_out import FanOut, drain
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome
from tests.written import Written

REQUESTS = "/v1/payment-requests"
WEEK = 7 * 24 * 3600
BEN, ANNA, CAROL, DAN = (
    Caller(f"usr_{name}", "tests", operate=False) for name in ("ben", "anna", "carol", "dan")
)
OPERATOR, AUDITOR = ("usr_operator", "operate"), ("usr_auditor", "audit")


@dataclass
class Book:
    """Ben asks: Anna for lunch, and whoever comes; Carol looks in; Dan has no part in it.

    Of those for whoever comes Anna paid one, Dan declined one, Ben cancelled one, one ran out.
    Ben's till is shared with Carol, who may only look.
    """

    system: QuerySystem
    writer: Written
    till: WalletId
    lunch: PaymentRequestId
    open: PaymentRequestId
    paid: PaymentRequestId
    declined: PaymentRequestId
    cancelled: PaymentRequestId
    expired: PaymentRequestId
    payment: str

    def names(self, *caller: str, **query: Any) -> list[str]:
        """Return which requests a caller is shown, by what they are called here; no others."""
        fields = ("lunch", "open", "paid", "declined", "cancelled", "expired")
        by_id = {getattr(self, name): name for name in fields}
        items = self.system.found(REQUESTS, *caller, **query)["items"]
        shown = [item["request_id"] for item in items]
        return [by_id[name] for name in shown if name in by_id]


def ask(writer: Written, wallet: WalletId, **fields: Any) -> PaymentRequestId:
    """Make a request of 12.34 EUR, but for the fields given."""
    stream = writer.stream(None)
    name = payment_request_id(stream)
    command = RequestPayment(
        **{
            "payment_request_id": name,
            "wallet_id": wallet,
            "amount": 1234,
            "currency": "EUR",
            "payer": None,
            "description": None,
            "expires_in": WEEK,
            **fields,
        }
    )
    done(writer, command, BEN, stream)
    return name


def done(writer: Written, command: Command, by: Caller, stream: Any = None) -> None:
    """Give a command that must be done."""
    answer = writer.one(writer.submission(command, stream or writer.stream(None), by))
    assert isinstance(answer, Answer)
    assert not answer.refused, answer


def accept(writer: Written, request: PaymentRequestId, purse: WalletId) -> str:
    """Let Anna pay a request; return the payment."""
    stream = writer.stream(None)
    payment = payment_id(stream)
    done(writer, AcceptPaymentRequest(payment, request, purse), ANNA, stream)
    return payment


@pytest.fixture(scope="module")
def book(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as system:
        writer = Written(system.databases.settings, system.databases.secrets)
        bank = writer.open(kind="system", account_class="asset", overdraft_limit=None)
        till, purse = writer.open(by=BEN, kind="shared"), writer.open(by=ANNA)
        writer.pay(bank, purse, 100_00)
        done(writer, AddMember(till, CAROL.subject, "viewer"), BEN)
        lunch = ask(writer, till, payer=ANNA.subject, description="Lunch")
        still, paid, declined, cancelled = (ask(writer, till) for _ in range(4))
        expired = ask(writer, till, expires_in=1)
        payment = accept(writer, paid, purse)
        done(writer, DeclinePaymentRequest(declined), DAN)
        done(writer, CancelPaymentRequest(cancelled), BEN)
        time.sleep(1.1)
        system.follow()
        asked = (lunch, still, paid, declined, cancelled, expired)
        yield Book(system, writer, till, *asked, payment)
        writer.close()


ALL = ["expired", "cancelled", "declined", "paid", "open", "lunch"]


@pytest.mark.parametrize(
    ("caller", "shown"),
    [
        ((BEN.subject, "read"), ALL),
        ((CAROL.subject, "payments"), ALL),
        ((ANNA.subject, "read"), ["lunch"]),
        ((DAN.subject, "read"), []),
        (OPERATOR, ALL),
        (AUDITOR, ALL),
    ],
)
def test_the_requests_of_a_caller(book: Book, caller: tuple[str, str], shown: list[str]) -> None:
    """Those into one's wallets and those meant for oneself, the newest first; operators see all."""
    assert book.names(*caller) == shown


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("open", ["open", "lunch"]),
        ("accepted", ["paid"]),
        ("declined", ["declined"]),
        ("cancelled", ["cancelled"]),
        ("expired", ["expired"]),
    ],
)
def test_requests_of_one_status(book: Book, status: str, shown: list[str]) -> None:
    """What has run out is expired, though no event says so."""
    assert book.names(BEN.subject, "read", status=status) == shown
    assert book.names(*AUDITOR, status=status) == shown


def test_an_unknown_status_is_refused(book: Book) -> None:
    assert book.system.ask(REQUESTS, status="paid").status_code == 422


def test_each_request_is_on_one_page(book: Book) -> None:
    """Also for a caller who meets with it in two ways, as payee and as payer."""
    everything = book.system.pages(REQUESTS, BEN.subject, "read")
    assert book.system.pages(REQUESTS, BEN.subject, "read", limit=1) == everything
    both = ask(book.writer, book.till, payer=BEN.subject)
    book.system.follow()
    found = book.system.pages(REQUESTS, BEN.subject, "read", limit=2)
    assert [item["request_id"] for item in found].count(both) == 1
    assert len(found) == len(everything) + 1
    done(book.writer, CancelPaymentRequest(both), BEN)


def test_a_request_is_shown_whole(book: Book) -> None:
    """With its code as long as it is open; the same to whom it is meant for."""
    request = book.system.found(f"{REQUESTS}/{book.lunch}", ANNA.subject, "read")
    assert book.system.found(f"{REQUESTS}/{book.lunch}", BEN.subject, "read") == request
    assert read(request.pop("qr_svg")) == f"falconpay:request/{book.lunch}"
    moments = (request.pop("created_at"), request.pop("expires_at"))
    assert moments[0] < moments[1]
    assert request == {
        "request_id": book.lunch,
        "status": "open",
        "reference": f"{book.lunch[-8:-4]}-{book.lunch[-4:]}",
        "wallet_id": book.till,
        "amount": "12.34",
        "currency": "EUR",
        "payer": ANNA.subject,
        "description": "Lunch",
    }


def test_a_request_in_a_list_is_the_request(book: Book) -> None:
    """But for the code."""
    for item in book.system.found(REQUESTS, BEN.subject, "read")["items"]:
        whole = book.system.found(f"{REQUESTS}/{item['request_id']}", BEN.subject, "read")
        assert ("qr_svg" in whole) is (whole["status"] == "open")
        whole.pop("qr_svg", None)
        assert whole == item


def test_who_has_the_id_sees_a_request_for_whoever_comes(book: Book) -> None:
    """What is meant for somebody else is not found, as what does not exist."""
    assert book.system.found(f"{REQUESTS}/{book.open}", DAN.subject, "read")["status"] == "open"
    for name in (book.lunch, "prq_0123456789ABCDEFGHJKMNPQRS", "prq_0", book.payment):
        response = book.system.ask(f"{REQUESTS}/{name}", DAN.subject, "read")
        assert (response.status_code, response.json()["code"]) == (404, "request-not-found")


@pytest.mark.parametrize(
    ("caller", "told"),
    [(BEN, True), (CAROL, True), (ANNA, True), (DAN, False)],
    ids=["payee", "viewer", "payer", "somebody"],
)
def test_the_payment_is_told_to_both_sides(book: Book, caller: Caller, told: bool) -> None:
    """Somebody else sees that it has been paid, not by which payment."""
    request = book.system.found(f"{REQUESTS}/{book.paid}", caller.subject, "read")
    assert request["status"] == "accepted"
    assert request.get("payment_id") == (book.payment if told else None)


def test_a_removed_member_sees_no_request_of_the_wallet(book: Book) -> None:
    dan_too = AddMember(book.till, DAN.subject, "spender")
    done(book.writer, dan_too, BEN)
    book.system.follow()
    assert book.names(DAN.subject, "read") == ALL
    done(book.writer, RemoveMember(book.till, DAN.subject), BEN)
    book.system.follow()
    assert book.names(DAN.subject, "read") == []


def test_requests_need_a_scope_that_reads_payments(book: Book) -> None:
    for path in (REQUESTS, f"{REQUESTS}/{book.open}"):
        assert book.system.ask(path, BEN.subject, "wallets").status_code == 403


def test_an_outsider_reads_the_same_from_the_events(book: Book) -> None:
    """Amounts in minor units beside their currency, and the end in the last event alone."""
    stored = book.system.pages("/v1/audit/events")
    of_paid = [event for event in stored if event["stream_id"] == book.paid]
    assert [event["type"] for event in of_paid] == [
        "payment_request.created.v1",
        "payment_request.accepted.v1",
    ]
    first, last = (event["data"] for event in of_paid)
    assert (first["wallet_id"], first["amount"], first["currency"]) == (book.till, 1234, "EUR")
    assert last == {
        "standing": {"status": "accepted", "payment_id": book.payment, "by": ANNA.subject}
    }


@pytest.mark.parametrize("limit", [1, 7, 5_000])
def test_rows_are_the_same_in_whatever_chunks_events_come(book: Book, limit: int) -> None:
    """Built again from the first event on, a command at a time or all at once."""
    databases = book.system.databases
    book.system.follow()
    with databases.connect_admin("reports") as reports:
        reports.execute("SET search_path = reports_main")
        before = reports.execute("SELECT * FROM payment_requests ORDER BY position").fetchall()
        reports.execute("TRUNCATE payment_requests")
        reports.execute("DELETE FROM checkpoint WHERE projection = 'payment_requests'")
        with FanOut(databases).worker(limit=limit) as worker:
            worker.begin()
            drain(worker)
        after = reports.execute("SELECT * FROM payment_requests ORDER BY position").fetchall()
    assert len(before) >= len(ALL)
    assert after == before


ALTERED: list[tuple[LiteralString, str]] = [
    ("UPDATE payment_requests SET status = 'open' WHERE request_id = %s", "status"),
    ("UPDATE payment_requests SET payment_id = NULL WHERE request_id = %s", "payment_id"),
    ("UPDATE payment_requests SET ended_by = 'usr_x' WHERE request_id = %s", "ended_by"),
    ("UPDATE payment_requests SET amount = 1 WHERE request_id = %s", "amount"),
    ("UPDATE payment_requests SET payer = 'usr_x' WHERE request_id = %s", "payer"),
    ("DELETE FROM payment_requests WHERE request_id = %s", "row"),
]


@pytest.mark.parametrize(("statement", "field"), ALTERED)
def test_a_replay_finds_an_altered_request(
    book: Book, statement: LiteralString, field: str
) -> None:
    """At the position of the request's first event; what is not altered is as the events say."""
    databases = book.system.databases
    book.system.follow()
    assert replay(databases).findings.first is None
    with databases.connect_admin("reports") as reports:
        reports.execute("SET search_path = reports_main")
        reports.execute("CREATE TEMP TABLE kept AS TABLE payment_requests")
        reports.execute(statement, [book.paid])
        first = replay(databases).findings.first
        reports.execute("DELETE FROM payment_requests")
        reports.execute("INSERT INTO payment_requests SELECT * FROM kept")
    assert first is not None
    (event, _last) = (
        e for e in book.system.pages("/v1/audit/events") if e["stream_id"] == book.paid
    )
    assert (first.position, first.where, first.stream, first.field) == (
        event["position"],
        "payment_requests",
        book.paid,
        field,
    )
