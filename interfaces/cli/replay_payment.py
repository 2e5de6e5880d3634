"""`./falcon replay payment`: the story of one payment in sentences."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.identifiers import IdentifierInvalid, decode, payment_id
from infrastructure.secrets import Secrets
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure

if TYPE_CHECKING:
    from domain.identifiers import PaymentId
    from infrastructure.settings import Settings


def payment(
    payment: Annotated[str, typer.Argument(metavar="ID", help="The payment, as in pay_...")],
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Tell a payment's story in sentences: who did what, when, with which money, and why.

    Each line is an event, with the time at which it was recorded and, where money moved, the time
    for which it counts. Only the events are asked, no read model.
    """
    try:
        name = payment_id(decode("pay", payment))
    except IdentifierInvalid as invalid:
        raise Failure(f"{payment!r} is no payment's id: {invalid}", WRONG_USAGE) from None
    settings = settings_of(ledger)
    told = _told(settings, name)
    if as_json:
        typer.echo(json.dumps({"ledger": settings.ledger, **told}, indent=2))
    else:
        _show(settings.ledger, told)


def _told(settings: "Settings", name: "PaymentId") -> dict[str, Any]:
    from domain.money import CurrencyUnknown
    from infrastructure.event_codec import EventUnreadable
    from infrastructure.event_log.currencies import stored_currencies
    from interfaces.replay.payment_story import fields, story
    from interfaces.replay.snapshot import snapshot

    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        try:
            found = story(connection, name)
            told = fields(found, stored_currencies(connection)) if found.steps else None
        except (EventUnreadable, CurrencyUnknown) as fault:
            raise Failure(f"{fault} ./falcon replay verify tells where.", CHECK_FAILED) from None
    if told is None:
        raise Failure(
            f"There is no payment {name} in the ledger {settings.ledger}: look at its id, or name"
            " another ledger by --ledger.",
            CHECK_FAILED,
        )
    return told


def _show(ledger: str, told: dict[str, Any]) -> None:
    from interfaces.cli.shown import console

    output = console()
    output.print(
        f"Payment {told['payment_id']} of the ledger {ledger} ({told['kind']}), at position"
        f" {told['position']:,}: {told['status']}"
    )
    for step in told["steps"]:
        valued = step["effective_at"]
        times = f"recorded {step['recorded_at']}" + (f", valued {valued}" if valued else "")
        output.print(f"Position {step['position']:,}, {times}: {step['story']}")
    for wallet in told["wallets"]:
        output.print(f'"{wallet["name"]}" is {wallet["wallet_id"]}')
