"""A queue that is full says so at once, and what it took is still done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg

from domain.identifiers import decode
from domain.money import Currencies
from interfaces.command_api.app import create_app
from tests.command_api import CommandApi, new_key, refused, transfer

CAPACITY = 3
BEGUN = 'falconpay_batch_commands_count{ledger="main"} 1.0'


@asynccontextmanager
async def small_api(api: CommandApi, subject: str) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the application in this process, with room for few commands."""
    databases = api.databases
    app = create_app(databases.settings, databases.secrets, Currencies({}), CAPACITY)
    headers = {"Authorization": f"Bearer {api.token(subject, 'wallets payments')}"}
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client,
    ):
        yield client


def hold(connection: psycopg.Connection[Any], wallet: str) -> None:
    """Lock a wallet's head, so that the next batch about it waits in the database."""
    connection.execute("BEGIN")
    connection.execute(
        "SELECT 1 FROM ledger_main.wallet_head WHERE id = %s FOR UPDATE", [decode("wal", wallet)]
    )


async def send(client: httpx.AsyncClient, path: str, body: Any, key: str = "") -> httpx.Response:
    """Send a command with a new key unless one is given."""
    return await client.post(path, json=body, headers={"Idempotency-Key": key or new_key()})


async def queued() -> None:
    """Let every request run as far as it gets; nothing outside this process is waited for."""
    for _ in range(300):
        await asyncio.sleep(0)


async def first_in_line(client: httpx.AsyncClient, body: Any) -> asyncio.Task[httpx.Response]:
    """Send the application's first command and wait until the writer has it out of the queue."""
    sent = asyncio.create_task(send(client, "/v1/transfers", body))
    async with asyncio.timeout(10):
        while BEGUN not in (await client.get("/metrics")).text:
            await queued()
    return sent


def test_a_full_queue_is_told_at_once_and_empties(command_api: CommandApi) -> None:
    """503 `overloaded` with Retry-After; a refused command's key is free for the next try."""
    anna = command_api.caller()
    wallet, other = anna.open(), anna.open()
    operator = command_api.operator()
    operator.paid(operator.bank(), wallet, "10")
    body = transfer(wallet, other, "1")

    async def play() -> None:
        with command_api.databases.connect_admin() as lock:
            async with small_api(command_api, anna.subject) as client:
                hold(lock, wallet)
                waiting = [await first_in_line(client, body)]
                waiting += [
                    asyncio.create_task(send(client, "/v1/transfers", body))
                    for _ in range(CAPACITY)
                ]
                await queued()
                key = new_key()
                full = await send(client, "/v1/transfers", body, key)
                refused(full, 503, "overloaded")
                assert int(full.headers["retry-after"]) >= 1
                assert not any(each.done() for each in waiting)
                lock.execute("ROLLBACK")
                answers = await asyncio.gather(*waiting)
                assert [answer.status_code for answer in answers] == [201] * (1 + CAPACITY)
                again = await send(client, "/v1/transfers", body, key)
                assert again.status_code == 201
                assert "idempotent-replayed" not in again.headers

    asyncio.run(play())
    assert command_api.posted(other) == 500


def test_batches_meet_a_full_queue_each_in_its_way(command_api: CommandApi) -> None:
    """Items on their own are refused one by one, an atomic batch as a whole."""
    anna = command_api.caller()
    wallet, other = anna.open(), anna.open()
    operator = command_api.operator()
    operator.paid(operator.bank(), wallet, "10")
    items = [{**transfer(wallet, other, "1"), "idempotency_key": new_key()} for _ in range(5)]

    async def play() -> None:
        with command_api.databases.connect_admin() as lock:
            async with small_api(command_api, anna.subject) as client:
                path = "/v1/transfers/batch"
                whole = await send(client, path, {"mode": "atomic", "transfers": items})
                refused(whole, 503, "overloaded")
                assert whole.headers["retry-after"]
                hold(lock, wallet)
                first = await first_in_line(client, transfer(wallet, other, "1"))
                body = {"mode": "independent", "transfers": items}
                batch = asyncio.create_task(send(client, path, body))
                await queued()
                lock.execute("ROLLBACK")
                assert (await first).status_code == 201
                results = (await batch).json()["results"]
                statuses = [result["status"] for result in results]
                assert statuses == [201] * CAPACITY + [503] * (5 - CAPACITY)
                assert results[-1]["body"]["code"] == "overloaded"

    asyncio.run(play())
    assert command_api.posted(other) == 100 * (1 + CAPACITY)
