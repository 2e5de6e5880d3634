"""Holds and approvals that run out, over real databases, and the worker's job beside them."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from application.commands import Answer, Command, Outcome, Submission, Work
from domain.holds import CaptureHold, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, StreamId, WalletId, bits, payment_id
from domain.instants import moment
from domain.payment_events import Leg, PaymentKind, PaymentStanding
from domain.payments import MakePayment
from domain.wallet_rules import AddMember, ChangeApprovals
from infrastructure.event_codec import EventCodec
from infrastructure.event_log.reader import EventReader
from interfaces.workers.expiring import ExpiringPayments
from tests.fan_out import FanOut, drain
from tests.servers import FreshDatabases
from tests.written import Written

PLACED, FREED, TAKEN = "payment.authorized.v1", "payment.released.v1", "payment.captured.v1"


class RunningOut:
    """One payer without limit and one payee, and what becomes of the holds between them."""

    def __init__(self, databases: FreshDatabases) -> None:
        """Open the two wallets."""
        self.databases = databases
        self.writer = Written(databases.settings, databases.secrets)
        self.payer = self.writer.open(overdraft_limit=None)
        self.payee = self.writer.open()

    def order(self, seconds: int, kind: PaymentKind = "hold") -> Submission:
        """Return the order of 1.00 that waits for so long."""
        stream = self.writer.stream(None)
        legs = (Leg(self.payer, self.payee, 100, "EUR"),)
        command = MakePayment(
            payment_id=payment_id(stream),
            kind=kind,
            legs=legs,
            amount=100,
            currency="EUR",
            expires_in=seconds,
        )
        return self.writer.submission(command, stream)

    def place(self, seconds: int = 0, count: int = 1) -> list[PaymentId]:
        """Place holds, by default such as have run out at once."""
        orders = [self.order(seconds) for _ in range(count)]
        assert all(isinstance(one, Answer) for one in self.writer.ledger.execute(orders))
        return [payment_id(order.stream) for order in orders]

    def ask_for_approval(self) -> PaymentId:
        """Make a payment that waited for another owner of the payer's wallet, and runs out."""
        self.payer = self.writer.open(kind="shared", overdraft_limit=None)
        for command in (
            AddMember(self.payer, "usr_other", "owner"),
            ChangeApprovals(self.payer, 1, 0),
        ):
            assert isinstance(self.give(command), Answer)
        order = self.order(0, "transfer")
        assert isinstance(self.writer.one(order), Answer)
        return payment_id(order.stream)

    def give(self, command: Command) -> Outcome:
        """Give a command with a new key, as the operator who owns both wallets."""
        return self.writer.one(self.writer.submission(command, self.writer.stream(None)))

    def capture(self, payment: PaymentId) -> Outcome:
        return self.give(CaptureHold(payment, None, final=True))

    def release(self, payment: PaymentId) -> Outcome:
        return self.give(ReleaseHold(payment))

    def extend(self, payment: PaymentId, seconds: int) -> Outcome:
        return self.give(IncreaseHold(payment, 1, seconds))

    def follow(self) -> None:
        """Let the read models come to the ledger's end, from the store itself."""
        with FanOut(self.databases).worker() as worker:
            worker.begin()
            drain(worker)

    def head(self) -> int:
        return FanOut(self.databases).head()

    def story(self, payment: PaymentId) -> list[str]:
        """Return the types of a payment's events."""
        with self.databases.connect("audit") as connection:
            return [each.type for each in EventReader(connection).stream(StreamId(payment))]

    def standing(self, payment: PaymentId) -> PaymentStanding:
        """Return how a payment stands by its last event."""
        with self.databases.connect("audit") as connection:
            last = EventReader(connection).stream(StreamId(payment))[-1]
        event: Any = EventCodec().decode(last.type, last.data)
        standing: PaymentStanding = event.standing
        return standing

    def ends(self, payment: PaymentId) -> datetime:
        """Return when a payment runs out."""
        expires_at = self.standing(payment).expires_at
        assert expires_at is not None
        return moment(expires_at)

    def money(self, wallet: WalletId) -> tuple[int, int]:
        """Return what a wallet has posted and held, as decisions see it."""
        with self.databases.connect("audit") as connection:
            ((posted, held),) = connection.execute(
                "SELECT posted, held FROM wallet_head WHERE id = %s", [bits(wallet)]
            ).fetchall()
        return posted, held

    @contextmanager
    def sweeper(self) -> Iterator["Sweeper"]:
        """Give the job as the worker makes it, with a writer of its own."""
        writer = Written(self.databases.settings, self.databases.secrets)
        with self.databases.connect("query", "reports") as reports:
            yield Sweeper(writer, reports)
        assert writer.faults == [], "nothing of this is an error"
        writer.close()


@dataclass
class Sweeper:
    """The job that ends what has run out, and a count of what it asks the ledger."""

    writer: Written
    reports: Any
    asked: list[int] = field(default_factory=list)
    ahead: float = 0.0
    """By how many seconds its own clock has been set forward."""

    def __post_init__(self) -> None:
        self.stop = threading.Event()
        self.job = ExpiringPayments(self._execute, self.reports, self.stop, self._monotonic)

    def sweep(self, later: float = 0.0) -> int:
        """Do one round, by a clock that is so many seconds ahead of the ledger's."""
        return self.job.run_once(datetime.now(UTC) + timedelta(seconds=later))

    def _execute(self, works: Sequence[Work]) -> list[Outcome]:
        self.asked.append(len(works))
        return self.writer.ledger.execute(works)

    def _monotonic(self) -> float:
        return time.monotonic() + self.ahead


def sleep_until(end: datetime) -> None:
    """Sleep until a moment has come."""
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
