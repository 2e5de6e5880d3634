"""Draws requests that reach every end a command can have, most of them often."""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar
from uuid import UUID, uuid4

from hypothesis import strategies as st

from application.commands import AtomicBatch, Command, DryRun, Submission, Work
from domain.events import WalletKind
from domain.identifiers import WalletId, payment_id, wallet_id
from domain.payments import MakePayment, transfer_money
from domain.wallet_rules import (
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    OpenWallet,
    UnfreezeWallet,
)
from domain.wallets import Caller
from tests.property.model import MOST, Model

ANNA, BEN, STRANGER = (Caller(f"usr_{name}", "tests", operate=False) for name in ("a", "b", "s"))
OPERATOR = Caller("usr_o", "tests", operate=True)
CALLERS = (ANNA, BEN, OPERATOR)

WALLETS: dict[str, tuple[Caller, WalletKind, str, int | None]] = {
    "bank": (OPERATOR, "system", "EUR", None),
    "vault": (OPERATOR, "system", "EUR", None),
    "mint": (OPERATOR, "system", "JPY", None),
    "rich": (ANNA, "personal", "EUR", 0),
    "poor": (ANNA, "personal", "EUR", 0),
    "overdrawn": (ANNA, "personal", "EUR", 50),
    "frozen": (ANNA, "personal", "EUR", 0),
    "closed": (ANNA, "personal", "EUR", 0),
    "yen": (ANNA, "personal", "JPY", 0),
    "theirs": (BEN, "shared", "EUR", 0),
    "their closed": (BEN, "personal", "EUR", 0),
    "full": (BEN, "personal", "EUR", 0),
}
TO_CLOSED = ("closed", "their closed", "their closed")
TOUCHED = ("poor", "frozen", "theirs", "overdrawn")
"""Wallets that freezes, closings and new limits are drawn for; the others keep the play going."""

KINDS: list[type[FreezeWallet | UnfreezeWallet | CloseWallet]] = [
    FreezeWallet,
    UnfreezeWallet,
    UnfreezeWallet,
    CloseWallet,
]
WISHES = {
    "plain": 6,
    "too much": 9,
    "repeat": 7,
    "other content": 5,
    "from frozen": 4,
    "from closed": 4,
    "foreign": 4,
    "unknown": 1,
    "currency": 1,
    "same": 1,
    "to closed": 2,
    "range": 1,
    "on a wallet": 4,
    "limit": 3,
    "open": 1,
}
"""What a request is drawn for, and how often."""


def _pick(data: st.DataObject, options: list[str]) -> str:
    """Draw one of some options that hang on what the ledger did, which is no part of the draw."""
    return options[data.draw(st.integers(0, 99)) % len(options)]


