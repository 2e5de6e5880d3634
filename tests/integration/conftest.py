"""Fixtures of the integration tests: a book that is written once, altered, and set right again."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from infrastructure.databases.assets import register_assets
from infrastructure.event_codec import EventCodec
from infrastructure.ledger_store.opening import connector
from infrastructure.ledger_store.store import PostgresLedgerStore
from tests import servers
from tests.altered_book import Book, kept, write_book
from tests.command_api import CommandApi
from tests.gateway import GatewayHome
from tests.query_system import QuerySystem, query_system
from tests.scene import Scene, scene_on
from tests.servers import FreshDatabases, PostgresHome
from tests.simulated_store import SimulatedBook, SimulatedStore
from tests.store_steps import Connect
from tests.tampered_book import Tampered, tampered_book
from tests.written import Written


@pytest.fixture(scope="module")
def written(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Write the book once, and keep a copy of every table beside it."""
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    write_book(databases)
    with kept(databases) as book:
        yield book
    databases.drop()


@pytest.fixture
def book(written: Book) -> Iterator[Book]:
    """Give the book to be altered, and set it right again afterwards."""
    yield written
    written.put_right()


@pytest.fixture(scope="module")
def sealed_book(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tampered]:
    """Write and seal the book of every kind of payment once, and keep a copy of every table."""
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("sealed") / "home")
    with tampered_book(databases) as tampered:
        yield tampered
    databases.drop()


@pytest.fixture
def world(sealed_book: Tampered) -> Iterator[Tampered]:
    """Give the sealed book to be tampered with, and put it and its home right afterwards."""
    with sealed_book.home_kept():
        yield sealed_book
    sealed_book.book.put_right()


@pytest.fixture(scope="module")
def module_databases(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreshDatabases]:
    """Give databases to all tests of a module, which use wallets of their own."""
    made = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
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


@pytest.fixture
def scene(module_databases: FreshDatabases) -> Iterator[Scene]:
    """Give a scene with wallets of its own."""
    writers = [Written(module_databases.settings, module_databases.secrets) for _ in range(2)]
    yield scene_on(module_databases, *writers)
    for writer in writers:
        writer.close()


@pytest.fixture
def timed(databases: FreshDatabases, make_writer: Callable[[], Written]) -> Scene:
    """Give a scene on a ledger of its own, whose time may go ahead."""
    return scene_on(databases, make_writer(), make_writer())


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    """Give a query API over databases of the module's own, which writes a book into them."""
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="session")
def command_api(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CommandApi]:
    """Give the command API in two processes on one port; tests use callers of their own."""
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    # Registered once, an asset is known for ever, whatever the processes are started with.
    register_assets(databases.admin, replace(databases.settings, assets={"POINTS": 0}))
    api = CommandApi(databases)
    api.start()
    yield api
    api.stop()
    databases.drop()


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayHome]:
    """Give a gateway with small services behind it, that tests only ask and never break."""
    started = GatewayHome(tmp_path_factory.mktemp("gateway"))
    try:
        started.start()
        yield started
    finally:
        started.stop()
