"""A transfer moves money between two wallets or is refused, each refusal in its turn."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pytest

from domain.events import WalletCredited, WalletDebited
from domain.instants import Instant
from domain.money import MAX_BALANCE
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.payments import (
    MakePayment,
    Movement,
    completed,
    declined,
    make,
    require_payer,
)
from domain.refusals import (
    BalanceOutOfRange,
    CurrencyMismatch,
    InsufficientFunds,
    LimitExceeded,
    PayeeUnavailable,
    Refusal,
    Rejection,
    RoleMissing,
    SameWallet,
    WalletIsClosed,
    WalletIsFrozen,
    WalletNotFound,
)
from domain.wallets import Caller, Wallet, evolve
from tests.given import (
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    THEIRS,
    credited,
    debited,
    decided,
    opening,
    ruled,
    transfer_of,
    wallet,
)

EARLIER = Instant("2026-01-01T00:00:00.000000Z")

LADDER: dict[str, type[Refusal | Rejection]] = {
    "not the caller's": WalletNotFound,
    "a viewer's": RoleMissing,
    "same wallet": SameWallet,
    "source in another currency": CurrencyMismatch,
    "payee in another currency": CurrencyMismatch,
    "source closed": WalletIsClosed,
    "source frozen by its member": WalletIsFrozen,
    "source frozen by an operator": WalletIsFrozen,
    "payee closed": PayeeUnavailable,
    "past a limit": LimitExceeded,
    "too little money": InsufficientFunds,
    "payee full": BalanceOutOfRange,
}
"""What can be wrong with a transfer of 100, first things first."""


VIEWER = Caller("usr_viewer", "tests", operate=False)


def transfer(
    command: MakePayment, source: Wallet, payee: Wallet, caller: Caller, now: Instant
) -> Sequence[Movement]:
    """Decide a transfer as it is decided for a caller: the right first, then the payment."""
    known = {source.wallet_id: source, payee.wallet_id: payee}
    require_payer(command.legs, known, caller)
    return make(command, known, caller, now)


def _subsets() -> list[tuple[str, ...]]:
    chosen = [subset for size in range(1, len(LADDER) + 1) for subset in combinations(LADDER, size)]
    # A wallet cannot be empty and full, or be closed on one side, when it is the same wallet.
    apart = {"payee in another currency", "payee closed", "payee full"}
    return [each for each in chosen if "same wallet" not in each or not apart & set(each)]


def _scene(wrong: tuple[str, ...]) -> tuple[MakePayment, Wallet, Wallet, Caller]:
    """Return a transfer with exactly these things wrong with it."""
    source = ruled(
        wallet(credited(99 if "too little money" in wrong else 100)),
        members={OWNER.subject: "owner", VIEWER.subject: "viewer"},
        currency="USD" if "source in another currency" in wrong else "EUR",
        closed="source closed" in wrong,
        frozen_by_member="source frozen by its member" in wrong,
        frozen_by_operator="source frozen by an operator" in wrong,
        per_day=99 if "past a limit" in wrong else None,
    )
    payee = ruled(
        wallet(name=THEIRS, first=opening(owner="usr_payee")),
        currency="USD" if "payee in another currency" in wrong else "EUR",
        closed="payee closed" in wrong,
    )
    if "payee full" in wrong:
        payee = replace(payee, posted=MAX_BALANCE - 99)
    same = "same wallet" in wrong
    command = transfer_of(100, destination_wallet_id=OURS if same else THEIRS)
    caller = VIEWER if "a viewer's" in wrong else OWNER
    caller = STRANGER if "not the caller's" in wrong else caller
    return command, source, source if same else payee, caller


@pytest.mark.parametrize("wrong", _subsets(), ids="+".join)
def test_of_all_that_is_wrong_the_first_is_told(wrong: tuple[str, ...]) -> None:
    """Every combination of faults is refused by the highest rung of the ladder."""
    command, source, payee, caller = _scene(wrong)
    first = next(fault for fault in LADDER if fault in wrong)
    decided(transfer, command, source, payee, caller, NOW).refused(LADDER[first])


def test_a_transfer_with_nothing_wrong_is_done() -> None:
    """One debit and one credit of the same amount at the same time, and a fact of the payment."""
    command, source, payee, caller = _scene(())
    debit = WalletDebited(PAID, 100, "EUR", THEIRS, NOW)
    credit = WalletCredited(PAID, 100, "EUR", OURS, NOW)
    assert transfer(command, source, payee, caller, NOW) == [(OURS, debit), (THEIRS, credit)]
    assert completed(command, NOW) == PaymentCompleted(
        kind="transfer",
        amount=100,
        currency="EUR",
        source_wallet_id=OURS,
        destination_wallet_id=THEIRS,
        effective_at=NOW,
    )
    assert evolve(source, debit, NOW[:10]).posted == 0
    assert evolve(payee, credit, NOW[:10]).posted == 100


def test_what_people_wrote_and_the_value_date_are_kept() -> None:
    """A value date given is that of all three events; it changes nothing else."""
    command = transfer_of(
        1, description="Lunch", reference="r-1", metadata={"a": "b"}, effective_at=EARLIER
    )
    (_, debit), (_, credit) = transfer(
        command, wallet(credited(1)), wallet(name=THEIRS), OWNER, NOW
    )
    payment = completed(command, NOW)
    assert (payment.description, payment.reference, payment.metadata) == (
        "Lunch",
        "r-1",
        {"a": "b"},
    )
    assert isinstance(debit, WalletDebited)
    assert isinstance(credit, WalletCredited)
    assert {payment.effective_at, debit.effective_at, credit.effective_at} == {EARLIER}


@pytest.mark.parametrize(
    ("caller", "payee_owner", "no"),
    [
        (OWNER, "usr_payee", PayeeUnavailable),
        (OWNER, OWNER.subject, WalletIsClosed),
        (OPERATOR, "usr_payee", WalletIsClosed),
        (OWNER, None, PayeeUnavailable),
    ],
)
def test_only_who_may_know_is_told_that_a_payee_is_closed(
    caller: Caller, payee_owner: str | None, no: type[Refusal]
) -> None:
    """Somebody else's closed wallet shows as unavailable, one's own and an operator's as closed."""
    payee = ruled(wallet(name=THEIRS, first=opening(owner=payee_owner)), closed=True)
    decided(transfer, transfer_of(1), wallet(credited(1)), payee, caller, NOW).refused(no)


