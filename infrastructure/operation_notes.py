"""Notes of what operators have done, kept in the home until the ledger has them on record.

What is done by hand is often done while nothing runs, and must not wait for a database; so it is
noted in a file first, and a worker carries the notes into the ledger, each once.
"""

import getpass
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from domain.instants import Instant, instant
from domain.operation_events import OperationEvent
from infrastructure.event_codec import EventCodec, EventUnreadable
from infrastructure.settings import Settings

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Note:
    """What was done, and by whom."""

    name: UUID
    fact: OperationEvent
    by: str


class Notes:
    """The notes of one ledger in one home; several processes may write and carry at once."""

    def __init__(self, settings: Settings, codec: EventCodec | None = None) -> None:
        """Point at a home; nothing is read or made yet."""
        self._folder = settings.home / "operations" / settings.ledger
        self._codec = codec or EventCodec()

    def write(self, fact: OperationEvent) -> None:
        """Keep a note, which is on the disk when this returns; raises `OSError`."""
        type_name, data = self._codec.encode(fact)
        document = {
            "type": type_name,
            "data": json.loads(data),
            "by": operator(),
        }
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{uuid4()}.json"
        draft = path.with_suffix(".draft")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(document, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def waiting(self) -> Iterator[Note]:
        """Yield some of the notes that wait; one that cannot be read is put aside for people."""
        if not self._folder.is_dir():
            return
        paths = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in paths[:MOST_AT_ONCE]:
            try:
                yield self._read(path)
            except FileNotFoundError:
                # Another worker has carried it.
                continue
            except (ValueError, EventUnreadable, msgspec.MsgspecError, KeyError, TypeError):
                path.rename(path.with_suffix(".unreadable"))

    def carried(self, note: Note) -> None:
        """Forget a note that is on record."""
        (self._folder / f"{note.name}.json").unlink(missing_ok=True)

    def _read(self, path: Path) -> Note:
        document = json.loads(path.read_text())
        fact = self._codec.decode(document["type"], json.dumps(document["data"]).encode())
        if not isinstance(fact, OperationEvent):
            raise ValueError(f"{document['type']} is nothing that operators do")
        return Note(UUID(path.stem), fact, str(document["by"]))


def operator() -> str:
    """Return who is at work here: the login and the machine, as far as they can be told."""
    try:
        login = getpass.getuser()
    except (OSError, KeyError):
        login = f"uid {os.getuid()}"
    return f"{login}@{platform.node() or 'localhost'}"[:100]


def now() -> Instant:
    """Return the time by this machine's clock."""
    return instant(datetime.now(UTC))
