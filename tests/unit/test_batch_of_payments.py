"""A batch in which payments live on: each command on what those before it left of them."""

from dataclasses import replace
from typing import Any

import pytest

from application.commands import Answer, AtomicBatch, DryRun, Submission, WouldComplete
from application.subjects import goes_on, wallets_of
from domain.events import RequestAccepted, RequestRefused
from domain.identifiers import bits, payment_id, request_id
from domain.payment_events import (
    PaymentApprovalRequested,
    PaymentCaptured,
    PaymentCompleted,
    PaymentDeclined,
)
from domain.refusals import KeyReused, LimitExceeded, PaymentNotFound
from domain.wallet_rules import ChangeLimits
from domain.wallets import Caller
from tests.given import NOW, OPERATOR, OURS, OWNER, PAID, THEIRS
from tests.household import ANNA, BEN, household, waiting
from tests.planned_batch import FIRST_POSITION, Batch, key, pay
from tests.story import (
    APPROVE,
    END,
    PAYEE,
    RELEASE,
    Story,
    capture,
    held,
    hold_of,
    increase,
    limits,
    paid,
    refund,
    reverse,
    story,
    theirs,
)


def on(number: int, command: Any, by: Caller = PAYEE) -> Submission:
    """Return a command with the key of this number."""
    stream = key(number)
    name = payment_id(stream)
    if hasattr(command, "refund_payment_id"):
        command = replace(command, refund_payment_id=name)
    if hasattr(command, "reversal_payment_id"):
        command = replace(command, reversal_payment_id=name)
    return Submission(command, by, stream, f"{command}")


def batch(tale: Story, *works: Any) -> Batch:
    """Return what comes of work on a payment that the store has."""
    wallets = (*tale.wallets.values(),)
    return Batch(*works, wallets=wallets, streams={bits(PAID): tale.streams[bits(PAID)]})


def test_a_command_on_a_payment_is_kept_with_its_effects_side_by_side() -> None:
    """The request's stream begins, then the payment's goes on, then the wallets'."""
    found = batch(held(), on(1, capture(40)))
    assert found.changes is not None
    places = [(each.stream, each.version) for each in found.changes.events]
    # Our wallet was opened, got two members and money, and placed the hold before.
    ours, payee = bits(OURS), bits(THEIRS)
    assert places == [(key(1), 1), (bits(PAID), 2), (ours, 6), (payee, 4), (ours, 7)]
    metadata = [each.metadata for each in found.changes.events]
    assert {each.command_id for each in metadata} == {request_id(key(1))}
    assert [(each.index, each.count) for each in metadata] == [(at, 5) for at in range(5)]
    answer = found.answer(0)
    assert isinstance(answer.event, RequestAccepted)
    assert answer.position == FIRST_POSITION + 4
    assert answer.opening is not None
    assert answer.opening.event == held().payments[PAID].began


def test_captures_in_one_batch_add_up_to_at_most_the_hold() -> None:
    """Sixteen of ten: ten pass, and the others hear what there was when it was their turn."""
    found = batch(held(), *(on(number, capture(10, final=False)) for number in range(16)))
    events = [found.answer(number).event for number in range(16)]
    assert [type(event) for event in events] == [RequestAccepted] * 10 + [RequestRefused] * 6
    codes = {event.code for event in events if isinstance(event, RequestRefused)}
    assert codes == {"hold-already-captured"}
    assert found.posted() == {OURS: 900, THEIRS: 100}
    captured = [each for each in found.planned if each[2] is PaymentCaptured]
    assert [version for _, version, _ in captured] == list(range(2, 12))


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (on(1, capture()), on(2, RELEASE), "hold-already-captured"),
        (on(1, RELEASE), on(2, capture()), "hold-already-released"),
        (on(1, RELEASE), on(2, increase(1), OWNER), "hold-already-released"),
        (on(1, capture(60, final=False)), on(2, capture(60)), "amount-exceeds-hold"),
    ],
)
def test_of_two_that_race_in_a_batch_the_first_wins(
    first: Submission, second: Submission, code: str
) -> None:
    """The later one is refused for what the earlier one did."""
    event = batch(held(), first, second).answer(1).event
    assert isinstance(event, RequestRefused)
    assert event.code == code


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        (on(1, refund(60)), on(2, refund(60)), "amount-exceeds-payment"),
        (on(1, refund(1)), on(2, reverse(), OPERATOR), "already-refunded"),
        (on(1, reverse(), OPERATOR), on(2, refund(1)), "already-reversed"),
        (on(1, reverse(), OPERATOR), on(2, reverse(), OPERATOR), "already-reversed"),
    ],
)
def test_money_is_given_back_once_in_a_batch(
    first: Submission, second: Submission, code: str
) -> None:
    """The refused one is a declined payment on record."""
    found = batch(paid(), first, second)
    assert isinstance(found.answer(0).event, PaymentCompleted)
    event = found.answer(1).event
    assert isinstance(event, PaymentDeclined)
    assert event.code == code
    assert found.changes is not None
    # Each is a command of its own, named like the payment that it begins.
    names = {each.metadata.command_id for each in found.changes.events}
    assert names == {payment_id(key(1)), payment_id(key(2))}


