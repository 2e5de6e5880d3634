"""What each profile makes of a line: a row, or the one reason why it is none."""

import gzip
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from domain.money import Currencies
from interfaces.importing.berka import KINDS_BY_OPERATION, KINDS_BY_SYMBOL, Berka
from interfaces.importing.csv_columns import Columns, CsvColumns, CsvLayout
from interfaces.importing.rows import BadLine, FileUnfit, Profile, Row
from interfaces.importing.source import MAX_LINE, read_rows
from tests.bank_file import HEADER, line

CURRENCIES = Currencies({"POINTS": 0})
GOOD = '637742;2177;930105;"PRIJEM";"PREVOD Z UCTU";5123.00;5923.00;"DUCHOD";"YZ";"62457513"'


def read(profile: Profile, *lines: str) -> list[Row | BadLine]:
    return list(profile.rows(text + "\n" for text in lines))


def csv_profile(columns: Columns | None = None, **layout: object) -> CsvColumns:
    settings = {"currency": "EUR", **layout}
    return CsvColumns(CsvLayout(columns or Columns(), **settings), CURRENCIES)  # type: ignore[arg-type] # each test names fields of the layout


def test_a_line_of_berka_is_read_whole() -> None:
    assert read(Berka(), HEADER, GOOD) == [
        Row(
            line=2,
            key="637742",
            account="2177",
            day=date(1993, 1, 5),
            amount=512300,
            currency="CZK",
            kind="other-banks",
            description="PREVOD Z UCTU DUCHOD",
            metadata={"bank": "YZ", "account": "62457513"},
            balance=592300,
        )
    ]


@pytest.mark.parametrize(
    ("type_name", "operation", "symbol", "kind", "sign"),
    [
        ("PRIJEM", "VKLAD", "", "cash", 1),
        ("VYDAJ", "VYBER", "", "cash", -1),
        ("VYBER", "VYBER", "", "cash", -1),
        ("VYDAJ", "VYBER", " ", "cash", -1),
        ("VYDAJ", "VYBER", "SIPO", "cash", -1),
        ("VYDAJ", "VYBER KARTOU", "", "cash", -1),
        ("VYDAJ", "VYBER", "SLUZBY", "fees", -1),
        ("VYDAJ", "VYBER", "SANKC. UROK", "interest", -1),
        ("PRIJEM", "", "UROK", "interest", 1),
        ("PRIJEM", "PREVOD Z UCTU", "DUCHOD", "other-banks", 1),
        ("VYDAJ", "PREVOD NA UCET", "UVER", "other-banks", -1),
        ("VYDAJ", "PREVOD NA UCET", " ", "other-banks", -1),
    ],
)
def test_the_other_side_of_berka_follows_from_symbol_and_operation(
    type_name: str, operation: str, symbol: str, kind: str, sign: int
) -> None:
    text = f'1;2;930105;"{type_name}";"{operation}";1.50;0.00;"{symbol}";"";""'
    (row,) = read(Berka(), HEADER, text)
    assert isinstance(row, Row)
    assert (row.kind, row.amount) == (kind, sign * 150)


def test_the_documented_table_is_the_one_that_is_used() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "import.md"
    text = page.read_text()
    for name, kind in {**KINDS_BY_SYMBOL, **KINDS_BY_OPERATION}.items():
        assert f"| `{name}` | `{kind}` |" in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("PRIJEM", "DAR"), "type 'DAR' is none of PRIJEM, VYDAJ, VYBER."),
        (GOOD.replace("PREVOD Z UCTU", "NOVA"), "operation 'NOVA' with k_symbol 'DUCHOD' is"),
        (GOOD.replace("5123.00", "0.00"), "amount '0.00' is not above zero."),
        (GOOD.replace("5123.00", "-1.00"), "amount '-1.00' is not above zero."),
        (GOOD.replace("5123.00", "5123,00"), "'5123,00' is no amount such as 12.34."),
        (GOOD.replace("5123.00", "1e3"), "'1e3' is no amount"),
        (GOOD.replace("5123.00", "5123.001"), "'5123.001' has more than 2 digits after the point."),
        (GOOD.replace("5123.00", "9" * 18 + ".00"), "is beyond 10^18 minor units."),
        (GOOD.replace("930105", "930230"), "'19930230' is no date such as 930131."),
        (GOOD.replace("930105", ""), "'' is no date"),
        (GOOD.replace("637742", ""), "trans_id '' is not 1-200 visible ASCII characters."),
        (GOOD.replace("2177", "21 77"), "account_id '21 77' is not 1-64 visible ASCII characters."),
        (GOOD.replace("YZ", "Y\x00Z"), "bank has control characters"),
        (GOOD.replace("YZ", "Y\u0085Z"), "bank has control characters"),
        (GOOD + ";1", "It has 11 columns where the header has 10."),
        (GOOD.replace('"YZ"', '"YZ'), "Its quotes do not match"),
        (GOOD.replace("5923.00", "much"), "'much' is no amount"),
        ("no such line", "It has 1 columns where the header has 10."),
    ],
)
def test_a_bad_line_of_berka_is_told_by_number_and_reason(text: str, reason: str) -> None:
    """The lines around it are read as if it were not there."""
    before, bad, after = read(Berka(), HEADER, GOOD, text, GOOD)
    assert isinstance(before, Row)
    assert isinstance(after, Row)
    assert isinstance(bad, BadLine)
    assert bad.line == 3
    assert reason in bad.reason


