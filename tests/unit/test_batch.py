"""A batch decides in the order of arrival, each command on what those before it left."""

from dataclasses import replace

import pytest

from application.commands import (
    Answer,
    DryRun,
    Submission,
    WouldComplete,
)
from application.metadata import ANSWER_VERSION
from domain.events import RequestAccepted, RequestRefused, WalletFrozen, WalletOpened
from domain.identifiers import bits, payment_id, request_id, wallet_id
from domain.instants import Instant
from domain.payment_events import PaymentCompleted, PaymentDeclined
from domain.recorded import Actor, EventMetadata
from domain.refusals import InsufficientFunds, KeyReused, WalletNotFound
from domain.wallet_rules import CloseWallet, FreezeWallet, UnfreezeWallet
from tests.given import (
    LATER,
    NOW,
    OURS,
    OWNER,
    STRANGER,
    THEIRS,
    transfer_of,
    wallet_named,
)
from tests.planned_batch import OURS_OPENED, Batch, key, on_wallet, opens, pay, stored


def test_a_transfer_is_a_payment_and_its_leg_side_by_side() -> None:
    """The payment's stream begins, the wallets' streams go on, and all bear the command's id."""
    batch = Batch(pay(1, 30))
    assert batch.changes is not None
    payment, debit, credit = batch.changes.events
    assert [(each.stream, each.version) for each in (payment, debit, credit)] == [
        (key(1), 1),
        (bits(OURS), 3),
        (bits(THEIRS), 2),
    ]
    name = payment_id(key(1))
    assert payment.metadata == EventMetadata(
        name, 0, 3, Actor(OWNER.subject, "tests", "member"), ANSWER_VERSION, "pay 30"
    )
    assert [debit.metadata, credit.metadata] == [
        EventMetadata(name, 1, 3),
        EventMetadata(name, 2, 3),
    ]
    assert batch.posted() == {OURS: 70, THEIRS: 30}
    assert (batch.changes.decided_at, batch.changes.valid_before) == (NOW, LATER)


def test_an_answer_has_its_commands_last_position() -> None:
    """Also of commands behind others in the batch, refused ones among them."""
    batch = Batch(pay(1, 30), pay(2, 500), opens(3), pay(4, 70))
    assert [batch.answer(index).position for index in range(4)] == [103, 104, 105, 108]
    assert {batch.answer(index).recorded_at for index in range(4)} == {LATER}
    assert not any(batch.answer(index).replayed for index in range(4))


def test_later_commands_see_what_earlier_ones_left() -> None:
    """The second payment finds less, and the refusal says how much."""
    batch = Batch(pay(1, 60), pay(2, 60), pay(3, 40))
    ends = [batch.answer(index).event for index in range(3)]
    assert [type(end) for end in ends] == [PaymentCompleted, PaymentDeclined, PaymentCompleted]
    assert isinstance(ends[1], PaymentDeclined)
    assert (ends[1].code, ends[1].available) == ("insufficient-funds", 40)
    assert batch.posted() == {OURS: 0, THEIRS: 100}


def test_a_refusal_changes_nothing_but_its_record() -> None:
    """One event in the payment's own stream, and no head."""
    batch = Batch(pay(1, 101))
    assert batch.planned == [(key(1), 1, PaymentDeclined)]
    assert batch.posted() == {}
    assert batch.answer(0).refused


@pytest.mark.parametrize(
    "work",
    [
        pay(1, 5, by=STRANGER),
        pay(1, 5, source_wallet_id=wallet_named(77)),
        pay(1, 5, destination_wallet_id=wallet_named(77)),
        replace(on_wallet(1, FreezeWallet(OURS, "x")), caller=STRANGER),
        on_wallet(1, FreezeWallet(wallet_named(77), "x")),
    ],
)
def test_what_is_not_found_stores_nothing(work: Submission) -> None:
    """A wallet that is somebody else's ends exactly as one that does not exist."""
    batch = Batch(work)
    assert batch.changes is None
    assert isinstance(batch.outcomes[0], WalletNotFound)


def test_the_first_missing_wallet_in_the_bodys_order_is_named() -> None:
    """The source before the payee, and the caller's right before the payee's existence."""
    nobody = wallet_named(77)
    both = pay(1, 5, source_wallet_id=wallet_named(78), destination_wallet_id=nobody)
    foreign = pay(2, 5, by=STRANGER, destination_wallet_id=nobody)
    named = [end.wallet_id for end in Batch(both, foreign).outcomes if hasattr(end, "wallet_id")]
    assert named == [wallet_named(78), OURS]


def test_the_same_key_twice_in_a_batch_is_one_payment() -> None:
    """The second answer is the first one again, marked as a repeat."""
    batch = Batch(pay(1, 30), pay(1, 30))
    assert len(batch.planned) == 3
    assert batch.answer(1) == replace(batch.answer(0), replayed=True)
    assert batch.posted() == {OURS: 70, THEIRS: 30}


