"""`./falcon keys`: the keys that sign access tokens, and those that sign seals."""

from typing import Annotated

import typer

from interfaces.cli.operation_note import note

app = typer.Typer(help="Rotate the keys that sign tokens or seals.", no_args_is_help=True)


@app.callback()
def options() -> None:
    """Take a command about keys."""


@app.command()
def rotate(
    seal: Annotated[
        bool,
        typer.Option("--seal", envvar="FALCONPAY_KEYS_SEAL", help="The key of seals instead."),
    ] = False,
) -> None:
    """Sign with a new key from now on.

    The old key of tokens stays in the JWKS until the last token that it signed has ended, so
    nobody is signed out. With --seal the next seal bears the signatures of both keys, and seals
    from before stay valid by theirs.
    """
    from domain.operation_events import KeyRotated
    from infrastructure.operation_notes import now
    from infrastructure.settings import read_settings
    from infrastructure.tokens.signing_keys import SigningKeys

    if seal:
        _rotate_seal_key()
        return
    settings = read_settings()
    key = SigningKeys(settings.home).rotate()
    note(settings, KeyRotated(now(), "token", key))
    typer.echo(f"Tokens are now signed with the key {key}.")


def _rotate_seal_key() -> None:
    from base64 import b64encode

    from domain.operation_events import KeyRotated
    from infrastructure.operation_notes import now
    from infrastructure.seals.keys import SealKeys
    from infrastructure.settings import read_settings

    settings = read_settings()
    public = b64encode(SealKeys(settings.home).rotate()).decode()
    note(settings, KeyRotated(now(), "seal", public))
    typer.echo(
        f"The next seal is signed by the key {public}, too, and those behind it by that key alone."
        " GET /v1/audit/keys shows it from then on."
    )
