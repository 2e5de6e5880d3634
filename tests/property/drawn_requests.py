"""Draws requests that reach every end a command can have, each of them often enough."""

from collections.abc import Mapping
from uuid import UUID

from hypothesis import strategies as st

from application.commands import AtomicBatch, DryRun, Submission, Work
from domain.approvals import ApprovePayment
from domain.holds import CaptureHold, ReleaseHold
from domain.payments import MakePayment
from domain.wallet_rules import (
    AddMember,
    ChangeApprovals,
    ChangeLimits,
    CloseWallet,
    FreezeWallet,
)
from tests.property.cast import (
    ANNA,
    BEN,
    CARL,
    DORA,
    OPERATOR,
    PER_DAY,
    PER_PAYMENT,
    THRESHOLD,
    WALLETS,
)
from tests.property.dealing import Dealer, Wish
from tests.property.drawn_holds import HOLDS
from tests.property.drawn_returns import RETURNS, refund, reverse
from tests.property.drawn_transfers import TRANSFERS, plain
from tests.property.drawn_wallets import CHANGES
from tests.property.model import Model
from tests.property.model_parts import MOST
from tests.property.reach import DEALT
from tests.property.sender import Sender

MAKERS = {**TRANSFERS, **CHANGES, **HOLDS, **RETURNS}

CHANCES = st.randoms(use_true_random=True)
"""A generator with a seed that is drawn, so that what fails can be had again."""


class Requests(Sender):
    """Draws works for one model, and remembers what was sent."""

    def __init__(self, model: Model, *, patient: bool = False) -> None:
        super().__init__(model, patient=patient)
        self.wishes: dict[UUID, str] = {}
        self.makers, self.dealer = self._dealt()

    def _dealt(self) -> tuple[Mapping[str, Wish], Dealer]:
        """Return what is drawn, and who deals it out.

        The patient wait for no end of a hold; they share a real store with others, whose turns
        nobody has drawn. It takes some requests until an owner can approve once more.
        """
        beyond = {"hold-expired"} if self.patient else set()
        shares = {**DEALT, "already-approved": 0.04} if self.patient else DEALT
        return MAKERS, Dealer(MAKERS, shares, beyond, blind=self.patient)

    def setting(self) -> list[Work]:
        """Return what makes the wallets that later requests are about."""
        opening = [self.open(role, *begun) for role, begun in WALLETS.items()]
        money = [
            self.pay(OPERATOR, "bank", "rich", 1000),
            self.pay(OPERATOR, "bank", "frozen", 20),
            self.pay(OPERATOR, "bank", "poor", 5),
            self.pay(OPERATOR, "bank", "limited", 600),
            self.pay(OPERATOR, "bank", "household", 900),
            self.pay(OPERATOR, "bank", "shop", 200),
            self.pay(OPERATOR, "bank", "theirs", 100),
            self.pay(OPERATOR, "mint", "yen", 20, "JPY"),
            *(self.pay(OPERATOR, "vault", "full", MOST // 9) for _ in range(9)),
        ]
        return [*opening, *money, *self._rules(), *self._held()]

    def _rules(self) -> list[Work]:
        household = self.names["household"]
        return [
            self.submit(OPERATOR, FreezeWallet(self.names["frozen"], "court")),
            self.submit(ANNA, CloseWallet(self.names["closed"], "gone")),
            self.submit(BEN, CloseWallet(self.names["their closed"], "gone")),
            self.submit(ANNA, ChangeLimits(self.names["limited"], PER_PAYMENT, PER_DAY)),
            self.submit(ANNA, AddMember(household, BEN.subject, "owner")),
            self.submit(ANNA, AddMember(household, CARL.subject, "spender")),
            self.submit(ANNA, AddMember(household, DORA.subject, "viewer")),
            self.submit(ANNA, ChangeApprovals(household, 2, THRESHOLD)),
        ]

    def endings(self) -> list[Work]:
        """Return what ends some of these payments, so that every end is there to be met."""
        captured, released = self.deals(lambda deal: deal.state == "held")[:2]
        bought = self.deals(lambda d: d.moves[0][0] == self.names["rich"] and d.state == "done")
        refunded, reversed_ = bought
        agreed, *_ = self.deals(lambda deal: deal.asker == CARL.subject and deal.asked)
        return [
            self.submit(BEN, ApprovePayment(agreed, None)),
            self.submit(BEN, CaptureHold(captured, None, final=True)),
            self.submit(BEN, ReleaseHold(released)),
            refund(self, BEN, refunded, 5),
            reverse(self, OPERATOR, reversed_),
        ]

    def _held(self) -> list[Work]:
        """Return payments that can be gone on with, and two whose time is over soon."""
        bought = [self.pay(ANNA, "rich", "shop", 20 + n) for n in range(2)]
        endings = [self.hold(ANNA, "rich", "shop", 10 + n) for n in range(4)]
        short = [] if self.patient else [self.hold(ANNA, "rich", "shop", 3, 1) for _ in range(2)]
        asked = [self.pay(CARL, "household", "shop", THRESHOLD + n) for n in (1, 2)]
        spent = self.pay(CARL, "household", "shop", 5)
        asked.append(self.pay(ANNA, "household", "shop", THRESHOLD + 3))
        limited = self.pay(ANNA, "limited", "shop", 30)
        return [*bought, *endings, *short, *asked, spent, limited]

    def draw(self, data: st.DataObject) -> Work:
        """Draw one piece of work: a command, a dry run of one, or an atomic batch of some."""
        kind = self.chance.randrange(55)
        if kind == 0:
            return self._dry_run(data)
        if kind == 1:
            # Without batches of plain items hardly any batch would be accepted.
            items = [
                plain(self, data) if data.draw(st.booleans()) else self.draw_transfer(data)
                for _ in range(data.draw(st.integers(1, 4)))
            ]
            return AtomicBatch(tuple(items))
        return self.draw_submission(data)

    def draw_submission(self, data: st.DataObject) -> Submission:
        """Draw a command with a key."""
        wished = self.dealer.deal(self.chance)
        submission = self.makers[wished].draw(self, data)
        self.wishes.setdefault(submission.stream, wished)
        self.sent.append(submission)
        return submission

    def draw_transfer(self, data: st.DataObject) -> Submission:
        """Draw a transfer with a key, as batches have them."""
        drawn = self.draw_submission(data)
        command = drawn.command
        transfer = isinstance(command, MakePayment) and command.kind == "transfer"
        return drawn if transfer else plain(self, data)

    def _dry_run(self, data: st.DataObject) -> DryRun:
        drawn = self.draw_transfer(data)
        assert isinstance(drawn.command, MakePayment)
        return DryRun(drawn.command, drawn.caller)
