"""`./falcon archive`: copies sealed events to an object store, and checks what lies there."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, WRONG_USAGE, Failure
from interfaces.cli.operation_note import note
from interfaces.cli.shown import progress

if TYPE_CHECKING:
    from infrastructure.archive.place import Place
    from interfaces.archiving.extent import End
    from interfaces.archiving.run import Archived

SHOWN = 20
"""How many differences people are shown; JSON has up to a thousand."""


class Leaving(NamedTuple):
    """What is archived leaves the topic on Kafka, or the ledger."""

    topic: bool
    move: bool


To = Annotated[
    str,
    typer.Option(
        envvar="FALCONPAY_ARCHIVE_TO",
        metavar="URL",
        help="The archive: a folder, or a URL that fsspec knows, such as s3://bucket/folder.",
    ),
]


TrimTopic = Annotated[
    bool,
    typer.Option(
        "--trim-topic",
        envvar="FALCONPAY_ARCHIVE_TRIM_TOPIC",
        help="Then take what is archived out of the topic on Kafka.",
    ),
]
Move = Annotated[
    bool,
    typer.Option(
        "--move",
        envvar="FALCONPAY_ARCHIVE_MOVE",
        help="Then take the wallets' movements that are archived out of the ledger.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="FALCONPAY_ARCHIVE_KEY",
        metavar="VKEY",
        help="With --check: prove it by this key alone, without any ledger.",
    ),
]


def command(
    to: To,
    before: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_ARCHIVE_BEFORE",
            metavar="TIME|POSITION",
            help="Only what was recorded before; by default all that is sealed.",
        ),
    ] = None,
    older_than: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=36_500,
            envvar="FALCONPAY_ARCHIVE_OLDER_THAN",
            metavar="DAYS",
            help="Only what was recorded so many days ago or longer, by the database's clock.",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            envvar="FALCONPAY_ARCHIVE_CHECK",
            help="Write nothing: prove what is there, and compare the ledger with it.",
        ),
    ] = False,
    trim_topic: TrimTopic = False,
    move: Move = False,
    key: Key = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Copy or move sealed events to an object store, and check what lies there.

    It goes on where the archive ends. Each part is read back, and its events must lead to the root
    of a seal, before it bears its name. With --check every part is proven again; where the ledger
    has another event than the archive, it names position, stream and field, and ends with 1. With
    --trim-topic all that is proven so leaves the topic on Kafka. With --move the movements of
    wallets among it leave the ledger, which keeps their hashes, and reads them from the archive.
    """
    if key is not None and not check:
        raise Failure("--key goes with --check.", WRONG_USAGE)
    if before is not None and older_than is not None:
        raise Failure("--before and --older-than exclude each other.", WRONG_USAGE)
    if check and (trim_topic or move):
        raise Failure("--check writes nothing: leave out --trim-topic and --move.", WRONG_USAGE)
    if move and before is None and older_than is None:
        raise Failure(
            "--move needs to know what is old: give --older-than or --before.", WRONG_USAGE
        )
    place, settings = _place(to), settings_of(ledger)
    if check:
        _check(place, key, settings, as_json)
    else:
        leaving = Leaving(topic=trim_topic, move=move)
        _archive(place, _end(before, older_than), settings, as_json, leaving)


def _place(url: str) -> "Place":
    try:
        from infrastructure.archive.place import Place
        from infrastructure.archive.rows import CHUNK  # noqa: F401 (says whether pyarrow is there)
    except ModuleNotFoundError as missing:
        raise Failure(
            f"Archives need the package {missing.name}: install falconpay[archive].",
            DEPENDENCY_MISSING,
        ) from None
    return Place(url)


def _end(before: str | None, older_than: int | None) -> "End":
    """Return where what is archived ends; by default where what is sealed does."""
    from interfaces.replay.positions import PlaceInvalid, parse_place

    if older_than is not None:
        return timedelta(days=older_than)
    try:
        return None if before is None else parse_place(before, "--before")
    except PlaceInvalid as invalid:
        raise Failure(str(invalid), WRONG_USAGE) from None


