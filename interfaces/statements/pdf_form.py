"""A statement as PDF, to be printed, filed and read by people."""

from datetime import date

import segno

from domain.instants import moment
from interfaces.statements.pdf_paper import LEFT, RIGHT, Paper
from interfaces.statements.statement import Line, Statement

DATE, TEXT, AMOUNT, BALANCE = LEFT, LEFT + 21, 157, RIGHT
"""Where the columns are, in mm: the left edges of date and text, the right ones of the money."""

TEXT_WIDTH, MONEY_WIDTH = 82, 34
LINE, SMALL_LINE, GAP = 4.2, 3.6, 2.4
CODE = 30
"""The side of the QR code, in mm."""


def write(statement: Statement) -> bytes:
    """Return the pages: what it is of, opening and closing balance, and every entry between.

    Characters that the font lacks are shown as boxes; the other forms have them.
    """
    paper = Paper(
        f"Statement of {statement.wallet_id}",
        f"{statement.wallet_id}, position {statement.position} of the ledger {statement.ledger}",
        moment(statement.issued_at),
    )
    y = _summary(paper, statement)
    y = _balance_line(paper, statement, y, "Opening balance", statement.opening, statement.since)
    for line in statement.lines:
        y = _entry(paper, statement, line, y)
    y = paper.room(y, 12, lambda top: _column_heads(paper, statement, top))
    y = _balance_line(paper, statement, y, "Closing balance", statement.closing, statement.through)
    if not statement.lines:
        paper.write(TEXT, y + LINE, "Nothing moved in this time.", grey=True)
    return paper.finished()


def _summary(paper: Paper, statement: Statement) -> float:
    """Draw the head of the first page and return where the table begins."""
    paper.write(LEFT, 26, "Account statement", size=20, bold=True)
    period = f"{_day(statement.since)} to {_day(statement.through)}"
    paper.write(LEFT, 34, period, size=11, grey=True)
    name = paper.wrapped(statement.name, 95, size=10, bold=True)[:2]
    y = 46.0
    for part in name:
        paper.write(LEFT, y, part, size=10, bold=True)
        y += 5
    issued = moment(statement.issued_at).strftime("%d %B %Y, %H:%M:%S UTC")
    told = (
        ("Wallet", statement.wallet_id),
        ("Currency", statement.currency),
        ("Ledger", f"{statement.ledger}, position {statement.position:,}"),
        ("As of", issued),
    )
    for label, text in told:
        paper.write(LEFT, y, label, size=8, grey=True)
        paper.write(DATE + 21, y, text, size=8)
        y += 4.6
    _proof(paper, statement)
    return _column_heads(paper, statement, _totals(paper, statement, max(y, 70) + 3))


def _proof(paper: Paper, statement: Statement) -> None:
    code = segno.make_qr(statement.proof_url, error="m")
    left, top = RIGHT - CODE, 20.0
    paper.squares(left, top, CODE, [bytes(row) for row in code.matrix])
    caption = "Proof of the last entry" if statement.lines else "The ledger's last seal"
    paper.write(RIGHT, top + CODE + 3.6, caption, size=6.5, grey=True, right=True)


def _totals(paper: Paper, statement: Statement, y: float) -> float:
    came = sum(line.amount for line in statement.lines if line.amount > 0)
    went = sum(line.amount for line in statement.lines if line.amount < 0)
    boxes = (
        ("Opening balance", statement.opening),
        ("Money in", came),
        ("Money out", went),
        ("Closing balance", statement.closing),
    )
    width = (RIGHT - LEFT) / len(boxes)
    paper.panel(LEFT, y, RIGHT - LEFT, 15)
    for place, (label, minor) in enumerate(boxes):
        x = LEFT + place * width + 3
        paper.write(x, y + 5.4, label, size=7.5, grey=True)
        money = _grouped(statement, minor)
        paper.write(x, y + 11, money, size=10.5, bold=True, most=width - 5)
    return y + 23


def _column_heads(paper: Paper, statement: Statement, y: float) -> float:
    paper.write(DATE, y, "Value date", size=7.5, grey=True)
    paper.write(TEXT, y, "Description", size=7.5, grey=True)
    paper.write(AMOUNT, y, f"Amount {statement.currency}", size=7.5, grey=True, right=True)
    paper.write(BALANCE, y, f"Balance {statement.currency}", size=7.5, grey=True, right=True)
    paper.rule(y + 2)
    return y + 7


def _balance_line(
    paper: Paper, statement: Statement, y: float, label: str, minor: int, day: date
) -> float:
    paper.write(DATE, y, day.isoformat(), bold=True)
    paper.write(TEXT, y, label, bold=True)
    money = _grouped(statement, minor)
    paper.write(BALANCE, y, money, bold=True, right=True, most=MONEY_WIDTH)
    paper.rule(y + GAP)
    return y + GAP + LINE


def _entry(paper: Paper, statement: Statement, line: Line, y: float) -> float:
    """Draw an entry, on a new page where this one has no room, and return where the next begins."""
    parts = paper.wrapped(line.description or "", TEXT_WIDTH)
    height = LINE * len(parts) + SMALL_LINE + GAP
    y = paper.room(y, height, lambda top: _column_heads(paper, statement, top))
    paper.write(DATE, y, line.value_date.isoformat())
    amount, balance = _grouped(statement, line.amount), _grouped(statement, line.balance_after)
    paper.write(AMOUNT, y, amount, right=True, most=MONEY_WIDTH)
    paper.write(BALANCE, y, balance, right=True, most=MONEY_WIDTH)
    for part in parts:
        paper.write(TEXT, y, part)
        y += LINE
    other = f"{'from' if line.amount > 0 else 'to'} {line.counterparty}"
    paper.write(TEXT, y, f"{other}  {line.payment_id}", size=6.2, grey=True, most=TEXT_WIDTH)
    paper.rule(y + GAP, faint=True)
    return y + GAP + LINE


def _grouped(statement: Statement, minor: int) -> str:
    """Return an amount with its thousands apart."""
    whole, point, rest = statement.money(abs(minor)).partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{point}{rest}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
