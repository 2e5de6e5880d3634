"""`./falcon archive`: copies sealed events to an object store, and checks what lies there."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.secrets import SecretMissing, Secrets
from infrastructure.settings import Settings
from interfaces.cli.chosen_ledger import settings_of
from interfaces.cli.failure import CHECK_FAILED, DEPENDENCY_MISSING, WRONG_USAGE, Failure
from interfaces.cli.operation_note import note
from interfaces.cli.shown import progress

if TYPE_CHECKING:
    import psycopg

    from infrastructure.seals.notes import Verifier
    from interfaces.archiving.place import Place
    from interfaces.archiving.run import Archived
    from interfaces.replay.positions import Place as Position

    End = Position | timedelta | None

SHOWN = 20
"""How many differences people are shown; JSON has up to a thousand."""


To = Annotated[
    str,
    typer.Option(
        envvar="FALCONPAY_ARCHIVE_TO",
        metavar="URL",
        help="The archive: a folder, or a URL that fsspec knows, such as s3://bucket/folder.",
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
    trim_topic: Annotated[
        bool,
        typer.Option(
            "--trim-topic",
            envvar="FALCONPAY_ARCHIVE_TRIM_TOPIC",
            help="Then take what is archived out of the topic on Kafka; the ledger keeps it.",
        ),
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="FALCONPAY_ARCHIVE_KEY",
            metavar="VKEY",
            help="With --check: prove it by this key alone, without any ledger.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
    ledger: Annotated[
        str | None, typer.Option(envvar="FALCONPAY_LEDGER", help="Of which ledger.")
    ] = None,
) -> None:
    """Copy sealed events to an object store, and check what lies there.

    It goes on where the archive ends, and nothing leaves the ledger. Each part is read back, and
    its events must lead to the root of a seal, before it bears its name. With --check every part
    is proven again; where the ledger has another event than the archive, it names position, stream
    and field, and ends with 1. With --trim-topic all that is proven so leaves the topic on Kafka.
    """
    if key is not None and not check:
        raise Failure("--key goes with --check.", WRONG_USAGE)
    if before is not None and older_than is not None:
        raise Failure("--before and --older-than exclude each other.", WRONG_USAGE)
    if trim_topic and check:
        raise Failure("--check writes nothing: leave out --trim-topic.", WRONG_USAGE)
    place, settings = _place(to), settings_of(ledger)
    if check:
        _check(place, key, settings, as_json)
    else:
        _archive(place, _end(before, older_than), settings, as_json, trim_topic=trim_topic)


def _place(url: str) -> "Place":
    try:
        from interfaces.archiving.part import CHUNK  # noqa: F401 (says whether pyarrow is there)
        from interfaces.archiving.place import Place
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
    place: "Place", end: "End", settings: Settings, as_json: bool, *, trim_topic: bool
) -> None:
    from domain.operation_events import BookExported
    from infrastructure.operation_notes import now
    from interfaces.archiving.run import archive
    from interfaces.replay.snapshot import snapshot

    def begin(first: int, last: int) -> None:
        note(settings, BookExported(now(), place.name, "archive", first, last))

    with snapshot(settings, Secrets(settings.home), "ledger") as connection:
        last, keys = _last(connection, end), _keys(connection, settings)
        with place.alone(settings.home), progress("archiving") as step:
            done = archive(connection, settings.ledger, place, last, keys, begin, step)
    new = f"{_counted(done.written, 'event')} added, read back and proven by a seal"
    said = new if done.written else "there was nothing to add"
    if not trim_topic:
        _tell(place, done, as_json, said)
        return
    trimmed = _trim(place, settings, min(last, done.last))
    gone = f"the topic begins behind position {trimmed:,}" if trimmed else "nothing left the topic"
    _tell(place, done, as_json, f"{said}; {gone}", trimmed=trimmed)


def _trim(place: "Place", settings: Settings, last: int) -> int | None:
    """Take out of the topic what the archive, proven again, has up to a position."""
    from interfaces.archiving.run import check
    from interfaces.archiving.trimming import ledger_reader, trim_topic
    from interfaces.replay.snapshot import snapshot

    if last == 0:
        return None
    with (
        snapshot(settings, Secrets(settings.home), "ledger") as connection,
        progress("checking") as step,
    ):
        _, findings = check(place, None, connection, _keys(connection, settings), step)
    if findings.first is not None:
        raise Failure(
            f"The ledger has another event at position {findings.first.position} than the archive,"
            " so nothing was taken out of the topic: run it with --check.",
            CHECK_FAILED,
        )
    with ledger_reader(settings) as connection:
        return trim_topic(connection, settings, place.name, last)


def _last(connection: "psycopg.Connection[Any]", end: "End") -> int:
    """Return the last position that is to be archived; raises `Failure` where none is sealed."""
    from domain.instants import instant
    from infrastructure.event_log.reader import EventReader
    from interfaces.replay.positions import first_at

    sealed = _sealed(connection, EventReader(connection).epoch())
    if not sealed:
        raise Failure(
            "Nothing is sealed yet, and only what is sealed is archived: try again when the"
            " sealer has run.",
            CHECK_FAILED,
        )
    if end is None:
        return sealed
    if isinstance(end, timedelta):
        row = connection.execute("SELECT now() - %s", [end]).fetchone()
        assert row is not None, "the database tells the time"
        end = instant(row[0])
    return min(sealed, first_at(connection, end) - 1)


def _check(place: "Place", key: str | None, settings: Settings, as_json: bool) -> None:
    from infrastructure.seals.notes import NoteInvalid
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
        done, findings = check(place, None, connection, _keys(connection, settings), step)
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


def _sealed(connection: "psycopg.Connection[Any]", epoch: int) -> int:
    query = "SELECT coalesce(max(size), 0) FROM seal WHERE epoch = %s"
    row = connection.execute(query, [epoch]).fetchone()
    return 0 if row is None else int(row[0])


def _keys(connection: "psycopg.Connection[Any]", settings: Settings) -> "list[Verifier]":
    """Return the keys of the ledger's log: the home's own, or where it has none the store's."""
    from infrastructure.event_log.reader import EventReader
    from infrastructure.seals.keys import SealKeys
    from infrastructure.seals.notes import Verifier, parse_vkey
    from infrastructure.seals.origin import seal_origin

    epoch = EventReader(connection).epoch()
    try:
        own = [key.public_key().public_bytes_raw() for key in SealKeys(settings.home).read()]
    except SecretMissing:
        rows = connection.execute("SELECT vkey FROM seal_key WHERE epoch = %s", [epoch])
        return [parse_vkey(vkey) for (vkey,) in rows]
    return [Verifier(seal_origin(settings, epoch), public) for public in own]


def _tell(
    place: "Place",
    done: "Archived",
    as_json: bool,
    said: str,
    differences: Sequence[str] = (),
    trimmed: int | None = None,
) -> None:
    if as_json:
        fields = {
            "archive": place.url,
            "to": done.last,
            "parts": done.parts,
            "written": done.written,
            "differences": list(differences),
            "trimmed_to": trimmed,
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
