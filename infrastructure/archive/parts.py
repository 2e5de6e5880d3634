"""What an archive consists of: parts, each one file of events and its manifest."""

import re

import msgspec

from infrastructure.archive.failure import ArchiveDamaged, NoArchive
from infrastructure.archive.place import Place

FILE = re.compile(r"\.?([0-9]{19})-([0-9]{19})\.(parquet|json)(\.partial)?")
"""The names of a part's files, and of their drafts: its first and its last position."""


class Manifest(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """What a part holds; `proof` are the hashes beside it, left to right, in base64."""

    ledger: str
    store: str
    epoch: int
    first: int
    last: int
    file: str
    checkpoint: str
    vkey: str
    proof: list[str]


def parts_of(place: Place) -> list[Manifest]:
    """Return what an archive holds, in order; raises `ArchiveUnusable` where a part is missing."""
    found: list[Manifest] = []
    for name in place.names(".json"):
        try:
            manifest = msgspec.json.decode(place.read(name), type=Manifest)
        except msgspec.MsgspecError:
            raise NoArchive(
                f"{name} in {place.url} is no part of an archive: name a place of its own."
            ) from None
        if manifest.first != (found[-1].last + 1 if found else 1):
            raise ArchiveDamaged(
                f"The archive {place.url} has no part in front of position {manifest.first}: put"
                " it back from a copy."
            )
        found.append(manifest)
    if len({(each.ledger, each.store, each.epoch) for each in found}) > 1:
        raise ArchiveDamaged(f"{place.url} has archives of several logs.")
    return found


def spans_of(place: Place) -> list[tuple[int, int]]:
    """Return the first and the last position of each part, in order, as the names tell them."""
    named = (FILE.fullmatch(name) for name in place.names(".json"))
    return sorted((int(match[1]), int(match[2])) for match in named if match)
