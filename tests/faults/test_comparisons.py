"""The comparison with the topic finds each difference; times are measured and reported."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.faults.book import Row
from tests.faults.checker import fold
from tests.faults.names import PREFIXES, identifier
from tests.faults.recoveries import Recovery, recoveries
from tests.faults.report import BEGIN, END, Report, as_json, write_into
from tests.faults.test_checker import KEYS, right
from tests.faults.topic import Topic


@dataclass(frozen=True)
class Written:
    """A record of the topic, with the methods of the client library's."""

    at: int
    position: int
    name: bytes
    content: bytes

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return self.name

    def value(self) -> bytes:
        return self.content

    def headers(self) -> list[tuple[str, bytes]]:
        return [("position", b"%d" % self.position)]


def record(row: Row, at: int = 0) -> Written:
    """Return an event's record as the relay writes it."""
    name = identifier(PREFIXES[row[3].split(".")[0]], row[1])
    return Written(at, row[0], name.encode(), row[4])


STRANGER = Written(0, 3, b"nobody", b"{}")
Topics = Callable[[list[Written]], list[Written]]


def compared(change: Topics, noted: set[str], dropped: bool = False) -> Topic:
    """Compare the right events with records that are right but for a change."""
    topic = Topic(iter(change([record(row) for row in right()])), noted, dropped)
    fold(right(), KEYS, topic.watch)
    topic.finish()
    return topic


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: [*r[:3], *r[4:]], "the topic lacks position 4"),
        (lambda r: [*r[:3], r[4], r[3], *r[5:]], "position 5, 4 was expected"),
        (lambda r: [*r[:3], Written(0, 4, r[3].name, b"{}"), *r[4:]], "position 4, 4 was expected"),
        (lambda r: [*r[:3], Written(0, 4, b"pay_0", r[3].content), *r[4:]], "4 was expected"),
        (lambda r: [*r[:5], STRANGER, *r[5:]], "position 3, 6 was expected"),
        (lambda r: [*r, STRANGER], "a record that no event tells of"),
        (lambda r: r[:-1], "the topic lacks position 8"),
    ],
    ids=["missing", "swapped", "other value", "other key", "stranger", "behind", "cut off"],
)
def test_a_wrong_topic_is_found(change: Topics, said: str) -> None:
    assert said in " | ".join(compared(change, set()).faults)


def test_a_topic_that_was_cut_short() -> None:
    """It may begin later where records have been dropped, and lack nothing from there on."""
    assert compared(lambda r: r[3:], set(), dropped=True).faults == []
    assert compared(lambda r: r[3:], set()).faults
    assert compared(lambda r: r, set(), dropped=True).faults == []
    faults = compared(lambda r: [*r[2:4], *r[5:]], set(), dropped=True).faults
    assert "the topic lacks position 5" in " ".join(faults)


def test_what_may_stand_in_the_topic_passes() -> None:
    """The same record again, a topic written twice, and a stranger that was noted before."""
    noted = {sha256(STRANGER.content).hexdigest()}
    topic = compared(lambda r: [*r[:3], *r[1:4], STRANGER, *r[4:], *r], noted)
    assert topic.faults == []
    assert (topic.duplicates, topic.strangers) == (3 - 1 + len(right()), 1)


def test_recoveries_are_measured(tmp_path: Path) -> None:
    """They count from the end of the harm, or from when nothing was in the way any more."""
    notes: list[dict[str, Any]] = [
        {"at": 10.0, "begins": ["kill"]},
        {"at": 10.5, "ends": True, "struck": ["kill"]},
        {"at": 20.0, "begins": ["pause"]},
        {"at": 21.0, "recovers": True},
        {"at": 25.0, "ends": True, "struck": ["pause"]},
        {"at": 30.0, "begins": ["nothing"]},
        {"at": 30.0, "ends": True, "struck": []},
    ]
    lines = [
        {"place": place, "status": status, "sent": at - 0.1, "at": at, "answer": answer}
        for place, status, at, answer in [
            ("one", 201, 9.0, '{"position": 7}'),
            ("one", None, 11.0, ""),
            ("one", 201, 12.0, '{"position": 9}'),
            ("two", 422, 13.5, "{}"),
            ("one", 200, 22.0, "{}"),
            ("two", 503, 22.5, "{}"),
            ("two", 201, 23.5, '{"position": 12}'),
        ]
    ]
    log, progress = tmp_path / "client-0.jsonl", tmp_path / "progress.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples = [{"at": 10.6, "lowest": 6}, {"at": 11.5, "lowest": 7}, {"at": 24.0, "lowest": 12}]
    progress.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    assert recoveries(notes, [log], progress) == [
        Recovery("kill", 3.0, 1.0),
        Recovery("pause", 2.5, 3.0),
    ]


def test_the_report_goes_into_its_place(tmp_path: Path) -> None:
    """What stands around the place stays, and another report replaces the first."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nwhat was there\n{END}\nafter\n")
    report = Report(5, 60, 4, kinds=Counter({"kill": 2}), recoveries=[Recovery("kill", 1.5, None)])
    write_into(page, report)
    write_into(page, report)
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n`./falcon campaign --minutes 1 --seed 5`\n")
    assert text.endswith(f"{END}\nafter\n")
    assert text.count("| kill | 2 |") == 1
    assert "what was there" not in text
    assert json.loads(as_json(report))["recovery"]["commands"]["worst"] == 1.5
    page.write_text("nothing")
    with pytest.raises(ValueError, match="no place for a report"):
        write_into(page, report)