def test_two_approvals_in_a_batch_are_two() -> None:
    """The second one finds the first one's, and carries the payment out."""
    found = batch(waiting(2), on(1, APPROVE, ANNA), on(2, APPROVE, BEN))
    statuses = [
        event.standing.status
        for event in (found.answer(0).event, found.answer(1).event)
        if isinstance(event, RequestAccepted) and event.standing is not None
    ]
    assert statuses == ["awaiting-approval", "completed"]


def test_a_key_is_one_over_all_routes() -> None:
    """A repeat is answered as before; the same key for something else is refused."""
    found = batch(
        held(), on(1, capture(40)), on(1, capture(40)), on(1, RELEASE), pay(1, 5, by=OWNER)
    )
    assert found.answer(1) == replace(found.answer(0), replayed=True)
    assert [type(end) for end in found.outcomes[2:]] == [KeyReused, KeyReused]
    assert found.posted() == {OURS: 960, THEIRS: 40}


def test_what_is_decided_on_a_hold_is_stored_before_it_runs_out_or_not_at_all() -> None:
    """The batch is as valid as the shortest-lived of its decisions."""
    found = batch(held(), on(1, capture(1, final=False)), pay(2, 5, by=OWNER))
    assert found.changes is not None
    assert found.changes.valid_before == END
    long = batch(held(100, 30 * 24 * 3600), on(1, capture(1)))
    assert long.changes is not None
    assert long.changes.valid_before == "2026-02-01T00:00:00.000000Z"


def test_only_what_changes_rules_is_ruled() -> None:
    """Money alone leaves a wallet's rules as the store has them."""
    found = batch(held(), on(1, capture()))
    assert found.changes is not None
    assert found.changes.ruled == []
    found = batch(held(), on(1, capture()), on(2, ChangeLimits(OURS, 5, None), OWNER))
    assert found.changes is not None
    assert [each.wallet_id for each in found.changes.ruled] == [OURS]


@pytest.mark.parametrize("command", [capture(), RELEASE, refund(), reverse(), APPROVE])
def test_a_payment_that_the_store_does_not_have_is_not_found(command: Any) -> None:
    """Nothing is stored, not even the key."""
    found = Batch(on(1, command, OPERATOR))
    assert found.changes is None
    assert isinstance(found.outcomes[0], PaymentNotFound)


@pytest.mark.parametrize("command", [capture(), refund(), reverse(), APPROVE])
def test_the_stream_of_something_else_is_no_payment(command: Any) -> None:
    """Whoever puts a wallet's bits or a request's behind `pay_` finds nothing."""
    tale = held()
    request = [RequestRefused(action="freeze", wallet_id=OURS, code="wallet-closed")]
    for events in (request, [tale.ask(capture(5), PAYEE).events[0]]):
        found = Batch(on(1, command, OPERATOR), streams={bits(PAID): list(events)})
        assert isinstance(found.outcomes[0], PaymentNotFound)


def test_all_wallets_of_a_payment_are_locked_for_what_happens_to_it() -> None:
    """Known from its first event, which never changes."""
    tale = held()
    began = batch(tale, on(1, capture())).answer(0).opening
    assert began is not None
    for command in (capture(), RELEASE, increase(1), refund(), reverse(), APPROVE):
        stream = goes_on(command)
        assert stream == bits(PAID)
        assert wallets_of(command, {stream: began}) == (OURS, THEIRS)
        assert wallets_of(command, {}) == ()


def test_an_item_above_the_threshold_waits_and_counts_as_passed() -> None:
    """An atomic batch is done although one of its payments is not paid yet."""
    wallets = (household(), theirs())
    found = Batch(AtomicBatch((pay(1, 101), pay(2, 100))), wallets=wallets)
    outcome = found.batch(0)
    assert not outcome.refused
    events = [each.event for each in outcome.results if isinstance(each, Answer)]
    assert [type(event) for event in events] == [PaymentApprovalRequested, PaymentCompleted]


def test_items_count_together_against_the_day() -> None:
    """The second one finds what the first one used of the limit."""
    tale = story().happens(OURS, limits(None, 100))
    items = AtomicBatch((pay(1, 60), pay(2, 41)))
    outcome = Batch(items, wallets=(*tale.wallets.values(),)).batch(0)
    assert outcome.refused
    assert isinstance(outcome.results[1], LimitExceeded)


def test_a_dry_run_of_a_hold_leaves_nothing() -> None:
    """Whether it would be held or would wait for others."""
    for command in (hold_of(50), hold_of(200)):
        found = Batch(DryRun(command, OWNER), wallets=(household(), theirs()))
        assert found.outcomes == [WouldComplete(command, NOW)]
        assert found.changes is None
