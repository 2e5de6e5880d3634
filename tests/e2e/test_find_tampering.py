"""The how-to about tampering, run as it stands on a system of its own."""

import os
from collections.abc import Iterator

import pytest

from infrastructure.embedded.postgres_binaries import packaged_binaries
from tests.e2e.test_readme import blocks, shell
from tests.tools.whole_system import ROOT, WholeSystem

NOTHING = "Nothing is found."


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
    told = "\n".join(shell(system, "\necho ----\n".join(steps))).split("----")
    said = [[line.strip() for line in part.strip().splitlines()] for part in told]
    made, ready, amount, gone, model, name, everything = said
    assert '"status":"completed"' in made[0]
    assert ready == [NOTHING]

    def found(lines: list[str], place: str) -> None:
        sentence, code, *rest = lines
        assert place in sentence
        assert (code, rest) == ("Ended with 1.", [NOTHING])

    found(amount, "Position 5, events, wal_")
    found(gone, "Position 4, events, -: position should be 4 and is 5.")
    found(model, "balances, wal_")
    found(name, "Position 1 to 5, seals, seal: root")
    assert everything[0] == NOTHING
    assert "Position 1 to 5, seals, seal: root" in everything[1]
    assert everything[2:] == ["Ended with 1."]