@pytest.mark.parametrize(
    "first",
    [
        "",
        "account_id;date",
        HEADER.replace("trans_id", "id"),
        "\x89PNG\r\n",
        HEADER.replace(";", ","),
    ],
)
def test_a_file_with_another_header_is_not_of_the_profile(first: str) -> None:
    with pytest.raises(FileUnfit, match="not of the profile berka"):
        read(Berka(), first, GOOD)


def test_csv_reads_the_columns_that_the_options_name() -> None:
    columns = Columns(
        key="Ref",
        account="Konto",
        date="Datum",
        amount="Betrag",
        currency="W",
        kind="Gegen",
        description="Text",
        balance="Saldo",
    )
    profile = csv_profile(
        columns, delimiter=";", date_layout="%d.%m.%Y", decimal_comma=True, currency=None
    )
    found = read(
        profile,
        "\ufeffDatum;Ref;Konto;Betrag;W;Gegen;Text;Saldo;Mehr",
        '31.01.2026;a-1;DE01;-12,34;EUR;cash;"Brot; Käse";-2,34;x',
        "01.02.2026;a-2;DE01;5;JPY;;;;",
    )
    assert found == [
        Row(2, "a-1", "DE01", date(2026, 1, 31), -1234, "EUR", "cash", "Brot; Käse", None, -234),
        Row(3, "a-2", "DE01", date(2026, 2, 1), 5, "JPY", "other-banks"),
    ]


def test_csv_has_an_iso_date_and_signed_amounts_unless_told_otherwise() -> None:
    (row,) = read(csv_profile(), "id,account,date,amount", "1,7,2026-01-31,-0.5")
    assert row == Row(2, "1", "7", date(2026, 1, 31), -50, "EUR", "other-banks")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1,7,31.01.2026,1.00", "'31.01.2026' is no date such as 2026-01-31 (layout %Y-%m-%d)."),
        ("1,7,2026-01-31,0.00", "amount is zero."),
        ("1,7,2026-01-31,1.005", "more than 2 digits"),
        ("1,,2026-01-31,1.00", "account '' is not"),
        ("1,7,2026-01-31", "It has 3 columns where the header has 4."),
        ('1,7,2026-01-31,"1.00', "Its quotes do not match"),
    ],
)
def test_a_bad_line_of_csv_is_told_by_number_and_reason(text: str, reason: str) -> None:
    (bad,) = read(csv_profile(), "id,account,date,amount", text)
    assert isinstance(bad, BadLine)
    assert bad.line == 2
    assert reason in bad.reason


def test_csv_with_an_unknown_currency_in_a_line_is_a_bad_line() -> None:
    profile = csv_profile(Columns(currency="ccy"), currency=None)
    good, bad = read(
        profile, "id,account,date,amount,ccy", "1,7,2026-01-31,3,POINTS", "2,7,2026-01-31,3,XXQ"
    )
    assert isinstance(good, Row)
    assert isinstance(bad, BadLine)
    assert "'XXQ' is neither an ISO 4217 code nor a registered asset." in bad.reason


@pytest.mark.parametrize("first", ["", "id,account,date", "id,account,date,amount,amount", '"id'])
def test_csv_without_a_column_once_is_not_of_the_profile(first: str) -> None:
    with pytest.raises(FileUnfit, match="does not name the column"):
        read(csv_profile(), first)


def rows_of(path: Path, profile: Profile) -> Iterable[Row | BadLine]:
    return list(read_rows(path, profile))


def test_a_packed_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    text = "\r\n".join([HEADER, line(1), "", line(2)]).encode()
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    assert rows_of(plain, Berka()) == rows_of(packed, Berka())
    assert [row.line for row in rows_of(plain, Berka())] == [2, 4]


def test_bytes_that_are_not_of_the_encoding_make_a_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(
        "id,account,date,amount,text\n1,7,2026-01-31,1,Käse\n2,7,2026-01-31,1,K\n".encode("latin-1")
    )
    bad, good = rows_of(path, csv_profile(Columns(description="text")))
    assert isinstance(bad, BadLine)
    assert "another encoding" in bad.reason
    assert isinstance(good, Row)


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_packed_file_that_was_cut_is_told_as_damaged(tmp_path: Path, kept: float) -> None:
    packed = gzip.compress("\n".join([HEADER, *(line(n) for n in range(500))]).encode())
    path = tmp_path / "cut"
    path.write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(FileUnfit, match="damaged gzip file"):
        rows_of(path, Berka())


def test_a_file_without_lines_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(b"x" * (MAX_LINE + 1))
    with pytest.raises(FileUnfit, match=r"Line 1 of .* is longer than"):
        rows_of(path, Berka())


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileUnfit, match="cannot be read: No such file or directory"):
        rows_of(tmp_path / "nothing", Berka())
    with pytest.raises(FileUnfit, match="cannot be read: Is a directory"):
        rows_of(tmp_path, Berka())
