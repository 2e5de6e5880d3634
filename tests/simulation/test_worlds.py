"""Worlds by the hundred keep every promise, and each of them is the same whenever it is lived."""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from domain.recorded import RecordedEvent
from tests.simulation.worlds import World, live

ROOT = Path(__file__).parents[2]
WORLDS = 500
LONG_WORLDS = 15_000

SITUATIONS = (
    "Answer", "BatchOutcome", "ClockUnsure", "Defect", "InsufficientFunds", "KeyReused",
    "NothingToDo", "Overloaded", "PaymentNotFound", "SameWallet", "Unavailable", "WalletIsFrozen",
    "WalletNotFound", "already-refunded", "already-reversed", "amount-exceeds-hold",
    "amount-exceeds-payment", "away", "bisected", "capture", "clock step at a lost COMMIT",
    "clock step", "committed after it was given up", "conflict",
    "drained with work", "dropped late", "expire", "found after a lost COMMIT", "hold",
    "hold-already-captured", "hold-already-released", "hold-expired", "idle too long", "in flight",
    "increase", "insufficient-funds", "kill", "killed in a transaction", "lock time-out",
    "lock wait", "lost after", "lost before", "message doubled", "message lost", "not-refundable",
    "not-reversible", "pause", "poisoned", "queue full", "refund", "release",
    "replayed at another process", "replayed in its batch", "replayed", "retry", "reversal",
    "server crash", "wallet-frozen", "woke without its transaction",
)  # fmt: skip
"""What must have happened somewhere, or the worlds prove less than they say."""


def lived(first: int, worlds: int) -> Counter[str]:
    """Live so many worlds and return what happened in them."""
    counts: Counter[str] = Counter()
    for seed in range(first, first + worlds):
        finding = live(seed)
        told = "\n".join([*finding.faults, f"Replay: python -m tests.simulation --seed {seed}"])
        assert not finding.faults, told
        counts += finding.scheduler.counts
    return counts


def test_every_promise_is_kept_in_every_world() -> None:
    counts = lived(1, WORLDS)
    missing = [situation for situation in SITUATIONS if not counts[situation]]
    assert not missing


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_promise_is_kept_in_very_many_worlds() -> None:
    lived(10**6, LONG_WORLDS)


def test_a_seed_is_one_world_whenever_and_wherever() -> None:
    """Not even the interpreter's random order of sets gets in."""
    seeds = [seed for seed in range(40) if live(seed).events > 20][:3]
    for seed in seeds:
        digest = live(seed).digest
        for hashes in ("1", "2"):
            done = subprocess.run(
                [sys.executable, "-m", "tests.simulation", "--seed", str(seed)],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": hashes},
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.splitlines()[-1] == f"digest of the trace: {digest}"


def full_world() -> World:
    """Return a world that has lived and in which much was paid."""
    for seed in range(200):
        world = lived_world(seed)
        types = [row.type for row in world.server.book.rows]
        if types.count("payment.completed.v1") > 8:
            return world
    raise AssertionError("no world has eight payments")


def lived_world(seed: int) -> World:
    """Live the world of a seed and return it."""
    random.seed(seed)
    world = World(random.Random(seed))
    assert world.run() == []
    return world


Rows = list[RecordedEvent]


def lost(rows: Rows) -> Rows:
    """Leave the last command out."""
    last = max(place for place, row in enumerate(rows) if b'"index":0,' in row.metadata)
    return rows[:last]


def doubled(rows: Rows) -> Rows:
    """Do the last payment once more, as if it were another one."""
    first = max(p for p, row in enumerate(rows) if row.type == "payment.completed.v1")
    again = [
        replace(row, position=len(rows) + 1 + place, version=row.version + 50)
        for place, row in enumerate(rows[first : first + 3])
    ]
    return [*rows, *again]


def altered(rows: Rows) -> Rows:
    """Let the last payment be of another amount, in all of its events."""
    first = max(p for p, row in enumerate(rows) if row.type == "payment.completed.v1")
    changed = [
        replace(row, data=row.data.replace(b'"amount":', b'"amount":1'))
        for row in rows[first : first + 3]
    ]
    return [*rows[:first], *changed, *rows[first + 3 :]]


def swapped(rows: Rows) -> Rows:
    """Let two events change places and keep their positions."""
    first, second = rows[-2], rows[-1]
    return [
        *rows[:-2],
        replace(second, position=first.position),
        replace(first, position=second.position),
    ]


@pytest.mark.parametrize("lie", [lost, doubled, altered, swapped])
def test_the_judge_finds_lies(lie: Callable[[Rows], Rows]) -> None:
    world = full_world()
    rows = list(world.server.book.rows)
    assert world.judged(rows) == []
    assert world.judged(lie(rows))
