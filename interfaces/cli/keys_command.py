"""`./falcon keys`: the keys that sign access tokens."""

import typer

from interfaces.cli.operation_note import note

app = typer.Typer(help="Rotate the keys that sign tokens.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Take a command about keys."""


@app.command()
def rotate() -> None:
    """Sign with a new key from now on.

    The old key stays in the JWKS until the last token that it signed has ended, so nobody is
    signed out.
    """
    from domain.operation_events import KeyRotated
    from infrastructure.operation_notes import now
    from infrastructure.settings import read_settings
    from infrastructure.tokens.signing_keys import SigningKeys

    settings = read_settings()
    key = SigningKeys(settings.home).rotate()
    note(settings, KeyRotated(now(), "token", key))
    typer.echo(f"Tokens are now signed with the key {key}.")