class Requests:
    """Draws works for one model, and remembers what was sent."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.names: dict[str, WalletId] = {}
        self.sent: list[Submission] = []
        self.wishes: dict[UUID, str] = {}
        self.number = 0

    def setting(self) -> list[Work]:
        """Return what makes the wallets that later requests are about."""
        opening = [self._open(role, *what) for role, what in WALLETS.items()]
        money = [
            self._pay(OPERATOR, "bank", "rich", 1000),
            self._pay(OPERATOR, "bank", "frozen", 20),
            self._pay(OPERATOR, "bank", "poor", 5),
            self._pay(OPERATOR, "mint", "yen", 20, "JPY"),
            *(self._pay(OPERATOR, "vault", "full", MOST // 9) for _ in range(9)),
        ]
        ending = [
            self._submit(OPERATOR, FreezeWallet(self.names["frozen"], "court")),
            self._submit(ANNA, CloseWallet(self.names["closed"], "gone")),
            self._submit(BEN, CloseWallet(self.names["their closed"], "gone")),
        ]
        return [*opening, *money, *ending]

    def draw(self, data: st.DataObject) -> Work:
        """Draw one piece of work: a command, a dry run of one, or an atomic batch of some."""
        kind = data.draw(st.integers(0, 19), "kind")
        if kind == 0:
            return self._dry_run(data)
        if kind == 1:
            # Without batches of plain items hardly any batch would be accepted.
            draw = self._plain if data.draw(st.booleans()) else self.draw_transfer
            items = [draw(data) for _ in range(data.draw(st.integers(1, 4)))]
            return AtomicBatch(tuple(items))
        return self.draw_submission(data)

    def draw_submission(self, data: st.DataObject) -> Submission:
        """Draw a command with a key."""
        wished = data.draw(st.sampled_from([w for w, n in WISHES.items() for _ in range(n)]))
        submission = self._makers[wished](self, data)
        self.wishes.setdefault(submission.stream, wished)
        self.sent.append(submission)
        return submission

    def draw_transfer(self, data: st.DataObject) -> Submission:
        """Draw a transfer with a key, as batches have them."""
        drawn = self.draw_submission(data)
        return drawn if isinstance(drawn.command, MakePayment) else self._plain(data)

    def _dry_run(self, data: st.DataObject) -> DryRun:
        drawn = self.draw_transfer(data)
        assert isinstance(drawn.command, MakePayment)
        return DryRun(drawn.command, drawn.caller)

    def _plain(self, data: st.DataObject) -> Submission:
        source = data.draw(st.sampled_from(["bank", "bank", "rich", "overdrawn"]))
        payee = data.draw(st.sampled_from(["poor", "theirs", "rich", "overdrawn", "frozen"]))
        payee = "vault" if payee == source else payee
        amount = data.draw(st.integers(1, 40))
        return self._pay(OPERATOR if source == "bank" else ANNA, source, payee, amount)

    def _too_much(self, data: st.DataObject) -> Submission:
        limited = [
            role
            for role in ("rich", "poor", "overdrawn")
            if self._model.purses[self.names[role]].limit is not None
        ]
        source = _pick(data, limited)
        purse = self._model.purses[self.names[source]]
        # Exactly what there is may leave; one minor unit more may not.
        beyond = data.draw(st.sampled_from([0, 1, 1, 1, 2]))
        amount = max(1, purse.balance + (purse.limit or 0) + beyond)
        return self._pay(data.draw(st.sampled_from([ANNA, OPERATOR])), source, "theirs", amount)

    def _repeat(self, data: st.DataObject) -> Submission:
        if not self.sent:
            return self._plain(data)
        return data.draw(st.sampled_from(self.sent[-30:]))

    def _other_content(self, data: st.DataObject) -> Submission:
        fresh = self._plain(data)
        if data.draw(st.booleans()):
            fresh = self._submit(fresh.caller, FreezeWallet(self.names["rich"], "not at all"))
        if not self.sent:
            return fresh
        stream = data.draw(st.sampled_from(self.sent[-30:])).stream
        command = fresh.command
        if isinstance(command, MakePayment):
            command = replace(command, payment_id=payment_id(stream))
        return replace(fresh, stream=stream, command=command)

    def _from(self, wanted: Callable[[str], bool], payer: str, data: st.DataObject) -> Submission:
        found = [role for role in WALLETS if wanted(self.names[role])]
        source = _pick(data, found or [payer])
        owner = WALLETS[source][0]
        caller = data.draw(st.sampled_from([owner, OPERATOR]))
        return self._pay(caller, source, "rich" if source != "rich" else "bank", 1)

    def _from_frozen(self, data: st.DataObject) -> Submission:
        purses = self._model.purses
        return self._from(lambda name: bool(purses[name].frozen), "frozen", data)

    def _from_closed(self, data: st.DataObject) -> Submission:
        return self._from(lambda name: self._model.purses[name].closed, "closed", data)

    def _foreign(self, data: st.DataObject) -> Submission:
        source = data.draw(st.sampled_from(["bank", "rich", "closed", "frozen", "theirs"]))
        caller = STRANGER if source == "bank" else data.draw(st.sampled_from([STRANGER, BEN]))
        caller = ANNA if source == "theirs" else caller
        if data.draw(st.booleans()):
            return self._submit(caller, CloseWallet(self.names[source], "mine now"))
        return self._pay(caller, source, "theirs", 1)

    def _unknown(self, data: st.DataObject) -> Submission:
        nobody = wallet_id(uuid4())
        known = self._plain(data)
        field = data.draw(st.sampled_from(["source_wallet_id", "destination_wallet_id"]))
        assert isinstance(known.command, MakePayment)
        if field == "source_wallet_id":
            return replace(known, command=replace(known.command, source_wallet_id=nobody))
        return replace(known, command=replace(known.command, destination_wallet_id=nobody))

    def _currency(self, data: st.DataObject) -> Submission:
        payee = data.draw(st.sampled_from(["yen", "theirs"]))
        return self._pay(ANNA, "rich", payee, 1, "EUR" if payee == "yen" else "USD")

    def _same(self, data: st.DataObject) -> Submission:
        source = data.draw(st.sampled_from(["rich", "frozen", "closed"]))
        return self._pay(ANNA, source, source, 1)

    def _to_closed(self, data: st.DataObject) -> Submission:
        return self._pay(ANNA, "rich", data.draw(st.sampled_from(TO_CLOSED)), 1)

    def _range(self, data: st.DataObject) -> Submission:
        return self._pay(OPERATOR, "bank", "full", MOST // 9)

    def _on_a_wallet(self, data: st.DataObject) -> Submission:
        wallet = self.names[data.draw(st.sampled_from([*TOUCHED, "closed", "rich"]))]
        command: type[FreezeWallet | UnfreezeWallet | CloseWallet] = CloseWallet
        if wallet != self.names["rich"]:
            command = data.draw(st.sampled_from(KINDS))
        caller = data.draw(st.sampled_from(CALLERS))
        return self._submit(caller, command(wallet, data.draw(st.sampled_from("xyz"))))

    def _limit(self, data: st.DataObject) -> Submission:
        wallet = self.names[
            data.draw(st.sampled_from(["overdrawn", "overdrawn", "poor", "closed"]))
        ]
        limit = data.draw(st.sampled_from([0, 0, 0, 50, 50, 50, 100, None]))
        caller = data.draw(st.sampled_from([OPERATOR, OPERATOR, OPERATOR, ANNA]))
        return self._submit(caller, ChangeOverdraftLimit(wallet, limit, "asked for"))

    def _new(self, data: st.DataObject) -> Submission:
        return self._open(f"new {len(self.names)}", data.draw(st.sampled_from(CALLERS)))

    _makers: ClassVar[dict[str, Callable[["Requests", st.DataObject], Submission]]] = {
        "plain": _plain,
        "too much": _too_much,
        "repeat": _repeat,
        "other content": _other_content,
        "from frozen": _from_frozen,
        "from closed": _from_closed,
        "foreign": _foreign,
        "unknown": _unknown,
        "currency": _currency,
        "same": _same,
        "to closed": _to_closed,
        "range": _range,
        "on a wallet": _on_a_wallet,
        "limit": _limit,
        "open": _new,
    }

    def _open(
        self,
        role: str,
        caller: Caller,
        kind: WalletKind = "personal",
        currency: str = "EUR",
        limit: int | None = 0,
    ) -> Submission:
        stream = uuid4()
        self.names[role] = wallet_id(stream)
        command = OpenWallet(
            wallet_id=self.names[role],
            kind=kind,
            account_class="liability",
            name=role,
            reference=None,
            currency=currency,
            overdraft_limit=limit,
        )
        return self._submit(caller, command, stream)

    def _pay(
        self, caller: Caller, source: str, payee: str, amount: int, currency: str = "EUR"
    ) -> Submission:
        stream = uuid4()
        command = transfer_money(
            payment_id=payment_id(stream),
            source_wallet_id=self.names[source],
            destination_wallet_id=self.names[payee],
            amount=amount,
            currency=currency,
        )
        return self._submit(caller, command, stream)

    def _submit(self, caller: Caller, command: Command, stream: UUID | None = None) -> Submission:
        self.number += 1
        return Submission(command, caller, stream or uuid4(), f"{self.number}")
