"""Which roles there are, which may share a process, and how a process of them is run."""

import importlib
from collections.abc import Sequence
from pathlib import Path

from infrastructure.secrets import Secrets
from infrastructure.settings import read_settings
from interfaces.cli.failure import WRONG_USAGE, Failure

ALONE = {
    "command-api": "interfaces.command_api.app",
    "query-api": "interfaces.query_api.app",
    "identity-api": "interfaces.identity_api.app",
    "demo": "interfaces.demo.app",
    "migrate": "interfaces.cli.migrate",
    "prepare": "interfaces.supervisor.prepare",
}
"""Roles with a process of their own; the module's `run(settings, secrets)` ends at SIGTERM."""

SPOKEN = {"migrate", "prepare"}
WORKERS = ("relay", "projector", "payments", "sealer")
"""Roles that may share a process."""


def parse_roles(text: str) -> tuple[str, ...]:
    """Return the roles of one process; raises `Failure` for unknown ones or a forbidden mix."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    known = [*ALONE, *WORKERS]
    for name in names:
        if name not in known:
            raise Failure(
                f"There is no role {name!r}: choose among {', '.join(known)}.", WRONG_USAGE
            )
    if len(names) > 1 and not set(names) <= set(WORKERS):
        raise Failure(
            f"Only {', '.join(WORKERS)} may share a process: run the others one by one.",
            WRONG_USAGE,
        )
    return names


def run_roles(names: Sequence[str], supervised: bool) -> None:
    """Run the roles until SIGTERM; logs go to the home when supervised, else to stderr."""
    settings = read_settings()
    secrets = Secrets(settings.home)
    from infrastructure.telemetry import configure_logging

    home: Path | None = settings.home if supervised else None
    # Those that end by themselves say what they have to say to whoever started them.
    if not set(names) <= SPOKEN:
        configure_logging("+".join(names), home)
    if names[0] in ALONE:
        importlib.import_module(ALONE[names[0]]).run(settings, secrets)
    else:
        from interfaces.workers.app import run

        run(settings, secrets, names)
