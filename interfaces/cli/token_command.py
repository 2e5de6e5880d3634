"""`./falcon token`: a signed access token, for scripts, tests and the first steps."""

from typing import Annotated

import typer

from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.operation_note import note

LONGEST_SECONDS = 10 * 365 * 24 * 3600


def command(
    subject: Annotated[
        str, typer.Option(envvar="FALCONPAY_TOKEN_SUBJECT", help="Whom the token stands for.")
    ],
    scope: Annotated[
        str,
        typer.Option(
            envvar="FALCONPAY_TOKEN_SCOPE",
            help="Scopes in one word: read, wallets, payments, operate, audit, admin.",
        ),
    ],
    expires_in: Annotated[
        int,
        typer.Option(
            envvar="FALCONPAY_TOKEN_EXPIRES_IN",
            min=-LONGEST_SECONDS,
            max=LONGEST_SECONDS,
            help="Seconds until it ends; below zero it has ended already.",
        ),
    ] = 900,
    issuer: Annotated[
        str | None,
        typer.Option(envvar="FALCONPAY_ISSUER", help="Who signs; services believe their own."),
    ] = None,
    audience: Annotated[
        str, typer.Option(envvar="FALCONPAY_TOKEN_AUDIENCE", help="For which service.")
    ] = "falconpay",
    kind: Annotated[
        str, typer.Option("--type", envvar="FALCONPAY_TOKEN_TYPE", help="Type in the header.")
    ] = "at+jwt",
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="For which ledger.")
    ] = None,
    client_id: Annotated[
        str, typer.Option(envvar="FALCONPAY_TOKEN_CLIENT_ID", help="Through which client.")
    ] = "falcon",
) -> None:
    """Print a signed access token for this home.

    Wrong values of --issuer, --audience, --type and --expires-in make a token that every service
    refuses, which is what they are for. The output is the token and nothing else.
    """
    from domain.operation_events import TokenSigned
    from infrastructure.operation_notes import now
    from infrastructure.tokens.signing import sign
    from infrastructure.tokens.signing_keys import SigningKeys

    settings = settings_of(ledger)
    token = sign(
        SigningKeys(settings.home),
        subject=subject,
        scope=scope,
        issuer=issuer or settings.issuer,
        expires_in=expires_in,
        client_id=client_id,
        ledger=settings.ledger,
        audience=audience,
        token_type=kind,
    )
    note(settings, TokenSigned(now(), subject, scope, client_id, audience, expires_in))
    typer.echo(token)
