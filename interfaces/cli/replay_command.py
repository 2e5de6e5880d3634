"""`./falcon replay`: recomputes the books from their events, and compares."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.identifiers import IdentifierInvalid, decode, wallet_id
from infrastructure.secrets import Secrets
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.cli.replay_diff import diff
from interfaces.cli.replay_payment import payment
from interfaces.cli.replay_rebuild import drop, rebuild
from interfaces.cli.shown import console, progress

if TYPE_CHECKING:
    from domain.money import Currencies
    from interfaces.replay.findings import Difference
    from interfaces.replay.history import History
    from interfaces.replay.verify import Verification

SHOWN = 20
"""How many differences people are shown; JSON has up to a thousand."""

LedgerName = Annotated[str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")]
AsJson = Annotated[
    bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
]
app = typer.Typer(help="Recompute the books from their events, and compare.", no_args_is_help=True)


app.command()(payment)
app.command()(diff)
app.command()(rebuild)
app.command()(drop)


@app.callback()
def options() -> None:
    """Take a command about replaying."""


@app.command()
def verify(
    from_seal: Annotated[
        bool,
        typer.Option(
            "--from-seal",
            envvar="FALCONPAY_REPLAY_FROM_SEAL",
            help="Hash what is sealed and look only into what is behind the last seal.",
        ),
    ] = False,
    as_json: AsJson = False,
    ledger: LedgerName = None,
) -> None:
    """Fold every event from position 1 and compare with heads and every read model.

    Checks order, density, sums, limits and seals as well. Ends with 1 on any difference and names
    the first position concerned. With --from-seal no balance and no read model is compared: it
    only says whether the history is still the one that was sealed.
    """
    from interfaces.replay.from_seal import verify_from_seal
    from interfaces.replay.seals import look_outside
    from interfaces.replay.snapshot import snapshot
    from interfaces.replay.verify import verify as replay

    settings = settings_of(ledger)
    secrets = Secrets(settings.home)
    outside = look_outside(settings)
    with (
        snapshot(settings, secrets, "ledger") as events,
        snapshot(settings, secrets, "reports") as reports,
        progress() as step,
    ):
        if from_seal:
            result = verify_from_seal(events, step, outside)
        else:
            result = replay(events, reports, step, outside)
    if from_seal and not result.seals.count:
        raise Failure("There is no seal yet: run it without --from-seal.", CHECK_FAILED)
    if as_json:
        typer.echo(json.dumps(_fields(settings.ledger, result), indent=2))
    else:
        _show(settings.ledger, result, folded=not from_seal)
    first = result.findings.first
    if first is not None:
        raise Failure(
            f"{result.findings.count} differences; the first is at position {first.position}."
            f" {first.sentence()}",
            CHECK_FAILED,
        )


@app.command()
def wallet(
    wallet: Annotated[str, typer.Argument(metavar="ID", help="The wallet, as in wal_...")],
    at: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_REPLAY_AT",
            metavar="TIME|POSITION",
            help="As it stood then; by default as it stands now.",
        ),
    ] = None,
    as_json: AsJson = False,
    ledger: LedgerName = None,
) -> None:
    """Show a wallet as it stood at a time or position, and the events that led to it."""
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.replay.history import fields, history
    from interfaces.replay.positions import PlaceInvalid, parse_place
    from interfaces.replay.snapshot import snapshot

    try:
        name = wallet_id(decode("wal", wallet))
        place = None if at is None else parse_place(at, "--at")
    except IdentifierInvalid as invalid:
        raise Failure(f"{wallet!r} is no wallet's id: {invalid}", WRONG_USAGE) from None
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None
    settings = settings_of(ledger)
    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        found = history(connection, name, place)
        currencies = stored_currencies(connection)
    if found.wallet is None:
        raise Failure(
            f"There is no wallet {name} in the ledger {settings.ledger} at position"
            f" {found.position}: look at its id, or give a later --at.",
            CHECK_FAILED,
        )
    if as_json:
        typer.echo(json.dumps(fields(found, currencies), indent=2))
    else:
        _show_wallet(found, currencies)


def _fields(ledger: str, result: "Verification") -> dict[str, Any]:
    findings = result.findings
    return {
        "ledger": ledger,
        "position": result.position,
        "events": result.events,
        "wallets": result.wallets,
        "seconds": round(result.seconds, 3),
        "read_models": [
            {
                "name": model.name,
                "version": model.version,
                "position": model.position,
                "state": model.state,
                "compared": model.compared,
            }
            for model in result.read_models
        ],
        "seals": result.seals.count,
        "sealed_up_to": result.seals.size,
        "differences": findings.count,
        "first_position": findings.first.position if findings.first else None,
        "findings": [difference_fields(difference) for difference in findings.in_order()],
    }


def difference_fields(difference: "Difference") -> dict[str, Any]:
    """Return a difference as JSON has it."""
    return {
        "position": difference.position,
        "where": difference.where,
        "stream": difference.stream,
        "field": difference.field,
        "expected": _plain(difference.expected),
        "found": _plain(difference.found),
    }


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | str | dict | None) else str(value)


def _show(ledger: str, result: "Verification", *, folded: bool) -> None:
    from rich.table import Table

    output = console()
    output.print(
        f"Ledger {ledger}: {result.events:,} events up to position {result.position:,},"
        f" {result.wallets:,} wallets, replayed in {result.seconds:.1f} s"
    )
    table = Table("compared with", "at position", "differences")
    counts = result.findings.by_place
    table.add_row("events among themselves", f"{result.position:,}", str(counts["events"]))
    if folded:
        table.add_row("wallet_head", f"{result.position:,}", str(counts["wallet_head"]))
    sealed = f"{result.seals.size:,}" if result.seals.count else "none yet"
    table.add_row("seals", sealed, str(counts["seals"]))
    for model in result.read_models:
        count = sum(counts[table] for table in model.tables)
        found = str(count) if model.compared else "not compared"
        table.add_row(model.name, f"{model.position:,}", found)
    if folded and not result.read_models:
        table.add_row("read models", "none yet", "-")
    output.print(table)
    for difference in result.findings.in_order()[:SHOWN]:
        output.print(difference.sentence())
    if result.findings.count > SHOWN:
        output.print(f"{result.findings.count - SHOWN:,} more: --json lists up to a thousand.")
    if not result.findings.count:
        right = "Everything is as the events say."
        output.print(right if folded else "The history is the one that was sealed.")


def _show_wallet(found: "History", currencies: "Currencies") -> None:
    from rich.table import Table

    from interfaces.replay.history import amount_of, fields

    shown = fields(found, currencies)
    output = console()
    state = Table(show_header=False)
    for name, value in shown.items():
        if name != "events":
            state.add_row(name.replace("_", " "), _in_words(value))
    output.print(state)
    table = Table("position", "recorded at", "event", "amount", "posted", "held")
    for step, event in zip(found.steps, shown["events"], strict=True):
        minor = amount_of(step)
        amount = "" if minor is None else currencies.format(minor, shown["currency"])
        numbers = (amount, event["posted"], event["held"])
        table.add_row(str(event["position"]), event["recorded_at"], event["type"], *numbers)
    output.print(table)


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in value.items()) or "-"
    return "-" if value is None else str(value)
