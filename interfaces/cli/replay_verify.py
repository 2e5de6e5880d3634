"""`./falcon replay verify`: everything that is derived, held against the events, and reported."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, WRONG_USAGE, Failure
from interfaces.cli.shown import console, progress
from interfaces.cli.whole_file import whole_file

if TYPE_CHECKING:
    from interfaces.audit_report.content import Checked
    from interfaces.audit_report.signed import Signed
    from interfaces.replay.findings import Difference
    from interfaces.replay.seals import Outside
    from interfaces.replay.verify import Verification

SHOWN = 20
"""How many differences people are shown; JSON has up to a thousand."""

FORMS = (".json", ".pdf")

Anchors = Annotated[
    list[Path] | None,
    typer.Option(
        envvar="FALCONPAY_REPLAY_ANCHOR",
        metavar="FILE",
        help="Compare with seals that an anchor or an auditor has kept: a file, or a folder.",
    ),
]
Reports = Annotated[
    list[Path] | None,
    typer.Option(
        envvar="FALCONPAY_REPLAY_REPORT",
        metavar="FILE",
        help="Write a signed report to a file that ends in .json or .pdf; may be repeated.",
    ),
]

Filed = Callable[["Signed"], object]


def verify(
    from_seal: Annotated[
        bool,
        typer.Option(
            "--from-seal",
            envvar="FALCONPAY_REPLAY_FROM_SEAL",
            help="Hash what is sealed and look only into what is behind the last seal.",
        ),
    ] = False,
    anchor: Anchors = None,
    kafka: Annotated[
        bool,
        typer.Option(
            "--kafka",
            envvar="FALCONPAY_REPLAY_KAFKA",
            help="Compare every record of the topic, too.",
        ),
    ] = False,
    report: Reports = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", envvar="FALCONPAY_REPLAY_FORCE", help="Replace reports that are there."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Fold every event from position 1 and compare with heads and every read model.

    Checks order, density, sums, limits and seals as well. Ends with 1 on any difference and names
    the first position concerned. With --from-seal no balance and no read model is compared: it
    only says whether the history is still the one that was sealed. A report says what was checked
    and found, by whom and with what; it is signed with the key of the seals.
    """
    from interfaces.replay.seals import look_outside

    settings = settings_of(ledger)
    with ExitStack() as files:
        filed = [files.enter_context(_report(path, force)) for path in report or ()]
        outside = look_outside(settings, anchor or ())
        checked = _check(settings, outside, from_seal=from_seal, kafka=kafka, filed=filed)
    result = checked.result
    if as_json:
        typer.echo(json.dumps(_fields(settings.ledger, checked), indent=2))
    else:
        _show(settings.ledger, checked)
        for path in report or ():
            typer.echo(f"Report: {path}")
    first = result.findings.first
    if first is not None:
        raise Failure(
            f"{result.findings.count} differences; the first is at position {first.position}."
            f" {first.sentence()}",
            CHECK_FAILED,
        )


@contextmanager
def _report(path: Path, force: bool) -> Iterator[Filed]:
    """Give what writes a report, whose file has its name only when all has ended well."""
    if path.suffix not in FORMS:
        raise Failure(
            f"The report {path} ends neither in .json nor in .pdf: name it so.", WRONG_USAGE
        )
    with whole_file(path, force) as file:

        def write(signed: "Signed") -> None:
            from interfaces.audit_report import paper

            file.write(signed.file() if path.suffix == ".json" else paper.write(signed))

        yield write