def _archive(
    place: "Place", end: "End", settings: Settings, as_json: bool, leaving: "Leaving"
) -> None:
    from domain.operation_events import BookExported
    from infrastructure.operation_notes import now
    from interfaces.archiving.extent import keys_of, last_to_archive
    from interfaces.archiving.run import archive
    from interfaces.replay.snapshot import snapshot

    def begin(first: int, last: int) -> None:
        note(settings, BookExported(now(), place.name, "archive", first, last))

    if leaving.move:
        place.address()
    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        last, keys = last_to_archive(connection, end), keys_of(connection, settings)
        with place.alone(settings.home), progress("archiving") as step:
            done = archive(connection, settings.ledger, place, last, keys, begin, step)
    new = f"{_counted(done.written, 'event')} added, read back and proven by a seal"
    said = [new if done.written else "there was nothing to add"]
    last, gone = min(last, done.last), {}
    if last and (leaving.topic or leaving.move):
        _prove_again(place, settings)
        gone = _take_out(place, settings, last, leaving)
    if leaving.topic:
        trimmed = gone.get("trimmed_to")
        said.append(
            f"the topic begins behind position {trimmed:,}" if trimmed else "nothing left the topic"
        )
    if leaving.move:
        said.append(f"{_counted(gone.get('moved') or 0, 'event')} left the ledger for it")
    _tell(place, done, as_json, "; ".join(said), gone=gone)


def _prove_again(place: "Place", settings: Settings) -> None:
    """Prove all that an archive has, and compare it with the ledger; raises `Failure`."""
    from interfaces.archiving.extent import keys_of
    from interfaces.archiving.run import check
    from interfaces.replay.snapshot import snapshot

    with (
        snapshot(settings, Secrets(settings.home), "ledger") as connection,
        progress("checking") as step,
    ):
        _, findings = check(place, None, connection, keys_of(connection, settings), step)
    if findings.first is not None:
        raise Failure(
            f"The ledger has another event at position {findings.first.position} than the archive,"
            " so nothing was taken out of anything: run it with --check.",
            CHECK_FAILED,
        )


def _take_out(
    place: "Place", settings: Settings, last: int, leaving: "Leaving"
) -> dict[str, int | None]:
    """Take out of topic and ledger what an archive, proven again, has up to a position."""
    from interfaces.archiving.moving import move_events
    from interfaces.archiving.trimming import ledger_reader, trim_topic

    gone: dict[str, int | None] = {}
    with ledger_reader(settings) as connection:
        if leaving.topic:
            gone["trimmed_to"] = trim_topic(connection, settings, place.name, last)
        if leaving.move:
            with progress("moving") as step:
                gone["moved"] = move_events(connection, settings, place, last, step)
    return gone


def _check(place: "Place", key: str | None, settings: Settings, as_json: bool) -> None:
    from infrastructure.seals.notes import NoteInvalid
    from interfaces.archiving.extent import keys_of
    from interfaces.archiving.run import check
    from interfaces.replay.snapshot import snapshot

    if key is not None:
        try:
            with progress("checking") as step:
                done, _ = check(place, key, None, (), step)
        except NoteInvalid as invalid:
            raise Failure(f"--key is none: {invalid}", WRONG_USAGE) from None
        _tell(place, done, as_json, "every event is proven by a seal of this key")
        return
    with (
        snapshot(settings, Secrets(settings.home), "ledger") as connection,
        progress("checking") as step,
    ):
        done, findings = check(place, None, connection, keys_of(connection, settings), step)
    said = "every event is proven by a seal, and is that of the ledger"
    if findings.first is not None:
        said = "every event is proven by a seal, and the ledger has others"
    _tell(place, done, as_json, said, [each.sentence() for each in findings.in_order()])
    if findings.first is not None:
        raise Failure(
            f"{findings.count} differences between the archive and the ledger; the first is at"
            f" position {findings.first.position}.",
            CHECK_FAILED,
        )


def _tell(
    place: "Place",
    done: "Archived",
    as_json: bool,
    said: str,
    differences: Sequence[str] = (),
    gone: Mapping[str, int | None] = MappingProxyType({}),
) -> None:
    if as_json:
        fields = {
            "archive": place.url,
            "to": done.last,
            "parts": done.parts,
            "written": done.written,
            "differences": list(differences),
            "trimmed_to": gone.get("trimmed_to"),
            "moved": gone.get("moved"),
        }
        typer.echo(json.dumps(fields, indent=2))
        return
    parts = _counted(done.parts, "part")
    held = f"the positions 1 to {done.last:,} in {parts}" if done.parts else "nothing"
    typer.echo(f"The archive {place.url} holds {held}; {said}.")
    for sentence in differences[:SHOWN]:
        typer.echo(sentence)


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
