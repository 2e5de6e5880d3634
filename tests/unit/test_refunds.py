"""Refunds give a payment back in parts and never more of it than was paid."""

from typing import Any

import pytest

from domain.events import (
    WalletCredited,
    WalletDebited,
    WalletHoldReleased,
)
from domain.payment_events import (
    PaymentCompleted,
    PaymentDeclined,
    PaymentRefunded,
)
from domain.refusals import (
    AmountExceedsPayment,
    HoldExpired,
)
from domain.wallets import Caller
from tests.given import (
    NOW,
    OURS,
    PAID,
    THEIRS,
)
from tests.story import (
    END,
    EXPIRE,
    PAYEE,
    REFUND,
    RELEASE,
    SWEEPER,
    capture,
    held,
    paid,
    refund,
)


def test_a_refund_is_a_payment_of_its_own_linked_to_the_first() -> None:
    """From the payee to the payer; the first payment keeps what was given back of it."""
    tale = paid()
    told = tale.ask(refund(40), PAYEE)
    assert told.events == (
        PaymentCompleted(
            kind="refund",
            amount=40,
            currency="EUR",
            source_wallet_id=THEIRS,
            destination_wallet_id=OURS,
            effective_at=NOW,
            description="sent back",
            original_payment_id=PAID,
        ),
        told.the(PaymentRefunded),
        WalletDebited(REFUND, 40, "EUR", OURS, NOW, 0),
        WalletCredited(REFUND, 40, "EUR", THEIRS, NOW),
    )
    assert told.the(PaymentRefunded).refund_payment_id == REFUND
    assert tale.money() == (940, 0, 60)


@pytest.mark.parametrize(
    ("parts", "status", "left"),
    [
        ([40], "partially-refunded", 60),
        ([40, 60], "refunded", 0),
        ([None], "refunded", 0),
        ([40, None], "refunded", 0),
        ([1, 1, 1], "partially-refunded", 97),
    ],
)
def test_refunds_add_up_to_at_most_the_payment(
    parts: list[int | None], status: str, left: int
) -> None:
    """Without an amount all that is left is given back; a minor unit more is refused."""
    tale = paid()
    for number, amount in enumerate(parts):
        tale.done(refund(amount, 30 + number), by=PAYEE)
    standing = tale.standing
    assert (standing.status, standing.refundable, standing.refunded) == (status, left, 100 - left)
    tale.ask(refund(left + 1, 40), PAYEE).refused(AmountExceedsPayment)
    assert tale.money() == (1000 - left, 0, left)


def test_of_what_was_refunded_in_full_nothing_is_left_to_ask_for() -> None:
    """Also when the refund names no amount; the refusal still shows one."""
    tale = paid().done(refund(), by=PAYEE)
    told = tale.ask(refund(None, 30), PAYEE)
    told.refused(AmountExceedsPayment)
    assert told.the(PaymentDeclined).amount == 100


def test_a_refused_refund_is_a_declined_of_its_own() -> None:
    """It is on record with its code, and the first payment does not know of it."""
    tale = paid()
    told = tale.ask(refund(101), PAYEE)
    fact = told.the(PaymentDeclined)
    assert (fact.kind, fact.code) == ("refund", "amount-exceeds-payment")
    assert (fact.original_payment_id, fact.source_wallet_id) == (PAID, THEIRS)
    assert tale.payments[PAID].version == 1


def test_a_refund_of_a_hold_gives_back_what_was_captured() -> None:
    """Not what was held: the rest was never paid."""
    tale = held().done(capture(40), by=PAYEE)
    tale.ask(refund(41, 30), PAYEE).refused(AmountExceedsPayment)
    tale.done(refund(), by=PAYEE)
    assert (tale.standing.status, tale.money()) == ("refunded", (1000, 0, 0))


def test_a_hold_is_refunded_while_more_of_it_can_be_captured() -> None:
    """It stays authorized, and what is captured later can be refunded too."""
    tale = held().done(capture(40, final=False), refund(30), by=PAYEE)
    standing = tale.standing
    assert (standing.status, standing.left) == ("authorized", 60)
    assert (standing.refunded, standing.refundable) == (30, 10)
    tale.done(capture(20), by=PAYEE)
    standing = tale.standing
    assert (standing.status, standing.refundable) == ("partially-refunded", 30)
    tale.done(refund(None, 30), by=PAYEE)
    assert (tale.standing.status, tale.money()) == ("refunded", (1000, 0, 0))


@pytest.mark.parametrize(("by", "command"), [(PAYEE, RELEASE), (SWEEPER, EXPIRE)])
@pytest.mark.parametrize(("given_back", "status"), [(30, "partially-refunded"), (40, "refunded")])
def test_a_hold_that_ends_after_a_refund_says_what_was_given_back(
    by: Caller, command: Any, given_back: int, status: str
) -> None:
    """The end of what was left changes nothing of what was captured and refunded."""
    tale = held().done(capture(40, final=False), refund(given_back), by=PAYEE)
    if by is SWEEPER:
        tale.at(END)
    told = tale.ask(command, by)
    assert told.the(WalletHoldReleased).amount == 60
    assert tale.standing.status == status


def test_a_refund_works_when_the_hold_has_run_out() -> None:
    """Its time bounds captures; what was captured is a payment like any other."""
    tale = held().done(capture(40, final=False), by=PAYEE).at(END)
    tale.ask(capture(), PAYEE).refused(HoldExpired)
    tale.done(refund(40), by=PAYEE)
