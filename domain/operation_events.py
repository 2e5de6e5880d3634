"""The facts of what operators do to a ledger as a whole, beside its wallets and payments.

What is done by hand is recorded a moment later, or when the system runs again; `done_at` is when
it was done, by the clock of the machine where it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.free_text import WRITTEN_BY_PEOPLE
from domain.instants import Instant


@dataclass(frozen=True, slots=True)
class PeriodClosed:
    """No value date up to this day, which is included, is given to anything from now on."""

    through: str
    reason: str = field(metadata=WRITTEN_BY_PEOPLE)


@dataclass(frozen=True, slots=True)
class TokenSigned:
    """An access token was signed by hand; `expires_in` in seconds."""

    done_at: Instant
    subject: str
    scope: str
    client_id: str
    audience: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class KeyRotated:
    """Something is signed with a new key from now on; `key` is its public name."""

    done_at: Instant
    purpose: str
    key: str


@dataclass(frozen=True, slots=True)
class FileImported:
    """A file of bank transactions went through the ledger, in whole or in part."""

    done_at: Instant
    file: str
    profile: str
    rows: int
    accepted: int
    refused: int
    already_there: int


@dataclass(frozen=True, slots=True)
class BookExported:
    """The events of some positions were written to a file or an archive, both included."""

    done_at: Instant
    file: str
    format: str
    first_position: int
    last_position: int


@dataclass(frozen=True, slots=True)
class TopicTrimmed:
    """Up to a position, which is included, an archive has what the topic on Kafka may be without.

    It is on record before anything is taken out of the topic.
    """

    done_at: Instant
    topic: str
    archive: str
    last_position: int


@dataclass(frozen=True, slots=True)
class EventsMoved:
    """Movements of wallets between two positions, both included, are read from an archive.

    It is on record before any of them leaves the ledger.
    """

    done_at: Instant
    archive: str
    first_position: int
    last_position: int


@dataclass(frozen=True, slots=True)
class BackupMade:
    """All ledgers and secrets were written to a file, this one up to a position."""

    done_at: Instant
    file: str
    last_position: int


@dataclass(frozen=True, slots=True)
class ReadModelRebuilt:
    """A read model was built anew from the events and took the old one's place."""

    done_at: Instant
    projection: str
    version: int
    last_position: int


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """The system was started with other settings than before; secrets are none of them."""

    done_at: Instant
    settings: Mapping[str, str | None]


OperationEvent = (
    PeriodClosed
    | TokenSigned
    | KeyRotated
    | FileImported
    | BookExported
    | TopicTrimmed
    | EventsMoved
    | BackupMade
    | ReadModelRebuilt
    | SettingsChanged
)
