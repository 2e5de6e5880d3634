"""A thousand streams at a time: each is told everything, and others are answered meanwhile."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome

MANY, OF_ONE, OTHERS = 1_000, 20, 100
USUAL_FILES = 1_024
SECONDS = 120.0


@contextmanager
def files(soft: int) -> Iterator[None]:
    """Have so many open files at most meanwhile, and whoever is started too, unless it asks."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def system(postgres: PostgresHome, tmp_path: Path) -> Iterator[QuerySystem]:
    """Give a query API that was started by a shell which allows as many files as most do."""
    with files(USUAL_FILES):
        running = query_system(postgres, tmp_path)
        started = running.__enter__()
    yield started
    running.__exit__(None, None, None)


class Client:
    """One stream, read line by line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def of(cls, system: QuerySystem, token: str) -> "Client":
        base_url = system.client.base_url
        reader, writer = await asyncio.open_connection(base_url.host, base_url.port)
        head = f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        writer.write(head.encode())
        client = cls(reader, writer)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        await client.until(b": alive\n")
        return client

    async def balance(self) -> bytes:
        """Wait for a balance; return the line that says its position."""
        await self.until(b"event: balance\n")
        return await self._reader.readline()

    async def until(self, line: bytes) -> None:
        while (found := await self._reader.readline()) != line:
            assert found, "the stream has ended"


async def served(system: QuerySystem) -> asyncio.StreamWriter:
    """Return a connection of its own on which something else was asked for, and answered."""
    base_url = system.client.base_url
    reader, writer = await asyncio.open_connection(base_url.host, base_url.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    return writer


def test_a_thousand_are_all_told(system: QuerySystem) -> None:
    """Members of one wallet, each with as many streams as one may have; and there is room left."""
    writer = system.writer
    till, wallet = writer.open(kind="system"), writer.open(kind="shared", owner="usr_0")
    members = [f"usr_{number}" for number in range(MANY // OF_ONE)]
    for member in members[1:]:
        writer.member(wallet, member, "viewer")
    system.follow()
    tokens = [system.token(member, "read") for member in members for _ in range(OF_ONE)]

    async def listen() -> None:
        clients = [await Client.of(system, token) for token in tokens]
        writer.transfer(till, wallet, 1)
        await asyncio.to_thread(system.follow)
        last = b"id: %d\n" % system.head()
        told = await asyncio.gather(*(client.balance() for client in clients))
        assert set(told) == {last}
        others = [await served(system) for _ in range(OTHERS)]
        for writing in (*others, *(client.writer for client in clients)):
            writing.close()

    with files(resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        asyncio.run(asyncio.wait_for(listen(), SECONDS))
