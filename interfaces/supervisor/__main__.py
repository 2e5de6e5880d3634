"""The process that `up` becomes, or leaves behind with `--detach`."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import FrameType

from infrastructure.embedded.server import ServerUnavailable
from infrastructure.settings import SettingInvalid, Settings, read_settings
from interfaces.cli.unforeseen import written_down
from interfaces.supervisor.announcements import Announcements
from interfaces.supervisor.database_place import choose_place
from interfaces.supervisor.failure import StartRefused
from interfaces.supervisor.first_steps import first_steps
from interfaces.supervisor.home import HomeLock, open_home, write_version
from interfaces.supervisor.leftovers import clear_leftovers
from interfaces.supervisor.logs import MergedLog, SupervisorLog
from interfaces.supervisor.plan import Wishes, adopted, gateway_of, public_ports
from interfaces.supervisor.ports import check_free
from interfaces.supervisor.start_up import StartUp
from interfaces.supervisor.stop import stop_servers
from interfaces.supervisor.supervisor import Supervisor

DONE, DEPENDENCY_MISSING = 0, 3
DEMO_TOKEN_SECONDS = 3600


class Interrupted(BaseException):
    """A signal to stop came while the system was starting."""


class Stops:
    """Turns signals into a clean stop, whatever the process is doing."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Listen from now on."""
        self._supervisor = supervisor
        self._starting = True
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Whoever started it by nohup does not want it to end with the terminal.
            if signal.getsignal(number) != signal.SIG_IGN or number != signal.SIGHUP:
                signal.signal(number, self._stop)

    def started(self) -> None:
        """From now on a signal is looked at between two rounds."""
        self._starting = False

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._supervisor.stopping = True
        if self._starting:
            self._starting = False
            raise Interrupted


def main() -> int:
    """Run one home until it is told to stop; return the exit code."""
    options = _options()
    announcements = Announcements(options.report)
    try:
        url = _read_secret_line(options.database)
        return _run(Wishes(options.kafka, options.demo), url, announcements, options.report is None)
    except (StartRefused, ServerUnavailable, SettingInvalid) as refusal:
        announcements.say("failed", str(refusal))
    except Exception as problem:  # noqa: BLE001 (the last place before the person)
        announcements.say("failed", written_down(problem))
    return DEPENDENCY_MISSING


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", default="embedded")
    parser.add_argument("--demo", action="store_true")
    parser.add_argument("--database", type=int, help="file descriptor with the URL")
    parser.add_argument("--report", type=int, help="file descriptor for announcements")
    return parser.parse_args()


def _read_secret_line(descriptor: int | None) -> str | None:
    if descriptor is None:
        return None
    with os.fdopen(descriptor) as pipe:
        return pipe.read() or None


def _run(
    wishes: Wishes, database_url: str | None, announcements: Announcements, in_front: bool
) -> int:
    home = read_settings().home
    open_home(home)
    lock = HomeLock(home)
    if not lock.take():
        holder = lock.holder()
        raise StartRefused(
            f"The home {home} is in use by another ./falcon up"
            f" (process {holder.pid if holder else 'just ended'}):"
            " look with ./falcon status, stop it with ./falcon down, or choose another"
            " FALCONPAY_HOME."
        )
    log = SupervisorLog(home)
    # What a killed supervisor wrote would pass for settings, so it goes before they are read.
    clear_leftovers(home)
    settings = read_settings()
    place = choose_place(home, database_url)
    stop_servers(settings, adopted(wishes, place))
    _check_ports(settings)
    show = _viewer(settings) if in_front else (lambda: None)
    supervisor = Supervisor(home, log.say)
    stops = Stops(supervisor)
    try:
        start = StartUp(settings, wishes, supervisor, announcements, log.say)
        environ = start.run(place, database_url)
        write_version(home)
        stops.started()
        announcements.say("ready", first_steps(settings, _demo_token(environ), in_front))
        supervisor.run(show)
    except Interrupted:
        announcements.say("failed", "Stopped before it was ready.")
        return DEPENDENCY_MISSING
    finally:
        stops.started()
        supervisor.stop(show)
        lock.release()
    return DONE


def _viewer(settings: Settings) -> Callable[[], None]:
    log = MergedLog(settings.home / "logs")

    def show() -> None:
        sys.stdout.writelines(f"{line}\n" for line in log.lines())
        sys.stdout.flush()

    return show


def _check_ports(settings: Settings) -> None:
    ports = public_ports(settings)
    gateway = gateway_of(settings).running()
    if gateway is not None and gateway.port == settings.port:
        # The gateway of this home, left by a supervisor that was killed, will be adopted.
        del ports[settings.port]
    check_free(settings.host, ports)


def _demo_token(environ: Mapping[str, str]) -> str:
    """Sign in a process of its own: cryptography would double what the supervisor occupies."""
    scopes = "read wallets payments operate audit"
    command = [sys.executable, "-P", "-m", "interfaces.cli", "token"]
    options = ["--subject", "demo", "--scope", scopes, "--expires-in", str(DEMO_TOKEN_SECONDS)]
    done = subprocess.run(
        [*command, *options], env=environ, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
