"""A book with every kind of payment in all its ends, decided by the ledger itself."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from application.commands import Answer, Command, Submission
from application.ledger import Ledger
from domain.approvals import ApprovePayment, RejectPayment
from domain.events import Role
from domain.exchanges import ExchangeMoney
from domain.holds import CaptureHold, ExpirePayment, IncreaseHold, ReleaseHold
from domain.identifiers import PaymentId, WalletId, key_stream, payment_id, wallet_id
from domain.money import Currencies
from domain.payment_events import Leg, PaymentKind, Rate
from domain.payments import WEEK, MakePayment, transfer_money
from domain.refunds import RefundPayment, ReversePayment
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    FreezeWallet,
    OpenWallet,
    RemoveMember,
    UnfreezeWallet,
)
from domain.wallets import Caller
from infrastructure.ledger_store.opening import open_ledger
from tests.servers import FreshDatabases

ANN, BEN, CAT = "usr_ann", "usr_ben", "usr_cat"
"""Owners of the shared wallet."""
DAN, EVE, FAY = "usr_dan", "usr_eve", "usr_fay"
"""Its spender, its viewer, and one who is a member no more."""
SHOP, GUIDE, NOBODY = "usr_shop", "usr_guide", "usr_nobody"
"""Who are paid, and somebody who has nothing to do with it."""
OPERATOR = Caller("usr_operator", "tests", operate=True)
SWEEPER = Caller("falconpay", "payments", operate=True, system=True)


@dataclass
class EveryPayment:
    """The book as it is written; `wallets` and `payments` know what is in it by a short name."""

    ledger: Ledger
    wallets: dict[str, WalletId] = field(default_factory=dict)
    payments: dict[str, PaymentId] = field(default_factory=dict)
    done: int = 0

    def give(self, by: str | Caller, command: Command, stream: UUID | None = None) -> Answer:
        """Give a command that the ledger answers, be it with a refusal of its own."""
        caller = by if isinstance(by, Caller) else Caller(by, "tests", operate=False)
        work = Submission(command, caller, stream or self.next_stream(), repr(command))
        (outcome,) = self.ledger.execute([work])
        assert isinstance(outcome, Answer), (command, outcome)
        return outcome

    def next_stream(self) -> UUID:
        self.done += 1
        return key_stream("main", "tests", "every-payment", str(self.done))

    def accept(self, by: str | Caller, command: Command) -> None:
        """Give a command that must be done."""
        answer = self.give(by, command)
        assert not answer.refused, answer.event

    def open(self, name: str, owner: str | None, **more: Any) -> None:
        stream = self.next_stream()
        self.wallets[name] = wallet_id(stream)
        command = OpenWallet(
            wallet_id=wallet_id(stream),
            kind=more.get("kind", "system" if owner is None else "personal"),
            account_class="asset" if owner is None else "liability",
            name=name,
            reference=None,
            currency=more.get("currency", "EUR"),
            overdraft_limit=None if owner is None else 0,
        )
        self.give(OPERATOR if owner is None else owner, command, stream)

    def begin(self, name: str, by: str | Caller, command: Any, *, refused: bool = False) -> None:
        """Make a payment by a function of its stream, and remember it by a name."""
        stream = self.next_stream()
        self.payments[name] = payment_id(stream)
        answer = self.give(by, command(payment_id(stream)), stream)
        assert answer.refused is refused, answer.event

    def pay(self, name: str, by: str | Caller, source: str, payee: str, amount: int) -> None:
        """Make a transfer with all the texts that there are."""
        self.begin(name, by, self.transfer(name, source, payee, amount))

    def transfer(self, name: str, source: str, payee: str, amount: int) -> Any:
        return lambda payment: transfer_money(
            payment_id=payment,
            source_wallet_id=self.wallets[source],
            destination_wallet_id=self.wallets[payee],
            amount=amount,
            currency="EUR",
            description=f"for {name}",
            reference=f"R {name}",
            metadata={"name": name},
        )

    def legged(
        self, name: str, kind: PaymentKind, legs: list[tuple[str, str, int]], seconds: int = WEEK
    ) -> Any:
        """Return what makes a payment of any kind along legs."""
        return lambda payment: MakePayment(
            payment_id=payment,
            kind=kind,
            legs=tuple(
                Leg(self.wallets[source], self.wallets[payee], amount, "EUR")
                for source, payee, amount in legs
            ),
            amount=sum(amount for _, _, amount in legs),
            currency="EUR",
            description=f"for {name}",
            reference=f"R {name}",
            metadata={"name": name},
            expires_in=seconds,
        )

    def hold(
        self, name: str, by: str, source: str, payee: str, amount: int, seconds: int = WEEK
    ) -> None:
        self.begin(name, by, self.legged(name, "hold", [(source, payee, amount)], seconds))

    def capture(self, by: str, name: str, amount: int | None, *, final: bool = True) -> None:
        self.accept(by, CaptureHold(self.payments[name], amount, final))

    def refund(self, name: str, by: str, of: str, amount: int | None) -> None:
        first = self.payments[of]
        self.begin(name, by, lambda payment: RefundPayment(payment, first, amount, f"for {name}"))

    def approve(self, by: str, name: str) -> None:
        self.accept(by, ApprovePayment(self.payments[name], "as agreed"))

    def member(self, by: str, user: str, role: Role) -> None:
        self.accept(by, AddMember(self.wallets["home"], user, role))


def write_every_payment(databases: FreshDatabases) -> EveryPayment:
    """Write the book; it takes a little more than a second, as some holds must run out."""
    faults: list[Exception] = []
    ledger, store = open_ledger(
        databases.settings, databases.secrets, Currencies({}), faults.append
    )
    book = EveryPayment(ledger)
    _open_wallets(book)
    begun = time.monotonic()
    _begin_what_runs_out(book)
    _pay_and_undo(book)
    _hold(book)
    _split_and_exchange(book)
    _ask_for_approval(book)
    time.sleep(max(0.0, begun + 1.6 - time.monotonic()))
    for name in ("run out", "run out in part", "asked too long", "held too long"):
        book.accept(SWEEPER, ExpirePayment(book.payments[name]))
    store.close()
    assert not faults
    return book


def _open_wallets(book: EveryPayment) -> None:
    for name, owner in (("till", None), ("fees", None), ("ann", ANN), ("shop", SHOP)):
        book.open(name, owner)
    book.open("home", ANN, kind="shared")
    book.open("guide", GUIDE)
    book.open("yen till", None, currency="JPY")
    book.open("yen", GUIDE, currency="JPY")
    for user, role in ((BEN, "spender"), (BEN, "owner"), (CAT, "owner"), (DAN, "spender")):
        book.member(ANN, user, role)  # type: ignore[arg-type]  # each is a role
    book.member(BEN, EVE, "viewer")
    book.member(BEN, FAY, "owner")
    book.accept(ANN, ChangeLimits(book.wallets["ann"], 900_00, 5_000_00))
    book.accept(CAT, ChangeLimits(book.wallets["home"], None, 90_000_00))
    book.accept(FAY, ChangeApprovals(book.wallets["home"], 1, 100_00))
    book.pay("ann's money", OPERATOR, "till", "ann", 2_000_00)
    book.pay("home's money", OPERATOR, "till", "home", 9_000_00)


def _begin_what_runs_out(book: EveryPayment) -> None:
    book.hold("run out", ANN, "ann", "shop", 5_00, seconds=1)
    book.hold("run out in part", ANN, "ann", "shop", 9_00, seconds=1)
    book.capture(SHOP, "run out in part", 4_00, final=False)
    book.begin("asked too long", DAN, book.legged("", "transfer", [("home", "shop", 170_00)], 1))
    book.hold("held too long", DAN, "home", "shop", 171_00, seconds=1)
    book.approve(BEN, "held too long")


def _pay_and_undo(book: EveryPayment) -> None:
    book.pay("lunch", ANN, "ann", "shop", 12_34)
    book.pay("refunded", ANN, "ann", "shop", 33_00)
    book.refund("first refund", SHOP, "refunded", 10_00)
    book.refund("second refund", SHOP, "refunded", None)
    book.pay("refunded in part", ANN, "ann", "shop", 44_00)
    book.refund("part of a refund", SHOP, "refunded in part", 1_00)
    too_much = RefundPayment, book.payments["refunded in part"]
    book.begin(
        "refund too much",
        SHOP,
        lambda payment: too_much[0](payment, too_much[1], 43_01, None),
        refused=True,
    )
    book.pay("reversed", ANN, "ann", "shop", 7_00)
    first = book.payments["reversed"]
    book.begin("reversal", OPERATOR, lambda payment: ReversePayment(payment, first, "twice"))
    book.begin("declined", ANN, book.transfer("declined", "ann", "shop", 899_99_00), refused=True)
    book.accept(ANN, FreezeWallet(book.wallets["ann"], "lost"))
    book.begin("frozen", ANN, book.transfer("frozen", "ann", "shop", 1), refused=True)
    book.accept(ANN, UnfreezeWallet(book.wallets["ann"], "found"))


def _hold(book: EveryPayment) -> None:
    book.hold("held", ANN, "ann", "shop", 50_00)
    book.hold("captured in part", ANN, "ann", "shop", 80_00)
    book.capture(SHOP, "captured in part", 30_00, final=False)
    book.hold("captured", ANN, "ann", "shop", 100_00)
    book.accept(ANN, IncreaseHold(book.payments["captured"], 20_00, 3 * WEEK))
    book.capture(SHOP, "captured", 10_00, final=False)
    book.capture(ANN, "captured", 70_00)
    book.refund("refund of a hold", SHOP, "captured", 15_00)
    book.hold("captured and refunded", ANN, "ann", "shop", 40_00)
    book.capture(SHOP, "captured and refunded", None)
    book.refund("whole refund of a hold", SHOP, "captured and refunded", None)
    book.hold("released", ANN, "ann", "shop", 15_00)
    book.accept(SHOP, ReleaseHold(book.payments["released"]))
    book.hold("captured and released", ANN, "ann", "shop", 60_00)
    book.capture(SHOP, "captured and released", 25_00, final=False)
    book.accept(SHOP, ReleaseHold(book.payments["captured and released"]))
    nothing_left = book.give(SHOP, CaptureHold(book.payments["released"], 1, True))
    assert nothing_left.refused
    too_much = book.legged("too much", "hold", [("ann", "shop", 901_00)])
    book.begin("hold declined", ANN, too_much, refused=True)


def _split_and_exchange(book: EveryPayment) -> None:
    legs = [("ann", "shop", 20_00), ("ann", "guide", 30_00), ("ann", "fees", 1_00)]
    book.begin("split", ANN, book.legged("split", "split", legs))
    one = [("ann", "home", 2_00)]
    book.begin("split of one", ANN, book.legged("split of one", "split", one))
    two = [("ann", "shop", 3_00), ("home", "shop", 4_00), ("home", "guide", 5_00)]
    book.begin("split of two payers", ANN, book.legged("split of two payers", "split", two))
    broken = [("ann", "shop", 1_00), ("ann", "guide", 8_000_00)]
    book.begin("split declined", ANN, book.legged("", "split", broken), refused=True)
    wallets = book.wallets
    book.begin(
        "exchange",
        OPERATOR,
        lambda payment: ExchangeMoney(
            payment,
            wallets["ann"],
            wallets["yen"],
            (wallets["till"], wallets["yen till"]),
            10_00,
            Rate(16_025, 100),
        ),
    )


def _ask_for_approval(book: EveryPayment) -> None:
    book.pay("at once", DAN, "home", "shop", 100_00)
    book.pay("approved", ANN, "home", "shop", 150_00)
    book.approve(BEN, "approved")
    book.pay("rejected", ANN, "home", "shop", 160_00)
    book.accept(CAT, RejectPayment(book.payments["rejected"], "too dear"))
    book.accept(ANN, ChangeApprovals(book.wallets["home"], 2, 100_00))
    book.pay("waits for two", DAN, "home", "shop", 200_00)
    book.pay("waits for one more", ANN, "home", "shop", 201_00)
    book.approve(BEN, "waits for one more")
    legs = [("home", "shop", 90_00), ("home", "guide", 60_00)]
    book.begin("split waits", DAN, book.legged("split waits", "split", legs))
    book.begin("split approved", DAN, book.legged("split approved", "split", legs))
    book.approve(ANN, "split approved")
    book.approve(BEN, "split approved")
    book.hold("hold waits", BEN, "home", "shop", 180_00)
    book.hold("hold approved", BEN, "home", "shop", 190_00)
    book.approve(ANN, "hold approved")
    book.approve(CAT, "hold approved")
    book.capture(SHOP, "hold approved", 110_00, final=False)
    book.accept(ANN, AddMember(book.wallets["home"], FAY, "viewer"))
    book.accept(CAT, RemoveMember(book.wallets["home"], FAY))
