"""Runs the whole system under load, breaks it as the seed says, and asks the checker at the end.

`./falcon campaign --minutes 20 --seed 1` does it on a throw-away home.
"""

import contextlib
import dataclasses
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.faults.ground import Ground, NotStruck
from tests.faults.judging import judge_run
from tests.faults.kinds import Kind, disk
from tests.faults.load import open_account, start_clients
from tests.faults.onlookers import onlookers_of
from tests.faults.others import Keeper, others_of
from tests.faults.plan import Strike, draw
from tests.faults.report import Report
from tests.faults.witness import ANCHORS
from tests.tools.whole_system import WholeSystem, until

LONGEST_STRIKE_SECONDS = 180.0
CLIENTS_END_SECONDS = 90.0


@dataclass(frozen=True)
class Options:
    """What a campaign is told; `seconds` of load, a strike about every `pace_seconds`."""

    seconds: float
    seed: int
    kinds: Sequence[Kind]
    clients: int = 5
    pace_seconds: float = 4.0
    client_pause_seconds: float = 0.015


def run(system: WholeSystem, logs: Path, options: Options, say: Callable[[str], None]) -> Report:
    """Do one campaign and return its report; the system is stopped afterwards."""
    report = Report(options.seed, options.seconds, options.clients)
    able = [kind for kind in options.kinds if kind.missing() is None]
    report.missing = {k.name: str(k.missing()) for k in options.kinds if k not in able}
    with _disk(system, able):
        _run(system, logs, options, able, report, say)
    return report


@contextlib.contextmanager
def _disk(system: WholeSystem, able: Sequence[Kind]) -> Iterator[None]:
    """Give the database a disk of its own where one is to be filled; the system is stopped."""
    with contextlib.ExitStack() as mounted:
        if any(kind in disk.KINDS for kind in able):
            mounted.enter_context(disk.small_disk(disk.data_folder(system.home)))
        try:
            yield
        finally:
            system.close()


def _run(
    system: WholeSystem,
    logs: Path,
    options: Options,
    able: Sequence[Kind],
    report: Report,
    say: Callable[[str], None],
) -> None:
    # Seals come often, so that what strikes finds sealers at work.
    system.environ["FALCONPAY_SEAL_INTERVAL"] = "1"
    system.environ["FALCONPAY_SEAL_ANCHORS"] = f"file:{logs / ANCHORS}"
    system.up()
    status = system.status()
    account = open_account(system, status["urls"]["command"], logs)
    others = others_of(system, logs)
    keeper = Keeper(others)
    onlookers = onlookers_of(status, account, logs)
    clients: list[subprocess.Popen[str]] = []
    try:
        bases = {
            "command": status["urls"]["command"],
            "second": others["command-api"].url,
            "gateway": status["urls"]["gateway"],
        }
        until(lambda: all(other.ready() for other in others.values()), 60, "second processes")
        ends_at = time.monotonic() + options.seconds
        ground = Ground(system, random.Random(), others, account, logs, ends_at)
        clients = start_clients(
            options.clients,
            options.seed,
            options.seconds,
            options.client_pause_seconds,
            account,
            bases,
            logs,
        )
        _strike_all(ground, draw(options.seed, able, options.pace_seconds), report, say)
        for client in clients:
            client.wait(ground.remaining() + CLIENTS_END_SECONDS)
        _wake(system)
        say("the load has ended, the checker reads")
        judge_run(system, others, account, logs, onlookers, report)
    finally:
        for client in clients:
            client.kill()
        onlookers.close()
        _wake(system)
        keeper.close()


def _strike_all(
    ground: Ground, strikes: Iterator[Strike], report: Report, say: Callable[[str], None]
) -> None:
    begun = time.monotonic()
    for strike in strikes:
        if strike.pause_seconds > ground.remaining():
            return
        time.sleep(strike.pause_seconds)
        say(f"{time.monotonic() - begun:6.1f} s  {strike}")
        _strike(ground, strike, report, say)


def _strike(ground: Ground, strike: Strike, report: Report, say: Callable[[str], None]) -> None:
    """Let all kinds of a strike do their harm at once, and wait until all have."""
    ground.note("strike", begins=[kind.name for kind in strike.kinds])
    struck: list[str] = []

    def attempt(kind: Kind, seed: int) -> None:
        own = dataclasses.replace(ground, choose=random.Random(seed), kind=kind.name)
        try:
            kind.strike(own)
            struck.append(kind.name)
        except NotStruck as why:
            report.not_struck[kind.name] += 1
            own.note(f"not struck: {why}")
            say(f"          not struck: {why}")
        except Exception as fault:  # noqa: BLE001 (a fault that fails is told, the run goes on)
            own.complain(f"{kind.name} failed: {fault!r}")
            say(f"          failed: {fault!r}")

    threads = [
        threading.Thread(target=attempt, args=(kind, strike.seed + place), daemon=True)
        for place, kind in enumerate(strike.kinds)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_STRIKE_SECONDS)
    if any(thread.is_alive() for thread in threads):
        ground.complain(f"{strike} did not end")
    report.kinds.update(struck)
    report.combined += len(struck) > 1
    ground.note("strike", ends=True, struck=sorted(struck))


def _wake(system: WholeSystem) -> None:
    """Let everything go on that a strike may have left asleep."""
    for process in system.processes():
        try:
            if process.status() == psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGCONT)
        except psutil.Error:
            continue


def plan(options: Options, count: int) -> list[str]:
    """Return the first strikes of a seed, as they would be on a machine where all is possible."""
    strikes = draw(options.seed, options.kinds, options.pace_seconds)
    return [str(next(strikes)) for _ in range(count)]


def to_stderr(text: str) -> None:
    """Tell whoever waits how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
