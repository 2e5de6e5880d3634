"""Transfers a second through the ledger in one process, against set-based SQL in the same run."""

import random
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import psycopg

from application.commands import Answer, Outcome, Submission
from application.writer import Writer
from bench.figure import Figure
from bench.place import Place
from bench.plan import Plan
from domain.identifiers import WalletId, bits, key_stream, payment_id, wallet_id
from domain.money import Currencies
from domain.payments import transfer_money
from domain.wallet_rules import OpenWallet
from domain.wallets import Caller
from infrastructure.ledger_store.opening import open_ledger

CALLERS = 64
WALLETS = 1_000
TRANSACTION = 200
OPERATOR = Caller("bench", "bench", operate=True)


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure random and hot wallets and the ceiling in turn, so that all see the same machine."""
    wallets = open_wallets(place)
    with (
        place.fan_out_paused(),
        psycopg.connect(place.admin("ledger"), autocommit=True) as connection,
    ):
        connection.execute((Path(__file__).parent / "baseline.sql").read_bytes())
        rows = [
            (
                transfers(place, wallets, plan.seconds),
                transfers(place, wallets, plan.seconds, hot=True),
                _set_based(connection, wallets, plan.seconds),
            )
            for _ in range(plan.runs)
        ]
    ledger, hot, ceiling = (tuple(column) for column in zip(*rows, strict=True))
    ratios = tuple(one / other for one, other in zip(ledger, ceiling, strict=True))
    return [
        Figure("in process, 64 callers, random wallets", "transfers/s", ledger, 8000),
        Figure(
            "the same by set-based SQL (200 a transaction)",
            "",
            ratios,
            0.55,
            remarks={"ceiling": f"{statistics.median(ceiling):,.0f}/s"},
        ),
        Figure(
            "in process, 64 callers, one hot wallet, against random wallets",
            "",
            tuple(one / other for one, other in zip(hot, ledger, strict=True)),
            1,
            remarks={"hot": f"{statistics.median(hot):,.0f}/s"},
        ),
    ]


def open_wallets(place: Place) -> list[WalletId]:
    """Open wallets in this process and return their ids."""
    ledger, store = open_ledger(place.settings, place.secrets, Currencies({}), report=raised)
    works = []
    for number in range(WALLETS):
        stream = key_stream("main", "bench", "bench", f"wallet-{number}")
        command = OpenWallet(
            wallet_id=wallet_id(stream),
            kind="personal",
            account_class="liability",
            name=f"wallet {number}",
            reference=None,
            currency="EUR",
            overdraft_limit=None,
        )
        works.append(Submission(command, OPERATOR, stream, "0" * 64))
    for start in range(0, WALLETS, 250):
        check(ledger.execute(works[start : start + 250]))
    store.close()
    return [wallet_id(work.stream) for work in works]


def transfers(
    place: Place,
    wallets: Sequence[WalletId],
    seconds: float,
    hot: bool = False,
    callers: int = CALLERS,
) -> float:
    """Let each caller submit its next transfer when the last one is answered."""

    def submission(_caller: int, stream: UUID) -> Submission:
        source, destination = random.sample(wallets, 2)
        command = transfer_money(
            payment_id=payment_id(stream),
            source_wallet_id=wallets[0] if hot and destination != wallets[0] else source,
            destination_wallet_id=destination,
            amount=1,
            currency="EUR",
        )
        return Submission(command, OPERATOR, stream, "0" * 64)

    return commands(place, submission, seconds, callers)


def commands(
    place: Place,
    submission: Callable[[int, UUID], Submission],
    seconds: float,
    callers: int = CALLERS,
) -> float:
    """Return how many commands a second are answered, each caller asking when it has its answer.

    `submission` makes the next command of a caller, from its number and a new key's stream.
    """
    ledger, store = open_ledger(place.settings, place.secrets, Currencies({}), report=raised)
    run, count, over = time.time_ns(), 0, threading.Event()

    def next_of(caller: int, number: int) -> Submission:
        return submission(caller, key_stream("main", "bench", "bench", f"{run}-{number}"))

    def deliver(pairs: list[tuple[int, Outcome]]) -> None:
        nonlocal count
        check([outcome for _, outcome in pairs])
        count += len(pairs)
        if time.perf_counter() >= end:
            over.set()
            return
        for caller, _ in pairs:
            writer.submit(next_of(caller, count * callers + caller), caller)

    writer: Writer[int] = Writer(ledger.execute, deliver)
    started = time.perf_counter()
    end = started + seconds
    for caller in range(callers):
        writer.submit(next_of(caller, -1 - caller), caller)
    writer.start()
    over.wait(seconds + 30)
    taken = time.perf_counter() - started
    writer.stop()
    store.close()
    return count / taken


def _set_based(
    connection: psycopg.Connection, wallets: Sequence[WalletId], seconds: float
) -> float:
    ids = [bits(wallet) for wallet in wallets]
    started, count = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        connection.execute("SELECT bench_transfers(%s, %s)", (TRANSACTION, ids), prepare=True)
        count += TRANSACTION
    return count / (time.perf_counter() - started)


def check(outcomes: Sequence[Outcome]) -> None:
    """Expect that every command was accepted."""
    for outcome in outcomes:
        assert isinstance(outcome, Answer), outcome
        assert not outcome.refused, outcome


def raised(fault: Exception) -> None:
    """End the measurement with a fault of the ledger."""
    raise fault
