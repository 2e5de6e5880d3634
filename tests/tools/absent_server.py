"""What a test does whose server cannot be had: it is skipped, but never unseen where it counts."""

import os
from typing import NoReturn

import pytest


def server_absent(reason: str) -> NoReturn:
    """Skip the test with the reason; fail it where FALCONPAY_REQUIRE_SERVERS=1, as CI sets it."""
    if os.environ.get("FALCONPAY_REQUIRE_SERVERS") == "1":
        pytest.fail(f"a server cannot be had: {reason}")
    pytest.skip(f"a server cannot be had: {reason}")
