"""What the ledger reads in a store, of PostgreSQL's and of the simulated one alike."""

import time
from dataclasses import replace
from uuid import uuid4

from domain.events import (
    WalletApprovalsChanged,
    WalletEvent,
    WalletFundsHeld,
    WalletHoldCaptured,
    WalletHoldReleased,
    WalletLimitsChanged,
    WalletMemberAdded,
    WalletMemberRemoved,
    WalletOverdraftLimitChanged,
    WalletUnfrozen,
)
from domain.identifiers import bits, wallet_id
from tests.given import (
    CLOSED,
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    LATER,
    NOW,
    OURS,
    PAID,
    credited,
    debited,
    opening,
)
from tests.store_steps import (
    FIRST,
    Connect,
    changes_of,
    head_of,
    new_wallet,
    open_in,
    step,
)

EVENTS: tuple[WalletEvent, ...] = (
    credited(50),
    debited(5),
    WalletFundsHeld(PAID, 7, "EUR", LATER),
    WalletHoldCaptured(PAID, 2, "EUR", OURS, NOW),
    WalletHoldReleased(PAID, 5, "EUR", "captured", 5),
    WalletMemberAdded("usr_2", "spender"),
    WalletMemberAdded("usr_\N{GRINNING FACE}", "viewer"),
    WalletMemberRemoved("usr_2"),
    WalletOverdraftLimitChanged(None, "agreed"),
    WalletLimitsChanged(3, 4),
    WalletLimitsChanged(None, 5),
    WalletApprovalsChanged(2, 100),
    FROZEN_BY_MEMBER,
    FROZEN_BY_OPERATOR,
    WalletUnfrozen("member", "found"),
    CLOSED,
)
"""Each kind of event that a wallet may have after its first."""


def test_what_is_not_there_is_left_out(connect: Connect) -> None:
    """Unknown wallets and streams are absent, and the clock is there all the same."""
    store = connect()
    loaded = store.load([wallet_id(uuid4())], [uuid4()])
    store.release()
    assert (loaded.wallets, loaded.answers) == ({}, {})
    assert abs(loaded.clock - time.time()) < 60
    assert len(loaded.decided_at) == 27


def test_a_committed_wallet_and_its_first_event_come_back(connect: Connect) -> None:
    """Everything of the head, and everything that answering again needs."""
    store = connect()
    wallet, event = new_wallet(overdraft_limit=None)
    appended = store.commit(changes_of(store.load([], []), event, opened=[wallet]))
    loaded = store.load([wallet.wallet_id], [event.stream])
    store.release()
    assert loaded.wallets == {wallet.wallet_id: wallet}
    stored = loaded.answers[event.stream]
    assert (stored.event, stored.metadata) == (event.event, FIRST)
    assert (stored.position, stored.recorded_at) == (appended.first_position, appended.recorded_at)
    assert loaded.decided_at >= appended.recorded_at


def test_a_changed_head_comes_back_field_by_field(connect: Connect) -> None:
    """Each event of a wallet changes what the next batch sees of it."""
    store = connect()
    wallet = open_in(store)
    for event in EVENTS:
        before = wallet.rules
        wallet, planned = step(wallet, event)
        ruled = [wallet] if wallet.rules is not before else []
        loaded = store.load([wallet.wallet_id], [])
        store.commit(changes_of(loaded, planned, changed=[wallet], ruled=ruled))
        assert head_of(store, wallet.wallet_id) == wallet


def test_what_is_not_ruled_keeps_its_rules(connect: Connect) -> None:
    """Where only money is said to have moved, nothing else of the head is written."""
    store = connect()
    wallet, other = open_in(store), open_in(store)
    names = [wallet.wallet_id, other.wallet_id]
    paid, planned = step(wallet, credited(5))
    frozen, freeze = step(other, FROZEN_BY_MEMBER)
    unsaid = replace(paid, rules=replace(paid.rules, closed=True))
    changes = changes_of(
        store.load(names, []), planned, freeze, changed=[unsaid, frozen], ruled=[frozen]
    )
    store.commit(changes)
    assert head_of(store, wallet.wallet_id) == paid
    assert head_of(store, other.wallet_id) == frozen


def test_only_a_streams_first_event_is_its_answer(connect: Connect) -> None:
    """Later events of the same stream do not take its place."""
    store = connect()
    wallet = open_in(store)
    name = bits(wallet.wallet_id)
    wallet, planned = step(wallet, credited(5))
    store.commit(changes_of(store.load([wallet.wallet_id], []), planned, changed=[wallet]))
    loaded = store.load([], [name])
    store.release()
    assert loaded.answers[name].event == opening()


def test_beginnings_are_first_events(connect: Connect) -> None:
    """Whatever came later in a stream, and whoever holds locks; what is not there is left out."""
    store, holder = connect(), connect()
    wallet, event = new_wallet()
    appended = store.commit(changes_of(store.load([], []), event, opened=[wallet]))
    after, planned = step(wallet, credited(5))
    store.commit(changes_of(store.load([wallet.wallet_id], []), planned, changed=[after]))
    holder.load([wallet.wallet_id], [])
    found = store.beginnings([event.stream, uuid4()])
    holder.release()
    assert list(found) == [event.stream]
    began = found[event.stream]
    assert (began.event, began.metadata) == (event.event, FIRST)
    assert (began.position, began.recorded_at) == (appended.first_position, appended.recorded_at)


def test_beginnings_leave_nothing_behind(connect: Connect) -> None:
    """They are read in a transaction of their own: the load after it sees what came between."""
    one, other = connect(), connect()
    wallet = open_in(one)
    stream = bits(wallet.wallet_id)
    one.beginnings([stream])
    after, planned = step(wallet, credited(5))
    other.commit(changes_of(other.load([wallet.wallet_id], []), planned, changed=[after]))
    loaded = one.load([wallet.wallet_id], [], [stream])
    one.release()
    assert loaded.wallets == {wallet.wallet_id: after}
    assert loaded.lasts == {stream: (2, credited(5))}


def test_the_last_event_of_a_stream_comes_with_its_version(connect: Connect) -> None:
    """That of the highest version, the first of a stream of one, none where there is none."""
    store = connect()
    wallet, other = open_in(store), open_in(store)
    names = [bits(wallet.wallet_id), bits(other.wallet_id)]
    for version in range(2, 13):
        wallet, planned = step(wallet, credited(version))
        store.commit(changes_of(store.load([wallet.wallet_id], []), planned, changed=[wallet]))
        loaded = store.load([], [], [*names, uuid4()])
        store.release()
        assert loaded.lasts == {names[0]: (version, credited(version)), names[1]: (1, opening())}


def test_last_events_are_only_those_asked_for(connect: Connect) -> None:
    """A batch that goes on no payment is told of none."""
    store = connect()
    wallet = open_in(store)
    loaded = store.load([wallet.wallet_id], [bits(wallet.wallet_id)])
    store.release()
    assert loaded.lasts == {}


def test_a_large_batch_is_stored_whole(connect: Connect) -> None:
    """As many wallets and events as the largest atomic batch has."""
    store = connect()
    wallets, events = map(list, zip(*(new_wallet() for _ in range(1000)), strict=True))
    store.commit(changes_of(store.load([], []), *events, opened=wallets))
    names = [wallet.wallet_id for wallet in wallets]
    loaded = store.load(names, [event.stream for event in events])
    store.release()
    assert loaded.wallets == {wallet.wallet_id: wallet for wallet in wallets}
    assert len(loaded.answers) == 1000
