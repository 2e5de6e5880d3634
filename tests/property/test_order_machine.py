"""Schedules and payment requests do what a model in plain dates and integers says."""

import pytest

from tests.property.drawn_orders import LEAST
from tests.property.ledger_machine import run
from tests.property.order_machine import OrderMachine
from tests.property.reach import check_reach


@pytest.mark.timeout(240)
def test_every_order_ends_as_the_model_says() -> None:
    """Over months of every length and a clock that jumps; each end is reached often."""
    reached = run(OrderMachine, examples=32, steps=50)
    check_reach(reached, least={**LEAST, "clock-unsure": 0.001})
