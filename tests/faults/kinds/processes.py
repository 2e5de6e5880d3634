"""Processes killed, paused for longer than any time-out, drained, and started in any order."""

import contextlib
import os
import signal
import time
from collections.abc import Callable

import psutil

from tests.faults.draining import drain_under_load
from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.others import WORKERS

ROLES = ("command-api", "query-api", "identity-api", "relay", "projector")
"""`relay` stands for relay, payments and sealer, which share a process here."""

SUPERVISED = (*ROLES, "gateway", "kafka", "postgres")

SECOND = ("command-api", *WORKERS)

PAUSE_SECONDS = (6.0, 9.0)
"""Longer than a batch's deadline and the time-outs of every session and lock."""


def _one_of(ground: Ground, name: str) -> int:
    pids = ground.pids(name)
    if not pids:
        raise NotStruck(f"{name} is down already")
    return ground.choose.choice(pids)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        raise NotStruck(f"process {pid} has just ended") from None


def _kill(name: str) -> Callable[[Ground], None]:
    def strike(ground: Ground) -> None:
        _send(_one_of(ground, name), signal.SIGKILL)

    return strike


def _kill_group(name: str) -> Callable[[Ground], None]:
    def strike(ground: Ground) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(_one_of(ground, name)), signal.SIGKILL)

    return strike


def _pause(name: str) -> Callable[[Ground], None]:
    def strike(ground: Ground) -> None:
        pid = _one_of(ground, name)
        # PostgreSQL's sessions are processes of their own: all of its group stands still.
        stop = os.killpg if name == "postgres" else os.kill
        group = os.getpgid(pid) if name == "postgres" else pid
        _asleep(ground, lambda number: stop(group, number))

    return strike


def _asleep(ground: Ground, send: Callable[[signal.Signals], None]) -> None:
    """Stop something for longer than all time-outs and let it wake."""
    with contextlib.suppress(ProcessLookupError):
        send(signal.SIGSTOP)
        try:
            ground.pause(ground.choose.uniform(*PAUSE_SECONDS))
        finally:
            send(signal.SIGCONT)


def _kill_session(ground: Ground) -> None:
    """Kill one session of PostgreSQL, at which the whole server starts again by itself."""
    children = psutil.Process(_one_of(ground, "postgres")).children()
    sessions = [c for c in children if any("falconpay" in word for word in _words(c))]
    if not sessions:
        raise NotStruck("PostgreSQL has no session")
    ground.choose.choice(sessions).kill()


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return [str(word) for word in process.cmdline()]
    return []


def _kill_second(role: str) -> Callable[[Ground], None]:
    return lambda ground: ground.others[role].kill()


def _pause_second(role: str) -> Callable[[Ground], None]:
    return lambda ground: _asleep(ground, ground.others[role].send)


def _kill_both(ground: Ground) -> None:
    """Kill both processes of every role that follows the ledger at the same moment."""
    for role in WORKERS:
        ground.others[role].kill()
    for name in ("relay", "projector"):
        _kill(name)(ground)


def _everything(ground: Ground) -> None:
    """Kill every process there is, supervisor first, and start in any order."""
    with contextlib.ExitStack() as held:
        for other in ground.others.values():
            held.enter_context(other.hold())
        processes = ground.system.processes()
        supervisor = ground.system.supervisor().pid
        for process in sorted(processes, key=lambda process: process.pid != supervisor):
            with contextlib.suppress(psutil.Error):
                process.kill()
        for other in ground.others.values():
            other.kill()
        early = [other for other in ground.others.values() if ground.choose.random() < 0.5]
        ground.choose.shuffle(early)
        for other in early:
            other.start()
        begun = time.monotonic()
        ground.recovers()
        ground.system.up()
        ground.note("up again", seconds=round(time.monotonic() - begun, 1))


def _roles(ground: Ground) -> None:
    """Kill all roles but no server, the second processes too, in any order."""
    victims = list(ROLES)
    ground.choose.shuffle(victims)
    for name in victims:
        _kill_all(ground, name)
    for other in ground.others.values():
        other.kill()


def _kill_all(ground: Ground, name: str) -> None:
    for pid in ground.pids(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _ask_to_end(name: str) -> Callable[[Ground], None]:
    return lambda ground: _send(_one_of(ground, name), signal.SIGTERM)


KINDS: tuple[Kind, ...] = (
    *(Kind(f"kill {name}", _kill(name)) for name in SUPERVISED),
    *(Kind(f"pause {name}", _pause(name)) for name in SUPERVISED),
    *(Kind(f"kill the second {role}", _kill_second(role)) for role in SECOND),
    *(Kind(f"pause the second {role}", _pause_second(role)) for role in SECOND),
    Kind("kill PostgreSQL's group", _kill_group("postgres")),
    Kind("kill a session of PostgreSQL", _kill_session),
    Kind("kill both of all workers", _kill_both),
    Kind("kill all roles", _roles),
    Kind("kill everything", _everything, alone=True),
    Kind("end relay", _ask_to_end("relay")),
    Kind("end projector", _ask_to_end("projector")),
    Kind("drain a command API", drain_under_load, alone=True),
)  # fmt: skip
