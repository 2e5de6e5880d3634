"""A payment is known from the first and the last event of its stream, whatever came between."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from domain import payment_state
from domain.identifiers import bits
from domain.payment_events import PaymentEvent
from domain.payment_state import BEGINNINGS, Payment, payment_of, settled
from domain.wallets import Caller
from tests.given import OPERATOR, OWNER, PAID, transfer_of
from tests.household import ANNA, BEN, household
from tests.story import (
    APPROVE,
    EXPIRE,
    PAYEE,
    REJECT,
    RELEASE,
    SWEEPER,
    Story,
    capture,
    hold_of,
    increase,
    refund,
    reverse,
    story,
    theirs,
)

Step = tuple[Any, Caller]
STEPS: dict[str, Step] = {
    "capture a part": (capture(30, final=False), PAYEE),
    "capture the rest": (capture(), PAYEE),
    "capture and free the rest": (capture(20), OWNER),
    "release": (RELEASE, PAYEE),
    "expire": (EXPIRE, SWEEPER),
    "increase": (increase(50, 7200), OWNER),
    "refund": (refund(30), PAYEE),
    "reverse": (reverse(), OPERATOR),
    "approve": (APPROVE, ANNA),
    "approve as well": (APPROVE, BEN),
    "reject": (REJECT, ANNA),
}
WAIT = "wait until it has run out"


def folded(events: Sequence[Any]) -> Payment:
    """Return a payment as all events of its stream in their order make it."""
    first, *rest = events
    assert isinstance(first, BEGINNINGS)
    payment = payment_of(PAID, first, first, 1)
    for event in rest:
        assert isinstance(event, PaymentEvent)
        payment = payment_state.evolve(payment, event)
    return payment


def stepped(before: Story, name: str) -> Story | None:
    """Return what a step leads to, or none where it is refused and so leads nowhere."""
    tale = before.copied()
    if name == WAIT:
        expires_at = tale.standing.expires_at
        waits = expires_at is not None and expires_at > tale.now
        return tale.at(expires_at) if waits else None  # type: ignore[arg-type]  # it waits for that
    command, by = STEPS[name]
    if name == "refund":
        command = refund(30, 30 + tale.asked)
    if name == "reverse":
        command = reverse(30 + tale.asked)
    told = tale.ask(command, by)
    if told.no is None:
        return tale
    assert tale.wallets == before.wallets, "a refusal moves nothing"
    assert tale.standing == before.standing, "nor does it change the payment"
    return None


def walks(tale: Story, steps: int) -> Iterator[Story]:
    """Yield every story that so many steps can lead to, and all on the way there."""
    yield tale
    if steps == 0:
        return
    for name in (*STEPS, WAIT):
        after = stepped(tale, name)
        if after is not None:
            yield from walks(after, steps - 1)


def walked(tale: Story, *names: str) -> Story:
    """Return a story after these steps, all of which are accepted."""
    for name in names:
        after = stepped(tale, name)
        assert after is not None, name
        tale = after
    return tale


BEGUN: dict[str, Callable[[], Story]] = {
    "a transfer": lambda: story().done(transfer_of(100), by=OWNER),
    "a hold": lambda: story().done(hold_of(100), by=OWNER),
    "a transfer that waits": lambda: _waiting(transfer_of(200)),
    "a hold that waits": lambda: _waiting(hold_of(200)),
}


def _waiting(command: Any) -> Story:
    return story(household(2), theirs()).done(command, by=OWNER)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("a transfer", 5),
        ("a hold", 4000),
        ("a transfer that waits", 25),
        ("a hold that waits", 400),
    ],
)
def test_all_events_lead_to_what_the_first_and_the_last_one_tell(name: str, least: int) -> None:
    """On every walk of up to seven steps, and the money is where the payment says it is."""
    told = 0
    for tale in walks(BEGUN[name](), 7):
        events = tale.streams[bits(PAID)]
        payment = folded(events)
        first, last = events[0], events[-1]
        assert isinstance(first, BEGINNINGS)
        assert payment_of(PAID, first, last, len(events)) == payment == tale.payments[PAID]
        _holds_together(tale)
        told += 1
    assert told >= least


def _holds_together(tale: Story) -> None:
    """Nothing is made or lost, and what the payment says of itself is what the wallets have."""
    standing, mine, payee = tale.standing, tale.ours, tale.theirs
    assert mine.posted + payee.posted == 1000
    # What was taken and not given back has moved; a reversal has taken all of it back.
    moved = 0 if standing.status == "reversed" else standing.refundable
    assert payee.posted == moved
    waits = standing.status == "awaiting-approval"
    assert mine.held == (standing.amount if waits else standing.left)
    assert standing.captured + standing.left <= standing.amount
    assert standing.counted <= mine.spent or mine.spent_on != standing.counted_on
    assert (standing.ended_by is None) or standing.left == 0


def test_the_walks_reach_every_status() -> None:
    """None of them is out of reach of the steps above."""
    reached = {
        "awaiting-approval": walked(BEGUN["a hold that waits"](), "approve"),
        "authorized": walked(BEGUN["a hold"](), "capture a part"),
        "completed": walked(BEGUN["a hold"](), "capture a part", "release"),
        "declined": walked(BEGUN["a transfer that waits"](), "approve", "reject"),
        "cancelled": walked(BEGUN["a hold"](), "increase", "release"),
        "expired": walked(BEGUN["a hold"](), "increase", WAIT, "expire"),
        "partially-refunded": walked(BEGUN["a transfer"](), "refund"),
        "refunded": walked(BEGUN["a hold"](), "capture a part", "refund", "release"),
        "reversed": walked(BEGUN["a transfer"](), "reverse"),
    }
    assert {name: tale.standing.status for name, tale in reached.items()} == {
        name: name for name in reached
    }


@pytest.mark.parametrize(
    ("captured", "refunded", "status"),
    [(5, 0, "completed"), (5, 1, "partially-refunded"), (5, 5, "refunded")],
)
def test_what_was_given_back_names_the_status(captured: int, refunded: int, status: str) -> None:
    assert settled(captured, refunded) == status


def test_every_event_of_a_payment_raises_its_version() -> None:
    """Versions count from 1 in the stream of the payment; other streams have their own."""
    tale = walked(BEGUN["a hold"](), "capture a part", "refund", "release")
    assert tale.payments[PAID].version == len(tale.streams[bits(PAID)]) == 4
