"""What the ledger relies on in a store, of PostgreSQL's and of the simulated one alike."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from application.ports import Changes, Conflict, LedgerStore, Loaded, PlannedEvent
from domain.events import WalletEvent
from domain.identifiers import WalletId, bits, wallet_id
from domain.instants import Instant, next_midnight
from domain.recorded import Actor, EventMetadata
from domain.wallets import Wallet, evolve, opened
from infrastructure.event_codec import EventCodec
from infrastructure.ledger_store.opening import connector
from infrastructure.ledger_store.store import PostgresLedgerStore
from tests.given import CLOSED, FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR, credited, debited, opening
from tests.servers import FreshDatabases, PostgresHome, fresh_databases
from tests.simulated_store import SimulatedBook, SimulatedStore

Connect = Callable[[], LedgerStore]
FIRST = EventMetadata("wal_x", 0, 1, Actor("usr_1", "tests", "member"), 1, "f" * 64, "00-a-b-01")


@pytest.fixture(scope="module")
def module_databases(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    """One set of databases for all tests here, which use wallets of their own."""
    made = fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    yield made
    made.drop()


@pytest.fixture(params=["simulated", "postgres"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Give what makes connections to one and the same book."""
    if request.param == "simulated":
        book = SimulatedBook()
        yield lambda: SimulatedStore(book)
        return
    databases: FreshDatabases = request.getfixturevalue("module_databases")
    stores: list[PostgresLedgerStore] = []

    def make() -> PostgresLedgerStore:
        connection = connector(databases.settings, databases.secrets)
        stores.append(PostgresLedgerStore(connection, EventCodec()))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def _opened(overdraft_limit: int | None = 0) -> tuple[Wallet, PlannedEvent]:
    name = wallet_id(uuid4())
    event = opening(overdraft_limit=overdraft_limit)
    return opened(name, event), PlannedEvent(bits(name), 1, event, FIRST)


def _changes(loaded: Loaded, *events: PlannedEvent, **heads: list[Wallet]) -> Changes:
    return Changes(
        changed=heads.get("changed", []),
        opened=heads.get("opened", []),
        events=events,
        decided_at=loaded.decided_at,
        valid_before=next_midnight(loaded.decided_at),
    )


def _open(store: LedgerStore, overdraft_limit: int | None = 0) -> Wallet:
    wallet, event = _opened(overdraft_limit)
    store.commit(_changes(store.load([], []), event, opened=[wallet]))
    return wallet


def _step(wallet: Wallet, event: WalletEvent) -> tuple[Wallet, PlannedEvent]:
    after = evolve(wallet, event)
    metadata = EventMetadata("wal_x", 0, 1)
    return after, PlannedEvent(bits(wallet.wallet_id), after.version, event, metadata)


def _head(store: LedgerStore, name: WalletId) -> Wallet:
    loaded = store.load([name], [])
    store.release()
    return loaded.wallets[name]


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
    wallet, event = _opened(overdraft_limit=None)
    appended = store.commit(_changes(store.load([], []), event, opened=[wallet]))
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
    wallet = _open(store)
    for event in (credited(5), debited(5), FROZEN_BY_MEMBER, FROZEN_BY_OPERATOR, CLOSED):
        wallet, planned = _step(wallet, event)
        store.commit(_changes(store.load([wallet.wallet_id], []), planned, changed=[wallet]))
        assert _head(store, wallet.wallet_id) == wallet


def test_only_a_streams_first_event_is_its_answer(connect: Connect) -> None:
    """Later events of the same stream do not take its place."""
    store = connect()
    wallet = _open(store)
    name = bits(wallet.wallet_id)
    wallet, planned = _step(wallet, credited(5))
    store.commit(_changes(store.load([wallet.wallet_id], []), planned, changed=[wallet]))
    loaded = store.load([], [name])
    store.release()
    assert loaded.answers[name].event == opening()


