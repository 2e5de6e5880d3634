"""One running system for all tests from outside that leave it as it is."""

from collections.abc import Iterator

import pytest

from tests.tools.whole_system import WholeSystem


@pytest.fixture(scope="session")
def running() -> Iterator[WholeSystem]:
    """Give a system that runs, with nothing in its ledger at the beginning."""
    system = WholeSystem()
    try:
        system.up()
        yield system
    finally:
        system.close()
