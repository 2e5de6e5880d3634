"""Each check of a replay by itself, where no other check and no read model could notice as well."""

from collections.abc import Sequence

import pytest

from domain.wallets import evolve
from infrastructure.event_codec import TYPES
from interfaces.replay.actor_lines import Place
from interfaces.replay.findings import KEPT, Difference, Findings
from interfaces.replay.order import OrderCheck
from interfaces.replay.stored import (
    SHAPES,
    Facts,
    Limited,
    Limits,
    MemberAdded,
    MemberRemoved,
    Moved,
    Opened,
    Other,
    Paid,
    Stored,
)
from interfaces.replay.times import Time
from interfaces.replay.wallets import MAX_BALANCE, Wallets
from tests.given import NOW, credited, debited, opening, wallet

At = tuple[int, str]


def test_a_replay_knows_every_type() -> None:
    """It has a list of its own, so that what the ledger writes is held against another hand."""
    assert set(SHAPES) == set(TYPES)


def event(
    position: int,
    facts: Facts,
    type_name: str,
    index: int = 0,
    count: int = 1,
    *,
    name: str = "wal_a",
    version: int = 1,
    command: str = "c",
    recorded: int = 0,
) -> Stored:
    place = Place(command_id=command, index=index, count=count)
    stamp = recorded.to_bytes(8, "big")
    return Stored(position, name.encode(), name, version, type_name, stamp, place, facts)


def paid(amount: int = 5, currency: str = "EUR") -> Paid:
    at = Time("2026-01-31T00:00:00.000000Z")
    return Paid("transfer", amount, currency, "wal_a", "wal_b", at)


def moved(amount: int = 5, currency: str = "EUR", other: str | None = None) -> Moved:
    return Moved("pay_1", amount, currency, other)


def debit(position: int, index: int = 1, count: int = 3, amount: int = 5) -> Stored:
    return event(position, moved(amount, other="wal_b"), "wallet.debited.v1", index, count)


def credit(position: int, index: int = 2, count: int = 3, amount: int = 5) -> Stored:
    facts = moved(amount, other="wal_a")
    return event(position, facts, "wallet.credited.v1", index, count, name="wal_b")


def payment(position: int, count: int = 3) -> Stored:
    return event(position, paid(), "payment.completed.v1", 0, count, name="pay_1")


def closing(position: int, index: int = 0, count: int = 1, recorded: int = 0) -> Stored:
    return event(position, Other(), "wallet.closed.v1", index, count, recorded=recorded)


def in_order(events: Sequence[Stored]) -> list[At]:
    """Return position and field of what the order of events shows to be wrong."""
    findings = Findings()
    check = OrderCheck(findings)
    for each in events:
        check.add(each)
    check.end(events[-1].position)
    return [(difference.position, difference.field) for difference in findings.kept]


def test_whole_commands_in_order_are_right() -> None:
    assert in_order([payment(1), debit(2), credit(3), closing(4, recorded=7)]) == []


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([closing(2)], [(1, "position")]),
        ([closing(1), closing(4)], [(2, "position")]),
        ([closing(1), closing(1)], [(2, "position")]),
        ([closing(1, recorded=9), closing(2, recorded=8)], [(2, "recorded_at")]),
        ([closing(1, index=1, count=2)], [(1, "metadata.index")]),
        ([payment(1), debit(2)], [(3, "events of the command")]),
        ([payment(1), debit(2, index=2)], [(2, "metadata.index")]),
        ([payment(1), debit(2, count=4)], [(2, "metadata.count"), (3, "events of the command")]),
        (
            [payment(1), debit(2), event(3, Other(), "wallet.closed.v1", command="d")],
            [(3, "metadata.command_id")],
        ),
        ([payment(1, count=1)], [(1, "sides moved")]),
        (
            [payment(1, count=2), debit(2, count=2)],
            [(2, "sum of EUR over the command"), (1, "sides moved")],
        ),
        (
            [event(1, moved(), "wallet.credited.v1")],
            [(1, "sum of EUR over the command")],
        ),
        (
            [payment(1), debit(2, amount=6), credit(3, amount=6)],
            [(2, "amount"), (3, "amount")],
        ),
    ],
)
def test_what_breaks_the_order_is_named_where_it_begins(
    events: list[Stored], found: list[At]
) -> None:
    assert in_order(events) == found


