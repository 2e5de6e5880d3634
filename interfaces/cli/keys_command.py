"""`./falcon keys`: the keys that sign access tokens."""

import typer

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
    from infrastructure.settings import read_settings
    from infrastructure.tokens.signing_keys import SigningKeys

    typer.echo(f"Tokens are now signed with the key {SigningKeys(read_settings().home).rotate()}.")
