"""The checker finds what a client of the stream has missed, heard twice, or heard otherwise."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.checker import fold
from tests.faults.forged import KEYS, living, rows
from tests.faults.heard import Heard
from tests.faults.listening import events
from tests.faults.names import identifier

Lines = list[dict[str, Any]]
LAST = len(rows(living()))
SHIFTS = {"wallet.debited.v1": (-1, 0), "wallet.credited.v1": (1, 0)}
SHIFTS |= {"wallet.funds_held.v1": (0, 1), "wallet.hold_released.v1": (0, -1)}
SHIFTS |= {"wallet.hold_captured.v1": (-1, -1)}


def right() -> Lines:
    """Return what the stream tells of the living book, written down here once more."""
    found: Lines = []
    money: dict[str, list[int]] = {}
    for position, stream, _, topic, state, _, _ in rows(living()):
        fields = json.loads(state)
        if topic.startswith("payment."):
            document = {"payment_id": identifier("pay", stream)}
            found.append({"event": "payment", "id": position, "data": document})
        elif topic in SHIFTS:
            wallet = identifier("wal", stream)
            has = money.setdefault(wallet, [0, 0])
            for place, sign in enumerate(SHIFTS[topic]):
                has[place] += sign * fields["amount"]
            texts = [f"{minor / 100:.2f}" for minor in (has[0], has[1], has[0] - has[1])]
            document = dict(zip(("posted", "held", "available"), texts, strict=True))
            document |= {"wallet_id": wallet, "currency": "EUR"}
            found.append(
                {"event": "balance", "id": position, "data": {**document, "position": position}}
            )
    return found


def faults(lines: Lines, until: int = LAST) -> str:
    """Return what is said of what was heard."""
    heard = Heard(lines, until)
    fold(rows(living()), KEYS, heard.watch)
    heard.finish()
    return " | ".join(heard.faults)


def test_what_was_heard_once_and_in_order_passes() -> None:
    """Also when the client has not heard the end yet."""
    assert len(right()) > 40
    assert faults(right()) == ""
    assert faults(right()[:-5], right()[-6]["id"]) == ""


def altered(**fields: Any) -> Callable[[Lines], Lines]:
    """Return a change of the first balance that was heard."""

    def change(lines: Lines) -> Lines:
        place = next(n for n, line in enumerate(lines) if line["event"] == "balance")
        line = lines[place]
        return [*lines[:place], {**line, "data": {**line["data"], **fields}}, *lines[place + 1 :]]

    return change


WRONG: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "one left out": (lambda lines: [*lines[:9], *lines[10:]], "did not tell of position"),
    "the last left out": (lambda lines: lines[:-1], "did not tell of position"),
    "one told twice": (lambda lines: [*lines[:9], lines[8], *lines[9:]], "and must not have"),
    "swapped": (lambda lines: [*lines[:8], lines[9], lines[8], *lines[10:]], "did not tell of"),
    "of no change": (
        lambda lines: [{**lines[0], "id": 1}, *lines],
        "the stream told of position 1 and must not have",
    ),
    "too much at the end": (
        lambda lines: [*lines, {**lines[-1], "id": LAST}],
        "and must not have",
    ),
    "other money": (altered(held="1.00"), "told ('balance', "),
    "another wallet": (altered(wallet_id="wal_"), "told ('balance', 'wal_'"),
    "another position": (altered(position=1), "told ('balance', "),
}
"""Each way in which a stream can break its promise, and what is said of it."""


@pytest.mark.parametrize("wrong", WRONG)
def test_what_was_heard_otherwise_is_found(wrong: str) -> None:
    change, said = WRONG[wrong]
    assert said in faults(change(right()))


def test_a_stream_is_read_event_by_event() -> None:
    """What was cut off in the middle is no event, and a beat is an id without a name."""
    beats = ["retry: 1000", "", ": alive", "id: 4", ""]
    whole, cut = ["event: balance", "id: 5", 'data: {"a":1}', ""], ["event: payment", "id: 6"]
    assert list(events([*beats, *whole, *cut])) == [("", 4, None), ("balance", 5, {"a": 1})]
    assert list(events(['{"code":"unauthenticated"}'])) == []
