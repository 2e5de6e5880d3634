"""The commands of `./falcon`, one file each, put together."""

from typing import Annotated

import typer

from infrastructure.version import VERSION
from interfaces.cli import test_command

app = typer.Typer(
    help="FalconPay: a payment platform around an event-sourced ledger.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("test")(test_command.command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"falconpay {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


if __name__ == "__main__":
    app(prog_name="./falcon")
