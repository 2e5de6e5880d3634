"""Times are text of one width in UTC, so that their order as text is their order in time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain.instants import Instant, InstantInvalid, instant, moment, next_midnight, parse_instant

PARSED = [
    ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31t12:00:00z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00.5Z", "2026-01-31T12:00:00.500000Z"),
    ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123456Z"),
    ("2026-01-31T12:00:00.123456999Z", "2026-01-31T12:00:00.123456Z"),
    ("2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31T23:30:00-01:00", "2026-02-01T00:30:00.000000Z"),
    ("2026-03-01T00:00:00+14:00", "2026-02-28T10:00:00.000000Z"),
    ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
]

NO_TIME = [
    "",
    "now",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31 12:00:00Z",
    "2026-01-31T12:00Z",
    "20260131T120000Z",
    "2026-W05-6T12:00:00Z",
    "2026-1-31T12:00:00Z",
    "2026-01-31T12:00:00,5Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00.1234567890Z",
    "2026-01-31T12:00:00+1:00",
    "2026-01-31T12:00:00+0100",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+00:60",
    "2026-01-31T12:00:00ZZ",
    "2026-01-31T12:00:00Z\n",
    " 2026-01-31T12:00:00Z",
    "2026-02-29T12:00:00Z",
    "2026-02-30T12:00:00Z",
    "2026-13-01T12:00:00Z",
    "2026-00-01T12:00:00Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T23:60:00Z",
    "2026-12-31T23:59:60Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-2026-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    # Full-width digits, which int() would take.
    "\uff12\uff10\uff12\uff16-01-31T12:00:00Z",
]


@pytest.mark.parametrize(("text", "expected"), PARSED)
def test_a_time_of_rfc_3339_becomes_utc_with_microseconds(text: str, expected: str) -> None:
    """Every offset is turned into UTC, every precision into microseconds."""
    assert parse_instant(text) == expected


@pytest.mark.parametrize("text", NO_TIME)
def test_anything_else_is_no_time(text: str) -> None:
    """Dates that do not exist, other forms of ISO 8601 and leap seconds are refused."""
    with pytest.raises(InstantInvalid):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "midnight"),
    [
        ("2026-01-31T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z"),
        ("2026-01-31T23:59:59.999999Z", "2026-02-01T00:00:00.000000Z"),
        ("2026-12-31T12:00:00.000000Z", "2027-01-01T00:00:00.000000Z"),
        ("2024-02-28T12:00:00.000000Z", "2024-02-29T00:00:00.000000Z"),
    ],
)
def test_a_day_ends_at_the_next_midnight_in_utc(text: str, midnight: str) -> None:
    """Midnight itself belongs to the day that it begins."""
    assert next_midnight(Instant(text)) == midnight


def test_text_order_is_time_order() -> None:
    """Also across the years in which the number of digits would differ."""
    moments = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(999, 12, 31, tzinfo=UTC),
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ]
    texts = [instant(each) for each in moments]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {27}
    assert [moment(text) for text in texts] == moments


def test_an_offset_of_seconds_is_turned_into_utc() -> None:
    """Python's time zones may be off by seconds; the text stays 27 characters wide."""
    zone = timezone(timedelta(hours=1, seconds=7))
    assert instant(datetime(2026, 1, 31, 12, tzinfo=zone)) == "2026-01-31T10:59:53.000000Z"
