"""One wallet, decided on and evolved, is what a purse of plain integers says it is."""

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from application.commands import Command, Submission
from application.decisions import decide
from domain.events import WalletEvent
from domain.payments import transfer, transfer_money
from domain.refusals import Refusal, Rejection
from domain.wallet_rules import ChangeOverdraftLimit, CloseWallet, FreezeWallet, UnfreezeWallet
from domain.wallets import Caller, Wallet, evolve
from tests.given import NOW, OPERATOR, OURS, OWNER, PAID, STRANGER, THEIRS, opening, wallet
from tests.property.ledger_machine import end_of
from tests.property.model import DONE, NOT_FOUND, End, Model, Purse

CALLERS = st.sampled_from([OWNER, OWNER, OPERATOR, OPERATOR, STRANGER])
AMOUNTS = st.integers(1, 100) | st.sampled_from([10**18, 9 * 10**18])
LIMITS = st.none() | st.integers(0, 60)
COMMANDS = st.one_of(
    st.builds(FreezeWallet, st.just(OURS), st.just("why")),
    st.builds(UnfreezeWallet, st.just(OURS), st.just("why")),
    st.builds(CloseWallet, st.just(OURS), st.just("why")),
    st.builds(ChangeOverdraftLimit, st.just(OURS), LIMITS, st.just("why")),
)


class OneWallet(RuleBasedStateMachine):
    """Our wallet and theirs, which has all the money there is."""

    def __init__(self) -> None:
        super().__init__()
        self.ours: Wallet = wallet()
        self.theirs: Wallet = wallet(
            name=THEIRS, first=opening(owner=STRANGER.subject, overdraft_limit=None)
        )
        self.model = Model()
        self.model.purses[OURS] = Purse(OWNER.subject, "EUR", 0)
        self.model.purses[THEIRS] = Purse(STRANGER.subject, "EUR", None)
        self.number = 0

    def expect(self, command: Command, caller: Caller) -> End:
        self.number += 1
        end, _ = self.model.submit(Submission(command, caller, UUID(int=self.number), ""))
        return end

    @rule(command=COMMANDS, caller=CALLERS)
    def change(self, command: FreezeWallet, caller: Caller) -> None:
        expected = self.expect(command, caller)
        submission = Submission(command, caller, UUID(int=0), "")
        try:
            decision = decide(submission, {OURS: self.ours}, NOW)
        except Rejection:
            assert expected == NOT_FOUND
            return
        no = decision.refusal
        assert (DONE if no is None else (no.code, None)) == expected
        for wallet_after in decision.wallets:
            self.ours = wallet_after

    @rule(amount=AMOUNTS, caller=CALLERS, incoming=st.booleans())
    def pay(self, amount: int, caller: Caller, incoming: bool) -> None:
        source, payee = (self.theirs, self.ours) if incoming else (self.ours, self.theirs)
        command = transfer_money(
            payment_id=PAID,
            source_wallet_id=source.wallet_id,
            destination_wallet_id=payee.wallet_id,
            amount=amount,
            currency="EUR",
        )
        expected = self.expect(command, caller)
        try:
            done = transfer(command, source, payee, caller, NOW)
        except (Refusal, Rejection) as no:
            end = end_of(no)
        else:
            end = DONE
            events: list[WalletEvent] = [done.debit, done.credit]
            ours, theirs = events[::-1] if incoming else events
            self.ours, self.theirs = evolve(self.ours, ours), evolve(self.theirs, theirs)
        assert end == expected

    @invariant()
    def both_agree(self) -> None:
        purse = self.model.purses[OURS]
        assert self.ours.posted == purse.balance == -self.theirs.posted
        assert self.ours.overdraft_limit == purse.limit
        assert self.ours.available == self.ours.posted - self.ours.held
        frozen = {"member": self.ours.frozen_by_member, "operate": self.ours.frozen_by_operator}
        assert {side for side, on in frozen.items() if on} == purse.frozen
        assert self.ours.closed == purse.closed
        status = "closed" if purse.closed else "frozen" if purse.frozen else "open"
        assert self.ours.status == status
        assert purse.limit is None or self.ours.posted >= -purse.limit


def test_a_wallet_is_what_the_model_says() -> None:
    """After any sequence of commands and payments by anybody, both agree in every part."""
    run_state_machine_as_test(
        OneWallet, settings=settings(max_examples=100, stateful_step_count=30)
    )
