"""`./falcon recover`: begins a new epoch after a restore to an older state."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from infrastructure.secrets import Secrets
from interfaces.cli.chosen_ledger import settings_of


def command(
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", envvar="FALCONPAY_RECOVER_FORCE", help="Also when nothing has diverged."
        ),
    ] = False,
    database: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_DATABASE",
            metavar="URL",
            show_default="the server brought along",
            help="A PostgreSQL of your own, with the login that up was given.",
        ),
    ] = None,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Let a restored ledger stand: a new topic, and read models built anew.

    The system has to run. Nothing that the store has is lost, and nothing in it is changed. Ends
    with 1 when nothing has diverged.
    """
    from interfaces.recovery.administration import administration
    from interfaces.recovery.epochs import begin_epoch

    settings = settings_of(ledger)
    secrets = Secrets(settings.home)
    admin = administration(settings, secrets, database)
    begun = begin_epoch(admin, settings, secrets, force)
    if as_json:
        typer.echo(json.dumps(asdict(begun), indent=2))
        return
    for reason in begun.reasons:
        typer.echo(reason)
    place = f", its topic is {begun.topic}" if settings.kafka_bootstrap else ""
    typer.echo(
        f"Epoch {begun.epoch} of the ledger {begun.ledger} has begun behind position"
        f" {begun.position:,}{place}. The read models are being built again: ./falcon status shows"
        " how far they are."
    )
