"""Steps of a store, for tests of what the ledger relies on in it."""

from collections.abc import Callable
from uuid import uuid4

from application.ports import Changes, LedgerStore, Loaded, PlannedEvent
from domain.events import WalletEvent
from domain.identifiers import WalletId, bits, wallet_id
from domain.instants import next_midnight
from domain.recorded import Actor, EventMetadata
from domain.wallets import Wallet, evolve, opened
from tests.given import NOW, opening

Connect = Callable[[], LedgerStore]
"""Makes one more connection to one and the same book."""

FIRST = EventMetadata("wal_x", 0, 1, Actor("usr_1", "tests", "member"), 1, "f" * 64, "00-a-b-01")


def new_wallet(overdraft_limit: int | None = 0) -> tuple[Wallet, PlannedEvent]:
    """Return a wallet as it is opened, and the event that opens it."""
    name = wallet_id(uuid4())
    event = opening(overdraft_limit=overdraft_limit)
    return opened(name, event), PlannedEvent(bits(name), 1, event, FIRST)


def changes_of(loaded: Loaded, *events: PlannedEvent, **heads: list[Wallet]) -> Changes:
    """Return events to be stored on what was loaded, with the heads that they change."""
    return Changes(
        changed=heads.get("changed", []),
        ruled=heads.get("ruled", []),
        opened=heads.get("opened", []),
        events=events,
        decided_at=loaded.decided_at,
        valid_before=next_midnight(loaded.decided_at),
        closed_through=loaded.closed_through,
    )


def open_in(store: LedgerStore, overdraft_limit: int | None = 0) -> Wallet:
    """Store a new wallet."""
    wallet, event = new_wallet(overdraft_limit)
    store.commit(changes_of(store.load([], []), event, opened=[wallet]))
    return wallet


def step(wallet: Wallet, event: WalletEvent) -> tuple[Wallet, PlannedEvent]:
    """Return a wallet after one more event, and the event with its place."""
    after = evolve(wallet, event, NOW[:10])
    metadata = EventMetadata("wal_x", 0, 1)
    return after, PlannedEvent(bits(wallet.wallet_id), after.version, event, metadata)


def head_of(store: LedgerStore, name: WalletId) -> Wallet:
    """Return what a store says of a wallet."""
    loaded = store.load([name], [])
    store.release()
    return loaded.wallets[name]
