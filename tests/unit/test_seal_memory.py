"""What a home remembers of its last seal is one whole seal, whoever writes at the same moment."""

import multiprocessing
from base64 import b64encode
from contextlib import suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from application.sealing import Seal, SealingRefused
from domain.checkpoints import Checkpoint
from infrastructure.seals.memory import SealMemory

WRITES = 200
SIGNATURE = b64encode(bytes(68)).decode()


def seal(size: int) -> Seal:
    """Return a seal whose note has as many more signatures as its size has digits."""
    checkpoint = Checkpoint("falconpay/main", size, bytes(32))
    lines = f"\N{EM DASH} falconpay/main {SIGNATURE}\n" * len(str(size))
    return Seal(checkpoint, f"{checkpoint.text()}\n{lines}")


def write(home: Path, size: int, begin: Barrier) -> None:
    """Remember a seal again and again, as the sealer's next attempt does after a fault."""
    memory = SealMemory(home, "main", 1)
    begin.wait(60)
    for _ in range(WRITES):
        with suppress(FileNotFoundError):
            memory.write(seal(size))


def read(memory: SealMemory) -> Seal | None:
    """Return what is remembered, and fail where that is no seal."""
    try:
        return memory.read()
    except SealingRefused as mixed:
        pytest.fail(str(mixed))


def test_two_processes_that_write_at_once_leave_one_of_their_seals(tmp_path: Path) -> None:
    """As when one wakes that another has followed: no seal is mixed of two."""
    memory, sizes = SealMemory(tmp_path, "main", 1), (7, 123_456)
    memory.write(seal(sizes[0]))
    spawn = multiprocessing.get_context("spawn")
    begin = spawn.Barrier(3)
    writers = [spawn.Process(target=write, args=(tmp_path, size, begin)) for size in sizes]
    for writer in writers:
        writer.start()
    begin.wait(60)
    while any(writer.is_alive() for writer in writers):
        assert read(memory) in [seal(size) for size in sizes]
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    memory.write(seal(8))
    assert memory.read() == seal(8)
    assert [path.name for path in memory.path.parent.iterdir()] == [memory.path.name]


def test_what_a_killed_process_has_left_goes_with_the_next_seal(tmp_path: Path) -> None:
    memory = SealMemory(tmp_path, "main", 1)
    memory.write(seal(7))
    for left in (".1.checkpoint.4711.new", ".1.checkpoint.new"):
        (memory.path.parent / left).write_text("half a se")
    assert memory.read() == seal(7)
    memory.write(seal(8))
    assert [path.name for path in memory.path.parent.iterdir()] == [memory.path.name]
