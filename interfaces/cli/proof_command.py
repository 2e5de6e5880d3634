"""`./falcon proof`: checks proofs and exported books offline."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check proofs and exported books offline.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Take a command about proofs."""


@app.command()
def check(
    file: Annotated[
        Path,
        typer.Argument(help="A proof, a book written by export, or a report of replay verify."),
    ],
    key: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_PROOF_KEY",
            metavar="VKEY",
            show_default="the file's own, which proves nothing about who signed",
            help="The log's key, from another source than the file.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
) -> None:
    """Check the proof of a payment, an exported book or a signed report, without any server.

    Ends with 1 when something is not proven, and with 2 when the file or the key is none. The
    program is one file, interfaces/cli/proof_check.py, that runs anywhere beside `cryptography`.
    """
    from interfaces.cli import proof_check

    options = [*([f"--key={key}"] if key is not None else []), *(["--json"] if as_json else [])]
    raise typer.Exit(proof_check.main([*options, "--", str(file)]))
