"""Which anchors the settings ask for: the one place where their kinds are listed."""

from collections.abc import Callable, Mapping
from pathlib import Path

from application.anchoring import Anchor
from infrastructure.seals.anchor_file import FileAnchor
from infrastructure.seals.anchor_git import GitAnchor
from infrastructure.seals.anchor_timestamp import TimestampAnchor
from infrastructure.seals.memory import seals_folder
from infrastructure.settings import Settings


def _timestamps(settings: Settings, url: str) -> Anchor:
    folder = seals_folder(settings.home, settings.ledger) / "timestamps"
    return TimestampAnchor(url, folder, settings.tsa_certificates)


KINDS: Mapping[str, Callable[[Settings, str], Anchor]] = {
    "file": lambda _settings, place: FileAnchor(Path(place)),
    "git": lambda _settings, place: GitAnchor(Path(place)),
    "rfc3161": _timestamps,
}


def chosen_anchors(settings: Settings) -> list[Anchor]:
    """Return the anchors of a ledger; nothing is tried yet."""
    return [KINDS[kind](settings, place) for kind, place in settings.seal_anchors]