def test_a_frozen_payee_takes_money() -> None:
    """Frozen means that nothing leaves; credits pass."""
    payee = ruled(wallet(name=THEIRS), frozen_by_member=True, frozen_by_operator=True)
    _, (_, credit) = transfer(transfer_of(1), wallet(credited(1)), payee, OWNER, NOW)
    assert credit == WalletCredited(PAID, 1, "EUR", OURS, NOW)


def test_an_operator_is_bound_by_a_freeze_and_by_funds() -> None:
    """The right to act on any wallet is no right to pass its guards."""
    frozen = ruled(wallet(credited(5)), frozen_by_member=True)
    decided(transfer, transfer_of(1), frozen, wallet(name=THEIRS), OPERATOR, NOW).refused(
        WalletIsFrozen
    )
    no = decided(
        transfer, transfer_of(6), wallet(credited(5)), wallet(name=THEIRS), OPERATOR, NOW
    ).refused(InsufficientFunds)
    assert no.available == 5


def test_what_is_held_cannot_be_spent() -> None:
    """Available is posted less held, and that is what the refusal says, overdraft left out."""
    source = replace(ruled(wallet(credited(10)), overdraft_limit=2), held=4)
    payee = wallet(name=THEIRS)
    assert transfer(transfer_of(8), source, payee, OWNER, NOW)
    no = decided(transfer, transfer_of(9), source, payee, OWNER, NOW).refused(InsufficientFunds)
    assert no.available == 6


@pytest.mark.parametrize(
    ("source_posted", "payee_posted", "amount", "passes"),
    [
        (0, MAX_BALANCE - 100, 100, True),
        (0, MAX_BALANCE - 100, 101, False),
        (100 - MAX_BALANCE, 0, 100, True),
        (100 - MAX_BALANCE, 0, 101, False),
    ],
)
def test_no_balance_passes_the_range(
    source_posted: int, payee_posted: int, amount: int, passes: bool
) -> None:
    """9 * 10^18 is the most above and below zero, for unlimited wallets too."""
    source = replace(ruled(wallet(debited(1)), overdraft_limit=None), posted=source_posted)
    payee = replace(wallet(name=THEIRS), posted=payee_posted)
    end = decided(transfer, transfer_of(amount), source, payee, OWNER, NOW)
    if passes:
        assert isinstance(end.result, tuple)
    else:
        end.refused(BalanceOutOfRange)


@pytest.mark.parametrize(
    ("refusal", "available"), [(InsufficientFunds(-3), -3), (SameWallet(), None)]
)
def test_a_declined_transfer_keeps_all_that_its_answer_shows(
    refusal: Refusal, available: int | None
) -> None:
    """The refusal is a fact with the request beside it, so that a retry hears the same."""
    command = transfer_of(5, description="Lunch", reference="r-1", metadata={"a": "b"})
    assert declined(command, refusal, NOW) == PaymentDeclined(
        kind="transfer",
        amount=5,
        currency="EUR",
        source_wallet_id=OURS,
        destination_wallet_id=THEIRS,
        effective_at=NOW,
        code=refusal.code,
        available=available,
        description="Lunch",
        reference="r-1",
        metadata={"a": "b"},
    )
