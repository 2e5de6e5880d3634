"""One wallet, decided on and evolved, is what a purse of plain integers says it is."""

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from application.commands import Command, Submission
from application.decisions import decide
from application.state import State
from domain.identifiers import WalletId, payment_id
from domain.refusals import InsufficientFunds, Rejection
from domain.wallet_rules import (
    AddMember,
    ChangeLimits,
    ChangeOverdraftLimit,
    CloseWallet,
    FreezeWallet,
    RemoveMember,
    UnfreezeWallet,
)
from domain.wallets import Caller, Wallet
from tests.given import ISO, NOW, OPERATOR, OURS, OWNER, STRANGER, THEIRS, opening, transfer_of
from tests.given import wallet as wallet_after
from tests.property.ends import end_of
from tests.property.model import DONE, End, Model, Purse
from tests.property.model_parts import MOST, UNRECORDED, microseconds

SPENDER = Caller("usr_spender", "tests", operate=False)
VIEWER = Caller("usr_viewer", "tests", operate=False)
CALLERS = st.sampled_from([OWNER, OWNER, OPERATOR, OPERATOR, STRANGER, SPENDER, VIEWER])
AMOUNTS = st.integers(1, 100) | st.sampled_from([10**18, 9 * 10**18])
LIMITS = st.none() | st.integers(0, 60)
SUBJECTS = st.sampled_from([each.subject for each in (OWNER, SPENDER, SPENDER, VIEWER)])
COMMANDS = st.one_of(
    st.builds(FreezeWallet, st.just(OURS), st.just("why")),
    st.builds(UnfreezeWallet, st.just(OURS), st.just("why")),
    st.builds(CloseWallet, st.just(OURS), st.just("why")),
    st.builds(ChangeOverdraftLimit, st.just(OURS), LIMITS, st.just("why")),
    st.builds(ChangeLimits, st.just(OURS), st.none() | st.integers(20, 90), LIMITS),
    st.builds(AddMember, st.just(OURS), SUBJECTS, st.sampled_from(["owner", "spender", "viewer"])),
    st.builds(RemoveMember, st.just(OURS), SUBJECTS),
)


class OneWallet(RuleBasedStateMachine):
    """Our wallet, which is shared, and theirs, which has all the money there is."""

    def __init__(self) -> None:
        super().__init__()
        self.wallets: dict[WalletId, Wallet] = {
            OURS: wallet_after(first=opening(kind="shared")),
            THEIRS: wallet_after(
                name=THEIRS, first=opening(owner=STRANGER.subject, overdraft_limit=None)
            ),
        }
        self.model = Model()
        self.model.book.now = microseconds(NOW)
        self.model.purses[OURS] = Purse(OWNER.subject, "EUR", 0, "shared")
        self.model.purses[THEIRS] = Purse(STRANGER.subject, "EUR", None)
        self.number = 100

    @rule(command=COMMANDS, caller=CALLERS)
    def change(self, command: Command, caller: Caller) -> None:
        self.expect(command, caller)

    @rule(amount=AMOUNTS, caller=CALLERS, incoming=st.booleans())
    def pay(self, amount: int, caller: Caller, incoming: bool) -> None:
        source, payee = (THEIRS, OURS) if incoming else (OURS, THEIRS)
        command = transfer_of(
            amount,
            payment_id=payment_id(UUID(int=self.number)),
            source_wallet_id=source,
            destination_wallet_id=payee,
        )
        self.expect(command, caller)

    def expect(self, command: Command, caller: Caller) -> None:
        """Decide a command, and expect the end and the wallets of the model."""
        self.number += 1
        submission = Submission(command, caller, UUID(int=self.number), "")
        end, _ = self.model.submit(submission)
        assert self.decided(submission) == end

    def decided(self, submission: Submission) -> End:
        try:
            decision = decide(submission, State(self.wallets, ISO.digits), NOW)
        except Rejection as rejection:
            end = end_of(rejection)
            assert end[0] in UNRECORDED
            return end
        self.wallets |= {each.wallet_id: each for each in decision.wallets}
        no = decision.refusal
        if no is None:
            return DONE
        return (no.code, no.available if isinstance(no, InsufficientFunds) else None)

    @invariant()
    def both_agree(self) -> None:
        purse = self.model.purses[OURS]
        ours, theirs, rules = self.wallets[OURS], self.wallets[THEIRS], self.wallets[OURS].rules
        assert ours.posted == purse.balance == -theirs.posted
        assert rules.overdraft_limit == purse.limit
        assert ours.available == ours.posted - ours.held
        frozen = {"member": rules.frozen_by_member, "operate": rules.frozen_by_operator}
        assert {side for side, on in frozen.items() if on} == purse.frozen
        assert rules.closed == purse.closed
        status = "closed" if purse.closed else "frozen" if purse.frozen else "open"
        assert rules.status == status
        assert rules.members == purse.roles
        assert (rules.per_payment, rules.per_day) == (purse.per_payment, purse.per_day)
        # What is counted for the day has an end where no limit can be.
        assert ours.spent == min(purse.spent[self.model.book.today], MOST)
        assert purse.limit is None or ours.posted >= -purse.limit


def test_a_wallet_is_what_the_model_says() -> None:
    """After any sequence of commands and payments by anybody, both agree in every part."""
    run_state_machine_as_test(
        OneWallet, settings=settings(max_examples=100, stateful_step_count=30)
    )
