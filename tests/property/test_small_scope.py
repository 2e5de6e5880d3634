"""One payment, and everything that can happen to it in any order, up to six steps."""

import copy
from collections import Counter
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from application.commands import Command, Submission
from application.deciding import Decision
from application.decisions import decide
from application.state import State
from domain.events import WalletEvent
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, WalletId, bits, payment_id
from domain.instants import Instant, later
from domain.payment_events import PaymentEvent
from domain.payment_state import BEGINNINGS, Payment, payment_of
from domain.payments import MakePayment
from domain.refunds import RefundPayment, ReversePayment
from domain.refusals import Rejection
from domain.wallets import Caller, Wallet, evolve
from tests.given import (
    ISO,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    THEIRS,
    credited,
    opening,
    transfer_of,
)
from tests.given import wallet as wallet_after
from tests.property.ends import end_of, end_of_event
from tests.property.model import Model
from tests.property.model_parts import DAY, Purse, microseconds

STEPS = 6
HELD, EXTRA = 6, 1
HALF_A_DAY = 43_200
SWEEPER = Caller("usr_sweeper", "tests", operate=True, system=True)

END = later(NOW, 2 * HALF_A_DAY)
PASSES = "half a day passes"
"""Once, and it is exactly midnight; twice, and the hold has exactly run out."""

CAPTURES = {
    "captures a part": CaptureHold(PAID, 2, final=False),
    "captures a part for good": CaptureHold(PAID, 3, final=True),
    "captures all that is left": CaptureHold(PAID, None, final=True),
    "captures too much": CaptureHold(PAID, HELD + 1, final=True),
}
ENDINGS = ("releases", "is swept", PASSES)
RETURNS = ("refunds a part", "refunds all that is left", "reverses")
OTHERS = ("is increased", "the payee spends")
MOVES = (*CAPTURES, *ENDINGS, *RETURNS, *OTHERS)


@dataclass(frozen=True)
class Here:
    """Where a way has led: what the ledger decides on, and the events of the payment so far."""

    wallets: dict[WalletId, Wallet]
    events: tuple[PaymentEvent, ...]
    now: Instant
    number: int = 1

    @property
    def payment(self) -> Payment:
        """The payment as its first and its last event tell it."""
        first = self.events[0]
        assert isinstance(first, BEGINNINGS)
        return payment_of(PAID, first, self.events[-1], len(self.events))


