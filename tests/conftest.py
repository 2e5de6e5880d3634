"""Fixtures for every test: real servers, started when first used and stopped at the end."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests import servers
from tests.servers import FreshDatabases, PostgresHome
from tests.tools.cutting_proxy import CuttingProxy
from tests.written import Written

MakeDatabases = Callable[..., FreshDatabases]


def _interrupt(number: int, frame: FrameType | None) -> None:
    """End by the way that runs the fixtures' ends, so no server outlives a terminated run."""
    raise KeyboardInterrupt


def pytest_configure() -> None:
    """Let SIGTERM stop the run as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """Give the home of the session's servers."""
    home = servers.session_home()
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(server_home: Path) -> Iterator[PostgresHome]:
    """Start the session's PostgreSQL; `FALCONPAY_TEST_POSTGRES=debian` chooses another."""
    started = servers.start_postgres(server_home)
    yield started
    started.server.stop(20)


@pytest.fixture(scope="session")
def kafka_bootstrap(server_home: Path) -> Iterator[str]:
    """Start the session's Apache Kafka; give `host:port` for clients."""
    server = servers.start_kafka(server_home)
    yield server.bootstrap()
    server.stop(20)


@pytest.fixture
def make_databases(postgres: PostgresHome, tmp_path: Path) -> Iterator[MakeDatabases]:
    """Give a function that makes databases: `make_databases(ledger="main", kafka=None)`."""
    made: list[FreshDatabases] = []

    def make(ledger: str = "main", kafka: str | None = None) -> FreshDatabases:
        home = tmp_path / f"home{len(made)}"
        made.append(servers.fresh_databases(postgres, home, ledger, kafka))
        return made[-1]

    yield make
    for databases in made:
        databases.drop()


@pytest.fixture
def databases(make_databases: MakeDatabases) -> FreshDatabases:
    """Fresh databases of the ledger `main`, provisioned and migrated."""
    return make_databases()


@pytest.fixture
def make_writer(databases: FreshDatabases) -> Iterator[Callable[..., Written]]:
    """Give a function that makes writers of the ledger `main`, each with its own connection."""
    made: list[Written] = []

    def make(port: int | None = None) -> Written:
        made.append(Written(databases.settings, databases.secrets, port))
        return made[-1]

    yield make
    for written in made:
        written.close()


@pytest.fixture
def writer(make_writer: Callable[..., Written]) -> Written:
    """One writer of the ledger `main`."""
    return make_writer()


@pytest.fixture
def proxy(databases: FreshDatabases) -> Iterator[CuttingProxy]:
    """Give a proxy before the database."""
    made = CuttingProxy(databases.settings.database_port)
    yield made
    made.close()
