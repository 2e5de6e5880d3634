"""An atomic batch is one command: all of its transfers are done, or none of them is."""

from dataclasses import replace

import pytest

from application.commands import Answer, AtomicBatch, NotExecuted, Submission
from domain.identifiers import payment_id
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.refusals import InsufficientFunds, KeyReused, SameWallet, WalletNotFound
from domain.wallets import Caller
from tests.given import LATER, OURS, STRANGER, THEIRS, wallet_named
from tests.planned_batch import Batch, key, pay, stored

PAYEE = Caller("usr_payee", "tests", operate=False)
DONE = Batch(pay(1, 30)).answer(0).event
DECLINED = Batch(pay(1, 500)).answer(0).event


def atomic(*items: Submission | None) -> AtomicBatch:
    return AtomicBatch(items)


def test_the_events_of_all_items_are_one_command() -> None:
    """One id, one count, consecutive indexes; each item's first event bears its fingerprint."""
    batch = Batch(pay(9, 1), atomic(pay(1, 30), pay(2, 40)))
    assert batch.changes is not None
    metadata = [each.metadata for each in batch.changes.events[3:]]
    assert {each.command_id for each in metadata} == {payment_id(key(1))}
    assert [(each.index, each.count) for each in metadata] == [(index, 6) for index in range(6)]
    assert [each.fingerprint for each in metadata] == ["pay 30", None, None, "pay 40", None, None]
    results = batch.batch(1).results
    assert [each.position for each in results if isinstance(each, Answer)] == [109, 109]
    assert not batch.batch(1).refused


def test_items_see_what_earlier_items_left() -> None:
    """The last euro can be paid once, and money that came in within the batch can be spent."""
    spent = Batch(atomic(pay(1, 60), pay(2, 60)))
    no = spent.batch(0).results[1]
    assert isinstance(no, InsufficientFunds)
    assert no.available == 40
    back = pay(2, 100, by=PAYEE, source_wallet_id=THEIRS, destination_wallet_id=OURS)
    there_and_back = Batch(atomic(pay(1, 100), back, pay(3, 100)))
    assert not there_and_back.batch(0).refused
    assert there_and_back.posted() == {OURS: 0, THEIRS: 100}


@pytest.mark.parametrize(
    ("bad", "no"),
    [
        (pay(2, 500), InsufficientFunds),
        (pay(2, 5, destination_wallet_id=OURS), SameWallet),
        (pay(2, 5, by=STRANGER), WalletNotFound),
        (pay(2, 5, destination_wallet_id=wallet_named(77)), WalletNotFound),
        (pay(1, 31), KeyReused),
        (None, type(None)),
    ],
)
def test_one_bad_item_refuses_all(bad: Submission | None, no: type) -> None:
    """No event, no head and no key is left; later work of the batch is not touched by it."""
    batch = Batch(atomic(pay(1, 30), bad, pay(3, 40)), pay(1, 100), pay(3, 1, "another content"))
    outcome = batch.batch(0)
    assert outcome.refused
    assert [type(each) for each in outcome.results] == [NotExecuted, no, NotExecuted]
    assert [type(batch.answer(index).event) for index in (1, 2)] == [
        PaymentCompleted,
        PaymentDeclined,
    ]
    assert len(batch.planned) == 4


def test_every_bad_item_is_told() -> None:
    """The first refusal does not hide the others, each decided as if it were the only one."""
    results = Batch(atomic(pay(1, 500), pay(2, 600), pay(3, 100))).batch(0).results
    assert [type(each) for each in results] == [InsufficientFunds, InsufficientFunds, NotExecuted]


def test_a_key_twice_with_the_same_content_is_one_payment() -> None:
    """Both items show it, and its money moves once."""
    batch = Batch(atomic(pay(1, 30), pay(1, 30)))
    one, other = batch.batch(0).results
    assert isinstance(one, Answer)
    assert other == replace(one, replayed=True)
    assert batch.posted() == {OURS: 70, THEIRS: 30}


def test_what_was_done_before_passes() -> None:
    """In the store or earlier in the same batch, an item that is done counts as passed."""
    before = Batch(pay(1, 30), atomic(pay(1, 30), pay(2, 40)))
    results = before.batch(1).results
    assert [each.position for each in results if isinstance(each, Answer)] == [103, 106]
    assert before.posted() == {OURS: 30, THEIRS: 70}
    found = Batch(atomic(pay(1, 30), pay(2, 40)), answers={key(1): stored(DONE, "pay 30")})
    results = found.batch(0).results
    assert [each.position for each in results if isinstance(each, Answer)] == [53, 103]
    assert found.posted() == {OURS: 60, THEIRS: 40}


def test_a_batch_of_what_was_all_done_before_stores_nothing() -> None:
    """It is answered from the store, and is not refused."""
    batch = Batch(atomic(pay(1, 30)), answers={key(1): stored(DONE, "pay 30")})
    assert batch.changes is None
    assert not batch.batch(0).refused
    (result,) = batch.batch(0).results
    assert isinstance(result, Answer)
    assert result.replayed


def test_what_was_refused_before_refuses_the_batch() -> None:
    """The item bears the refusal on record; what would have passed is not executed."""
    batch = Batch(atomic(pay(1, 500), pay(2, 40)), answers={key(1): stored(DECLINED, "pay 500")})
    assert batch.changes is None
    refused, passed = batch.batch(0).results
    assert isinstance(refused, Answer)
    assert (refused.position, refused.replayed) == (53, True)
    assert isinstance(passed, NotExecuted)


def test_a_refusal_on_record_is_the_same_a_moment_after_it_was_made() -> None:
    """Refused earlier in the same batch or long ago: the item bears what is on record."""
    batch = Batch(pay(1, 500), atomic(pay(1, 500), pay(2, 40)))
    refused, passed = batch.batch(1).results
    assert refused == replace(batch.answer(0), replayed=True)
    assert isinstance(passed, NotExecuted)
    assert batch.answer(0).recorded_at == LATER


def test_what_was_done_before_bears_not_executed_when_the_batch_is_refused() -> None:
    """It counts as passed, wherever it was done."""
    found = Batch(
        pay(3, 1),
        atomic(pay(1, 30), pay(3, 1), pay(2, 500)),
        answers={key(1): stored(DONE, "pay 30")},
    )
    results = found.batch(1).results
    assert [type(each) for each in results] == [NotExecuted, NotExecuted, InsufficientFunds]


def test_a_malformed_item_refuses_the_batch() -> None:
    """Nothing but its place is known of it here."""
    batch = Batch(atomic(None, pay(1, 5)))
    assert batch.changes is None
    assert batch.batch(0).refused
    assert [type(each) for each in batch.batch(0).results] == [type(None), NotExecuted]


def test_a_refused_batch_can_be_sent_again_when_there_is_money() -> None:
    """No key was stored, so the same items are decided afresh."""
    back = pay(2, 5, by=PAYEE, source_wallet_id=THEIRS, destination_wallet_id=OURS)
    batch = Batch(pay(9, 60), atomic(pay(1, 45)), back, atomic(pay(1, 45)))
    assert [batch.batch(1).refused, batch.batch(3).refused] == [True, False]
    assert batch.posted() == {OURS: 0, THEIRS: 100}
