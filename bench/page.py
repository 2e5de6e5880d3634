"""Writes measured figures into the page of figures: `python -m bench.page FILE.json ...`.

Each group has its place between two HTML comments; a file replaces the groups that it has.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figure import row
from bench.place import ROOT

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
HEAD = ("figure", "median", "spread", "goal", "reached", "remarks")
Document = Mapping[str, Any]


class PlaceMissing(ValueError):
    """The page has no comments for a group that was measured; the message names it."""


def table(figures: Sequence[Document]) -> str:
    """Return figures as a table of Markdown."""
    cells = [HEAD, ("---",) * len(HEAD), *(row(figure) for figure in figures)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<=", "≤").replace(">=", "≥")


def origin(document: Document) -> str:
    """Return the sentence that says how and on which machine figures were measured."""
    machine = document["machine"]
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_gib']} GiB,"
        f" {machine['system']}, Python {machine['python']}; {document['runs']} runs of"
        f" {document['run_seconds']:g} s each."
    )


def written(page: str, document: Document) -> str:
    """Return the page with the document's groups in their places; raises `PlaceMissing`."""
    groups: dict[str, list[Document]] = {}
    for figure in document["figures"]:
        groups.setdefault(figure["group"], []).append(figure)
    for name, figures in groups.items():
        text = f"<!-- {name} -->\n{table(figures)}\n\n{origin(document)}\n<!-- /{name} -->"
        pattern = re.compile(f"<!-- {name} -->.*?<!-- /{name} -->", re.DOTALL)
        if len(pattern.findall(page)) != 1:
            raise PlaceMissing(
                f"The page needs one pair of comments <!-- {name} --> and <!-- /{name} -->."
            )
        before, after = pattern.split(page)
        page = before + text + after
    return page


def main(files: Sequence[str], page: Path = PAGE) -> int:
    """Write every file's figures into the page; 2 when a file or a place is not as it must be."""
    if not files:
        print("Give the files that `./falcon bench --json` wrote.", file=sys.stderr)
        return 2
    text = page.read_text()
    try:
        for file in files:
            text = written(text, json.loads(Path(file).read_text()))
    except (OSError, ValueError, KeyError) as fault:
        print(f"The figures cannot be written: {fault!r}", file=sys.stderr)
        return 2
    page.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
