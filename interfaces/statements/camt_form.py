"""A statement as ISO 20022 camt.053, BankToCustomerStatement, which banks give their customers.

Written as version 8, by the schema's order of elements.
"""

import hashlib
from collections.abc import Iterator
from datetime import date

from interfaces.statements.statement import (
    Inexpressible,
    Line,
    Statement,
    require_iso_currency,
)
from interfaces.statements.xml_text import xml_text

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_TOTAL_DIGITS, _FRACTION_DIGITS = 18, 5
"""What the schema has room for in an amount; zeros at its end are not counted."""

_NAME_LENGTH = 70
_MOVED = {True: ("CRDT", "RCDT"), False: ("DBIT", "ICDT")}
"""Whether money came in or went out: its indicator, and a received or issued credit transfer."""


def write(statement: Statement) -> bytes:
    """Return the message; raises `Inexpressible` where the standard has no room for it."""
    require_iso_currency(statement, "camt.053")
    amounts = [statement.opening, *(line.amount for line in statement.lines), statement.closing]
    if not all(_fits(amount, statement.digits) for amount in amounts):
        raise Inexpressible(
            f"camt.053 has room for amounts of {_TOTAL_DIGITS} digits, {_FRACTION_DIGITS} of them"
            " behind the point."
        )
    return "".join(_parts(statement)).encode()


def _fits(minor: int, digits: int) -> bool:
    while digits and minor % 10 == 0:
        minor, digits = minor // 10, digits - 1
    return digits <= _FRACTION_DIGITS and abs(minor) < 10**_TOTAL_DIGITS


def _parts(statement: Statement) -> Iterator[str]:
    name, owner = _identity(statement), xml_text(statement.name[:_NAME_LENGTH])
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{NAMESPACE}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>{name}</MsgId><CreDtTm>{statement.issued_at}</CreDtTm></GrpHdr>\n"
        f"<Stmt><Id>{name}</Id><CreDtTm>{statement.issued_at}</CreDtTm>"
        f"<FrToDt><FrDtTm>{statement.since}T00:00:00.000000Z</FrDtTm>"
        f"<ToDtTm>{statement.through}T23:59:59.999999Z</ToDtTm></FrToDt>\n"
        f"<Acct><Id><Othr><Id>{statement.wallet_id}</Id></Othr></Id>"
        f"<Ccy>{statement.currency}</Ccy>"
        f"{f'<Nm>{owner}</Nm>' if owner else ''}</Acct>\n"
    )
    yield _balance(statement, "OPBD", statement.opening, statement.since)
    yield _balance(statement, "CLBD", statement.closing, statement.through)
    count = len(statement.lines)
    yield f"<TxsSummry><TtlNtries><NbOfNtries>{count}</NbOfNtries></TtlNtries></TxsSummry>\n"
    for line in statement.lines:
        yield _entry(statement, line)
    yield "</Stmt></BkToCstmrStmt></Document>\n"


def _identity(statement: Statement) -> str:
    """Return a name of 32 characters that only this statement has."""
    told = (statement.ledger, statement.wallet_id, statement.since, statement.through)
    return hashlib.sha256(repr((*map(str, told), statement.position)).encode()).hexdigest()[:32]


def _balance(statement: Statement, kind: str, minor: int, day: date) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>"
        f"{_amount(statement, minor)}<CdtDbtInd>{_MOVED[minor >= 0][0]}</CdtDbtInd>"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(statement: Statement, line: Line) -> str:
    indicator, family = _MOVED[line.amount > 0]
    other = "DbtrAcct" if line.amount > 0 else "CdtrAcct"
    text = line.description
    return (
        f"<Ntry><NtryRef>{line.entry_id}</NtryRef>{_amount(statement, line.amount)}"
        f"<CdtDbtInd>{indicator}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><DtTm>{line.recorded_at}</DtTm></BookgDt>"
        f"<ValDt><Dt>{line.value_date}</Dt></ValDt>"
        f"<AcctSvcrRef>{line.payment_id}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>BOOK</SubFmlyCd></Fmly>"
        "</Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs><TxId>{line.payment_id}</TxId></Refs>"
        f"<RltdPties><{other}><Id><Othr><Id>{line.counterparty}</Id></Othr></Id></{other}>"
        "</RltdPties>"
        f"{f'<RmtInf><Ustrd>{xml_text(text)}</Ustrd></RmtInf>' if text else ''}"
        "</TxDtls></NtryDtls></Ntry>\n"
    )


def _amount(statement: Statement, minor: int) -> str:
    return f'<Amt Ccy="{statement.currency}">{_written(statement, abs(minor))}</Amt>'


def _written(statement: Statement, minor: int) -> str:
    """Return an amount as `_fits` has counted it: an asset may have more digits than there is room.

    Zeros behind the fifth digit are no digits of the value, but some readers count them.
    """
    text = statement.money(minor)
    surplus = statement.digits - _FRACTION_DIGITS
    return text[:-surplus] if surplus > 0 else text