class Walk:
    """Walks every way from one beginning; equal situations are walked on from once."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.seen: set[tuple[object, ...]] = set()

    def begin(self, command: MakePayment) -> tuple[Here, Model]:
        """Make the payment from our wallet, which has a little more, to theirs."""
        wallets = {
            OURS: wallet_after(credited(HELD + EXTRA)),
            THEIRS: wallet_after(name=THEIRS, first=opening(owner=STRANGER.subject)),
        }
        model = Model()
        model.purses[OURS] = Purse(OWNER.subject, "EUR", 0, balance=HELD + EXTRA)
        model.purses[THEIRS] = Purse(STRANGER.subject, "EUR", 0)
        model.book.now = microseconds(NOW)
        here = Here(wallets, (), NOW)
        return self.step(here, model, command, OWNER), model

    def on(self, here: Here, model: Model, steps: int) -> None:
        """Go every way on, so many steps at most."""
        money = [
            (each.posted, each.held, each.spent_on, each.spent) for each in here.wallets.values()
        ]
        situation = (steps, here.payment.began, here.payment.standing, here.now, *money)
        if steps == 0 or situation in self.seen:
            return
        self.seen.add(situation)
        for name in MOVES:
            book, keys = copy.deepcopy(model.book), dict(model.keys)
            self.on(self.move(here, model, name), model, steps - 1)
            model.book, model.keys = book, keys

    def move(self, here: Here, model: Model, name: str) -> Here:
        """Make one move, whoever may make it."""
        own = payment_id(UUID(int=here.number + 1000))
        if name == PASSES:
            now = min(later(here.now, HALF_A_DAY), END)
            model.book.now = microseconds(now)
            return replace(here, now=now)
        command: Command
        match name:
            case "is increased":
                command, caller = IncreaseHold(PAID, 1, None), OWNER
            case "the payee spends":
                command, caller = _spending(own), STRANGER
            case "releases":
                command, caller = ReleaseHold(PAID), STRANGER
            case "is swept":
                command, caller = ExpirePayment(PAID), SWEEPER
            case "refunds a part":
                command, caller = RefundPayment(own, PAID, 1, None), STRANGER
            case "refunds all that is left":
                command, caller = RefundPayment(own, PAID, None, None), STRANGER
            case "reverses":
                command, caller = ReversePayment(own, PAID, "mistaken"), OPERATOR
            case _:
                command, caller = CAPTURES[name], STRANGER
        return self.step(here, model, command, caller)

    def step(self, here: Here, model: Model, command: Command, caller: Caller) -> Here:
        """Decide a command on what is there, expect the model's end, and fold its events."""
        payments = {PAID: here.payment} if here.events else {}
        stream = UUID(int=here.number + 1000)
        if isinstance(command, MakePayment):
            stream = bits(command.payment_id)
        submission = Submission(command, caller, stream, str(here.number))
        end, _ = model.submit(submission)
        self.ends[end[0]] += 1
        decision = _decided(submission, State(here.wallets, ISO.digits, payments), here.now)
        if isinstance(decision, Rejection):
            assert end_of(decision) == end
            return here
        assert end_of_event(decision.events[0][2]) == end
        wallets, events = dict(here.wallets), here.events
        for name, _, event in decision.events:
            if isinstance(event, WalletEvent):
                wallet = next(each for each in wallets if bits(each) == name)
                wallets[wallet] = evolve(wallets[wallet], event, here.now[:10])
            elif isinstance(event, PaymentEvent) and name == bits(PAID):
                events = (*events, event)
        after = Here(wallets, events, here.now, here.number + 1)
        self.check(after, model)
        return after

    def check(self, here: Here, model: Model) -> None:
        """Expect what must hold after each step, and what the model says."""
        ours, theirs = here.wallets[OURS], here.wallets[THEIRS]
        deal = model.deals[PAID]
        standing = here.payment.standing
        self.statuses[standing.status] += 1
        assert ours.posted + theirs.posted == HELD + EXTRA, "money came or went"
        assert (ours.posted, theirs.posted) == (
            model.purses[OURS].balance,
            model.purses[THEIRS].balance,
        )
        assert ours.held == standing.left == deal.left == model.book.held(OURS)
        assert ours.available >= 0
        assert theirs.available >= 0
        day = microseconds(f"{ours.spent_on}T00:00:00Z") // DAY
        assert ours.spent == model.purses[OURS].spent[day]
        assert standing.status == deal.status
        assert (standing.refunded, standing.refundable) == (deal.returned, deal.returnable)
        assert here.payment.version == len(here.events)


def _decided(submission: Submission, state: State, now: Instant) -> Decision | Rejection:
    try:
        return decide(submission, state, now)
    except Rejection as rejection:
        return rejection


def _spending(name: PaymentId) -> MakePayment:
    return transfer_of(1, payment_id=name, source_wallet_id=THEIRS, destination_wallet_id=OURS)


HELD_FOR_A_DAY = replace(transfer_of(HELD), kind="hold", expires_in=2 * HALF_A_DAY)
OF_HOLDS = {
    *("done", "amount-exceeds-hold", "hold-already-captured", "hold-already-released"),
    *("hold-expired", "nothing-to-do", "not-refundable", "not-reversible"),
    *("amount-exceeds-payment", "already-refunded", "already-reversed", "insufficient-funds"),
}
OF_TRANSFERS = {
    *("done", "payment-not-found", "nothing-to-do"),
    *("amount-exceeds-payment", "already-refunded", "already-reversed", "insufficient-funds"),
}
PAID_STATUSES = {"completed", "partially-refunded", "refunded", "reversed"}
HELD_STATUSES = {*PAID_STATUSES, "authorized", "cancelled", "expired"}


@pytest.mark.parametrize(
    ("command", "ends", "statuses"),
    [(HELD_FOR_A_DAY, OF_HOLDS, HELD_STATUSES), (transfer_of(HELD), OF_TRANSFERS, PAID_STATUSES)],
    ids=["a hold", "a transfer"],
)
def test_every_order_of_six_steps(command: MakePayment, ends: set[str], statuses: set[str]) -> None:
    """After each step the money, the payment and every end are what the model says."""
    walk = Walk()
    here, model = walk.begin(command)
    walk.on(here, model, STEPS)
    assert set(walk.ends) == ends
    assert set(walk.statuses) == statuses
