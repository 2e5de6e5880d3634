"""Notes with which settings the system is started, where they are others than the last time."""

import json
from dataclasses import asdict
from pathlib import Path

from domain.operation_events import SettingsChanged
from infrastructure.operation_notes import Notes, now
from infrastructure.settings import Settings

LEFT_OUT = {
    *("home", "cache", "ledger", "pinned", "health_port", "kafka_bootstrap"),
    *("database_host", "database_port"),
}
"""Where things are on this machine, and what differs from one role to the next."""


def note_settings(settings: Settings) -> None:
    """Keep a note of each setting that has changed since the last start; secrets are none.

    The first start of a home changes nothing. Raises `OSError`.
    """
    path = settings.home / "operations" / "settings.json"
    current = {name: _text(value) for name, value in asdict(settings).items()}
    current = {name: text for name, text in current.items() if name not in LEFT_OUT}
    known = _known(path)
    if known == current:
        return
    if known is not None:
        names = sorted(known.keys() | current.keys())
        changed = {
            name: current.get(name) for name in names if known.get(name) != current.get(name)
        }
        Notes(settings).write(SettingsChanged(now(), changed))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(current))
    draft.rename(path)


def _known(path: Path) -> dict[str, str | None] | None:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return {str(name): None if text is None else str(text) for name, text in found.items()}


def _text(value: object) -> str | None:
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in sorted(value.items()))
    return None if value is None else str(value)
