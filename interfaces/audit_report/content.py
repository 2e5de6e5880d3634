"""What an audit report says: what was checked, by whom, with what, and what was found."""

import getpass
import platform
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from domain.instants import instant
from infrastructure.event_log.currencies import stored_currencies
from infrastructure.event_log.reader import EventReader
from infrastructure.settings import Settings
from infrastructure.version import VERSION
from interfaces.replay.findings import Difference
from interfaces.replay.sums import sums_fields
from interfaces.replay.topic import Topic
from interfaces.replay.verify import Verification

RECORDED: LiteralString = "SELECT recorded_at FROM events WHERE notification_id = %s"

# As stored, since in a book that somebody has altered it may be anything.
LAST_SEAL: LiteralString = """
SELECT s.checkpoint, (SELECT vkey FROM seal_key WHERE epoch = s.epoch ORDER BY place DESC LIMIT 1)
FROM seal s WHERE s.epoch = %s ORDER BY s.size DESC LIMIT 1"""

OF_SEALS = (
    "Every seal and every stored hash is that of the events before it, signed by a key of the log."
)
OF_SEALS_ELSEWHERE = (
    "Each seal that is kept outside of the database, as many as are told below, is that of the"
    " events before it."
)
OF_THE_REST = (
    "Behind the last seal positions are dense, times never go back, and commands are whole."
)
OF_EVENTS = (
    "Positions are dense, and so are versions within each stream; times never go back; commands"
    " are whole.",
    "Every currency sums to zero wherever a command ends, and a transfer moved what it says.",
    "No wallet was below its limit at any position, nothing held was below zero.",
    "The heads that the ledger decides on are as the events say.",
    "Every row of every read model is as the events say, each at its own checkpoint.",
)
OF_THE_TOPIC = "Every record on Kafka is that of its position: key, bytes, headers and MAC."


@dataclass(frozen=True, slots=True)
class Checked:
    """What was compared: all of the book or `from_seal`, and the topic where it was asked for."""

    result: Verification
    topic: Topic | None
    from_seal: bool


def content(
    settings: Settings, ledger: psycopg.Connection[Any], checked: Checked
) -> dict[str, Any]:
    """Return the report of a check that has just ended; numbers are whole, money is text.

    `ledger` is the snapshot in which the events were read.
    """
    result, reader = checked.result, EventReader(ledger)
    ended = datetime.now(UTC)
    currencies = stored_currencies(ledger)
    row = ledger.execute(RECORDED, (result.position,)).fetchone()
    seal = ledger.execute(LAST_SEAL, (reader.epoch(),)).fetchone()
    first = result.findings.first
    return {
        "ledger": settings.ledger,
        "store": str(reader.store_id()),
        "epoch": reader.epoch(),
        "result": "as the events say" if first is None else "differences found",
        "position": result.position,
        "last_recorded_at": None if row is None else instant(row[0]),
        "events": result.events,
        "events_moved": result.moved,
        "wallets": None if checked.from_seal else result.wallets,
        "checked": list(_checks(checked)),
        "sums": [sums_fields(sums, currencies) for sums in result.sums],
        "read_models": [
            {
                "name": model.name,
                "version": model.version,
                "position": model.position,
                "compared": model.compared,
                "differences": sum(result.findings.by_place[each] for each in model.tables),
            }
            for model in result.read_models
        ],
        "seals": {
            "count": result.seals.count,
            "sealed_up_to": result.seals.size,
            "elsewhere": result.seals.elsewhere,
            "last_checkpoint": None if seal is None else seal[0],
            "vkey": None if seal is None else seal[1],
            "differences": result.findings.by_place["seals"],
        },
        "topic": None
        if checked.topic is None
        else {
            "name": checked.topic.name,
            "records": checked.topic.records,
            "repeated": checked.topic.repeated,
            "trimmed_to": checked.topic.trimmed_to,
            "differences": result.findings.by_place["topic"],
        },
        "differences": result.findings.count,
        "first": None if first is None else _finding(first),
        "findings": [_finding(each) for each in result.findings.in_order()],
        "made_by": {
            "software": f"falconpay {VERSION}",
            "machine": _text(socket.gethostname()),
            "system": f"{platform.system()} {platform.release()}, Python"
            f" {platform.python_version()}",
            "person": _text(_person()),
            "began_at": instant(ended - timedelta(seconds=result.seconds)),
            "ended_at": instant(ended),
        },
    }


def _checks(checked: Checked) -> Sequence[str]:
    found = [OF_SEALS, OF_THE_REST] if checked.from_seal else [*OF_EVENTS, OF_SEALS]
    if checked.result.seals.elsewhere:
        found.append(OF_SEALS_ELSEWHERE)
    return found if checked.topic is None else [*found, OF_THE_TOPIC]


def _finding(difference: Difference) -> dict[str, Any]:
    return {
        "position": difference.position,
        "until": difference.until,
        "where": difference.where,
        "stream": _text(difference.stream),
        "field": _text(difference.field),
        "expected": None if difference.expected is None else _text(difference.expected),
        "found": None if difference.found is None else _text(difference.found),
    }


def _text(value: object) -> str:
    """Return a value that may be anything as a text that UTF-8 can write."""
    return str(value).encode(errors="backslashreplace").decode()


def _person() -> str:
    """Return who is logged in, by name or, where a container has none, by number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
