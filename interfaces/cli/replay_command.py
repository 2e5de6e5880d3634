"""`./falcon replay`: recomputes the books from their events, and compares."""

import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any

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
    from domain.identifiers import WalletId
    from domain.money import Currencies
    from infrastructure.settings import Settings
    from interfaces.replay.history import Step
    from interfaces.replay.positions import Place

    Write = Callable[[dict[str, Any], Iterable[Step], Currencies], None]

SHOWN = 100
"""How many events of a wallet people are shown, the last ones; JSON has all of them."""

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
    from interfaces.replay.positions import PlaceInvalid, parse_place

    try:
        name = wallet_id(decode("wal", wallet))
        place = None if at is None else parse_place(at, "--at")
    except IdentifierInvalid as invalid:
        raise Failure(f"{wallet!r} is no wallet's id: {invalid}", WRONG_USAGE) from None
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None
    _tell(settings_of(ledger), name, place, _print_json if as_json else _show)


def _tell(settings: "Settings", name: "WalletId", place: "Place | None", write: "Write") -> None:
    from domain.money import CurrencyUnknown
    from infrastructure.event_codec import EventUnreadable
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.replay.history import fields, history, steps
    from interfaces.replay.snapshot import snapshot
    from interfaces.replay.stored import Unreadable

    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        try:
            found = history(connection, name, place)
            currencies = stored_currencies(connection)
            if found.wallet is None:
                raise Failure(
                    f"There is no wallet {name} in the ledger {settings.ledger} at position"
                    f" {found.position}: look at its id, or give a later --at.",
                    CHECK_FAILED,
                )
            # Folded once more, so that no event has to be kept until the last one is known.
            events = (step for _, step in steps(connection, name, found.position))
            write(fields(found, currencies), events, currencies)
        except (Unreadable, EventUnreadable, CurrencyUnknown) as fault:
            raise Failure(
                f"An event cannot be read ({fault}): ./falcon replay verify tells which.",
                CHECK_FAILED,
            ) from None


def _print_json(state: dict[str, Any], events: Iterable["Step"], currencies: "Currencies") -> None:
    """Print one object, in which events stand as they are read, so that none is kept."""
    from interfaces.replay.history import event_fields

    typer.echo(json.dumps(state, indent=2).removesuffix("\n}") + ',\n  "events": [', nl=False)
    for number, event in enumerate(events):
        shown = event_fields(event, currencies, state["currency"])
        typer.echo(f"{',' if number else ''}\n    {json.dumps(shown)}", nl=False)
    typer.echo("\n  ]\n}")


def _show(state: dict[str, Any], events: Iterable["Step"], currencies: "Currencies") -> None:
    from rich.table import Table

    from interfaces.replay.history import amount_of, event_fields

    output = console()
    table = Table(show_header=False)
    for name, value in state.items():
        table.add_row(name.replace("_", " "), _in_words(value))
    output.print(table)
    last: deque[Step] = deque(maxlen=SHOWN)
    count = 0
    for step in events:
        last.append(step)
        count += 1
    table = Table("position", "recorded at", "valued", "event", "amount", "posted", "held")
    for step in last:
        event = event_fields(step, currencies, state["currency"])
        minor = amount_of(step)
        amount = "" if minor is None else currencies.format(minor, state["currency"])
        numbers = (amount, event["posted"], event["held"])
        times = (event["recorded_at"], event["effective_at"] or "-")
        table.add_row(str(event["position"]), *times, event["type"], *numbers)
    output.print(table)
    if count > SHOWN:
        output.print(f"These are the last of {count:,} events: --json lists all.")


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(_in_words, value)) or "-"
    return "-" if value is None else str(value)
