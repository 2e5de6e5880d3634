"""Which commands `./falcon` has; each is imported only when it is the one that runs."""

import importlib
from collections.abc import Collection
from typing import Annotated

import typer

from infrastructure.version import VERSION

COMMANDS = {
    "up": "Start the whole system on this machine.",
    "status": "Show what runs, where, how far, and how healthy.",
    "down": "Stop the whole system cleanly.",
    "token": "Print a signed access token for this home.",
    "keys": "Rotate the keys that sign tokens or seals.",
    "import": "Import bank transactions through the ledger of the running system.",
    "ledger": "Make further ledgers in this installation, and list them.",
    "replay": "Recompute the books from their events, and compare.",
    "backup": "Write everything that cannot be derived into one file, while the system runs.",
    "restore": "Put a backup in the place of what the home holds, whole or not at all.",
    "recover": "Let a restored ledger stand: a new topic, and read models built anew.",
    "export": "Write the book to a file or a folder, for other tools to check.",
    "archive": "Copy or move sealed events to an object store, and check what lies there.",
    "proof": "Check proofs and exported books offline.",
    "bench": "Measure the figures of this machine, each beside its goal, on a throw-away home.",
    "campaign": "Break a throw-away system under load, and let an independent checker judge.",
    "test": "Run every check and test that needs nothing but this machine.",
    "run": "Run roles in the foreground until SIGTERM, as containers do.",
}
"""Name and one line of help of each command; module `NAME_command` holds `command` or `app`."""


def build(words: Collection[str] | None = None) -> typer.Typer:
    """Return the application; only commands among `words` are imported, or all without it."""
    app = typer.Typer(
        help="FalconPay: a payment platform around an event-sourced ledger.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, summary in COMMANDS.items():
        if words is None or name in words:
            _add(app, name)
        else:
            app.command(name, help=summary)(_not_imported)
    return app


def _add(app: typer.Typer, name: str) -> None:
    module = importlib.import_module(f"interfaces.cli.{name}_command")
    if hasattr(module, "app"):
        app.add_typer(module.app, name=name)
    else:
        app.command(name)(module.command)


def _not_imported() -> None:
    raise AssertionError("a command that was not among the words was called")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"falconpay {VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
