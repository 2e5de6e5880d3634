"""The whole system under load while its parts are killed: nothing lost, nothing doubled."""

from pathlib import Path

import pytest

from tests.faults.loop import run
from tests.tools.whole_system import WholeSystem


@pytest.mark.timeout(240)
def test_kills_under_load(tmp_path: Path) -> None:
    """At least ten kills; the checker, which knows only events and logs, finds no fault."""
    report = run(WholeSystem(), tmp_path, seconds=40, seed=20, pause=3)
    assert report.faults == []
    assert len(report.kills) >= 8
    assert report.counts["acknowledged"] > 500
