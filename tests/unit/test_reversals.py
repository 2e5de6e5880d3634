"""Reversals undo a payment once, by its exact opposite, and nothing that was given back."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.events import (
    WalletDebited,
)
from domain.identifiers import PaymentId
from domain.payment_events import (
    Leg,
    PaymentCompleted,
    PaymentReversed,
)
from domain.refusals import (
    AlreadyRefunded,
    AlreadyReversed,
    NotReversible,
    PaymentNotFound,
    Refusal,
    Rejection,
    RoleMissing,
    WalletIsClosed,
)
from domain.wallets import Caller
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    OPERATOR,
    OURS,
    OWNER,
    PAID,
    STRANGER,
    THEIRS,
)
from tests.story import (
    END,
    EXPIRE,
    PAYEE,
    RELEASE,
    REVERSAL,
    SWEEPER,
    VIEWER,
    Story,
    capture,
    held,
    paid,
    refund,
    reverse,
    split_of,
    story,
)
from tests.unit.test_refund_refusals import LEGS, NOT_REFUNDABLE

NOT_REVERSIBLE: dict[str, tuple[Callable[[], Story], PaymentId]] = {
    **{name: row for name, row in NOT_REFUNDABLE.items() if "split" not in name},
    "a hold that is still open": (
        lambda: held().done(capture(40, final=False), by=PAYEE),
        PAID,
    ),
}
del NOT_REVERSIBLE["an exchange"]


@pytest.mark.parametrize("name", NOT_REVERSIBLE)
def test_what_is_not_reversed(name: str) -> None:
    """What gives money back, what moved none, and what is not at its end."""
    tell, of = NOT_REVERSIBLE[name]
    tell().ask(reverse(50, of), OPERATOR).refused(NotReversible)


@pytest.mark.parametrize("legs", [(LEGS[0],), LEGS, (*LEGS, Leg(THEIRS, OURS, 10, "EUR"))])
@pytest.mark.parametrize("kind", ["split", "exchange"])
def test_a_reversal_is_the_exact_opposite(legs: tuple[Leg, ...], kind: str) -> None:
    """Every leg backwards, the last one first, and everybody has what they had."""
    tale = story().done(split_of(*legs, kind=kind))
    told = tale.ask(reverse(), OPERATOR)
    debits = [event for event in told.events if isinstance(event, WalletDebited)]
    assert [each.amount for each in debits] == [leg.amount for leg in reversed(legs)]
    assert told.the(PaymentReversed).reversal_payment_id == REVERSAL
    assert (tale.standing.status, tale.money()) == ("reversed", (1000, 0, 0))


def test_a_reversal_of_a_hold_undoes_what_was_captured() -> None:
    """Its amount is that of the captures and not that of the hold."""
    tale = held().done(capture(40, final=False), capture(20), by=PAYEE)
    told = tale.ask(reverse(), OPERATOR)
    completed = told.the(PaymentCompleted)
    assert (completed.kind, completed.amount, completed.original_payment_id) == (
        "reversal",
        60,
        PAID,
    )
    assert (completed.source_wallet_id, completed.destination_wallet_id) == (THEIRS, OURS)
    assert completed.description == "paid by mistake"
    assert tale.money() == (1000, 0, 0)


@pytest.mark.parametrize(("command", "by"), [(RELEASE, PAYEE), (EXPIRE, SWEEPER)])
def test_a_hold_captured_in_part_is_reversed_after_its_end(command: Any, by: Caller) -> None:
    tale = held().done(capture(40, final=False), by=PAYEE)
    if by is SWEEPER:
        tale.at(END)
    tale.done(command, by=by).done(reverse())
    assert tale.money() == (1000, 0, 0)


# Given a payment of 100, what was done to it, what is asked then, and why not.
ONCE: list[tuple[list[Any], Any, type[Refusal]]] = [
    ([reverse(31)], reverse(), AlreadyReversed),
    ([reverse(31)], refund(), AlreadyReversed),
    ([reverse(31)], refund(5000), AlreadyReversed),
    ([refund(1, 31)], reverse(), AlreadyRefunded),
    ([refund(100, 31)], reverse(), AlreadyRefunded),
]


@pytest.mark.parametrize(("before", "command", "no"), ONCE)
def test_what_was_given_back_once_is_not_given_back_again(
    before: list[Any], command: Any, no: type[Refusal]
) -> None:
    """Refunded in any part it is not reversed; reversed it is neither refunded nor reversed."""
    tale = paid().done(*before)
    posted = tale.money()
    tale.ask(command, OPERATOR).refused(no)
    assert tale.money() == posted


def test_a_hold_refunded_while_it_is_open_is_not_reversed() -> None:
    tale = held().done(capture(40, final=False), refund(1), by=PAYEE)
    tale.ask(reverse(), OPERATOR).refused(AlreadyRefunded)
    tale.done(capture(), by=PAYEE).ask(reverse(31), OPERATOR).refused(AlreadyRefunded)


@pytest.mark.parametrize(
    ("by", "no"),
    [
        (OWNER, RoleMissing),
        (PAYEE, RoleMissing),
        (VIEWER, RoleMissing),
        (STRANGER, PaymentNotFound),
    ],
)
def test_only_operators_reverse(by: Caller, no: type[Rejection]) -> None:
    """The payee's side gives back by a refund."""
    paid().ask(reverse(), by).refused(no)
    assert paid().ask(reverse(), OPERATOR).right == "operate"
    both = Caller(PAYEE.subject, "tests", operate=True)
    assert paid().ask(reverse(), both).right == "operate"


@pytest.mark.parametrize("freeze", [FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR])
def test_a_reversal_passes_a_freeze(freeze: Any) -> None:
    """Of either side and of either wallet."""
    tale = paid().happens(THEIRS, freeze).happens(OURS, freeze).done(reverse())
    assert tale.money() == (1000, 0, 0)


@pytest.mark.parametrize("closed", [OURS, THEIRS])
def test_a_reversal_does_not_pass_an_end(closed: Any) -> None:
    """A closed wallet stays empty; the operator is told that it is closed."""
    paid().happens(closed, CLOSED).ask(reverse(), OPERATOR).refused(WalletIsClosed)
