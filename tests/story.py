"""A story of commands on wallets and payments, decided one after the other as the ledger does."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from application.commands import Command, Submission
from application.decisions import decide
from application.state import State
from domain import payment_state, wallets
from domain.approvals import ApprovePayment, RejectPayment
from domain.events import Event, WalletEvent, WalletLimitsChanged, WalletMemberAdded, WalletOpened
from domain.exchanges import ExchangeMoney
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, WalletId, bits
from domain.instants import Instant, later
from domain.payment_events import Leg, PaymentEvent, PaymentStanding
from domain.payment_state import BEGINNINGS, Payment, payment_of
from domain.payments import MakePayment
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import Refusal, Rejection
from domain.wallets import Caller, Wallet
from tests.given import (
    ISO,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    THEIRS,
    credited,
    opening,
    payment_named,
    transfer_of,
    wallet,
)

PAYEE = Caller("usr_payee", "tests", operate=False)
SPENDER = Caller("usr_spender", "tests", operate=False)
VIEWER = Caller("usr_viewer", "tests", operate=False)
SWEEPER = Caller("falconpay", "tests", operate=True, system=True)
TOMORROW = Instant("2026-02-01T00:00:00.000000Z")
"""The first moment of the day after `NOW`."""

HOUR, DAY = 3600, 24 * 3600
END = later(NOW, HOUR)
"""When a hold for an hour that was placed at `NOW` runs out."""
LAST_MOMENT = Instant("2026-01-31T12:59:59.999999Z")
"""The last microsecond before `END`."""

REFUND, REVERSAL = payment_named(21), payment_named(22)
SHARED = opening(kind="shared")


def ours(*events: Any, first: WalletOpened | None = None, money: int = 1000) -> Wallet:
    """Return the owner's wallet with money in it and with a spender and a viewer."""
    members = (
        WalletMemberAdded(SPENDER.subject, "spender"),
        WalletMemberAdded(VIEWER.subject, "viewer"),
    )
    return wallet(*members, credited(money), *events, first=first or SHARED)


def theirs(*events: Any, money: int = 0) -> Wallet:
    """Return the payee's wallet, which has a spender and a viewer of its own."""
    members = (
        WalletMemberAdded("usr_till", "spender"),
        WalletMemberAdded("usr_auditor", "viewer"),
    )
    first = opening(kind="shared", owner=PAYEE.subject)
    came = (credited(money),) if money else ()
    return wallet(*members, *came, *events, name=THEIRS, first=first)


TILL = Caller("usr_till", "tests", operate=False)
AUDITOR = Caller("usr_auditor", "tests", operate=False)


def limits(per_payment: int | None, per_day: int | None) -> WalletLimitsChanged:
    """Return the limits that a wallet has from now on."""
    return WalletLimitsChanged(per_payment, per_day)


def pay(amount: int, number: int = 40, **fields: Any) -> MakePayment:
    """Return a transfer that is not the one of most tests."""
    return transfer_of(amount, payment_id=payment_named(number), **fields)


def hold_of(amount: int, expires_in: int = 3600, **fields: Any) -> MakePayment:
    """Return a hold in EUR for an hour from our wallet to theirs, but for the fields given."""
    return replace(transfer_of(amount, **fields), kind="hold", expires_in=expires_in)


def split_of(*legs: Leg, **fields: Any) -> MakePayment:
    """Return a payment of many legs."""
    total = sum(leg.amount for leg in legs)
    return MakePayment(
        **{
            "payment_id": PAID,
            "kind": "split",
            "legs": legs,
            "amount": total,
            "currency": legs[0].currency,
            **fields,
        }
    )


def capture(amount: int | None = None, *, final: bool = True) -> CaptureHold:
    """Return a capture of the hold of these tests."""
    return CaptureHold(PAID, amount, final)


def increase(amount: int, expires_in: int | None = None) -> IncreaseHold:
    """Return an increase of the hold of these tests."""
    return IncreaseHold(PAID, amount, expires_in)


def refund(amount: int | None = None, number: int = 21, of: PaymentId = PAID) -> RefundPayment:
    """Return a refund of the payment of these tests."""
    return RefundPayment(payment_named(number), of, amount, "sent back")


def reverse(number: int = 22, of: PaymentId = PAID) -> ReversePayment:
    """Return a reversal of the payment of these tests."""
    return ReversePayment(payment_named(number), of, "paid by mistake")


RELEASE, EXPIRE = ReleaseHold(PAID), ExpirePayment(PAID)
APPROVE, REJECT = ApprovePayment(PAID, "fine"), RejectPayment(PAID, "too much")


@dataclass(frozen=True)
class Told:
    """How a command ended: its events in the order of storing, or why there are none."""

    events: tuple[Event, ...] = ()
    no: Refusal | Rejection | None = None
    right: str | None = None
    valid_before: Instant | None = None

    @property
    def standing(self) -> PaymentStanding:
        """How the payment that was acted on stands now."""
        return payment_state.standing_after(self._payment_events[-1])

    @property
    def _payment_events(self) -> list[PaymentEvent]:
        return [event for event in self.events if isinstance(event, PaymentEvent)]

    def the(self, kind: type) -> Any:
        """Return the one event of a class."""
        (event,) = [event for event in self.events if type(event) is kind]
        return event

    def refused(self, no: type[Refusal | Rejection]) -> Any:
        """Expect this refusal or rejection and no subclass of it; return it."""
        assert type(self.no) is no, self.no or self.events
        return self.no


