"""`./falcon replay diff`: what changed in the book between two positions or times."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.identifiers import IdentifierInvalid, WalletId, decode, wallet_id
from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure

if TYPE_CHECKING:
    import psycopg

    from interfaces.replay.payment_changes import PaymentChanges
    from interfaces.replay.positions import Place

SHOWN = 20
"""How many wallets and payments people are shown; JSON has all of them."""


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The earlier time or position.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The later time or position.")],
    wallet: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_REPLAY_WALLET",
            metavar="ID",
            help="Only this wallet and its payments.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Show what changed in the book after one position or time, and up to another.

    Wallets that were opened, closed or are otherwise now, with what they had before and after;
    payments that were made or went on; the sums of each currency. Position 0 is the empty book;
    what lies past the end means the end; what would cut a command in two means the end of the one
    before.
    """
    from interfaces.replay.positions import PlaceInvalid, parse_place

    try:
        places = (parse_place(a, "A"), parse_place(b, "B"))
        chosen = None if wallet is None else wallet_id(decode("wal", wallet))
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None
    except IdentifierInvalid as invalid:
        raise Failure(f"{wallet!r} is no wallet's id: {invalid}", WRONG_USAGE) from None
    _compare(settings_of(ledger), places, chosen, as_json)


def _compare(
    settings: Settings, places: tuple["Place", "Place"], wallet: WalletId | None, as_json: bool
) -> None:
    from domain.money import CurrencyUnknown
    from infrastructure.event_codec import EventUnreadable
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.cli.shown import progress
    from interfaces.replay.changes import changes, total_fields, wallet_fields
    from interfaces.replay.payment_changes import PaymentChanges
    from interfaces.replay.snapshot import snapshot
    from interfaces.replay.stored import Unreadable

    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        try:
            first, last = _positions(connection, places)
            with progress("folding") as step:
                found = changes(connection, first, last, wallet, step)
            if wallet is not None and not found.after:
                raise Failure(
                    f"There is no wallet {wallet} in the ledger {settings.ledger} at position"
                    f" {last}: look at its id, or give a later B.",
                    CHECK_FAILED,
                )
            currencies = stored_currencies(connection)
            payments = PaymentChanges(connection, (first, last), wallet, currencies)
            head = {
                "ledger": settings.ledger,
                "from": first,
                "to": last,
                "events": last - first,
                "wallets": list(wallet_fields(found, currencies)),
                "totals": total_fields(found, currencies),
            }
            (_print_json if as_json else _show)(head, payments)
        except (Unreadable, EventUnreadable, CurrencyUnknown) as fault:
            raise Failure(
                f"An event cannot be read ({fault}): ./falcon replay verify tells which.",
                CHECK_FAILED,
            ) from None


def _positions(
    connection: "psycopg.Connection[Any]", places: tuple["Place", "Place"]
) -> tuple[int, int]:
    from infrastructure.event_codec import EventCodec
    from infrastructure.event_log.reader import EventReader
    from interfaces.replay.positions import last_at, whole

    reader, codec = EventReader(connection), EventCodec()
    first, last = (whole(reader, last_at(reader, place), codec) for place in places)
    a, b = places
    # Past the end two places mean the same one, and are in the wrong order nevertheless.
    backwards = a > b if isinstance(a, int) and isinstance(b, int) else str(a) > str(b)
    if first > last or (type(a) is type(b) and backwards):
        raise Failure(
            f"A is {a} and lies behind B, which is {b}: give the earlier one first.", WRONG_USAGE
        )
    return first, last


def _print_json(head: dict[str, Any], payments: "PaymentChanges") -> None:
    """Print one object, in which payments stand as they are read, so that none is kept."""
    typer.echo(json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "payments": [', nl=False)
    for number, payment in enumerate(payments.each()):
        typer.echo(f"{',' if number else ''}\n    {json.dumps(payment)}", nl=False)
    typer.echo(f'\n  ],\n  "payment_counts": {json.dumps(payments.counts())}\n}}')


def _show(head: dict[str, Any], payments: "PaymentChanges") -> None:
    from rich.table import Table

    from interfaces.cli.shown import console

    output = console()
    output.print(
        f"Ledger {head['ledger']}: {head['events']:,} events after position {head['from']:,} and"
        f" up to {head['to']:,}"
    )
    wallets = Table("wallet", "name", "what", "before", "after")
    for wallet in head["wallets"][:SHOWN]:
        for row in _wallet_rows(wallet):
            wallets.add_row(*row)
    output.print(wallets)
    _say_more(output.print, len(head["wallets"]), "wallets")
    each = payments.each()
    made = Table("position", "payment", "kind", "amount", "before", "after")
    for payment in islice(each, SHOWN):
        amount = f"{payment['amount']} {payment['currency']}"
        ends = (payment["before"] or "-", payment["after"])
        made.add_row(
            f"{payment['position']:,}", payment["payment_id"], payment["kind"], amount, *ends
        )
    output.print(made)
    _say_more(output.print, min(SHOWN, made.row_count) + sum(1 for _ in each), "payments")
    counts = Table("kind", "before", "after", "payments")
    for count in payments.counts():
        counts.add_row(count["kind"], count["before"] or "-", count["after"], f"{count['count']:,}")
    output.print(counts)
    totals = Table("currency", "moved", "wallets", "credits before", "credits after", "held after")
    for total in head["totals"]:
        now = total["after"]
        money = (total["before"]["credits"], now["credits"], now["held"])
        totals.add_row(total["currency"], total["moved"], f"{now['wallets']:,}", *money)
    output.print(totals)


def _say_more(say: Any, count: int, what: str) -> None:
    if count > SHOWN:
        say(f"{count - SHOWN:,} more {what}: --json lists all.")


def _wallet_rows(wallet: dict[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield a row a field; of a wallet that was opened the money alone."""
    place = (wallet["wallet_id"], wallet["name"])
    if wallet["opened"]:
        now = {name: change["after"] for name, change in wallet["fields"].items()}
        yield *place, "opened", "-", f"{now['posted']} posted, {now['held']} held, {now['status']}"
        return
    for name, change in wallet["fields"].items():
        yield *place, name.replace("_", " "), _plain(change["before"]), _plain(change["after"])
        place = ("", "")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items()) or "-"
    return "-" if value is None else str(value)
