"""How far a ledger can be archived, and by which keys what is archived is proven."""

from datetime import timedelta
from typing import Any

import psycopg

from domain.instants import instant
from infrastructure.event_log.reader import EventReader
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.notes import Verifier, parse_vkey
from infrastructure.seals.origin import seal_origin
from infrastructure.secrets import SecretMissing
from infrastructure.settings import Settings
from interfaces.cli.failure import CHECK_FAILED, Failure
from interfaces.replay.positions import Place, first_at

End = Place | timedelta | None
"""Before which position or time what is archived ends, or of which age it is at least."""


def last_to_archive(connection: psycopg.Connection[Any], end: End) -> int:
    """Return the last position that is to be archived; raises `Failure` where none is sealed."""
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


def _sealed(connection: psycopg.Connection[Any], epoch: int) -> int:
    query = "SELECT coalesce(max(size), 0) FROM seal WHERE epoch = %s"
    row = connection.execute(query, [epoch]).fetchone()
    return 0 if row is None else int(row[0])


def keys_of(connection: psycopg.Connection[Any], settings: Settings) -> list[Verifier]:
    """Return the keys of the ledger's log: the home's own, or where it has none the store's."""
    epoch = EventReader(connection).epoch()
    try:
        own = [key.public_key().public_bytes_raw() for key in SealKeys(settings.home).read()]
    except SecretMissing:
        rows = connection.execute("SELECT vkey FROM seal_key WHERE epoch = %s", [epoch])
        return [parse_vkey(vkey) for (vkey,) in rows]
    return [Verifier(seal_origin(settings, epoch), public) for public in own]
