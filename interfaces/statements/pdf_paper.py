"""The sheets that statements are drawn on: text in one font, lines, and a foot on each."""

import atexit
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import TTFFont
from pymupdf_fonts import fontbuffers

LEFT, RIGHT, TOP, BOTTOM = 18.0, 192.0, 20.0, 274.0
"""Where the sheet is written on, in mm of A4."""

BLACK, GREY, FAINT, PANEL = 20, 105, 225, 244
"""Shades, from 0 for black to 255 for white."""

SIZE = 8.5
LIFT, HEIGHT = 2.9, 4.0
"""How far a cell begins above its baseline, and its height, in mm."""

FAMILY = "sans"
BOX = "\u25af"
"""What stands for a character that the font lacks."""

JOINED = re.compile("[\u0590-\u0dff\u0e00-\u0fff\ufb1d-\ufdff\ufe70-\ufefc]")
"""Letters that join, stack, or run from right to left: Hebrew, Arabic, those of India, Thai."""

VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Which form of the character before them is meant."""


class Paper:
    """A document of A4 sheets; places are in mm from the top left, baselines for text."""

    def __init__(self, title: str, foot: str, made_at: datetime) -> None:
        """Begin with an empty sheet; `made_at` is kept as the time of its making."""
        self._sheets = _Sheets(foot)
        self._sheets.set_title(title)
        self._sheets.set_creation_date(made_at)
        self._sheets.add_page()
        self._style = (SIZE, False)
        self._known = self._sheets.known

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SIZE,
        bold: bool = False,
        grey: bool = False,
        right: bool = False,
        most: float | None = None,
    ) -> None:
        """Write a line of text from `x`, or up to it; one wider than `most` becomes smaller."""
        shown = self._shown(text)
        self._sheets.set_font(FAMILY, "B" if bold else "", size)
        width = self._sheets.get_string_width(shown)
        if most is not None and width > most:
            self._sheets.set_font(FAMILY, "B" if bold else "", size * most / width)
            width = most
        self._sheets.set_text_color(GREY if grey else BLACK)
        if JOINED.search(shown) is None:
            self._sheets.text(x - width if right else x, y, shown)
            return
        # Shaping takes eighty times as long, so only texts pass through it that need it.
        self._sheets.set_text_shaping(True)
        self._sheets.set_xy(x, y - LIFT)
        self._sheets.cell(0, HEIGHT, shown)
        self._sheets.set_text_shaping(False)

    def wrapped(
        self, text: str, width: float, *, size: float = SIZE, bold: bool = False
    ) -> list[str]:
        """Return a text as lines that are no wider, broken at spaces where there are any."""
        self._sheets.set_font(FAMILY, "B" if bold else "", size)
        lines, line = [], ""
        for word in self._shown(text).split(" "):
            longer = f"{line} {word}" if line else word
            if self._sheets.get_string_width(longer) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            line = word
            while len(line) > 1 and self._sheets.get_string_width(line) > width:
                fits = self._fitting(line, width)
                lines.append(line[:fits])
                line = line[fits:]
        return [*lines, line] if line else lines

    def _fitting(self, text: str, width: float) -> int:
        """Return how many letters fit, one at least."""
        count = 1
        while count < len(text) and self._sheets.get_string_width(text[: count + 1]) <= width:
            count += 1
        return count

    def room(self, y: float, height: float, begin: Callable[[float], float]) -> float:
        """Return where to go on: here, or where `begin` says after the top of a new sheet."""
        if y + height <= BOTTOM:
            return y
        self._sheets.add_page()
        return begin(TOP)

    def rule(self, y: float, *, faint: bool = False) -> None:
        """Draw a line across the sheet."""
        self._sheets.set_draw_color(FAINT if faint else GREY)
        self._sheets.set_line_width(0.15)
        self._sheets.line(LEFT, y, RIGHT, y)

    def panel(self, x: float, y: float, width: float, height: float) -> None:
        """Lay a light ground under what is written next."""
        self._sheets.set_fill_color(PANEL)
        self._sheets.rect(x, y, width, height, style="F")

    def squares(self, x: float, y: float, side: float, rows: Sequence[bytes]) -> None:
        """Draw a square of modules, those that are not 0 in black."""
        module = side / len(rows)
        self._sheets.set_fill_color(0)
        for number, row in enumerate(rows):
            place = 0
            for dark, run in groupby(row):
                length = len(list(run))
                if dark:
                    left, top = x + place * module, y + number * module
                    self._sheets.rect(left, top, length * module, module, style="F")
                place += length

    def finished(self) -> bytes:
        """Return the document."""
        return bytes(self._sheets.output())

    def _shown(self, text: str) -> str:
        return "".join(
            letter if ord(letter) in self._known else "" if unseen(letter) else BOX
            for letter in text
        )


def unseen(letter: str) -> bool:
    """Return whether nothing is to be seen of a character itself: joiners, variation selectors."""
    return unicodedata.category(letter) == "Cf" or VARIATIONS.match(letter) is not None


class _Sheets(FPDF):
    """The sheets themselves, with a foot that tells what they belong to."""

    def __init__(self, foot: str) -> None:
        """Take what the foot says beside the number of the sheet."""
        super().__init__(format="A4")
        self._foot = foot
        self.set_auto_page_break(False)
        self.c_margin = 0.0
        for style, path in font_files().items():
            self.add_font(FAMILY, style, path)
        self.set_font(FAMILY, "", SIZE)
        font = self.fonts[FAMILY]
        assert isinstance(font, TTFFont), "it is read from a file"
        self.known = frozenset(font.cmap)

    def footer(self) -> None:
        """Write the foot."""
        self.set_font(FAMILY, "", 6.5)
        self.set_text_color(GREY)
        self.set_xy(LEFT, 283)
        self.cell(120, 4, self._foot)
        self.set_xy(RIGHT - 40, 283)
        self.cell(40, 4, f"Page {self.page_no()} of {{nb}}", align="R")


@lru_cache(maxsize=1)
def font_files() -> dict[str, str]:
    """Return the files of the font FiraGO, upright and bold, by fpdf's names of styles.

    Its package has them as bytes and fpdf takes files only, so they are written once a process.
    """
    folder = Path(tempfile.mkdtemp(prefix="falconpay-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = {}
    for style, name in (("", "figo"), ("B", "figbo")):
        path = folder / f"{name}.ttf"
        path.write_bytes(fontbuffers[name]())
        files[style] = str(path)
    return files