def test_positions_are_consecutive_over_all_connections(connect: Connect) -> None:
    """A batch's events stand side by side, the next batch's right behind them."""
    stores = [connect(), connect()]
    last = None
    recorded = Instant("")
    for number in range(6):
        store = stores[number % 2]
        wallet, event = _opened()
        events = [event]
        for _ in range(number):
            wallet, planned = _step(wallet, credited(1))
            events.append(planned)
        appended = store.commit(_changes(store.load([], []), *events, opened=[wallet]))
        assert last is None or appended.first_position == last + 1
        assert appended.recorded_at >= recorded
        last, recorded = appended.first_position + len(events) - 1, appended.recorded_at


def test_a_release_leaves_nothing_and_frees_the_wallets(connect: Connect) -> None:
    """Another connection gets the wallet at once, as it was."""
    one, other = connect(), connect()
    wallet = _open(one)
    one.load([wallet.wallet_id], [])
    one.release()
    assert _head(other, wallet.wallet_id) == wallet


def _twice_in_a_stream(store: LedgerStore, wallet: Wallet, stored: PlannedEvent) -> Changes:
    return _changes(store.load([wallet.wallet_id], []), stored)


def _opened_again(store: LedgerStore, wallet: Wallet, stored: PlannedEvent) -> Changes:
    fresh, event = _opened()
    again = replace(fresh, wallet_id=wallet.wallet_id)
    return _changes(store.load([], []), event, opened=[again])


def _past_midnight(store: LedgerStore, wallet: Wallet, stored: PlannedEvent) -> Changes:
    after, planned = _step(wallet, credited(5))
    changes = _changes(store.load([wallet.wallet_id], []), planned, changed=[after])
    return replace(changes, valid_before=changes.decided_at)


@pytest.mark.parametrize("conflicting", [_twice_in_a_stream, _opened_again, _past_midnight])
def test_a_conflict_stores_nothing_at_all(
    connect: Connect, conflicting: Callable[[LedgerStore, Wallet, PlannedEvent], Changes]
) -> None:
    """A version, a wallet or a day that is taken: everything else of the batch goes with it."""
    store = connect()
    wallet, event = _opened()
    before = store.commit(_changes(store.load([], []), event, opened=[wallet]))
    innocent, opens = _opened()
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
    fresh, event = _opened()
    after = store.commit(_changes(store.load([], []), event, opened=[fresh]))
    assert after.first_position == before.first_position + 1


def test_a_locked_wallet_is_waited_for_and_seen_as_it_was_left(connect: Connect) -> None:
    """Whoever comes second decides on what the first one committed."""
    one, other = connect(), connect()
    wallet = _open(one)
    after, planned = _step(wallet, credited(5))
    loaded = one.load([wallet.wallet_id], [])
    begun = threading.Event()

    def second() -> Wallet:
        begun.set()
        return _head(other, wallet.wallet_id)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(second)
        begun.wait()
        time.sleep(0.2)
        assert not waiting.done()
        one.commit(_changes(loaded, planned, changed=[after]))
        assert waiting.result(5) == after


def test_wallets_that_others_hold_do_not_stop_the_rest(connect: Connect) -> None:
    """Only the same wallet is waited for."""
    one, other = connect(), connect()
    held, free = _open(one), _open(one)
    one.load([held.wallet_id], [])
    assert _head(other, free.wallet_id) == free
    one.release()


def test_opposite_orders_of_asking_do_not_deadlock(connect: Connect) -> None:
    """Locks are taken in the order of ids, however they are asked for."""
    stores = [connect(), connect()]
    wallets = [_open(stores[0]).wallet_id for _ in range(2)]

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


def test_a_large_batch_is_stored_whole(connect: Connect) -> None:
    """As many wallets and events as the largest atomic batch has."""
    store = connect()
    wallets, events = map(list, zip(*(_opened() for _ in range(1000)), strict=True))
    store.commit(_changes(store.load([], []), *events, opened=wallets))
    names = [wallet.wallet_id for wallet in wallets]
    loaded = store.load(names, [event.stream for event in events])
    store.release()
    assert loaded.wallets == {wallet.wallet_id: wallet for wallet in wallets}
    assert len(loaded.answers) == 1000
