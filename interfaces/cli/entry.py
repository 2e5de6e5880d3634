"""Runs a command line and keeps every stack trace from the person who typed it."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from infrastructure.settings import SettingInvalid, read_settings
from interfaces.cli.app import build
from interfaces.cli.failure import DEPENDENCY_MISSING, known_failure

INTERRUPTED = 130
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def run_cli(arguments: Sequence[str]) -> int:
    """Run one command; return 0 done, 1 a check failed, 2 wrong usage, 3 something is missing."""
    try:
        code = build(arguments)(list(arguments), prog_name="./falcon", standalone_mode=False)
    except typer.TyperException as problem:
        _tell(f"{problem.format_message()} (./falcon {_command(problem)}--help tells more)")
        return problem.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:  # noqa: BLE001 (the last place before the person)
        failure = known_failure(problem)
        _tell(str(failure) if failure else _unforeseen(problem))
        return failure.exit_code if failure else DEPENDENCY_MISSING
    return code if isinstance(code, int) else 0


def _command(problem: typer.TyperException) -> str:
    context = getattr(problem, "ctx", None)
    words = context.command_path.split()[1:] if context is not None else []
    return "".join(f"{word} " for word in words)


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _unforeseen(problem: Exception) -> str:
    """Keep the details in a file, and return what to say instead."""
    if isinstance(problem, OSError) and problem.errno in DISK_FULL:
        return "The disk is full: make room, then run the same command again."
    what = f"Something unforeseen happened ({type(problem).__name__})"
    try:
        log = read_settings().home / "logs" / "cli.log"
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as file:
            file.write(f"{datetime.now(UTC).isoformat()} ./falcon {sys.argv[1:2]}\n")
            traceback.print_exception(problem, file=file)
    except (OSError, SettingInvalid):
        return f"{what}, and the details could not be written into the home's logs/cli.log."
    return f"{what}: the details are in {log}."