def test_the_same_key_with_other_content_is_refused() -> None:
    """In the same batch as against the store, and on another route too."""
    freeze = replace(on_wallet(1, FreezeWallet(OURS, "x")), stream=key(1))
    batch = Batch(pay(1, 30), pay(1, 31), freeze)
    assert [type(end) for end in batch.outcomes] == [Answer, KeyReused, KeyReused]
    assert len(batch.planned) == 3


def test_a_key_in_the_store_is_answered_from_the_store() -> None:
    """With the last position of its command, even where the wallet is no longer the caller's."""
    event = Batch(pay(1, 30)).answer(0).event
    batch = Batch(
        pay(1, 30, by=STRANGER),
        pay(1, 31),
        answers={key(1): stored(event, "pay 30")},
        wallets=(),
    )
    assert batch.changes is None
    answer = batch.answer(0)
    assert (answer.event, answer.position, answer.recorded_at) == (event, 53, NOW)
    assert answer.replayed
    assert isinstance(batch.outcomes[1], KeyReused)


def test_an_item_of_an_atomic_batch_is_answered_with_the_whole_batchs_position() -> None:
    """`index` and `count` lead to the command's last event from any of its items."""
    event = Batch(pay(1, 30)).answer(0).event
    found = stored(event, "pay 30", index=3, count=9)
    assert Batch(pay(1, 30), answers={key(1): found}).answer(0).position == 56


def test_what_this_batch_attempted_itself_is_no_repeat() -> None:
    """After a lost COMMIT the caller gets the first answer, not a second one."""
    event = Batch(pay(1, 30)).answer(0).event
    found = {key(1): stored(event, "pay 30")}
    assert not Batch(pay(1, 30), answers=found, attempted=frozenset({key(1)})).answer(0).replayed


def test_a_dry_run_leaves_nothing() -> None:
    """It is decided on what the batch has come to, and the batch goes on without it."""
    dry = transfer_of(80)
    batch = Batch(DryRun(dry, OWNER), pay(1, 60), DryRun(dry, OWNER), DryRun(dry, STRANGER))
    assert batch.outcomes[0] == WouldComplete(dry, NOW)
    no = batch.outcomes[2]
    assert isinstance(no, InsufficientFunds)
    assert no.available == 40
    assert isinstance(batch.outcomes[3], WalletNotFound)
    assert len(batch.planned) == 3
    assert Batch(DryRun(dry, OWNER)).changes is None


def test_a_new_wallet_can_be_used_in_the_same_batch() -> None:
    """It is inserted once, with all that happened to it since."""
    name = wallet_id(key(1))
    freeze = on_wallet(3, FreezeWallet(name, "x"))
    batch = Batch(opens(1), pay(2, 30, destination_wallet_id=name), freeze)
    assert batch.changes is not None
    (new,) = batch.changes.opened
    assert (new.wallet_id, new.posted, new.version, new.rules.status) == (name, 30, 3, "frozen")
    assert batch.posted() == {OURS: 70}
    answer = batch.answer(2)
    assert answer.opening is not None
    assert (answer.opening.event, answer.opening.recorded_at) == (batch.answer(0).event, LATER)


def test_a_command_on_a_wallet_begins_a_stream_of_its_own() -> None:
    """The request's event first, then the wallet's; doing nothing is recorded too."""
    batch = Batch(
        on_wallet(1, FreezeWallet(OURS, "x")),
        on_wallet(2, FreezeWallet(OURS, "y")),
        on_wallet(3, CloseWallet(OURS, "z")),
        on_wallet(4, UnfreezeWallet(OURS, "w")),
    )
    assert [each[2] for each in batch.planned[:4]] == [
        RequestAccepted,
        WalletFrozen,
        RequestAccepted,
        RequestRefused,
    ]
    assert batch.planned[0][:2] == (key(1), 1)
    assert batch.changes is not None
    assert batch.changes.events[0].metadata.command_id == request_id(key(1))
    assert [batch.answer(index).opening for index in range(4)] == [OURS_OPENED] * 4
    statuses = [getattr(batch.answer(index).event, "status", None) for index in range(4)]
    assert statuses == ["frozen", "frozen", None, "open"]


def test_an_opening_is_the_answer_of_its_own_key() -> None:
    """The wallet's stream is the key's stream, so the key opens one wallet for ever."""
    batch = Batch(opens(1), opens(1))
    assert batch.planned == [(key(1), 1, WalletOpened)]
    assert batch.answer(1) == replace(batch.answer(0), replayed=True)


def test_nothing_is_valid_past_the_day_it_was_decided_for() -> None:
    """Limits count by day, so a batch never moves into the next one."""
    batch = Batch(pay(1, 1))
    assert batch.changes is not None
    assert batch.changes.valid_before == Instant("2026-02-01T00:00:00.000000Z")
