"""Who may give a payment back, and what is not given back for which reason."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.events import (
    WalletCredited,
    WalletMemberAdded,
    WalletOverdraftLimitChanged,
)
from domain.identifiers import PaymentId
from domain.money import MAX_BALANCE
from domain.payment_events import (
    Leg,
    PaymentRefunded,
)
from domain.refusals import (
    AmountExceedsPayment,
    BalanceOutOfRange,
    FieldInvalid,
    InsufficientFunds,
    LimitExceeded,
    NotPayee,
    NotRefundable,
    PayeeUnavailable,
    PaymentNotFound,
    Refusal,
    Rejection,
    RoleMissing,
    WalletIsClosed,
    WalletIsFrozen,
)
from domain.wallets import Caller
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    NOW,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    THEIRS,
    payment_named,
    transfer_of,
)
from tests.story import (
    AUDITOR,
    END,
    EXPIRE,
    PAYEE,
    RELEASE,
    SPENDER,
    SWEEPER,
    TILL,
    VIEWER,
    Story,
    capture,
    declined,
    held,
    hold_of,
    increase,
    limits,
    paid,
    refund,
    reverse,
    split_of,
    story,
)

WHO: list[tuple[Caller, str | type[Rejection]]] = [
    (PAYEE, "member"),
    (TILL, "member"),
    (OPERATOR, "operate"),
    (AUDITOR, RoleMissing),
    (OWNER, NotPayee),
    (SPENDER, NotPayee),
    (VIEWER, RoleMissing),
    (STRANGER, PaymentNotFound),
]


@pytest.mark.parametrize(("by", "end"), WHO)
def test_who_may_refund(by: Caller, end: str | type[Rejection]) -> None:
    """Owners and spenders of the payee's wallet and operators; who may not is told so first."""
    told = paid().ask(refund(1), by)
    if isinstance(end, str):
        assert (told.no, told.right) == (None, end)
    else:
        told.refused(end)
    refunded = paid().done(refund(), by=PAYEE).ask(refund(1, 30), by)
    refunded.refused(AmountExceedsPayment if isinstance(end, str) else end)


def test_a_payment_that_does_not_exist_is_refunded_by_nobody() -> None:
    for command in (refund(of=payment_named(77)), reverse(of=payment_named(77))):
        paid().ask(command, OPERATOR).refused(PaymentNotFound)


@pytest.mark.parametrize(
    ("by", "no"),
    [
        (PAYEE, PaymentNotFound),
        (OWNER, NotPayee),
        (VIEWER, RoleMissing),
        (STRANGER, PaymentNotFound),
        (OPERATOR, NotRefundable),
    ],
)
def test_a_payee_knows_nothing_of_what_was_declined(by: Caller, no: type[Exception]) -> None:
    """It is not theirs to refund, and for them it is not there."""
    told = declined().ask(refund(1), by)
    told.refused(no)  # type: ignore[arg-type]  # a refusal or a rejection, whichever the row says


LEGS = (Leg(OURS, THEIRS, 60, "EUR"), Leg(OURS, THEIRS, 40, "EUR"))
EXCHANGE = split_of(*LEGS, kind="exchange")
NOT_REFUNDABLE: dict[str, tuple[Callable[[], Story], PaymentId]] = {
    "a refund": (lambda: paid().done(refund(40, 30)), payment_named(30)),
    "a reversal": (lambda: paid().done(reverse(31)), payment_named(31)),
    "a split": (lambda: story().done(split_of(*LEGS), by=OWNER), PAID),
    "a split of one leg": (lambda: story().done(split_of(LEGS[0]), by=OWNER), PAID),
    "an exchange": (lambda: story().done(EXCHANGE), PAID),
    "a hold of which nothing is captured": (held, PAID),
    "a hold that was released": (lambda: held().done(RELEASE, by=PAYEE), PAID),
    "a hold that ran out": (lambda: held().at(END).done(EXPIRE, by=SWEEPER), PAID),
    "a payment declined": (declined, PAID),
}


def test_a_payee_who_may_look_at_the_payers_wallet_refunds_nothing_that_was_declined() -> None:
    """They see it as a viewer of the payer, and as the payee they were not told."""
    tale = declined().happens(OURS, WalletMemberAdded(PAYEE.subject, "viewer"))
    tale.ask(refund(1), PAYEE).refused(RoleMissing)


@pytest.mark.parametrize("name", NOT_REFUNDABLE)
@pytest.mark.parametrize("amount", [None, 1, 5000])
def test_what_is_not_refunded_whatever_the_amount(name: str, amount: int | None) -> None:
    """The kind or the state of the payment comes before how much is asked for."""
    tell, of = NOT_REFUNDABLE[name]
    tell().ask(refund(amount, 50, of), OPERATOR).refused(NotRefundable)


