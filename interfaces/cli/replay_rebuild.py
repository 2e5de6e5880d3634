"""`./falcon replay rebuild` and `drop`: read models built anew while the live ones serve."""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.secrets import Secrets
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.cli.operation_note import note

if TYPE_CHECKING:
    from interfaces.rebuilding.run import Rebuilt
    from projections.contract import Projection

SHOWN = 20
"""How many differences people are shown; JSON has up to a thousand."""

COLLECTED_AFTER = 200_000
"""Events hold no cycles, so looking for those after every 700 new objects only takes time."""

LedgerName = Annotated[str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")]
AsJson = Annotated[
    bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
]
Name = Annotated[
    str, typer.Argument(metavar="PROJECTION", help="The read model, as ./falcon status names it.")
]


def rebuild(
    projection: Name,
    drop_old: Annotated[
        bool,
        typer.Option(
            "--drop-old",
            envvar="FALCONPAY_REBUILD_DROP_OLD",
            help="Drop the tables that served before, which are kept otherwise.",
        ),
    ] = False,
    as_json: AsJson = False,
    ledger: LedgerName = None,
) -> None:
    """Build a read model anew beside the live one, compare it with the events, and exchange them.

    Queries are answered all the time. Where the new rows are not as the events say, nothing is
    exchanged and it ends with 1. What was cut off is gone on from.
    """
    from domain.operation_events import ReadModelRebuilt
    from infrastructure.operation_notes import now
    from infrastructure.report_store.rebuilt_tables import rebuilt_tables
    from interfaces.rebuilding.run import rebuild as build_anew

    settings = settings_of(ledger)
    secrets = Secrets(settings.home)
    chosen = _chosen(projection)
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    with _progress() as progress:
        result = build_anew(settings, secrets, chosen, progress)
    if result.switched:
        fact = ReadModelRebuilt(now(), projection, chosen.version, result.position)
        note(settings, fact)
    dropped: list[str] = []
    if drop_old and result.switched:
        with rebuilt_tables(settings, secrets, chosen) as tables:
            dropped = tables.drop()
    if as_json:
        typer.echo(json.dumps({"ledger": settings.ledger, **_fields(result, dropped)}, indent=2))
    else:
        _show(settings.ledger, result, dropped)
    first = result.findings.first
    if first is not None:
        raise Failure(
            f"The new rows of {projection} are not as the events say, so the old ones stay:"
            f" {result.findings.count} differences, the first at position {first.position}."
            f" {first.sentence()}",
            CHECK_FAILED,
        )


def drop(projection: Name, as_json: AsJson = False, ledger: LedgerName = None) -> None:
    """Drop what a rebuild has kept: the tables that served before, or what was cut off."""
    from infrastructure.report_store.rebuilt_tables import rebuilt_tables

    settings = settings_of(ledger)
    chosen = _chosen(projection)
    with rebuilt_tables(settings, Secrets(settings.home), chosen) as tables:
        if not tables.claim():
            raise Failure(
                f"The read model {projection} is being rebuilt: wait until that has ended.",
                CHECK_FAILED,
            )
        dropped = tables.drop()
    if as_json:
        fields = {"ledger": settings.ledger, "projection": projection, "dropped": dropped}
        typer.echo(json.dumps(fields, indent=2))
    else:
        typer.echo(_dropped(dropped) or "There is nothing to drop.")


def _chosen(name: str) -> "Projection":
    from projections.catalogue import CATALOGUE

    known = {projection.name: projection for projection in CATALOGUE}
    if name not in known:
        names = ", ".join(sorted(known))
        raise Failure(f"There is no read model {name!r}: there are {names}.", WRONG_USAGE)
    return known[name]


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], object]]:
    """Show what is being done, and how far, where a person is looking."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
    with bar:
        task = bar.add_task("starting", total=None)
        yield lambda doing, done, last: bar.update(
            task, description=doing, completed=done, total=last
        )


def _fields(result: "Rebuilt", dropped: list[str]) -> dict[str, Any]:
    from interfaces.cli.replay_verify import difference_fields

    first = result.findings.first
    return {
        "projection": result.projection,
        "version": result.version,
        "switched": result.switched,
        "position": result.position,
        "began_at": result.began_at,
        "compared_at": result.compared_at,
        "attempts": result.attempts,
        "dropped": dropped,
        "seconds": {
            "build": round(result.build_seconds, 3),
            "compare": round(result.compare_seconds, 3),
            "switch": round(result.switch_seconds, 3),
        },
        "differences": result.findings.count,
        "first_position": first.position if first else None,
        "findings": [difference_fields(each) for each in result.findings.in_order()],
    }


def _show(ledger: str, result: "Rebuilt", dropped: list[str]) -> None:
    for difference in result.findings.in_order()[:SHOWN]:
        typer.echo(difference.sentence())
    if not result.switched:
        return
    went_on = f", from position {result.began_at:,} on" if result.began_at else ""
    typer.echo(
        f"Ledger {ledger}: {result.projection} (version {result.version}) was built anew{went_on}"
        f" in {result.build_seconds:.1f} s, found as the events say at position"
        f" {result.compared_at:,} in {result.compare_seconds:.1f} s, and serves since position"
        f" {result.position:,}."
    )
    typer.echo(
        _dropped(dropped)
        or f"The tables that served before are kept: ./falcon replay drop {result.projection}"
    )


def _dropped(dropped: list[str]) -> str:
    meanings = {"old": "the tables that served before", "new": "what a rebuild has left unfinished"}
    return f"Dropped: {' and '.join(meanings[each] for each in dropped)}." if dropped else ""
