"""The forms of statements: what each is called on the way, and what writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from interfaces.statements import beancount_form, camt_form, csv_form, hledger_form, ofx_form
from interfaces.statements.statement import Statement

MOST_LINES = 20_000
"""How many entries a statement may have: some 40 MB of memory and half a second of a core."""

MOST_LINES_IN_PDF = 2_000
"""The same for PDF, whose pages are drawn one by one: about 80 of them."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form of statements; `write` may raise `Inexpressible`."""

    media_type: str
    ending: str
    """What the name of a file of it ends with."""

    write: Callable[[Statement], bytes]
    most_lines: int = MOST_LINES


def _pdf(statement: Statement) -> bytes:
    # It takes long to import, and most processes never draw one.
    from interfaces.statements import pdf_form

    return pdf_form.write(statement)


FORMS: Mapping[str, Form] = {
    "csv": Form("text/csv", "csv", csv_form.write),
    "pdf": Form("application/pdf", "pdf", _pdf, MOST_LINES_IN_PDF),
    "camt.053": Form("application/xml", "xml", camt_form.write),
    "ofx": Form("application/x-ofx", "ofx", ofx_form.write),
    "hledger": Form("text/vnd.hledger", "journal", hledger_form.write),
    "beancount": Form("text/vnd.beancount", "beancount", beancount_form.write),
}
"""All but JSON, which is written as every other answer is."""
