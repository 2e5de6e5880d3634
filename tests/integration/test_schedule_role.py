"""Schedules run by the role `payments` as processes, one of which is killed."""

import time

import pytest

from domain.identifiers import bits
from domain.instants import moment
from domain.schedule_events import Day
from tests.books import project
from tests.fan_out import until
from tests.faults.roles import roles
from tests.scene import Scene
from tests.standing_orders import RENT, StandingOrders

PROMISED_SECONDS = 60.0
COUNT = 300


@pytest.fixture
def orders(timed: Scene) -> StandingOrders:
    """Give schedules whose day is today, and money for all of them."""
    timed.one.pay(timed.bank, timed.home, COUNT * RENT)
    return StandingOrders(timed, moment(timed.after().rows[-1].recorded_at).date())


def test_a_worker_is_killed_and_another_goes_on(orders: StandingOrders) -> None:
    """Of what starts today each is paid once, and within the minute that is promised."""
    scene = orders.scene
    today = Day(orders.today.isoformat())
    made = [orders.make(plan={"starts_on": today}) for _ in range(COUNT)]
    project(scene.databases)
    with scene.databases.connect("audit") as connection:

        def paid() -> int:
            head = "SELECT posted FROM wallet_head WHERE id = %s"
            ((posted,),) = connection.execute(head, [bits(scene.shop)]).fetchall()
            return int(posted) // RENT

        began = time.monotonic()
        with roles(scene.databases, "payments", "payments") as (killed, other):
            until(lambda: paid() > 0)
            killed.kill()
            until(lambda: paid() == COUNT)
            assert time.monotonic() - began < PROMISED_SECONDS
            assert other.terminate() == 0
    for schedule in made[:: COUNT // 6]:
        assert orders.told(schedule) == [f"occurred {today[5:]}"]
    assert orders.paid() == COUNT * RENT
