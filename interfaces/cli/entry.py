"""Runs a command line and keeps every stack trace from the person who typed it."""

import logging
import os
import sys
from collections.abc import Sequence

import typer

from interfaces.cli.app import build
from interfaces.cli.failure import DEPENDENCY_MISSING, known_failure
from interfaces.cli.unforeseen import written_down

INTERRUPTED = 130


def run_cli(arguments: Sequence[str]) -> int:
    """Run one command; return 0 done, 1 a check failed, 2 wrong usage, 3 something is missing."""
    # It warns of a transaction that an interrupt left open, which is what an interrupt is for.
    # Roles, which log, still get it.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        code = build(arguments)(list(arguments), prog_name="./falcon", standalone_mode=False)
    except typer.TyperException as problem:
        sentence = " ".join(problem.format_message().split())
        _tell(f"{sentence} (./falcon {_command(problem)}--help tells more)")
        return problem.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:  # noqa: BLE001 (the last place before the person)
        failure = known_failure(problem)
        _tell(str(failure) if failure else written_down(problem))
        return failure.exit_code if failure else DEPENDENCY_MISSING
    return code if isinstance(code, int) else 0


def _command(problem: typer.TyperException) -> str:
    context = getattr(problem, "ctx", None)
    words = context.command_path.split()[1:] if context is not None else []
    return "".join(f"{word} " for word in words)


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
