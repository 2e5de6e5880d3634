"""`./falcon backup`: one file with everything that cannot be derived, checked when it is made."""

import json
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.secrets import Secrets
from infrastructure.settings import read_settings
from interfaces.cli.operation_note import note
from interfaces.cli.whole_file import whole_file


def command(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[
        bool,
        typer.Option(
            "--force", envvar="FALCONPAY_BACKUP_FORCE", help="Replace a file that is there."
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
    """Write everything that cannot be derived into one file, while the system runs.

    All ledgers, the identity database, the log of reads by auditors and the home's secrets: keep
    it as you keep keys. The file bears its name only after it was read back and its events folded.
    """
    from domain.operation_events import BackupMade
    from infrastructure.databases.ledgers import of_ledger
    from infrastructure.operation_notes import now
    from interfaces.recovery.administration import administration
    from interfaces.recovery.backup import check_backup, write_backup

    settings = read_settings()
    admin = administration(settings, Secrets(settings.home), database)
    with whole_file(file, force, mode=0o600) as output:
        written = write_backup(admin, settings, output)
        folded = check_backup(Path(output.name))
        length = output.tell()
        for schema in written.ledgers:
            fact = BackupMade(now(), file.name, schema.position or 0)
            note(of_ledger(settings, schema.ledger), fact)
    ledgers = [
        {
            "name": schema.ledger,
            "store": schema.store,
            "epoch": schema.epoch,
            "position": schema.position,
            "wallets": each.wallets,
        }
        for schema, each in zip(written.ledgers, folded, strict=True)
    ]
    if as_json:
        fields = {"file": str(file), "bytes": length, "created_at": written.created_at}
        typer.echo(json.dumps({**fields, "version": written.version, "ledgers": ledgers}, indent=2))
        return
    for ledger in ledgers:
        typer.echo(
            f"Ledger {ledger['name']} up to position {ledger['position']:,},"
            f" {ledger['wallets']:,} wallets: folded, as the heads say."
        )
    typer.echo(f"Wrote {file}, {length:,} bytes. It holds secrets: keep it as you keep keys.")
