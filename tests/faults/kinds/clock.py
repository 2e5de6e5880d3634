"""Clocks: PostgreSQL's and that of a second command API, stepped while money moves."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import httpx

from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.server import ServerUnavailable
from infrastructure.secrets import Secrets
from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.sessions import administration
from tests.tools.stepped_clock import SteppedClock, no_library

READY_SECONDS = 20.0
LITTLE = 25
"""Seconds to either side: from one end to the other is still below the step that is believed."""

MUCH = (300, 6 * 3600)
UNSURE = (70, 160)
"""Seconds of a step that stays: past what is believed, and back in few small steps."""

SETTLED_SECONDS = (50.0, 90.0)
"""Between these a clock that stays in its new place is believed again; promised is 60."""


@contextlib.contextmanager
def _database_clock(ground: Ground) -> Iterator[SteppedClock]:
    """Start PostgreSQL again with a clock of its own, which is true at the end."""
    clock = SteppedClock()
    try:
        _start_postgres_by(ground, clock)
        yield clock
    finally:
        clock.step(0)
        clock.close()


def _start_postgres_by(ground: Ground, clock: SteppedClock) -> None:
    """Kill PostgreSQL and start it before the supervisor can, who then adopts it."""
    pids = ground.pids("postgres")
    if not pids:
        raise NotStruck("postgres is down already")
    server = Postgres(ground.system.home, Secrets(ground.system.home, {}))
    (supervisor,) = ground.pids("supervisor")
    os.kill(supervisor, signal.SIGSTOP)
    try:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(pids[0]), signal.SIGKILL)
        server.prepare()
        with clock.given(threads=False):
            _within(READY_SECONDS, ground, lambda: not server.alive())
            server.start()
    except ServerUnavailable as why:
        raise NotStruck(str(why)) from None
    finally:
        os.kill(supervisor, signal.SIGCONT)
    if not _within(READY_SECONDS, ground, server.ready):
        raise NotStruck("PostgreSQL did not come back")


def _within(seconds: float, ground: Ground, met: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end or ground.stop.is_set():
            return False
        ground.pause(0.1)
    return True


def _offset(ground: Ground) -> float:
    """Return how many seconds PostgreSQL's clock is before the true time."""
    with administration(ground, "postgres") as connection:
        row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float").fetchone()
    assert row is not None
    return float(str(row[0])) - time.time()


def _step(ground: Ground, clock: SteppedClock, seconds: int) -> None:
    clock.step(seconds)
    seen = _offset(ground)
    if abs(seen - seconds) > 5:
        raise NotStruck(f"PostgreSQL does not live by the clock: {seen:.0f} s, not {seconds}")
    ground.note("the database's clock was stepped", seconds=seconds)


def _a_little(ground: Ground) -> None:
    """Step forth and back by so little that nobody may notice, but by `recorded_at`."""
    with _database_clock(ground) as clock:
        for _ in range(4):
            _step(ground, clock, ground.choose.randint(-LITTLE, LITTLE))
            ground.pause(ground.choose.uniform(0, 1.5))


def _by_hours(ground: Ground) -> None:
    """Step by minutes or hours, and back before that can be believed."""
    with _database_clock(ground) as clock:
        _step(ground, clock, ground.choose.choice((1, -1)) * ground.choose.randint(*MUCH))
        ground.pause(ground.choose.uniform(1, 4))


def _for_good(ground: Ground) -> None:
    """Step and stay: commands are refused as unsure, and taken when the clock has settled."""
    if ground.remaining() < SETTLED_SECONDS[1] + READY_SECONDS:
        raise NotStruck("there is no time left to wait until the clock has settled")
    with _database_clock(ground) as clock:
        # Every process has to have known the true time, by a command.
        if not _within(READY_SECONDS, ground, lambda: _told(ground) == ""):
            raise NotStruck("commands were not taken before the step")
        ground.pause(3)
        sign, far = ground.choose.choice((1, -1)), ground.choose.randint(*UNSURE)
        _step(ground, clock, sign * far)
        begun = time.monotonic()
        if (told := _told(ground)) != "clock-unsure":
            ground.complain(f"after a step of {sign * far} s a command was told {told!r}")
        settled = _within(SETTLED_SECONDS[1], ground, lambda: _told(ground) == "")
        seconds = time.monotonic() - begun
        if not settled or seconds < SETTLED_SECONDS[0]:
            ground.complain(f"the clock settled: {settled}, after {seconds:.0f} s")
        ground.pause(5)
        for left in range(far - far % 50, 0, -50):
            clock.step(sign * left)
            ground.pause(3)


def _told(ground: Ground) -> str:
    """Return the code by which the second command API refuses a dry run, '' when it does not."""
    (payer, currency), (payee, _) = ground.account.wallets[:2]
    body = {
        "source_wallet_id": payer,
        "destination_wallet_id": payee,
        "amount": "1",
        "currency": currency,
        "dry_run": True,
    }
    headers = {"Authorization": f"Bearer {ground.account.token}"}
    url = f"{ground.others['command-api'].url}/v1/transfers"
    try:
        answer = httpx.post(url, json=body, headers=headers, timeout=10)
    except httpx.HTTPError as fault:
        return type(fault).__name__
    return "" if answer.status_code == 200 else str(answer.json().get("code"))


def _second(ground: Ground) -> None:
    """Step the clock of the second command API alone, by which nothing may be decided.

    Never before the true time, where its tokens would rightly not be valid yet.
    """
    other, clock = ground.others["command-api"], SteppedClock()
    before, program = other.environ, other.program
    try:
        with other.hold():
            other.kill()
            other.environ = {**before, **clock.environ(threads=True)}
            other.program = "tests.tools.stepped_process"
            other.start()
        if not _within(READY_SECONDS, ground, other.ready):
            raise NotStruck("the second command API is not ready")
        for _ in range(3):
            clock.step(ground.choose.randint(0, MUCH[1]))
            ground.pause(ground.choose.uniform(0, 2))
    finally:
        other.environ, other.program = before, program
        clock.step(0)
        clock.close()


KINDS = (
    Kind("step PostgreSQL's clock a little", _a_little, no_library),
    Kind("step PostgreSQL's clock by hours and back", _by_hours, no_library),
    Kind("step PostgreSQL's clock for good", _for_good, no_library, alone=True),
    Kind("step the second command API's clock", _second, no_library),
)
"""The kinds of this module."""
