"""`./falcon status`: what runs, where, how far, and how healthy."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from interfaces.cli.failure import DEPENDENCY_MISSING, Failure

if TYPE_CHECKING:
    from rich.table import Table

    from interfaces.supervisor.report import LedgerReport, PartReport, Report


def command(
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
) -> None:
    """Show what runs, where, how far, and how healthy.

    Ends with 3 when nothing runs. With --json it gives, password included, the URL of a database
    login that can only read.
    """
    from infrastructure.settings import read_settings
    from interfaces.supervisor.report import report

    found = report(read_settings())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif found["running"]:
        _show(found)
    if not found["running"]:
        raise Failure(
            f"Nothing runs in {found['home']}: start it by ./falcon up.", DEPENDENCY_MISSING
        )


def _show(found: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    position = "unknown" if found["position"] is None else found["position"]
    console.print(f"FalconPay {found['version']} in {found['home']}, ledger position {position}")
    parts = Table("part", "ready", "process", "port", "restarts")
    for part in [*found["servers"], *found["roles"]]:
        parts.add_row(*_cells(part))
    console.print(parts)
    models = Table("read model", "version", "position", "behind", "state")
    for model in found["projections"]:
        behind = f"{model['lag_events']} events, {model['lag_seconds']:.1f} s"
        models.add_row(
            model["name"], str(model["version"]), str(model["position"]), behind, model["state"]
        )
    console.print(models)
    if found["ledgers"]:
        console.print(_ledgers(found["ledgers"]))
    for sentence in [*found["diverged"], *found["anchors"]]:
        console.print(sentence, style="red", markup=False)
    for name, url in found["urls"].items():
        console.print(f"{name:<9} {url}")
    console.print(f"kafka     {found['kafka_bootstrap'] or 'none'}")


def _ledgers(found: "list[LedgerReport]") -> "Table":
    from rich.table import Table

    ledgers = Table("further ledger", "position", "behind", "read models")
    for ledger in found:
        models = ledger["projections"]
        position = "unknown" if ledger["position"] is None else str(ledger["position"])
        behind = max((model["lag_events"] for model in models), default=0)
        states = ", ".join(sorted({model["state"] for model in models})) or "none yet"
        ledgers.add_row(ledger["name"], position, f"{behind} events", states)
    return ledgers


def _cells(part: "PartReport") -> tuple[str, ...]:
    ready = "yes" if part["ready"] else "[red]no[/red]"
    return part["name"], ready, str(part["pid"] or "-"), str(part["port"]), str(part["restarts"])
