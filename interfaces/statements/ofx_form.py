"""A statement as OFX 2.0.3, which personal finance programs take."""

from collections.abc import Iterator
from datetime import date

from domain.instants import Instant
from interfaces.statements.statement import Line, Statement, require_iso_currency
from interfaces.statements.xml_text import xml_text

BANK = "FALCONPAY"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<?OFX OFXHEADER="200" VERSION="203" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)
_DONE = "<STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
_ACCOUNT_LENGTH = 22
"""OFX has no room for more in the name of an account."""


def write(statement: Statement) -> bytes:
    """Return the statement; raises `Inexpressible` for an asset that has no ISO 4217 code."""
    require_iso_currency(statement, "OFX")
    return "".join(_parts(statement)).encode()


def _parts(statement: Statement) -> Iterator[str]:
    # The end of the id is what differs from wallet to wallet.
    account = statement.wallet_id[-_ACCOUNT_LENGTH:]
    yield (
        f"{_HEAD}<OFX><SIGNONMSGSRSV1><SONRS>{_DONE}<DTSERVER>{_moment(statement.issued_at)}"
        "</DTSERVER><LANGUAGE>ENG</LANGUAGE></SONRS></SIGNONMSGSRSV1>\n"
        f"<BANKMSGSRSV1><STMTTRNRS><TRNUID>0</TRNUID>{_DONE}<STMTRS>"
        f"<CURDEF>{statement.currency}</CURDEF>"
        f"<BANKACCTFROM><BANKID>{BANK}</BANKID><ACCTID>{account}</ACCTID>"
        "<ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>\n"
        f"<BANKTRANLIST><DTSTART>{_day(statement.since)}</DTSTART>"
        f"<DTEND>{_day(statement.through)}</DTEND>\n"
    )
    for line in statement.lines:
        yield _transaction(statement, line)
    yield (
        f"</BANKTRANLIST>\n<LEDGERBAL><BALAMT>{statement.money(statement.closing)}</BALAMT>"
        f"<DTASOF>{_day(statement.through)}</DTASOF></LEDGERBAL>\n"
        "<BALLIST><BAL><NAME>Opening balance</NAME><DESC>Opening balance</DESC>"
        f"<BALTYPE>DOLLAR</BALTYPE><VALUE>{statement.money(statement.opening)}</VALUE>"
        f"<DTASOF>{_day(statement.since)}</DTASOF></BAL></BALLIST>\n"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    )


def _transaction(statement: Statement, line: Line) -> str:
    kind = "CREDIT" if line.amount > 0 else "DEBIT"
    memo = (line.description or "").strip()
    return (
        f"<STMTTRN><TRNTYPE>{kind}</TRNTYPE><DTPOSTED>{_day(line.value_date)}</DTPOSTED>"
        f"<TRNAMT>{statement.money(line.amount)}</TRNAMT><FITID>{line.entry_id}</FITID>"
        f"<REFNUM>{line.payment_id}</REFNUM><NAME>{line.counterparty}</NAME>"
        f"{f'<MEMO>{xml_text(memo)}</MEMO>' if memo else ''}</STMTTRN>\n"
    )


def _day(day: date) -> str:
    return day.isoformat().replace("-", "")


def _moment(at: Instant) -> str:
    """Return an instant with its milliseconds, which is as fine as OFX can tell."""
    digits = at.translate({ord(sign): None for sign in "-:T"})
    return f"{digits[:14]}.{digits[15:18]}[0:UTC]"