def test_sums_are_kept_apart_by_currency() -> None:
    events = [
        event(1, moved(5, "EUR"), "wallet.debited.v1", 0, 2),
        event(2, moved(5, "USD"), "wallet.credited.v1", 1, 2, name="wal_b"),
    ]
    assert in_order(events) == [
        (2, "sum of EUR over the command"),
        (2, "sum of USD over the command"),
    ]


def test_a_captured_hold_moves_what_is_posted() -> None:
    capture = event(1, moved(), "wallet.hold_captured.v1", 0, 2)
    release = event(3, moved(), "wallet.hold_released.v1")
    assert in_order([capture, credit(2, index=1, count=2), release]) == []


def opened(limit: int | None = 0) -> Opened:
    return Opened("personal", "liability", "usr_1", "Everyday", None, "EUR", limit)


def folded(steps: Sequence[tuple[str, Facts]], versions: Sequence[int] = ()) -> list[At]:
    """Return what is wrong with a wallet of these events; positions and versions count from 1."""
    findings = Findings()
    wallets = Wallets(findings)
    for place, (type_name, facts) in enumerate(steps):
        version = versions[place] if versions else place + 1
        wallets.add(event(place + 1, facts, type_name, version=version))
    return [(difference.position, difference.field) for difference in findings.kept]


OPEN: tuple[str, Facts] = ("wallet.opened.v1", opened())
UNLIMITED: tuple[str, Facts] = ("wallet.opened.v1", opened(None))


@pytest.mark.parametrize(
    ("steps", "versions", "found"),
    [
        ([OPEN, ("wallet.credited.v1", moved()), ("wallet.debited.v1", moved())], (), []),
        ([OPEN, ("wallet.credited.v1", moved())], (1, 3), [(2, "version")]),
        ([OPEN, ("wallet.credited.v1", moved())], (2, 3), [(1, "version")]),
        ([("wallet.credited.v1", moved())], (), [(1, "type of the first event")]),
        ([OPEN, ("wallet.debited.v1", moved())], (), [(2, "available")]),
        ([UNLIMITED, ("wallet.debited.v1", moved())], (), []),
        ([OPEN, ("wallet.funds_held.v1", moved())], (), [(2, "available")]),
        (
            [UNLIMITED, ("wallet.debited.v1", moved()),
             ("wallet.overdraft_limit_changed.v1", Limited(4))],
            (), [(3, "available")],
        ),
        (
            [OPEN, ("wallet.overdraft_limit_changed.v1", Limited(5)),
             ("wallet.debited.v1", moved()), ("wallet.debited.v1", moved(1))],
            (), [(4, "available")],
        ),
        ([OPEN, ("wallet.credited.v1", moved(5, "USD"))], (), [(2, "currency")]),
        ([OPEN, ("wallet.credited.v1", moved(0))], (), [(2, "amount")]),
        ([OPEN, ("wallet.hold_released.v1", moved())], (), [(2, "held")]),
        ([OPEN, ("wallet.credited.v1", moved(MAX_BALANCE)),
          ("wallet.credited.v1", moved(1))], (), [(3, "posted")]),
    ],
)  # fmt: skip
def test_what_must_hold_of_a_wallet_is_checked_at_every_event(
    steps: list[tuple[str, Facts]], versions: tuple[int, ...], found: list[At]
) -> None:
    assert folded(steps, versions) == found


def uncounted(amount: int = 5) -> Moved:
    """Return a debit that counts against no limit, as that of a refund."""
    return Moved("pay_1", amount, "EUR", counted=0)


def freed(amount: int = 5, given_back: int = 0) -> Moved:
    return Moved("pay_1", amount, "EUR", given_back=given_back)


