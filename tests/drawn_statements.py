"""Draws statements of every shape that the contract allows."""

from datetime import date, timedelta

from hypothesis import strategies as st

from domain.instants import Instant
from interfaces.statements.statement import Line, Statement

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CURRENCIES = {"EUR": 2, "JPY": 0, "KWD": 3}
MOST = 10**18
"""The largest amount of one payment, in minor units."""

MOST_BALANCE = 9 * 10**18
AT = Instant("2026-03-01T12:00:00.123456Z")

# Everything but what bodies refuse: controls, lone surrogates, bidirectional overrides.
LETTERS = st.characters(
    exclude_categories=("Cc", "Cs"),
    exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
)
TRICKY = (
    *('Say "hello", Bob; ok?', "; comment:", "a\\", '\\"', "| pipe", "* ! (code)", "'", "-", " "),
    *("<b>&amp;</b>", "]]>", "2026-01-01=2026-01-02", "[2026-99-99]", "  spaces  ", "=1+1"),
    *("\u2028\ufffe\uffff", "née 東京 😀 العربية", "{curly} @ 5 EUR", "% # ^link #tag"),
    *("x" * 140, "😀" * 140),
)
"""Texts that look like the syntax of some program, and the longest that there may be."""

TEXTS = st.one_of(st.none(), st.sampled_from(TRICKY), st.text(LETTERS, max_size=140))
NAMES = st.one_of(
    st.sampled_from([text[:100] for text in TRICKY]), st.text(LETTERS, min_size=1, max_size=100)
)


def identifiers(prefix: str) -> st.SearchStrategy[str]:
    """Draw ids of 128 bits."""
    return st.integers(0, 2**128 - 1).map(
        lambda number: (
            f"{prefix}_"
            + "".join(ALPHABET[(number >> 5 * place) & 31] for place in reversed(range(26)))
        )
    )


@st.composite
def statements(draw: st.DrawFn, most: int = MOST, lines: int = 8) -> Statement:
    """Draw a statement whose balances run as they must; no amount is above `most`."""
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    opening = balance = draw(
        st.one_of(st.just(0), st.integers(-most, most), st.sampled_from([most, -most]))
    )
    since = day = draw(st.dates(date(1990, 1, 1), date(2040, 1, 1)))
    drawn = []
    for _ in range(draw(st.integers(0, lines))):
        day += timedelta(days=draw(st.sampled_from([0, 0, 1, 400])))
        size = draw(st.one_of(st.integers(1, 10_000), st.integers(1, most), st.just(most)))
        amount = -size if balance > 0 else size
        balance += amount
        drawn.append(
            Line(
                day,
                draw(identifiers("evt")),
                draw(identifiers("pay")),
                draw(TEXTS),
                draw(identifiers("wal")),
                amount,
                balance,
                AT,
            )
        )
    return Statement(
        ledger="main",
        wallet_id=draw(identifiers("wal")),
        name=draw(NAMES),
        currency=currency,
        digits=CURRENCIES[currency],
        since=since,
        through=day + timedelta(days=draw(st.integers(0, 3))),
        opening=opening,
        lines=drawn,
        position=draw(st.integers(1, 10**12)),
        issued_at=AT,
        proof_url="http://127.0.0.1:8000/v1/audit/payments/pay_00000000000000000000000000/proof",
    )