def _check(
    settings: Settings,
    outside: "Outside",
    *,
    from_seal: bool,
    kafka: bool,
    filed: Sequence[Filed],
) -> "Checked":
    from interfaces.audit_report.content import Checked, content
    from interfaces.audit_report.signed import report_signers, signed
    from interfaces.replay.from_seal import verify_from_seal
    from interfaces.replay.snapshot import snapshot
    from interfaces.replay.topic import compare_topic, opened_broker
    from interfaces.replay.verify import verify as replay

    secrets = Secrets(settings.home)
    # What the client says of a broker that is away, the failure says in a sentence.
    logging.getLogger("falconpay.kafka").addHandler(logging.NullHandler())
    if filed:
        # Without a key no report can be made, which is better known before the replay.
        secrets.get("seal_keys")
    with (
        opened_broker(settings) if kafka else nullcontext() as broker,
        snapshot(settings, secrets, "ledger") as events,
        snapshot(settings, secrets, "reports") as reports,
    ):
        with progress() as step:
            if from_seal:
                result = verify_from_seal(events, step, outside)
            else:
                result = replay(events, reports, step, outside)
        if from_seal and not result.seals.count:
            raise Failure("There is no seal yet: run it without --from-seal.", CHECK_FAILED)
        topic = None
        if broker is not None:
            with progress("comparing with Kafka") as step:
                last, findings = result.position, result.findings
                topic = compare_topic(broker, events, settings, last, findings, step)
        checked = Checked(result, topic, from_seal)
        if filed:
            told = signed(content(settings, events, checked), report_signers(settings, events))
            for write in filed:
                write(told)
    return checked


def _fields(ledger: str, checked: "Checked") -> dict[str, Any]:
    result, topic = checked.result, checked.topic
    findings = result.findings
    return {
        "ledger": ledger,
        "position": result.position,
        "events": result.events,
        "events_moved": result.moved,
        "wallets": None if checked.from_seal else result.wallets,
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
        "seals_elsewhere": result.seals.elsewhere,
        "topic": None
        if topic is None
        else {
            "name": topic.name,
            "records": topic.records,
            "repeated": topic.repeated,
            "trimmed_to": topic.trimmed_to,
        },
        "differences": findings.count,
        "first_position": findings.first.position if findings.first else None,
        "findings": [difference_fields(difference) for difference in findings.in_order()],
    }


def difference_fields(difference: "Difference") -> dict[str, Any]:
    """Return a difference as JSON has it."""
    return {
        "position": difference.position,
        "until": difference.until,
        "where": difference.where,
        "stream": difference.stream,
        "field": difference.field,
        "expected": _plain(difference.expected),
        "found": _plain(difference.found),
    }


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | str | dict | None) else str(value)


def _show(ledger: str, checked: "Checked") -> None:
    result, folded = checked.result, not checked.from_seal
    output = console()
    done = f"{result.wallets:,} wallets, replayed" if folded else "read"
    output.print(
        f"Ledger {ledger}: {result.events:,} events up to position {result.position:,},"
        + (f" {result.moved:,} of them from an archive," if result.moved else "")
        + f" {done} in {result.seconds:.1f} s"
    )
    output.print(_table(result, checked))
    for difference in result.findings.in_order()[:SHOWN]:
        output.print(difference.sentence())
    if result.findings.count > SHOWN:
        output.print(f"{result.findings.count - SHOWN:,} more: --json lists up to a thousand.")
    if not result.findings.count:
        right = "Everything is as the events say."
        output.print(right if folded else "The history is the one that was sealed.")


def _table(result: "Verification", checked: "Checked") -> Any:
    from rich.table import Table

    folded = not checked.from_seal
    table = Table("compared with", "at position", "differences")
    counts = result.findings.by_place
    table.add_row("events among themselves", f"{result.position:,}", str(counts["events"]))
    if folded:
        table.add_row("wallet_head", f"{result.position:,}", str(counts["wallet_head"]))
    sealed = f"{result.seals.size:,}" if result.seals.count else "none yet"
    others = result.seals.elsewhere
    seals = f"{result.seals.count:,} seals" + (f", {others:,} kept elsewhere" if others else "")
    table.add_row(seals, sealed, str(counts["seals"]))
    for model in result.read_models:
        count = sum(counts[table] for table in model.tables)
        found = str(count) if model.compared else "not compared"
        table.add_row(model.name, f"{model.position:,}", found)
    if checked.topic is not None:
        records = f"{checked.topic.records:,} records on Kafka"
        if checked.topic.trimmed_to:
            records += f", those before position {checked.topic.trimmed_to + 1:,} taken out"
        table.add_row(records, f"{result.position:,}", str(counts["topic"]))
    if folded and not result.read_models:
        table.add_row("read models", "none yet", "-")
    return table
