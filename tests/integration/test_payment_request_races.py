"""A payment request over real PostgreSQL: however many want to end it, it ends once."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from psycopg.errors import UniqueViolation

from application.clock import ClockGuard
from application.commands import Answer, Command, Outcome
from application.ledger import Ledger
from domain.events import RequestAccepted, RequestRefused
from domain.identifiers import (
    PaymentRequestId,
    WalletId,
    bits,
    payment_id,
    payment_request_id,
)
from domain.instants import moment
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.payment_request_events import PaymentRequestCreated
from domain.payment_requests import (
    AcceptPaymentRequest,
    CancelPaymentRequest,
    DeclinePaymentRequest,
    RequestPayment,
)
from domain.wallets import Caller
from infrastructure.ledger_store.opening import suspended_too
from tests.given import ISO
from tests.races import in_line
from tests.servers import FreshDatabases
from tests.watched_store import Overtaken, Watched
from tests.written import Written

MakeWritten = Callable[[], Written]
ASKED_FOR = 1234
WEEK = 7 * 24 * 3600
PAYEE, ANNA, BEN = (
    Caller(f"usr_{name}", "tests", operate=False) for name in ("payee", "anna", "ben")
)


class Asked:
    """A request of 12.34 EUR, and wallets that could pay it twice."""

    def __init__(self, writer: Written, expires_in: int = WEEK, payer: str | None = None) -> None:
        self.writer = writer
        self.till = writer.open(by=PAYEE)
        bank = writer.open(kind="system", account_class="asset", overdraft_limit=None)
        self.purses: dict[str, WalletId] = {}
        for person in (ANNA, BEN):
            self.purses[person.subject] = writer.open(by=person)
            writer.pay(bank, self.purses[person.subject], 2 * ASKED_FOR)
        stream = writer.stream(None)
        self.name: PaymentRequestId = payment_request_id(stream)
        command = RequestPayment(
            payment_request_id=self.name,
            wallet_id=self.till,
            amount=ASKED_FOR,
            currency="EUR",
            payer=payer,
            description=None,
            expires_in=expires_in,
        )
        answer = writer.one(writer.submission(command, stream, PAYEE))
        assert isinstance(answer, Answer)
        assert isinstance(answer.event, PaymentRequestCreated)
        self.expires_at = moment(answer.event.expires_at)

    def accepting(self, by: Caller, key: str | None = None) -> Callable[[Ledger], Outcome]:
        """Return what pays the request from a person's own wallet."""
        stream = self.writer.stream(key)
        purse = self.purses[by.subject]
        command = AcceptPaymentRequest(payment_id(stream), self.name, purse)
        work = self.writer.submission(command, stream, by)
        return lambda ledger: ledger.execute([work])[0]

    def doing(self, command: Command, by: Caller) -> Callable[[Ledger], Outcome]:
        """Return what gives another command."""
        work = self.writer.asking(command, by)
        return lambda ledger: ledger.execute([work])[0]

    def seconds_left(self) -> float:
        """Return how long the request lasts from now."""
        return (self.expires_at - datetime.now(UTC)).total_seconds()


def told(outcomes: list[Outcome]) -> list[str]:
    """Return what came of each command: the payment's or the refusal's end."""
    found = []
    for outcome in outcomes:
        assert isinstance(outcome, Answer), outcome
        event = outcome.event
        if isinstance(event, PaymentDeclined | RequestRefused):
            found.append(event.code)
        else:
            assert isinstance(event, PaymentCompleted | RequestAccepted)
            found.append("paid" if isinstance(event, PaymentCompleted) else event.action)
    return found


def moved(databases: FreshDatabases, wallet: WalletId) -> int:
    """Return what came into a wallet, as the events say."""
    with databases.connect("audit") as connection:
        row = connection.execute(
            "SELECT coalesce(sum((convert_from(state, 'UTF8')::json->>'amount')::bigint), 0)"
            " FROM events WHERE topic = 'wallet.credited.v1'"
            " AND originator_id = %s",
            [bits(wallet)],
        ).fetchone()
    assert row is not None
    return int(row[0])


def ends(databases: FreshDatabases) -> list[str]:
    """Return how the one request ended, in the words of its events."""
    with databases.connect("audit") as connection:
        rows = connection.execute(
            "SELECT topic FROM events WHERE topic LIKE 'payment_request.%' ORDER BY 1"
        )
        return [topic.split(".")[1] for (topic,) in rows if "created" not in topic]


def raced(
    databases: FreshDatabases,
    make_writer: MakeWritten,
    asked: Asked,
    *commands: Callable[[Ledger], Outcome],
) -> list[str]:
    """Let commands of as many processes wait for the request's lock; return what comes of them.

    Each has seen the request open before it waits, and none has to fail first to see its end.
    """
    watched = [Watched(make_writer()) for _ in commands]
    calls = [partial(each, w.ledger) for each, w in zip(commands, watched, strict=True)]
    outcomes = in_line(databases, asked.till, calls)
    assert UniqueViolation not in {type(cause) for w in watched for cause in w.conflicts}
    return told(outcomes)


