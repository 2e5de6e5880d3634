"""The rules by which payments of a simulated world are judged find what they are there for."""

from typing import Any

import pytest

from tests.simulation.payments import Paid, begun
from tests.simulation.purses import Purse
from tests.simulation.reasons import REASONS, Case, is_so

NOON, LATER, END = (f"2026-01-31T{hour}:00:00.000000Z" for hour in ("12", "13", "14"))


def held(amount: int = 50) -> Paid:
    """Return a hold that ends at two."""
    return begun("pay_1", "authorized", {**LEG, "kind": "hold", "amount": amount, **ENDING})


def paid(amount: int = 50) -> Paid:
    """Return a transfer."""
    return begun("pay_1", "completed", {**LEG, "kind": "transfer", "amount": amount})


LEG = {"source_wallet_id": "wal_1", "destination_wallet_id": "wal_2"}
ENDING = {"standing": {"expires_at": END}}


def captured(amount: int, released: int = 0, day: str = NOON) -> dict[str, Any]:
    return {"amount": amount, "released": released, "effective_at": day}


def faults(payment: Paid, *steps: tuple[str, dict[str, Any], str]) -> str:
    """Return what is said of events that come after the first one.

    What they say of the payment themselves is not looked at.
    """
    found = []
    for what, fields, at in steps:
        standing = {"captured": 0, "expires_at": payment.expires_at, **fields}
        found += list(payment.go_on(what, {"standing": standing, **fields}, at))
    return " | ".join(fault for fault in found if " the event says " not in fault)


def test_a_life_within_the_rules_has_no_faults() -> None:
    hold = held()
    steps = [
        ("captured", captured(20), NOON),
        ("increased", {"amount": 10}, NOON),
        ("captured", captured(30), LATER),
        ("released", {"amount": 10, "reason": "expired"}, END),
        ("refunded", {"amount": 50}, END),
    ]
    assert faults(hold, *steps) == ""
    assert (hold.status, hold.captured, hold.refundable) == ("refunded", 50, 0)


@pytest.mark.parametrize(
    ("payment", "steps", "said"),
    [
        (held(), [("captured", captured(50), END)], "past its end"),
        (held(), [("captured", captured(51), NOON)], "51 captured of 50"),
        (held(), [("captured", captured(30, 21), NOON)], "-1 left"),
        (held(), [("captured", captured(50, day="2026-02-01"), NOON)], "another day"),
        (held(), [("released", {"amount": 50, "reason": "released"}, END)], "released at"),
        (held(), [("released", {"amount": 50, "reason": "expired"}, NOON)], "expired at"),
        (held(), [("released", {"amount": 40, "reason": "released"}, NOON)], "frees 40 of 50"),
        (held(), [("increased", {"amount": 1}, END)], "increased after"),
        (held(), [("increased", {"amount": 1, "expires_at": LATER}, NOON)], "come nearer"),
        (
            held(),
            [("captured", captured(30, 20), NOON), ("captured", captured(1), NOON)],
            "captured after it was captured",
        ),
        (
            held(),
            [
                ("captured", captured(30, 20), NOON),
                ("released", {"amount": 20, "reason": "released"}, NOON),
            ],
            "released after it was captured",
        ),
        (paid(), [("refunded", {"amount": 51}, NOON)], "51 refunded of 50"),
        (paid(), [("reversed", {"amount": 49}, NOON)], "49 reversed of 50"),
        (
            paid(),
            [("refunded", {"amount": 1}, NOON), ("reversed", {"amount": 50}, NOON)],
            "reversed when it was partially-refunded",
        ),
        (
            paid(),
            [("reversed", {"amount": 50}, NOON), ("refunded", {"amount": 1}, NOON)],
            "refunded after it was reversed",
        ),
        (held(), [("reversed", {"amount": 0}, NOON)], "reversed when it was authorized"),
        (paid(), [("completed", {}, NOON)], "once more"),
    ],
)
def test_what_breaks_a_rule_is_told(
    payment: Paid, steps: list[tuple[str, dict[str, Any], str]], said: str
) -> None:
    assert said in faults(payment, *steps)


@pytest.mark.parametrize("code", [*REASONS, "unheard-of"])
def test_a_refusal_without_its_reason_is_found(code: str) -> None:
    """An open hold of half of what is there, or a payment of all of it: nothing is in the way."""
    purse = Purse(limit=0, balance=100, held=50)
    case = Case(purse, Purse(limit=0), held(), amount=50, available=50, at=NOON)
    empty = Case(Purse(limit=0), Purse(limit=0), paid(), amount=50, at=NOON)
    done = {"wallet-not-empty", "not-refundable", "not-reversible", "amount-exceeds-payment"}
    assert not is_so(code, empty if code in done else case)


def test_money_that_must_not_move_is_found() -> None:
    """Below nothing held, below the limit, out of a frozen wallet, and through a closed one."""
    assert list(Purse(0).move("wallet.hold_released.v1", 1, forced=False)) == ["holds -1"]
    assert "available" in " ".join(Purse(10).move("wallet.debited.v1", 11, forced=False))
    frozen = Purse(None, frozen={"member"})
    assert list(frozen.move("wallet.funds_held.v1", 1, forced=False)) == ["is frozen"]
    assert list(frozen.move("wallet.debited.v1", 1, forced=True)) == []
    closed = Purse(None, closed=True)
    assert list(closed.move("wallet.credited.v1", 1, forced=False)) == ["is closed"]
