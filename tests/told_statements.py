"""What programs that know nothing of us find in each form of a statement."""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

from beancount import loader
from beancount.core.amount import Amount
from beancount.core.data import Balance, Transaction
from ofxtools.Parser import OFXTree

from interfaces.statements.camt_form import NAMESPACE
from tests.outside_programs import camt_schema, output_of


@dataclass(frozen=True, slots=True)
class Told:
    """Signed amounts in their order, and balances; none where the form has no place for one."""

    opening: Decimal | None
    amounts: list[Decimal]
    closing: Decimal | None
    after: list[Decimal] | None = None
    """The balances after the single entries."""


class Camt:
    """What a program finds in a camt.053 that knows nothing but the standard."""

    def __init__(self, written: bytes) -> None:
        self.names = {"c": NAMESPACE}
        (self.statement,) = ET.fromstring(written).iterfind(".//c:Stmt", self.names)
        self.entries = [self.amount(each) for each in self.statement.iterfind("c:Ntry", self.names)]

    def amount(self, element: ET.Element) -> Decimal:
        credit = element.findtext("c:CdtDbtInd", namespaces=self.names) == "CRDT"
        amount = Decimal(element.findtext("c:Amt", "", self.names))
        return amount if credit else -amount

    def balance(self, kind: str) -> Decimal:
        (found,) = [
            self.amount(each)
            for each in self.statement.iterfind("c:Bal", self.names)
            if each.findtext(".//c:Cd", namespaces=self.names) == kind
        ]
        return found


def of_csv(written: bytes) -> Told:
    rows = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    amounts = [Decimal(row["amount"]) for row in rows]
    after = [Decimal(row["balance_after"]) for row in rows]
    if not rows:
        return Told(None, [], None, [])
    return Told(after[0] - amounts[0], amounts, after[-1], after)


def of_pdf(written: bytes) -> Told:
    """Read the lines of the table as pdftotext lays them out."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        Path(file.name).write_bytes(written)
        text = output_of("pdftotext", "-layout", file.name, "-")
    lines = [line.replace(",", "").split() for line in text.splitlines()]
    dated = [line for line in lines if line and re.fullmatch(r"\d{4}-\d\d-\d\d", line[0])]
    ends = {line[1]: Decimal(line[3]) for line in dated if line[2:3] == ["balance"]}
    rows = [line for line in dated if line[2:3] != ["balance"]]
    amounts = [Decimal(line[-2]) for line in rows]
    return Told(ends["Opening"], amounts, ends["Closing"], [Decimal(line[-1]) for line in rows])


def of_camt(written: bytes) -> Told:
    camt_schema().validate(ET.fromstring(written))
    told = Camt(written)
    return Told(told.balance("OPBD"), told.entries, told.balance("CLBD"))


def of_ofx(written: bytes) -> Told:
    tree = OFXTree()
    tree.parse(io.BytesIO(written))
    (told,) = tree.convert().statements
    amounts = [each.trnamt for each in told.transactions]
    return Told(told.ballist[0].value, amounts, told.ledgerbal.balamt)


def of_hledger(written: bytes) -> Told:
    """Let hledger hold every balance against what stands before, then list the wallet."""
    with tempfile.NamedTemporaryFile(suffix=".journal") as file:
        Path(file.name).write_bytes(written)
        output_of("hledger", "-f", file.name, "check", "--strict")
        listed = output_of("hledger", "-f", file.name, "register", "^assets:", "-O", "csv")
    rows = list(csv.DictReader(io.StringIO(listed)))
    opening = sum((_number(row["amount"]) for row in rows if not row["code"]), Decimal(0))
    entries = [row for row in rows if row["code"]]
    after = [_number(row["total"]) for row in entries]
    amounts = [_number(row["amount"]) for row in entries]
    return Told(opening, amounts, after[-1] if after else opening, after)


def _number(amount: str) -> Decimal:
    return Decimal(amount.split(maxsplit=1)[0])


def of_beancount(written: bytes) -> Told:
    """Let Beancount hold the closing balance against all that stands before."""
    entries, errors, _ = loader.load_string(written.decode())
    assert errors == []
    moved = [
        (bool(each.links), _written(posting.units))
        for each in entries
        if isinstance(each, Transaction)
        for posting in each.postings
        if posting.account.startswith("Assets:")
    ]
    (closing,) = [_written(each.amount) for each in entries if isinstance(each, Balance)]
    opening = sum((number for paid, number in moved if not paid), Decimal(0))
    return Told(opening, [number for paid, number in moved if paid], closing)


def _written(amount: Amount | None) -> Decimal:
    assert amount is not None
    assert isinstance(amount.number, Decimal), "every amount is written out"
    return amount.number


READERS: Mapping[str, Callable[[bytes], Told]] = {
    "csv": of_csv,
    "pdf": of_pdf,
    "camt.053": of_camt,
    "ofx": of_ofx,
    "hledger": of_hledger,
    "beancount": of_beancount,
}
"""All forms but JSON, which needs no program."""
