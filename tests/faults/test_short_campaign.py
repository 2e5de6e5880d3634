"""A short campaign from a seed, in every run of the tests, and a long one when asked for."""

from pathlib import Path

import pytest

from tests.faults.kinds.catalogue import KINDS
from tests.faults.report import summary
from tests.faults.running import Options, plan, run, to_stderr
from tests.tools.whole_system import WholeSystem, end_left_systems

SHORT = (
    "kill command-api",
    "kill relay",
    "kill PostgreSQL's group",
    "kill gateway",
    "kill a session of PostgreSQL",
    "drain a command API",
    "kill the second projector",
    "kill the second payments",
    "kill the second sealer",
    "kill a sealer between signing and storing",
    "close a period under load",
    "rebuild a read model",
    "begin an epoch",
    "kill kafka",
)
"""Kinds that need no long pause."""


@pytest.mark.timeout(240)
def test_a_short_campaign(tmp_path: Path) -> None:
    """Nothing is lost, doubled or different, whatever was killed."""
    end_left_systems()
    kinds = [kind for kind in KINDS if kind.name in SHORT]
    options = Options(seconds=26, seed=7, kinds=kinds, clients=4, pace_seconds=2.0)
    report = run(WholeSystem(), tmp_path, options, to_stderr)
    assert report.faults == [], summary(report.faults)
    assert len(report.kinds) >= 6
    assert report.counts["acknowledged"] > 200
    assert report.counts["lost"] == report.counts["doubled"] == 0
    assert report.counts["retried"] > 20
    living = ("holds", "captures", "expired", "refunds", "approvals", "splits", "occurrences")
    assert [name for name in (*living, "seals", "heard") if not report.counts[name]] == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_long_campaign(tmp_path: Path) -> None:
    """All kinds that this machine allows, each at least once."""
    end_left_systems()
    options = Options(seconds=560, seed=11, kinds=KINDS, pace_seconds=2.5)
    report = run(WholeSystem(), tmp_path, options, to_stderr)
    assert report.faults == []
    assert len(report.kinds) >= len(KINDS) - len(report.missing) - len(report.not_struck)


def test_a_plan_repeats() -> None:
    """The seed alone decides which faults come in which order, and all come in each round."""
    options = Options(seconds=1, seed=5, kinds=KINDS)
    assert plan(options, 60) == plan(options, 60)
    other = Options(seconds=1, seed=6, kinds=KINDS)
    assert plan(options, 60) != plan(other, 60)
    names = {name for line in plan(options, len(KINDS)) for name in line.split(" + ")}
    assert names == {kind.name for kind in KINDS}
