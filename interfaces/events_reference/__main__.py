"""Writes `events.md` and `asyncapi.json` into `docs/reference/`."""

import json
from pathlib import Path

from interfaces.events_reference.asyncapi import document
from interfaces.events_reference.page import page

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    text = json.dumps(document(), indent=1, ensure_ascii=False) + "\n"
    return {"events.md": page(), "asyncapi.json": text}


if __name__ == "__main__":
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
