"""`./falcon up`: becomes the supervisor, or leaves one behind and waits until it is ready."""

import os
import signal
import subprocess
import sys
from typing import Annotated

import typer

from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure


def command(
    detach: Annotated[
        bool,
        typer.Option("--detach", "-d", envvar="FALCONPAY_DETACH", help="Return when all is ready."),
    ] = False,
    kafka: Annotated[
        str,
        typer.Option(
            envvar=["FALCONPAY_KAFKA", "FALCONPAY_KAFKA_BOOTSTRAP"],
            metavar="embedded|none|HOST:PORT",
            help="The broker: brought along, none at all, or one of your own.",
        ),
    ] = "embedded",
    database: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_DATABASE",
            metavar="URL",
            show_default="a server brought along",
            help="A PostgreSQL of your own, with a login that may create databases and roles;"
            " the login is used once and forgotten.",
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option("--demo", envvar="FALCONPAY_DEMO", help="Add people, wallets and traffic."),
    ] = False,
) -> None:
    """Start the whole system on this machine.

    It is ready when it says so. In the foreground it shows one log of everything, and Ctrl-C
    stops it; with --detach it goes on until ./falcon down.
    """
    if kafka not in ("embedded", "none") and not kafka.rpartition(":")[2].isdecimal():
        raise Failure(
            f"--kafka is {kafka!r}: write embedded, none, or HOST:PORT of a broker of your own.",
            WRONG_USAGE,
        )
    arguments = ["--kafka", kafka, *(["--demo"] if demo else [])]
    if database is not None:
        arguments += ["--database", str(_pipe_with(database))]
    if detach:
        _detach(arguments)
    else:
        command_line = _supervisor(arguments)
        # Becoming it leaves one process, whose arguments do not hold the database's login.
        os.execve(command_line[0], command_line, _environment())  # noqa: S606 (no shell, on purpose)


def _supervisor(arguments: list[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "interfaces.supervisor", *arguments]


def _environment() -> dict[str, str]:
    """Return the environment without the database's login, which the supervisor gets by a pipe."""
    from interfaces.supervisor.plan import ROOT

    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: text for name, text in os.environ.items() if name != "FALCONPAY_DATABASE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def _pipe_with(secret: str) -> int:
    """Return the reading end of a pipe that holds the secret: nobody sees it in `ps`."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write(secret)
    os.set_inheritable(reading, True)
    return reading


def _detach(arguments: list[str]) -> None:
    from infrastructure.settings import read_settings
    from interfaces.supervisor.announcements import parse
    from interfaces.supervisor.home import open_home

    home = read_settings().home
    open_home(home)
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    output = os.open(home / "logs" / "up.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    child = subprocess.Popen(
        _supervisor([*arguments, "--report", str(writing)]),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        close_fds=False,
        start_new_session=True,
    )
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        try:
            for line in pipe:
                kind, text = parse(line)
                if kind == "failed":
                    # By then everything is stopped; nothing is left when the sentence is read.
                    child.wait()
                    raise Failure(text, DEPENDENCY_MISSING)
                typer.echo(text)
                if kind == "ready":
                    return
        except KeyboardInterrupt:
            child.send_signal(signal.SIGTERM)
            child.wait()
            raise
    raise Failure(
        f"The system ended while it started: look into {home / 'logs' / 'up.log'}.",
        DEPENDENCY_MISSING,
    )
