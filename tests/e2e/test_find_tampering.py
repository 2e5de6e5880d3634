"""The how-to about tampering, run as it stands on a system of its own."""

import os
import re
from collections.abc import Iterator

import pytest

from infrastructure.embedded.postgres_binaries import packaged_binaries
from tests.e2e.test_readme import blocks, shell
from tests.tools.whole_system import ROOT, WholeSystem

NOTHING = "Nothing is found."
TRIGGERS = """
owner ledger -c "SELECT DISTINCT tgenabled FROM pg_trigger WHERE NOT tgisinternal"
"""


@pytest.fixture
def system() -> Iterator[WholeSystem]:
    """Give a system that seals every second, with PostgreSQL's own client at hand."""
    path = f"{packaged_binaries()}{os.pathsep}{os.environ['PATH']}"
    system = WholeSystem(FALCONPAY_SEAL_INTERVAL="1", PATH=path)
    try:
        system.up()
        yield system
    finally:
        system.close()


def test_tampering_is_found_as_the_page_says(system: WholeSystem) -> None:
    """Each alteration is found and named, and nothing once it is put right."""
    steps = blocks(ROOT / "docs/how-to/find-tampering.md", "From here on the blocks are run")
    told = "\n".join(shell(system, "\necho ----\n".join([*steps, TRIGGERS]))).split("----")
    said = [[line.strip() for line in part.strip().splitlines()] for part in told]
    made, ready, amount, gone, model, name, everything, triggers = said
    assert '"status":"completed"' in made[0]
    assert ready == [NOTHING]

    def found(lines: list[str], pattern: str) -> None:
        sentence, code, *rest = lines
        assert re.search(pattern, sentence), sentence
        assert (code, rest) == ("Ended with 1.", [NOTHING])

    # When the token that the page signs comes on record is a matter of a second, so the wallets
    # and the transfer stand at one position or the next.
    found(amount, r"Position \d+, events, wal_")
    found(gone, r"Position (\d+), events, -: position should be \1 and is ")
    found(model, r"Position .*balances, wal_")
    found(name, r"Position \d+ to \d+, seals, seal: root")
    assert everything[0] == NOTHING
    assert re.search(r"Position \d+ to \d+, seals, seal: root", everything[1])
    assert everything[2:] == ["Ended with 1."]
    assert triggers == ["A"]