LIMITED: tuple[str, Facts] = ("wallet.limits_changed.v1", Limits(None, 7))
SHARED: tuple[str, Facts] = ("wallet.member_added.v1", MemberAdded("usr_2", "owner"))


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([LIMITED, ("wallet.debited.v1", moved()), ("wallet.debited.v1", moved(2))], []),
        ([LIMITED, ("wallet.debited.v1", moved()), ("wallet.debited.v1", moved(3))],
         [(4, "spent on the day")]),
        ([LIMITED, ("wallet.debited.v1", moved()), ("wallet.debited.v1", uncounted(9))], []),
        ([LIMITED, ("wallet.debited.v1", moved()), ("wallet.funds_held.v1", moved(3))],
         [(4, "spent on the day")]),
        ([LIMITED, ("wallet.funds_held.v1", moved()), ("wallet.hold_captured.v1", moved()),
          ("wallet.debited.v1", moved(2))], []),
        ([LIMITED, ("wallet.funds_held.v1", moved()), ("wallet.hold_released.v1", freed(5, 5)),
          ("wallet.debited.v1", moved(7))], []),
        ([LIMITED, ("wallet.funds_held.v1", moved()), ("wallet.hold_released.v1", freed(5, 4)),
          ("wallet.debited.v1", moved(7))], [(5, "spent on the day")]),
        ([("wallet.funds_held.v1", moved()), ("wallet.hold_released.v1", freed(5, 6))],
         [(3, "spent on the day")]),
        ([("wallet.debited.v1", moved(9)), LIMITED], []),
        ([("wallet.limits_changed.v1", Limits(4, None)), ("wallet.debited.v1", moved())],
         [(3, "spent by the payment")]),
        ([("wallet.member_removed.v1", MemberRemoved("usr_1"))], [(2, "owners")]),
        ([("wallet.member_added.v1", MemberAdded("usr_1", "viewer"))], [(2, "owners")]),
        ([SHARED, ("wallet.member_removed.v1", MemberRemoved("usr_1"))], []),
    ],
)  # fmt: skip
def test_limits_and_owners_are_checked_at_every_event(
    steps: list[tuple[str, Facts]], found: list[At]
) -> None:
    assert folded([UNLIMITED, *steps]) == found


def test_a_day_is_counted_as_far_as_a_head_has_room() -> None:
    """Alike by the ledger and by the replay, as both must come to the same head."""
    ledger = wallet(first=opening(overdraft_limit=None))
    replayed = Wallets(Findings())
    replayed.add(event(1, opened(None), "wallet.opened.v1"))
    for version in range(2, 12, 2):
        for fact, kind in ((debited, "wallet.debited.v1"), (credited, "wallet.credited.v1")):
            ledger = evolve(ledger, fact(MAX_BALANCE // 2), NOW[:10])
            other = version if fact is debited else version + 1
            replayed.add(event(other, moved(MAX_BALANCE // 2), kind, version=other))
    (head,) = replayed.known.values()
    assert (ledger.spent, head.spent) == (MAX_BALANCE, MAX_BALANCE)


def test_the_first_difference_is_the_one_at_the_lowest_position() -> None:
    """Also when it is found late, and when there are more than are kept: it is always listed."""
    findings = Findings()
    for position in range(KEPT + 10, 0, -1):
        findings.add(Difference(position, "events", "-", "position", 0, 1))
    assert findings.count == KEPT + 10
    assert len(findings.kept) == KEPT
    assert findings.first is not None
    assert findings.first.position == 1
    assert [each.position for each in findings.in_order()[:2]] == [1, 11]


def test_a_difference_that_is_known_exactly_comes_before_one_that_is_not() -> None:
    """A seal only says up to where something is wrong, unless all else is wrong behind that."""
    findings = Findings()
    findings.add(Difference(1, "seals", "seal", "root", 0, 1, 200))
    findings.add(Difference(201, "events", "-", "amount", 0, 1))
    assert findings.first is not None
    assert findings.first.where == "seals"
    assert findings.first.sentence().startswith("Position 1 to 200, seals, seal: root")
    findings.add(Difference(150, "events", "-", "amount", 0, 1))
    assert (findings.first.position, findings.first.where) == (150, "events")
