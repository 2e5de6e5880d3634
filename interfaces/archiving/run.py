"""Writes sealed events to an archive and checks it; by this alone none leaves the ledger."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import psycopg

from domain.leaves import entry, leaf_hash
from domain.recorded import RecordedEvent
from infrastructure.archive.failure import NoArchive, PartDamaged
from infrastructure.archive.parts import FILE, Manifest, parts_of
from infrastructure.archive.place import Place
from infrastructure.archive.rows import read_events
from infrastructure.event_log.moved import Moved, MovedEvents
from infrastructure.event_log.reader import EventReader
from infrastructure.seals.notes import Verifier, parse_vkey
from interfaces.archiving.part import prove, write_events
from interfaces.cli.failure import CHECK_FAILED, Failure
from interfaces.replay.book import events_between
from interfaces.replay.findings import Difference, Findings
from interfaces.replay.in_order import BETWEEN
from interfaces.replay.sealed_part import sealed_part
from interfaces.replay.stored import chunks, stream_name, time_of

MOST_EVENTS = 262_144
"""How many events are in one part; a part is 10 MB or so."""

Step = Callable[[int, int], object]
"""Is told which position was reached, and the last one."""

STEP = 1_000
"""How many positions lie between two steps that are told."""


@dataclass(frozen=True, slots=True)
class Archived:
    """Which positions an archive holds, from 1 on, and in how many parts."""

    last: int
    parts: int
    written: int = 0


def archive(
    connection: psycopg.Connection[Any],
    ledger: str,
    place: Place,
    last: int,
    keys: Sequence[Verifier],
    begin: Callable[[int, int], object],
    step: Step,
) -> Archived:
    """Add what is sealed up to a position; each part is read back and proven before it is named.

    The connection is a snapshot, and nobody else writes to the place. Where there is something to
    add, `begin` is told from which position to which before anything is written. Raises `Failure`.
    """
    reader, parts = EventReader(connection), parts_of(place)
    log = (ledger, str(reader.store_id()), reader.epoch())
    if parts and log != (parts[0].ledger, parts[0].store, parts[0].epoch):
        raise NoArchive(
            f"{place.url} is the archive of another log (ledger {parts[0].ledger}, epoch"
            f" {parts[0].epoch}): name another place."
        )
    _tidy(place, parts)
    done = parts[-1].last if parts else 0
    begun, count = done, len(parts)
    if done < last:
        begin(done + 1, last)
    while done < last:
        first, done = done + 1, min(done + MOST_EVENTS, last)
        sealed = sealed_part(connection, first, done)
        assert sealed is not None, "the last position is one that is sealed"
        name = f"{first:019d}-{done:019d}"
        proof = [b64encode(each).decode() for each in sealed.hashes]
        file = f"{name}.parquet"
        manifest = Manifest(*log, first, done, file, sealed.checkpoint, sealed.vkey, proof)
        _write(place, manifest, _watched(events_between(reader, first, done), step, last), keys)
        count += 1
    return Archived(done, count, done - begun)


def _tidy(place: Place, parts: Sequence[Manifest]) -> None:
    """Take away what runs that were killed have left, and nothing else.

    A file without its manifest would be read beside the part that takes its place.
    """
    orphans = set(place.names(".parquet")) - {part.file for part in parts}
    for name in (*orphans, *place.drafts()):
        if FILE.fullmatch(name):
            place.remove(name)


def _watched(events: Iterator[RecordedEvent], step: Step, last: int) -> Iterator[RecordedEvent]:
    for event in events:
        if event.position % STEP == 0 or event.position == last:
            step(event.position, last)
        yield event


def _write(
    place: Place, manifest: Manifest, events: Iterator[RecordedEvent], keys: Sequence[Verifier]
) -> None:
    try:
        with place.writing(manifest.file) as (draft, file):
            write_events(events, file)
            file.close()
            with place.reading(draft) as written:
                for _ in prove(manifest, read_events(written), keys):
                    pass
    except PartDamaged as fault:
        raise Failure(
            f"{fault} Nothing was archived of it: ./falcon replay verify tells what is wrong.",
            CHECK_FAILED,
        ) from None
    # A part exists when its manifest does; without one the events are written again.
    with place.writing(manifest.file.replace(".parquet", ".json")) as (_, described):
        described.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))


def check(
    place: Place,
    key: str | None,
    connection: psycopg.Connection[Any] | None,
    keys: Sequence[Any],
    step: Step,
) -> tuple[Archived, Findings]:
    """Prove every part, and compare its events with those of a ledger where one is given.

    With `key` that one alone counts. Raises `Failure`.
    """
    parts, findings = parts_of(place), Findings()
    if not parts:
        raise NoArchive(f"{place.url} holds no archive.")
    last = parts[-1].last
    for part in parts:
        known = [parse_vkey(key)] if key is not None else keys
        try:
            with place.reading(part.file) as file:
                events = _watched(prove(part, read_events(file), known), step, last)
                if connection is None:
                    for _ in events:
                        pass
                else:
                    span = (part.first, part.last)
                    moved = MovedEvents(connection).places(*span)
                    _compare(events, _stored(connection, *span), moved, findings)
        except PartDamaged as fault:
            raise Failure(f"{part.file} in {place.url}: {fault}", CHECK_FAILED) from None
    return Archived(last, len(parts)), findings


def _stored(
    connection: psycopg.Connection[Any], first: int, last: int
) -> Iterator[dict[str, object]]:
    """Yield rows of the store, whatever has become of them."""
    for rows in chunks(connection, "archived", BETWEEN, first, last):
        for position, stream, version, topic, state, metadata, recorded in rows:
            yield {
                "position": position,
                "stream_id": stream_name(topic, stream),
                "version": version,
                "type": topic,
                "data": state,
                "metadata": metadata,
                "recorded_at": time_of(recorded),
            }


def _compare(
    events: Iterator[RecordedEvent],
    stored: Iterator[dict[str, object]],
    moved: Iterator[Moved],
    findings: Findings,
) -> None:
    """Compare events with their rows, or where they were moved with their leaves."""
    row, gone = next(stored, None), next(moved, None)
    for event in events:
        if gone is not None and gone.position == event.position:
            leaf = leaf_hash(entry(event))
            if gone.leaf != leaf:
                place = (event.position, "moved events", event.stream_id, "leaf")
                findings.add(Difference(*place, leaf.hex(), gone.leaf.hex()))
            gone = next(moved, None)
            if row is None or row["position"] != event.position:
                continue
        wanted = asdict(event)
        if row is None or row["position"] != event.position:
            findings.missing(event.position, "events", event.stream_id)
            continue
        shown = [(_text(wanted[name]), _text(row[name])) for name in wanted]
        for name, (expected, found) in zip(wanted, shown, strict=True):
            if expected != found:
                difference = (event.position, "events", event.stream_id, name, expected, found)
                findings.add(Difference(*difference))
        row = next(stored, None)


def _text(value: object) -> object:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
