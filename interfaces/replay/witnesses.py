"""Reads seals that were kept elsewhere: what anchors have, or whoever was given a checkpoint."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from domain.checkpoints import Checkpoint, CheckpointInvalid, parse_checkpoint
from infrastructure.seals.memory import seals_folder
from infrastructure.seals.notes import NoteInvalid, text_of
from infrastructure.seals.origin import seal_origin
from infrastructure.settings import Settings
from interfaces.cli.failure import WRONG_USAGE, Failure

ENDINGS = (".checkpoint", ".checkpoints")

# Three lines, an empty one, and lines of signatures: notes may stand one behind the other.
_NOTE = re.compile(r"(?:[^\n]+\n){3}\n(?:\N{EM DASH} [^\n]+\n)+")


def witnessed(settings: Settings, given: Sequence[Path]) -> Mapping[str, Sequence[Checkpoint]]:
    """Return what anchors know of the ledger's logs, by the log's name and the smaller ones first.

    The anchors are those of the settings, as far as they are on this machine, and files or folders
    that are given, which must be there and know the ledger. Who has signed is not asked: whoever
    brings a checkpoint vouches for it, and one that disagrees shows by its root. Raises `Failure`.
    """
    own = [place for place in _configured(settings) if place.exists()]
    found: dict[str, set[Checkpoint]] = {}
    for place in (*own, *given):
        known = [each for each in _read(place) if _is_of(each.origin, settings)]
        if not known and place in given:
            raise Failure(
                f"{place} has no seal of the log {seal_origin(settings, 1)}: give a file that an"
                " anchor or an auditor has kept of it, or its folder.",
                WRONG_USAGE,
            )
        for checkpoint in known:
            found.setdefault(checkpoint.origin, set()).add(checkpoint)
    return {origin: sorted(seals, key=lambda seal: seal.size) for origin, seals in found.items()}


def _configured(settings: Settings) -> Iterator[Path]:
    for kind, place in settings.seal_anchors:
        if kind == "rfc3161":
            yield seals_folder(settings.home, settings.ledger) / "timestamps"
        else:
            yield Path(place)


def _is_of(origin: str, settings: Settings) -> bool:
    """Say whether a log is the ledger's, in whatever epoch."""
    first = seal_origin(settings, 1)
    epoch = origin.removeprefix(f"{first}/")
    return origin == first or (epoch != origin and epoch.isdecimal())


def _read(place: Path) -> Iterator[Checkpoint]:
    try:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.exists() and not (file.is_file() or file.is_dir()):
                # A device may have no end.
                raise Failure(f"{file} is no file: give one, or a folder.", WRONG_USAGE)
            if file == place or (file.suffix in ENDINGS and file.is_file()):
                yield from _checkpoints(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise Failure(f"{place} cannot be read: {problem.strerror}.", WRONG_USAGE) from None
    except (UnicodeDecodeError, NoteInvalid, CheckpointInvalid):
        raise Failure(
            f"{place} holds something else than seals: each is a checkpoint with its signatures, as"
            " GET /v1/audit/seals and the anchors have it.",
            WRONG_USAGE,
        ) from None


def _checkpoints(text: str) -> Iterator[Checkpoint]:
    place = 0
    while place < len(text):
        if text[place] == "\n":
            place += 1
            continue
        note = _NOTE.match(text, place)
        if note is None:
            raise NoteInvalid("This is no note.")
        yield parse_checkpoint(text_of(note[0]))
        place = note.end()
