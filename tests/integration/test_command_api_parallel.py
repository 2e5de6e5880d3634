"""Many callers at the same moment, over two processes, and never a cent too much."""

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from tests.command_api import CommandApi, new_key

THREADS = 16


def test_what_can_be_afforded_is_paid_and_nothing_more(command_api: CommandApi) -> None:
    """Of 500 attempts to spend 1.00 out of 137.00 in parallel exactly 137 succeed."""
    operator, anna = command_api.operator(), command_api.caller()
    wallet, bank = anna.open(), operator.bank()
    operator.paid(bank, wallet, "137")
    callers = [command_api.caller(anna.subject) for _ in range(THREADS)]

    def attempt(number: int) -> int:
        return callers[number % THREADS].pay(wallet, bank, "1.00").status_code

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(attempt, range(500)))
    assert (statuses.count(201), statuses.count(422)) == (137, 363)
    assert command_api.posted(wallet) == 0


def test_opposite_transfers_get_through(command_api: CommandApi) -> None:
    """Both ways between two wallets at once: nobody waits for ever, and every cent is there."""
    operator, anna = command_api.operator(), command_api.caller()
    wallets, bank = [anna.open(), anna.open()], operator.bank()
    for wallet in wallets:
        operator.paid(bank, wallet, "10")
    callers = [command_api.caller(anna.subject) for _ in range(THREADS)]

    def swap(number: int) -> int:
        source, payee = wallets if number % 2 else wallets[::-1]
        return callers[number % THREADS].pay(source, payee, "0.01").status_code

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = set(pool.map(swap, range(400)))
    assert statuses == {201}
    assert [command_api.posted(wallet) for wallet in wallets] == [1_000, 1_000]


def test_a_ring_of_atomic_batches_keeps_every_cent(command_api: CommandApi) -> None:
    """Batches over many wallets in any order: all done or all refused, none half."""
    operator, anna = command_api.operator(), command_api.caller()
    wallets, bank = [anna.open() for _ in range(6)], operator.bank()
    for wallet in wallets:
        operator.paid(bank, wallet, "3")
    callers = [command_api.caller(anna.subject) for _ in range(8)]
    chance = random.Random(7)
    rings = [chance.sample(wallets, 4) for _ in range(80)]

    def around(number: int) -> tuple[int, int]:
        ring = rings[number]
        transfers = [
            {
                "source_wallet_id": source,
                "destination_wallet_id": payee,
                "amount": "1.00",
                "currency": "EUR",
                "idempotency_key": new_key(),
            }
            for source, payee in pairwise(ring)
        ]
        body = {"mode": "atomic", "transfers": transfers}
        response = callers[number % 8].post("/v1/transfers/batch", body)
        done = [each["status"] == 201 for each in response.json()["results"]]
        return response.status_code, sum(done)

    with ThreadPoolExecutor(8) as pool:
        results = set(pool.map(around, range(80)))
    assert results <= {(200, 3), (422, 0)}
    assert (200, 3) in results
    balances = [command_api.posted(wallet) for wallet in wallets]
    assert sum(balances) == 1_800
    assert min(balances) >= 0


def test_first_uses_of_many_keys_and_wallets_race_well(command_api: CommandApi) -> None:
    """The same openings from both processes in opposite orders: one wallet a key."""
    anna = command_api.caller()
    keys = [new_key() for _ in range(40)]
    callers = [command_api.caller(anna.subject) for _ in range(4)]

    def open_all(number: int) -> list[bytes]:
        body = {"name": "A", "currency": "EUR"}
        order = keys if number % 2 else keys[::-1]
        found = {key: callers[number].post("/v1/wallets", body, key) for key in order}
        assert {response.status_code for response in found.values()} == {201}
        return [found[key].content for key in keys]

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(open_all, range(4))
    assert all(other == first for other in others)