@dataclass
class Story:
    """Wallets and payments as the commands so far have left them."""

    wallets: dict[WalletId, Wallet]
    now: Instant = NOW
    payments: dict[PaymentId, Payment] = field(default_factory=dict)
    streams: defaultdict[UUID, list[Event]] = field(default_factory=lambda: defaultdict(list))
    asked: int = 0
    closed_through: str | None = None

    def at(self, now: Instant | str) -> "Story":
        """Go on at a later time."""
        assert now >= self.now, "time goes forwards"
        self.now = Instant(now)
        return self

    def ask(
        self, command: Command, by: Caller = OWNER, written: Mapping[str, str] | None = None
    ) -> Told:
        """Decide a command, keep what comes of it, and tell it."""
        self.asked += 1
        stream = _stream(command) or UUID(int=5000 + self.asked)
        state = State(self.wallets, ISO.digits, self.payments, closed_through=self.closed_through)
        work = Submission(command, by, stream, "content", written=written)
        try:
            decision = decide(work, state, self.now)
        except (Refusal, Rejection) as no:
            return Told(no=no)
        self._keep(decision.events)
        self.closed_through = decision.closes or self.closed_through
        for each in decision.wallets:
            assert self.wallets[each.wallet_id] == each, "the wallet is what its events make it"
        for payment in decision.payments:
            assert self.payments[payment.payment_id] == payment, "so is the payment"
        events = tuple(event for _, _, event in decision.events)
        return Told(events, decision.refusal, decision.right, decision.valid_before)

    def done(self, *commands: Command, by: Caller = OPERATOR) -> "Story":
        """Give commands that are all accepted."""
        for command in commands:
            told = self.ask(command, by)
            assert told.no is None, told.no
        return self

    def copied(self) -> "Story":
        """Return the same story, to be told on in another way."""
        streams = defaultdict(list, {name: list(events) for name, events in self.streams.items()})
        return Story(
            dict(self.wallets),
            self.now,
            dict(self.payments),
            streams,
            self.asked,
            self.closed_through,
        )

    def happens(self, name: WalletId, *events: WalletEvent) -> "Story":
        """Let events happen to a wallet that nobody asked for in this story."""
        for event in events:
            self.wallets[name] = wallets.evolve(self.wallets[name], event, self.now[:10])
        return self

    def _keep(self, events: tuple[tuple[UUID, int, Event], ...]) -> None:
        names = {bits(name): name for name in self.wallets}
        for stream, version, event in events:
            if stream in names:
                found = self.wallets[names[stream]]
                after = wallets.evolve(found, event, self.now[:10])  # type: ignore[arg-type]  # a wallet's
                assert after.version == version
                self.wallets[names[stream]] = after
                continue
            self.streams[stream].append(event)
            assert len(self.streams[stream]) == version
            if isinstance(event, PaymentEvent):
                first = self.streams[stream][0]
                assert isinstance(first, BEGINNINGS)
                name = payment_named(stream.int)
                self.payments[name] = payment_of(name, first, event, version)

    @property
    def ours(self) -> Wallet:
        return self.wallets[OURS]

    @property
    def theirs(self) -> Wallet:
        return self.wallets[THEIRS]

    @property
    def standing(self) -> PaymentStanding:
        """How the payment of these tests stands now."""
        return self.payments[PAID].standing

    def stands(self, status: str) -> "Story":
        """Expect that the payment of these tests stands so."""
        assert self.standing.status == status
        return self

    def money(self) -> tuple[int, int, int]:
        """Return what we have posted and held, and what they have posted."""
        return self.ours.posted, self.ours.held, self.theirs.posted


def story(*given: Wallet) -> Story:
    """Return the beginning of a story; without wallets those of `ours` and `theirs`."""
    return Story({each.wallet_id: each for each in given or (ours(), theirs())})


def held(amount: int = 100, expires_in: int = HOUR, *given: Wallet) -> Story:
    """Return a story that begins with a hold of the owner's for an hour."""
    return story(*given).done(hold_of(amount, expires_in), by=OWNER)


def paid(amount: int = 100, *given: Wallet) -> Story:
    """Return a story that begins with a transfer of the owner's."""
    return story(*given).done(transfer_of(amount), by=OWNER)


def declined(amount: int = 100) -> Story:
    """Return a story that begins with a transfer for which there is not enough."""
    tale = story(ours(money=amount - 1), theirs())
    assert tale.ask(transfer_of(amount)).no is not None
    return tale


def _stream(command: Command) -> UUID | None:
    """Return the stream that a command begins by itself, where its key does not."""
    match command:
        case MakePayment(payment_id=name) | ExchangeMoney(payment_id=name):
            return bits(name)
        case RefundPayment(refund_payment_id=name) | ReversePayment(reversal_payment_id=name):
            return bits(name)
    return None