WRONG: dict[str, type[Refusal]] = {
    "too much": AmountExceedsPayment,
    "payee closed": WalletIsClosed,
    "payee frozen": WalletIsFrozen,
    "payer closed": PayeeUnavailable,
    "money spent": InsufficientFunds,
    "payer full": BalanceOutOfRange,
}
"""What can be wrong with a refund, first things first."""


def _wrong(tale: Story, names: list[str]) -> Story:
    if "money spent" in names:
        spent = transfer_of(
            100, payment_id=payment_named(60), source_wallet_id=THEIRS, destination_wallet_id=OURS
        )
        tale.done(spent)
    if "payee closed" in names:
        tale.happens(THEIRS, CLOSED)
    if "payee frozen" in names:
        tale.happens(THEIRS, FROZEN_BY_MEMBER)
    if "payer closed" in names:
        tale.happens(OURS, CLOSED)
    if "payer full" in names:
        full = MAX_BALANCE - tale.ours.posted - 50
        tale.happens(OURS, WalletCredited(payment_named(61), full, "EUR", THEIRS, NOW))
    return tale


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_a_refund_is_refused_for_the_first_thing_that_is_wrong(place: int) -> None:
    """Each rung is told although everything below it is wrong as well."""
    names = list(WRONG)[place:]
    amount = 101 if "too much" in names else 100
    _wrong(paid(), names).ask(refund(amount), PAYEE).refused(WRONG[names[0]])


@pytest.mark.parametrize("by", [PAYEE, OPERATOR])
@pytest.mark.parametrize("freeze", [FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR])
def test_a_frozen_payee_refunds_nothing(by: Caller, freeze: Any) -> None:
    """Frozen means no debit by people, operators among them."""
    paid().happens(THEIRS, freeze).ask(refund(), by).refused(WalletIsFrozen)


def test_a_frozen_payer_takes_a_refund() -> None:
    paid().happens(OURS, FROZEN_BY_OPERATOR).done(refund(), by=PAYEE)


@pytest.mark.parametrize("command", [refund(), reverse()])
def test_nothing_is_forced_below_a_limit(command: Any) -> None:
    """Who has spent the money cannot give it back, until an operator allows an overdraft."""
    tale = _wrong(paid(), ["money spent"])
    assert tale.ask(command, OPERATOR).refused(InsufficientFunds).available == 0
    tale.happens(THEIRS, WalletOverdraftLimitChanged(100, "to be undone"))
    again = refund(None, 70) if command == refund() else reverse(70)
    tale.done(again)
    assert tale.theirs.posted == -100


def test_what_is_held_is_not_there_to_be_refunded() -> None:
    """Available decides, as for any payment."""
    tale = paid()
    back = hold_of(
        1, payment_id=payment_named(60), source_wallet_id=THEIRS, destination_wallet_id=OURS
    )
    tale.done(back, by=PAYEE)
    assert tale.ask(refund(), PAYEE).refused(InsufficientFunds).available == 99
    tale.done(refund(99, 70), by=PAYEE)


@pytest.mark.parametrize("command", [refund(), reverse()])
def test_giving_back_neither_counts_nor_restores(command: Any) -> None:
    """No limit of the payee's holds it up, and the payer's day stays as it was."""
    tale = paid().happens(THEIRS, limits(0, 0)).happens(OURS, limits(None, 100))
    tale.done(command)
    assert (tale.theirs.spent, tale.ours.spent) == (0, 100)
    tale.ask(transfer_of(1, payment_id=payment_named(60))).refused(LimitExceeded)


def test_an_amount_of_a_refund_is_above_zero() -> None:
    """And no more exact than the currency, which only the ledger knows."""
    tale = paid()
    for text in ("0", "0.00", "0.001"):
        assert tale.ask(refund(), PAYEE, {"amount": text}).refused(FieldInvalid).field == "amount"
    told = tale.ask(refund(), PAYEE, {"amount": "0.40"})
    assert told.the(PaymentRefunded).amount == 40


def test_a_stranger_learns_no_currency() -> None:
    """Whether an amount fits is told to those only who may know of the payment."""
    paid().ask(refund(), STRANGER, {"amount": "0.001"}).refused(PaymentNotFound)


def test_a_refund_between_two_wallets_of_ones_own_is_the_payees() -> None:
    """Who is on both sides gives back as the payee."""
    tale = paid().happens(THEIRS, WalletMemberAdded(OWNER.subject, "spender"))
    assert tale.ask(refund(), OWNER).right == "member"


def test_an_increase_does_not_change_what_can_be_refunded() -> None:
    """Only captures do."""
    tale = held().done(capture(40, final=False), by=PAYEE).done(increase(50), by=OWNER)
    assert tale.standing.refundable == 40
