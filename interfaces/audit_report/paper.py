"""The report as PDF: the same as its JSON, with the hash that is signed as a QR code."""

from collections.abc import Iterable, Sequence
from typing import Any

import segno

from domain.instants import moment
from interfaces.audit_report.signed import Signed
from interfaces.statements.pdf_paper import LEFT, RIGHT, Paper

LINE, GAP, SIZE = 4.6, 3.0, 8.0
CODE = 30
"""The side of the QR code, in mm."""

TOLD = 200
"""How many findings are printed; JSON has up to a thousand."""


def write(signed: Signed) -> bytes:
    """Return the pages; characters that the font lacks are shown as boxes."""
    report = signed.report
    paper = Paper(
        f"Audit report of the ledger {report['ledger']}",
        f"Audit report of the ledger {report['ledger']}, position {report['position']:,}",
        moment(report["made_by"]["ended_at"]),
    )
    page = _Page(paper)
    _code(paper, signed.sha256)
    paper.write(LEFT, 26, "Audit report", size=20, bold=True)
    page.y = 34
    count = report["differences"]
    page.bold(report["result"].capitalize() + (f": {count:,}" if count else ""), size=11)
    _head(page, report)
    held = "but for what was found" if count else "without exception"
    page.section(f"What was checked, and holds {held}", report["checked"])
    _tables(page, report)
    _seals(page, report)
    _findings(page, report)
    page.section("Signature", [f"SHA-256 of the report: {signed.sha256}"])
    page.lines([*signed.note.splitlines(), f"Key: {signed.vkey}"])
    return paper.finished()


class _Page:
    """Writes down the page, and goes on at the top of the next one."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self.y = 0.0

    def bold(self, text: str, size: float = SIZE) -> None:
        self._line(text, LEFT, size=size, bold=True)

    def section(self, title: str, lines: Iterable[str]) -> None:
        self.y = self._paper.room(self.y + GAP, 3 * LINE, lambda top: top)
        self.bold(title, 10)
        self.lines(lines)

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            for part in self._paper.wrapped(line, RIGHT - LEFT, size=SIZE):
                self._line(part, LEFT)

    def facts(self, told: Sequence[tuple[str, object]]) -> None:
        for label, value in told:
            self.y = self._paper.room(self.y, LINE, lambda top: top)
            self._paper.write(LEFT, self.y, label, size=SIZE, grey=True)
            width = RIGHT - LEFT - CODE - 40
            self._line(str(value), LEFT + 35, most=width)

    def row(self, cells: Sequence[object], places: Sequence[float], *, grey: bool = False) -> None:
        """Write cells, the first from the left edge and the others up to their places."""
        self.y = self._paper.room(self.y, LINE, lambda top: top)
        self._paper.write(LEFT, self.y, str(cells[0]), size=SIZE, grey=grey, most=places[0] - LEFT)
        for cell, place in zip(cells[1:], places[1:], strict=True):
            self._paper.write(place, self.y, str(cell), size=SIZE, grey=grey, right=True, most=34)
        self.y += LINE

    def _line(
        self,
        text: str,
        x: float,
        *,
        size: float = SIZE,
        bold: bool = False,
        most: float | None = None,
    ) -> None:
        self.y = self._paper.room(self.y, LINE, lambda top: top)
        self._paper.write(x, self.y, text, size=size, bold=bold, most=most)
        self.y += LINE if size <= SIZE else LINE + 1.4


def _code(paper: Paper, sha256: str) -> None:
    code = segno.make_qr(sha256, error="m")
    paper.squares(RIGHT - CODE, 20.0, CODE, [bytes(row) for row in code.matrix])
    paper.write(RIGHT, 20 + CODE + 3.6, "SHA-256 of the report", size=6.5, grey=True, right=True)


def _head(page: _Page, report: dict[str, Any]) -> None:
    made = report["made_by"]
    page.facts(
        [
            ("Ledger", report["ledger"]),
            ("Store", f"{report['store']}, epoch {report['epoch']}"),
            ("Up to position", f"{report['position']:,}"),
            ("Recorded at", report["last_recorded_at"] or "-"),
            ("Events", f"{report['events']:,}{_of_archives(report['events_moved'])}"),
            ("Wallets", "-" if report["wallets"] is None else f"{report['wallets']:,}"),
            ("Software", made["software"]),
            ("Machine", f"{made['machine']} ({made['system']})"),
            ("Run by", made["person"]),
            ("Began, ended", f"{made['began_at']}, {made['ended_at']}"),
        ]
    )


def _of_archives(moved: int) -> str:
    return f", {moved:,} of them read from an archive and compared by hash" if moved else ""


def _tables(page: _Page, report: dict[str, Any]) -> None:
    page.section("Sums", [])
    places: Sequence[float] = (60.0, 70.0, 105.0, 140.0, 165.0, RIGHT)
    heads = ("Currency", "Wallets", "Debits", "Credits", "Held", "Sum")
    page.row(heads, places, grey=True)
    for sums in report["sums"]:
        page.row(
            (
                sums["currency"],
                f"{sums['wallets']:,}",
                *(sums[name] for name in ("debits", "credits", "held", "sum")),
            ),
            places,
        )
    page.section("Read models", [])
    places = (80.0, 110.0, 150.0, RIGHT)
    page.row(("Name", "Version", "At position", "Differences"), places, grey=True)
    for model in report["read_models"]:
        found = model["differences"] if model["compared"] else "not compared"
        page.row((model["name"], model["version"], f"{model['position']:,}", found), places)


def _seals(page: _Page, report: dict[str, Any]) -> None:
    seals, topic = report["seals"], report["topic"]
    page.section(
        "Seals",
        [
            f"{seals['count']:,} seals, the last one up to position {seals['sealed_up_to']:,};"
            f" {seals['elsewhere']:,} compared that are kept elsewhere."
        ],
    )
    if seals["last_checkpoint"] is not None:
        page.lines([*seals["last_checkpoint"].splitlines(), f"Key: {seals['vkey']}"])
    if topic is not None:
        told = f"{topic['name']}: {topic['records']:,} records, {topic['repeated']:,} of them again"
        if topic["trimmed_to"]:
            told += f"; up to position {topic['trimmed_to']:,} they were taken out, as is on record"
        page.section("Kafka", [told])


def _findings(page: _Page, report: dict[str, Any]) -> None:
    if not report["differences"]:
        return
    page.section(f"Findings ({report['differences']:,})", [])
    page.lines(
        f"Position {_place(each)}, {each['where']}, {each['stream']}: {each['field']} should"
        f" be {each['expected'] or 'nothing'} and is {each['found'] or 'nothing'}."
        for each in report["findings"][:TOLD]
    )
    if report["differences"] > TOLD:
        page.lines([f"{report['differences'] - TOLD:,} more: the report as JSON lists them."])


def _place(finding: dict[str, Any]) -> str:
    """Return where a finding is: at a position, or anywhere between two."""
    until = finding["until"]
    return str(finding["position"]) + ("" if until is None else f" to {until}")
