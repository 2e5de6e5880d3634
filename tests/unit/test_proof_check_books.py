"""The offline checker proves every part of a book, and nothing that was changed in one."""

import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.leaves import leaf_hash
from tests.proven import SIZE, VKEY, Json, book, check, checkpoint, put, refused, text


@pytest.mark.parametrize("first", range(1, SIZE + 1))
def test_every_part_of_a_book_is_proven(tmp_path: Path, first: int) -> None:
    """By its own events and the hashes of what lies around them."""
    for last in range(first, SIZE + 4):
        found = check(tmp_path, "".join(book(first, last)), VKEY)
        assert found["proven"] == min(last, SIZE) - first + 1
        assert found["newer_than_the_seal"] == max(0, last - SIZE)


def in_line(number: int, change: Callable[[Json], None]) -> Callable[[list[str]], None]:
    def apply(lines: list[str]) -> None:
        line = json.loads(lines[number])
        change(line)
        lines[number] = f"{json.dumps(line)}\n"

    return apply


def forge_entry(line: Json) -> None:
    """Change the amount in the data and in the entry, and hash it again."""
    raw = json.loads(b64decode(line["entry"]))
    line["data"]["amount"] = 1_000_000
    raw["data"] = text(json.dumps(line["data"]).encode())
    changed = json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
    line["entry"], line["leaf_hash"] = text(changed), text(leaf_hash(changed))


BOOK_CHANGES: dict[str, Callable[[list[str]], object]] = {
    "an amount that is shown": in_line(3, lambda line: line["data"].update(amount=1)),
    "a type that is shown": in_line(3, put(type="wallet.credited.v1")),
    "a time that is shown": in_line(3, put(recorded_at="2026-01-30T12:00:00.000001Z")),
    "metadata that are shown": in_line(3, put(metadata={"index": 1})),
    "a leaf hash": in_line(3, put(leaf_hash=text(bytes(32)))),
    "an event": in_line(3, forge_entry),
    "a line less": lambda lines: lines.pop(3),
    "the last line": lambda lines: lines.pop(),
    "a line twice": lambda lines: lines.insert(3, lines[3]),
    "lines exchanged": lambda lines: lines.insert(3, lines.pop(4)),
    "a line more": lambda lines: lines.append(lines[-1]),
    "a line that is no JSON": lambda lines: lines.__setitem__(3, "x\n"),
    "a hash less": in_line(0, lambda head: head["proof"].pop()),
    "a hash more": in_line(0, lambda head: head["proof"].append(text(bytes(32)))),
    "another seal": in_line(0, put(checkpoint=checkpoint(SIZE - 1))),
    "no seal": in_line(0, put(checkpoint=None)),
    "other positions": in_line(0, put(to=8)),
}


@pytest.mark.parametrize("name", BOOK_CHANGES)
def test_a_changed_book_is_refused(tmp_path: Path, name: str) -> None:
    """What other tools read of it is what is proven."""
    lines = book(2, 9)
    BOOK_CHANGES[name](lines)
    assert refused(tmp_path, "".join(lines))


def test_a_book_beyond_the_seal_proves_nothing(tmp_path: Path) -> None:
    """It says so, instead of being content with no event at all."""
    assert "no event of the book is proven" in refused(tmp_path, "".join(book(14, 15)))
