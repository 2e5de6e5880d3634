"""Races between two real command processes, over HTTP: one winner, one effect, heads that agree.

Each pair of requests is sent in both orders of getting the lock, and many times at once. Which
process takes which request changes from one time to the next. Both have seen the wallet and the
payment before the race, so that whatever they remember of them is out of date for one of them.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from domain.identifiers import PaymentId, WalletId
from domain.instants import moment
from domain.payment_events import PaymentCaptured, PaymentReleased
from tests import servers
from tests.command_api import new_key, refused
from tests.fan_out import until
from tests.faults.roles import RoleProcess, roles
from tests.races import Holder, in_background, until_waiting
from tests.servers import PostgresHome
from tests.two_processes import Race, TwoProcesses, heard, sent

ROUNDS = 16
PROMISED = timedelta(seconds=10)
SWEEP_WAITS = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'falconpay-payments'
        AND datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.fixture(scope="module")
def two(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoProcesses]:
    """Give two command processes, which all tests of the module use with wallets of their own."""
    databases = servers.fresh_databases(postgres, tmp_path_factory.mktemp("home"))
    started = TwoProcesses(databases)
    started.start()
    yield started
    started.stop()
    databases.drop()


@pytest.fixture(scope="module")
def sweeper(two: TwoProcesses) -> Iterator[RoleProcess]:
    """Give the process that ends what has run out."""
    with roles(two.databases, "projector,payments") as (worker,):
        until(worker.ready)
        yield worker


def a_member_removed_while_they_pay(two: TwoProcesses, at: int) -> Race:
    """Remove and pay: who is no member any more pays nothing, and is told of no wallet."""
    home, shop = two.wallets(at)
    two.ann.at[at].add(home, two.ben.at[at], "spender")
    return Race(
        home,
        shop,
        (
            lambda process: two.ann.at[process].remove(home, two.ben.subject),
            lambda process: two.ben.at[process].pay(home, shop, "10"),
        ),
        (
            (("done", "wallet-not-found"), (10_000, 0, 0)),
            (("done", "done"), (9_000, 0, 1_000)),
        ),
    )


def a_capture_and_a_release(two: TwoProcesses, at: int) -> Race:
    """End a hold twice: it has one end, and the loser hears which."""
    home, shop = two.wallets(at)
    hold = two.ann.at[at].held(home, shop, "40")
    too_much = two.payee.at[1 - at].on(hold, "capture", {"amount": "41"})
    assert heard(too_much) == "amount-exceeds-hold"
    return Race(
        home,
        shop,
        (
            lambda process: two.payee.at[process].on(hold, "capture", {"amount": "30"}),
            lambda process: two.payee.at[process].on(hold, "release"),
        ),
        (
            (("done", "hold-already-captured"), (7_000, 0, 3_000)),
            (("hold-already-released", "done"), (10_000, 0, 0)),
        ),
    )


def a_refund_and_a_reversal(two: TwoProcesses, at: int) -> Race:
    """Give a payment back twice: one of them does, and no more than it was."""
    home, shop = two.wallets(at)
    payment = two.ann.at[at].paid(home, shop, "40")["payment_id"]
    too_much = two.payee.at[1 - at].on(payment, "refund", {"amount": "41"})
    assert heard(too_much) == "amount-exceeds-payment"
    return Race(
        home,
        shop,
        (
            lambda process: two.payee.at[process].on(payment, "refund", {"amount": "15"}),
            lambda process: two.operator.at[process].on(payment, "reverse", {"reason": "error"}),
        ),
        (
            (("done", "already-refunded"), (7_500, 0, 2_500)),
            (("already-reversed", "done"), (10_000, 0, 0)),
        ),
    )


def a_freeze_and_a_spend(two: TwoProcesses, at: int) -> Race:
    """Freeze and pay: a payment after the freeze is refused, one before it is done."""
    home, shop = two.wallets(at)
    return Race(
        home,
        shop,
        (
            lambda process: two.ann.at[process].act(home, "freeze"),
            lambda process: two.ann.at[process].pay(home, shop, "10"),
        ),
        (
            (("done", "wallet-frozen"), (10_000, 0, 0)),
            (("done", "done"), (9_000, 0, 1_000)),
        ),
    )


def two_approvals(two: TwoProcesses, at: int) -> Race:
    """Approve twice what needs it once: it is carried out once, and the other is too late."""
    home, shop = two.wallets(at)
    for owner in (two.ben, two.cleo):
        two.ann.at[at].add(home, owner.at[at], "owner")
    assert two.ann.at[at].put(home, "approvals", required=1, above="5").status_code == 200
    payment = two.ann.at[at].paid(home, shop, "40")["payment_id"]
    refused(two.ann.at[1 - at].on(payment, "approve"), 403, "role-missing")
    return Race(
        home,
        shop,
        (
            lambda process: two.ben.at[process].on(payment, "approve"),
            lambda process: two.cleo.at[process].on(payment, "approve"),
        ),
        (
            (("done", "approval-not-needed"), (6_000, 0, 4_000)),
            (("approval-not-needed", "done"), (6_000, 0, 4_000)),
        ),
    )


RACES = [
    a_member_removed_while_they_pay,
    a_capture_and_a_release,
    a_refund_and_a_reversal,
    a_freeze_and_a_spend,
    two_approvals,
]
Begin = Callable[[TwoProcesses, int], Race]
each_race = pytest.mark.parametrize("begin", RACES, ids=[each.__name__ for each in RACES])


@each_race
@pytest.mark.parametrize("at", [0, 1])
def test_who_comes_first_wins_at_either_process(two: TwoProcesses, begin: Begin, at: int) -> None:
    """Both wait for the head; the second one is decided on what the first one has left."""
    for first in (0, 1):
        race = begin(two, at)
        told = two.in_line(race, at, first)
        assert (told, two.money(race.home, race.shop)) == race.ends[first]
    two.after()


@each_race
def test_at_the_same_moment_one_of_them_wins(two: TwoProcesses, begin: Begin) -> None:
    """Whichever it is, both callers hear the truth and the money is where they were told."""
    for number in range(ROUNDS):
        race = begin(two, number // 2 % 2)
        told = two.at_once(race, at=number % 2, held=number % 3 == 0)
        assert (told, two.money(race.home, race.shop)) in race.ends
    two.after()


def test_sixteen_captures_of_parts(two: TwoProcesses) -> None:
    """As many parts are captured as fit into the hold, at whichever process they come in."""
    for at in (0, 1, 0):
        home, shop = two.wallets(at)
        hold = two.ann.at[at].held(home, shop, "93")
        part = {"amount": "10", "final": False}
        captures = [partial(two.payee.at[n % 2].on, hold, "capture", part) for n in range(16)]
        told = Counter(heard(each.result(30)) for each in sent(captures))
        assert told == {"done": 9, "amount-exceeds-hold": 7}
        assert two.money(home, shop) == (1_000, 300, 9_000)
        assert two.after().story(PaymentId(hold)) == ["authorized", *["captured"] * 9]


def test_captures_and_the_sweep_around_the_end(two: TwoProcesses, sweeper: RoleProcess) -> None:
    """Of holds that end at once each is captured before its end or swept after it, once."""
    home, shop = two.wallets(0)
    placed = [two.ann.at[n % 2].hold(home, shop, "1", expires_in=1).json() for n in range(16)]
    ends = {PaymentId(hold["payment_id"]): moment(hold["expires_at"]) for hold in placed}

    def capture(process: int) -> list[str]:
        told = []
        for number, (payment, end) in enumerate(ends.items()):
            due = end + (number - 8) * timedelta(milliseconds=30)
            time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
            told.append(heard(two.payee.at[process].on(payment, "capture")))
        return told

    told = [each.result(30) for each in sent([partial(capture, 0), partial(capture, 1)])]
    until(lambda: two.money(home, shop)[1] == 0)
    after = two.after()
    recorded = {(str(row.stream_id), row.version): row.recorded_at for row in after.rows}
    captured = 0
    for (payment, end), both in zip(ends.items(), zip(*told, strict=True), strict=True):
        _, last = after.stories[payment]
        at = moment(recorded[payment, 2])
        if isinstance(last, PaymentCaptured):
            captured += 1
            assert at < end
            assert set(both) == {"done", "hold-already-captured"}
        else:
            assert isinstance(last, PaymentReleased)
            assert last.reason == "expired"
            assert end <= at < end + PROMISED
            assert set(both) == {"hold-expired"}
    assert 0 < captured < len(ends)
    assert two.money(home, shop) == (10_000 - 100 * captured, 0, 100 * captured)


def test_captures_that_wait_past_the_end(two: TwoProcesses, sweeper: RoleProcess) -> None:
    """The lock is given after the end, so both captures are too late and the sweep frees all."""
    home, shop = two.wallets(1)
    hold = two.ann.at[1].hold(home, shop, "40", expires_in=2).json()
    payment, key = PaymentId(hold["payment_id"]), new_key()
    end = moment(hold["expires_at"])
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() - 0.2))
    holder = Holder(two.databases, WalletId(home))

    def capture(process: int) -> str:
        ask = partial(two.payee.at[process].on, payment, "capture", key=f"{key}-{process}")
        response = ask()
        while response.status_code == 503:
            # Who has waited for the lock too long may ask again.
            response = ask()
        return heard(response)

    captures = [in_background(partial(capture, process)) for process in (0, 1)]
    until_waiting(holder.connection, 2)
    with two.databases.connect_admin() as watching:
        until(lambda: watching.execute(SWEEP_WAITS).fetchone() != (0,))
    assert datetime.now(UTC) > end
    holder.commit()
    assert [each.result(30) for each in captures] == ["hold-expired"] * 2
    until(lambda: two.money(home, shop)[1] == 0)
    assert two.money(home, shop) == (10_000, 0, 0)
    assert two.after().story(payment) == ["authorized", "released"]
