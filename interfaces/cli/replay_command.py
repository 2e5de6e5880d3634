"""`./falcon replay`: recomputes the books from their events, and compares."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from domain.identifiers import IdentifierInvalid, decode, wallet_id
from infrastructure.secrets import Secrets
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.cli.replay_diff import diff
from interfaces.cli.replay_payment import payment
from interfaces.cli.replay_rebuild import drop, rebuild
from interfaces.cli.replay_verify import verify
from interfaces.cli.shown import console

if TYPE_CHECKING:
    from domain.money import Currencies
    from interfaces.replay.history import History

LedgerName = Annotated[str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")]
AsJson = Annotated[
    bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
]
app = typer.Typer(help="Recompute the books from their events, and compare.", no_args_is_help=True)


for _command in (verify, payment, diff, rebuild, drop):
    app.command()(_command)


@app.callback()
def options() -> None:
    """Take a command about replaying."""


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
    from infrastructure.event_codec import EventUnreadable
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.replay.history import fields, history
    from interfaces.replay.positions import PlaceInvalid, parse_place
    from interfaces.replay.snapshot import snapshot
    from interfaces.replay.stored import Unreadable

    try:
        name = wallet_id(decode("wal", wallet))
        place = None if at is None else parse_place(at, "--at")
    except IdentifierInvalid as invalid:
        raise Failure(f"{wallet!r} is no wallet's id: {invalid}", WRONG_USAGE) from None
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None
    settings = settings_of(ledger)
    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        try:
            found = history(connection, name, place)
        except (Unreadable, EventUnreadable) as fault:
            raise Failure(
                f"An event cannot be read ({fault}): ./falcon replay verify tells which.",
                CHECK_FAILED,
            ) from None
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
    table = Table("position", "recorded at", "valued", "event", "amount", "posted", "held")
    for step, event in zip(found.steps, shown["events"], strict=True):
        minor = amount_of(step)
        amount = "" if minor is None else currencies.format(minor, shown["currency"])
        numbers = (amount, event["posted"], event["held"])
        times = (event["recorded_at"], event["effective_at"] or "-")
        table.add_row(str(event["position"]), *times, event["type"], *numbers)
    output.print(table)


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(_in_words, value)) or "-"
    return "-" if value is None else str(value)
