"""`./falcon restore`: puts a backup in the place of what the home holds, whole or not at all."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infrastructure.settings import Settings
    from interfaces.recovery.manifest import Manifest
    from interfaces.recovery.restore import Held


def command(
    file: Annotated[Path, typer.Argument(help="The file that ./falcon backup has written.")],
    replacing: Annotated[
        bool,
        typer.Option(
            "--replace",
            envvar="FALCONPAY_RESTORE_REPLACE",
            help="Also where the same ledger has events: they are put aside.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
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
) -> None:
    """Put a backup in the place of what the home holds, whole or not at all.

    The system must not run. The file is checked before anything is touched, and the restored
    books are replayed before they take their place.
    """
    from interfaces.recovery.home import still_home
    from interfaces.recovery.restore import check_file, restore

    manifest = check_file(file)
    with still_home(database) as still:
        held = restore(still.admin, still.settings, still.secrets, file, replacing)
        settings = still.settings
    if as_json:
        typer.echo(json.dumps(_fields(manifest, held), indent=2))
    else:
        _show(settings, manifest, held)


def _fields(manifest: "Manifest", held: "tuple[Held, ...]") -> dict[str, object]:
    return {
        "created_at": manifest.created_at,
        "version": manifest.version,
        "ledgers": [
            {
                "name": ledger.ledger,
                "store": ledger.store,
                "epoch": ledger.epoch,
                "position": ledger.position,
            }
            for ledger in manifest.ledgers
        ],
        "replaced": [{"name": each.name, "position": each.position} for each in held],
    }


def _show(settings: "Settings", manifest: "Manifest", held: "tuple[Held, ...]") -> None:
    from interfaces.recovery.restore import kept_name

    for ledger in manifest.ledgers:
        typer.echo(
            f"Restored the ledger {ledger.ledger} up to position {ledger.position:,}, as it was at"
            f" {manifest.created_at}; replayed, as the heads say."
        )
    if held:
        found = ", ".join(f"{each.name} up to position {each.position:,}" for each in held)
        typer.echo(
            f"What was there ({found}) is kept in the database {kept_name(settings)} until the"
            " next restore."
        )
    if manifest.issuer != settings.issuer:
        typer.echo(
            f"The backup was made with FALCONPAY_ISSUER={manifest.issuer}, under which the"
            f" idempotency keys are kept, and here it is {settings.issuer}: set it back."
        )
    typer.echo("Start the system by ./falcon up.")
