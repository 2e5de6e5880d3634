"""What a campaign found: for people, for programs, and for the page on crash tests."""

import json
import platform
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.faults.recoveries import Recovery

BEGIN, END = "<!-- report of the last long run -->", "<!-- end of the report -->"

COUNTS = {
    "acknowledged": "commands acknowledged",
    "refused": "commands refused, on record",
    "rejected": "commands refused without a record",
    "unknown": "commands never answered",
    "unknown_stored": "of these, found in the log (once)",
    "retried": "keys sent more than once",
    "attempts": "requests",
    "unanswered": "requests without an answer",
    "events": "events in the log",
    "holds": "holds",
    "captures": "captures of holds",
    "expired": "holds and waiting payments that ran out",
    "refunds": "refunds",
    "reversals": "reversals",
    "splits": "payments of many legs",
    "approvals": "approvals by other owners",
    "occurrences": "occurrences of schedules paid",
    "periods": "periods closed",
    "backdated": "payments under an earlier value date",
    "too_late": "commands refused for a closed period",
    "rebuilds": "read models rebuilt",
    "moved": "events moved to an archive",
    "rows": "rows of read models compared",
    "seals": "seals compared with a tree",
    "heard": "changes heard on the stream",
    "duplicates": "records of the topic that came again",
    "strangers": "records of strangers in the topic",
    "lost": "acknowledged commands lost",
    "doubled": "effects doubled",
}
"""What is counted, in the order in which it is shown."""


@dataclass
class Report:
    """One campaign; times are in seconds."""

    seed: int
    seconds: float
    clients: int
    kinds: Counter[str] = field(default_factory=Counter)
    combined: int = 0
    not_struck: Counter[str] = field(default_factory=Counter)
    missing: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether no promise was seen to be broken."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """Return all of it for programs."""
        found = {name: value for name, value in vars(self).items() if name != "recoveries"}
        return found | {
            "strikes": sum(self.kinds.values()),
            "lost": self.counts.get("lost", 0),
            "doubled": self.counts.get("doubled", 0),
            "differences": len(self.faults),
            "recovery": {
                "commands": _spread((r.kinds, r.commands) for r in self.recoveries),
                "read_models": _spread((r.kinds, r.read_models) for r in self.recoveries),
            },
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return what people read, as lines of a table."""
        document = self.document()
        rows = [
            ("seed", str(self.seed)),
            ("length", f"{self.seconds / 60:.1f} minutes, {self.clients} clients"),
            ("faults injected", f"{document['strikes']}, {self.combined} times two at once"),
        ]
        rows += [(text, f"{self.counts.get(name, 0):,}") for name, text in COUNTS.items()]
        for name, what in (
            ("commands", "commands taken"),
            ("read_models", "read models caught up"),
        ):
            spread = document["recovery"][name]
            if spread:
                rows.append((f"{what} again after", _told(spread)))
        return [*rows, ("differences found", str(len(self.faults)))]


def _spread(pairs: Iterable[tuple[str, float | None]]) -> dict[str, Any] | None:
    """Return median and worst, and the worst of each kind; None where nothing was measured."""
    by_kind: dict[str, float] = {}
    seconds: list[float] = []
    for kinds, value in pairs:
        if value is not None:
            seconds.append(value)
            by_kind[kinds] = max(by_kind.get(kinds, 0.0), round(value, 2))
    if not seconds:
        return None
    return {
        "median": round(statistics.median(seconds), 2),
        "worst": round(max(seconds), 2),
        "worst_by_kind": dict(sorted(by_kind.items(), key=lambda pair: -pair[1])),
    }


def _told(spread: dict[str, Any]) -> str:
    worst = next(iter(spread["worst_by_kind"]))
    return f"median {spread['median']:.1f} s, at most {spread['worst']:.1f} s ({worst})"


def as_json(report: Report) -> str:
    """Return the report for programs."""
    return json.dumps(report.document(), indent=2)


def as_markdown(report: Report) -> str:
    """Return the report as the page shows it."""
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{psutil.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}"
    lines = [f"`./falcon campaign --minutes {report.seconds / 60:g} --seed {report.seed}`"]
    lines += [f"on {machine}, Python {platform.python_version()}:", ""]
    lines += ["| what | figure |", "|---|---|"]
    lines += [f"| {name} | {told} |" for name, told in report.rows()]
    lines += ["", "| fault | times |", "|---|---|"]
    lines += [f"| {kind} | {count} |" for kind, count in sorted(report.kinds.items())]
    if report.missing:
        lines += ["", "Not possible on that machine:", ""]
        lines += [f"- {kind}: {why}" for kind, why in sorted(report.missing.items())]
    if report.faults:
        lines += ["", "Found:", ""] + [f"- {fault}" for fault in report.faults[:20]]
    return "\n".join(lines)


def write_into(page: Path, report: Report) -> None:
    """Replace what stands between the two comments of the page; raises `ValueError` without."""
    text = page.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no place for a report: write {BEGIN} and {END} into it.")
    page.write_text(f"{before}{BEGIN}\n{as_markdown(report)}\n{END}{after}")


def summary(faults: Sequence[str]) -> str:
    """Return the sentence at the end."""
    if not faults:
        return "Nothing lost, nothing doubled, no difference."
    return f"{len(faults)} promises broken, see above."
