"""A command process without its writer does not live on."""

import subprocess
import sys

from interfaces.command_api.desk import BROKEN

PROGRAM = """
import asyncio
from prometheus_client import CollectorRegistry
from infrastructure.telemetry import configure_logging
from interfaces.command_api.desk import Desk, DeskFigures

configure_logging("command", None)

def execute(works):
    raise MemoryError("no room for the batch")

async def ask():
    desk = Desk(execute, DeskFigures(CollectorRegistry()), "main")
    desk.start()
    await desk.ask(None)

asyncio.run(asyncio.wait_for(ask(), 20))
"""


def test_a_fault_of_the_writer_ends_the_process() -> None:
    """Nobody waits for what nothing will execute, and the log says what ended it."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == BROKEN, ended.stderr
    assert "the writer has ended" in ended.stdout + ended.stderr
    assert "no room for the batch" in ended.stdout + ended.stderr