def test_two_people_accept_at_once(databases: FreshDatabases, make_writer: MakeWritten) -> None:
    """One payment; the other one is declined and has kept the money."""
    asked = Asked(make_writer())
    both = asked.accepting(ANNA), asked.accepting(BEN)
    assert raced(databases, make_writer, asked, *both) == ["paid", "request-closed"]
    assert moved(databases, asked.till) == ASKED_FOR
    assert ends(databases) == ["accepted"]


def test_one_person_accepts_twice_at_once(
    databases: FreshDatabases, make_writer: MakeWritten
) -> None:
    """With two keys, as from two screens: it is paid once, though there is money for both."""
    asked = Asked(make_writer())
    both = asked.accepting(ANNA), asked.accepting(ANNA)
    assert raced(databases, make_writer, asked, *both) == ["paid", "request-closed"]
    assert moved(databases, asked.till) == ASKED_FOR


def test_one_key_is_one_payment(databases: FreshDatabases, make_writer: MakeWritten) -> None:
    """The second process finds the first one's answer."""
    asked = Asked(make_writer())
    both = asked.accepting(ANNA, "once"), asked.accepting(ANNA, "once")
    assert raced(databases, make_writer, asked, *both) == ["paid", "paid"]
    assert moved(databases, asked.till) == ASKED_FOR


@pytest.mark.parametrize("first", ["accept", "end"])
@pytest.mark.parametrize("command", [CancelPaymentRequest, DeclinePaymentRequest])
def test_an_acceptance_meets_another_end(
    databases: FreshDatabases, make_writer: MakeWritten, first: str, command: type
) -> None:
    """Whoever has the lock first ends the request; the other one hears that it has ended."""
    asked = Asked(make_writer())
    by = PAYEE if command is CancelPaymentRequest else BEN
    accepting, ending = asked.accepting(ANNA), asked.doing(command(asked.name), by)
    word = "cancel-request" if command is CancelPaymentRequest else "decline-request"
    if first == "accept":
        outcomes = raced(databases, make_writer, asked, accepting, ending)
        assert outcomes == ["paid", "request-closed"]
        assert moved(databases, asked.till) == ASKED_FOR
    else:
        outcomes = raced(databases, make_writer, asked, ending, accepting)
        assert outcomes == [word, "request-closed"]
        assert moved(databases, asked.till) == 0
    assert len(ends(databases)) == 1


def test_two_acceptances_in_one_batch(databases: FreshDatabases, writer: Written) -> None:
    """The second one is decided on what the first one leaves; nothing has to fail first."""
    asked, watched = Asked(writer), Watched(writer)
    works = []
    for person in (ANNA, BEN):
        stream = writer.stream(None)
        purse = asked.purses[person.subject]
        command = AcceptPaymentRequest(payment_id(stream), asked.name, purse)
        works.append(writer.submission(command, stream, person))
    assert told(watched.ledger.execute(works)) == ["paid", "request-closed"]
    assert watched.conflicts == []
    assert moved(databases, asked.till) == ASKED_FOR


def test_a_request_ends_by_the_clock_of_the_database(
    databases: FreshDatabases, writer: Written
) -> None:
    """Nothing had to happen for it: the next command finds it ended."""
    asked = Asked(writer, expires_in=1)
    time.sleep(max(asked.seconds_left(), 0) + 0.05)
    outcomes = [
        asked.accepting(ANNA)(writer.ledger),
        asked.doing(DeclinePaymentRequest(asked.name), BEN)(writer.ledger),
        asked.doing(CancelPaymentRequest(asked.name), PAYEE)(writer.ledger),
    ]
    assert told(outcomes) == ["request-closed"] * 3
    assert moved(databases, asked.till) == 0
    assert ends(databases) == []


def test_an_acceptance_is_not_stored_behind_the_requests_end(
    databases: FreshDatabases, make_writer: MakeWritten
) -> None:
    """Decided in time, but another process has stored something later than the end before it.

    Times never go back along positions, so it would be recorded too late: it is decided again.
    """
    writer, other = make_writer(), make_writer()
    asked = Asked(writer, expires_in=2)

    def be_late() -> None:
        time.sleep(max(asked.seconds_left(), 0) + 0.05)
        other.open()

    other.open()
    time.sleep(max(asked.seconds_left() - 0.3, 0))
    late = Overtaken(writer.store, be_late)
    ledger = Ledger(late, ClockGuard(suspended_too), digits=ISO.digits, report=writer.faults.append)
    assert told([asked.accepting(ANNA)(ledger)]) == ["request-closed"]
    assert late.commits == 2, "the first commit came too late"
    assert moved(databases, asked.till) == 0
