"""What the ledger relies on in a store, of PostgreSQL's and of the simulated one alike."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from application.ports import Changes, Conflict, LedgerStore, PlannedEvent
from domain.identifiers import WalletId
from domain.instants import Instant
from domain.operation_events import PeriodClosed
from domain.wallets import Wallet
from tests.given import (
    credited,
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


def test_positions_are_consecutive_over_all_connections(connect: Connect) -> None:
    """A batch's events stand side by side, the next batch's right behind them."""
    stores = [connect(), connect()]
    last = None
    recorded = Instant("")
    for number in range(6):
        store = stores[number % 2]
        wallet, event = new_wallet()
        events = [event]
        for _ in range(number):
            wallet, planned = step(wallet, credited(1))
            events.append(planned)
        appended = store.commit(changes_of(store.load([], []), *events, opened=[wallet]))
        assert last is None or appended.first_position == last + 1
        assert appended.recorded_at >= recorded
        last, recorded = appended.first_position + len(events) - 1, appended.recorded_at


def test_a_release_leaves_nothing_and_frees_the_wallets(connect: Connect) -> None:
    """Another connection gets the wallet at once, as it was."""
    one, other = connect(), connect()
    wallet = open_in(one)
    one.load([wallet.wallet_id], [])
    one.release()
    assert head_of(other, wallet.wallet_id) == wallet


def _twice_in_a_stream(store: LedgerStore, wallet: Wallet, stored: PlannedEvent) -> Changes:
    return changes_of(store.load([wallet.wallet_id], []), stored)


def _opened_again(store: LedgerStore, wallet: Wallet, stored: PlannedEvent) -> Changes:
    fresh, event = new_wallet()
    again = replace(fresh, wallet_id=wallet.wallet_id)
    return changes_of(store.load([], []), event, opened=[again])


def _past_midnight(store: LedgerStore, wallet: Wallet, stored: PlannedEvent) -> Changes:
    after, planned = step(wallet, credited(5))
    changes = changes_of(store.load([wallet.wallet_id], []), planned, changed=[after])
    return replace(changes, valid_before=changes.decided_at)


@pytest.mark.parametrize("conflicting", [_twice_in_a_stream, _opened_again, _past_midnight])
def test_a_conflict_stores_nothing_at_all(
    connect: Connect, conflicting: Callable[[LedgerStore, Wallet, PlannedEvent], Changes]
) -> None:
    """A version, a wallet or a day that is taken: everything else of the batch goes with it."""
    store = connect()
    wallet, event = new_wallet()
    before = store.commit(changes_of(store.load([], []), event, opened=[wallet]))
    innocent, opens = new_wallet()
    changes = conflicting(store, wallet, event)
    with pytest.raises(Conflict):
        store.commit(
            replace(
                changes,
                opened=[innocent, *changes.opened],
                events=[opens, *changes.events],
            )
        )
    loaded = store.load([innocent.wallet_id, wallet.wallet_id], [opens.stream])
    store.release()
    assert (loaded.wallets, loaded.answers) == ({wallet.wallet_id: wallet}, {})
    fresh, event = new_wallet()
    after = store.commit(changes_of(store.load([], []), event, opened=[fresh]))
    assert after.first_position == before.first_position + 1


def test_a_locked_wallet_is_waited_for_and_seen_as_it_was_left(connect: Connect) -> None:
    """Whoever comes second decides on the wallet and the last event that the first one left."""
    one, other = connect(), connect()
    wallet = open_in(one)
    after, planned = step(wallet, credited(5))
    loaded = one.load([wallet.wallet_id], [])
    begun = threading.Event()

    def second() -> tuple[Wallet, tuple[int, object]]:
        begun.set()
        loaded = other.load([wallet.wallet_id], [], [planned.stream])
        other.release()
        return loaded.wallets[wallet.wallet_id], loaded.lasts[planned.stream]

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        begun.wait()
        time.sleep(0.2)
        assert not waiting.done()
        one.commit(changes_of(loaded, planned, changed=[after]))
        assert waiting.result(5) == (after, (2, planned.event))


def test_wallets_that_others_hold_do_not_stop_the_rest(connect: Connect) -> None:
    """Only the same wallet is waited for."""
    one, other = connect(), connect()
    held, free = open_in(one), open_in(one)
    one.load([held.wallet_id], [])
    assert head_of(other, free.wallet_id) == free
    one.release()


def test_opposite_orders_of_asking_do_not_deadlock(connect: Connect) -> None:
    """Locks are taken in the order of ids, however they are asked for."""
    stores = [connect(), connect()]
    wallets = [open_in(stores[0]).wallet_id for _ in range(2)]

    def turn(store: LedgerStore, names: list[WalletId]) -> int:
        for _ in range(50):
            store.load(names, [])
            store.release()
        return 50

    with ThreadPoolExecutor(2) as pool:
        turns = [
            pool.submit(turn, store, names)
            for store, names in zip(stores, (wallets, wallets[::-1]), strict=True)
        ]
        assert [each.result(30) for each in turns] == [50, 50]


def test_what_was_decided_before_a_period_was_closed_is_no_longer_valid(connect: Connect) -> None:
    """Two connections, one of which closes a period while the other one decides."""
    one, other = connect(), connect()
    wallet = open_in(one)
    before = one.load([wallet.wallet_id], [])
    closing = other.load([], [])
    assert before.closed_through == closing.closed_through
    day = later_day(closing.closed_through)
    stream = uuid4()
    closed = PlannedEvent(stream, 1, PeriodClosed(day, "accounts"), FIRST)
    changes = replace(changes_of(closing, closed), closed_through=day, closed=[(day, stream)])
    other.commit(changes)

    after, planned = step(wallet, credited(5))
    with pytest.raises(Conflict):
        one.commit(replace(changes_of(before, planned, changed=[after])))
    again = one.load([wallet.wallet_id], [])
    assert (again.closed_through, again.wallets[wallet.wallet_id]) == (day, wallet)
    one.commit(changes_of(again, planned, changed=[after]))
    assert head_of(other, wallet.wallet_id) == after


def later_day(closed_through: str | None) -> str:
    """Return the day after the last closed one; what is closed stays closed for the module."""
    last = date.fromisoformat(closed_through or "1970-01-01")
    return (last + timedelta(days=1)).isoformat()
