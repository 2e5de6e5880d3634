"""`./falcon test` goes on after a failure, counts everything, and tells it by its exit code."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest

from interfaces.cli.test_command import read_report
from tests.tools.absent_server import server_absent
from tests.tools.tiny_clone import ROOT

PYPROJECT = """
[tool.mypy]
files = ["sound"]
[tool.importlinter]
root_package = "sound"
include_external_packages = true
[[tool.importlinter.contracts]]
name = "The sound module needs no system"
type = "forbidden"
source_modules = ["sound"]
forbidden_modules = ["os"]
[tool.pytest.ini_options]
testpaths = ["tests"]
markers = ["slow"]
addopts = ["-p", "no:valkey", "-p", "no:cacheprovider"]
"""

TESTS = """
import pytest


def test_good() -> None:
    pass


@pytest.mark.slow
def test_long() -> None:
    pass


@pytest.mark.skip(reason="no such server")
def test_skipped() -> None:
    pass
"""

RUN = "import sys; from pathlib import Path; from interfaces.cli.test_command import run_tests;"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a tree of one module and one file of tests, in which everything passes."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_one.py").write_text(TESTS.lstrip())
    (tmp_path / "sound").mkdir()
    (tmp_path / "sound" / "__init__.py").write_text("VALUE = 1\n")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    return tmp_path


def start(tree: Path, paths: list[str], long: bool = False) -> subprocess.Popen[str]:
    call = f"sys.exit(run_tests({paths!r}, {long}, Path({str(tree)!r})))"
    return subprocess.Popen(
        [sys.executable, "-c", RUN + call],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(tree: Path, paths: list[str], long: bool = False) -> tuple[int, list[str]]:
    process = start(tree, paths, long)
    out, _ = process.communicate(timeout=100)
    return process.returncode, out.splitlines()


def test_all_that_passes_is_counted_with_the_checks(tree: Path) -> None:
    """Four checks and a test pass, a skip is told with its reason, slow tests stay out."""
    code, lines = run(tree, [])
    assert (code, lines[-1]) == (0, "5 passed, 0 failed, 1 skipped"), "\n".join(lines)
    assert "skipped 1: no such server" in lines


def test_parts_are_tested_beside_whole_systems(tree: Path) -> None:
    """All runs begin before one ends, all are counted, and a failure of any of them is one."""
    meet = (
        "import time\nfrom pathlib import Path\n\n\n"
        "def test_met() -> None:\n"
        '    Path(f"{__name__}.met").touch()\n'
        '    while len(list(Path().glob("*.met"))) < 3:\n'
        "        time.sleep(0.05)\n"
    )
    bad = '\n\ndef test_bad() -> None:\n    raise AssertionError("beside")\n'
    places = ("unit/test_law.py", "integration/test_audit.py", "integration/test_query.py")
    for place in places:
        path = tree / "tests" / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(meet + (bad if "audit" in place else ""))
    code, lines = run(tree, [])
    assert (code, lines[-1]) == (1, "8 passed, 1 failed, 1 skipped"), "\n".join(lines)
    assert any("AssertionError: beside" in line for line in lines)


def test_long_runs_the_slow_tests(tree: Path) -> None:
    """With --long the slow test is one more."""
    assert run(tree, [], long=True)[1][-1] == "6 passed, 0 failed, 1 skipped"


def test_a_failed_check_is_shown_and_does_not_stop_the_rest(tree: Path) -> None:
    """Unused, unformatted, mistyped, forbidden: each check says so and the tests still run."""
    (tree / "sound" / "__init__.py").write_text("import os\nVALUE : int = 'x'\n")
    code, lines = run(tree, [])
    assert (code, lines[-1]) == (1, "1 passed, 4 failed, 1 skipped"), "\n".join(lines)
    shown = "\n".join(lines)
    assert "`os` imported but unused" in shown
    assert "1 file would be reformatted" in shown
    assert "The sound module needs no system BROKEN" in shown
    assert 'Incompatible types in assignment (expression has type "str"' in shown


def test_a_path_runs_these_tests_alone(tree: Path) -> None:
    """A file is named as seen from the caller's folder; neither checks nor other tests run."""
    (tree / "tests" / "test_two.py").write_text("def test_bad() -> None:\n    assert False\n")
    assert run(tree, ["tests/test_one.py"])[1][-1] == "2 passed, 0 failed, 1 skipped"
    code, lines = run(tree, ["tests/test_two.py::test_bad"])
    assert (code, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_a_wrong_path_is_wrong_usage(tree: Path) -> None:
    """A file that is not there ends with code 2 and one sentence."""
    code, lines = run(tree, ["tests/test_none.py"])
    assert code == 2
    assert lines == ["There is no tests/test_none.py: name a file, a folder or FILE::TEST."]


def test_a_run_without_tests_fails(tree: Path) -> None:
    """Nothing found is a failure and no success."""
    (tree / "tests" / "test_one.py").write_text("")
    code, lines = run(tree, ["tests"])
    assert (code, lines[-1]) == (1, "0 passed, 1 failed, 0 skipped")


def test_errors_of_fixtures_count_as_failures() -> None:
    """A test whose fixture failed has not passed."""
    report = "<testsuites><testsuite><testcase><error/></testcase></testsuite></testsuites>"
    step = read_report("pytest", ElementTree.fromstring(report), 1)
    assert (step.passed, step.failed) == (0, 1)


def test_a_server_that_cannot_be_had_skips_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without it, a test says why it did not run."""
    monkeypatch.delenv("FALCONPAY_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="cannot be had: no Java"):
        server_absent("no Java")


def test_a_server_that_cannot_be_had_fails_where_all_are_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In continuous integration nothing is left out unseen."""
    monkeypatch.setenv("FALCONPAY_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="cannot be had: no Java"):
        server_absent("no Java")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_waits_for_the_tests_to_end(tree: Path, number: signal.Signals) -> None:
    """Servers that tests have started are stopped by pytest's own end, which is waited for."""
    (tree / "tests" / "conftest.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.default_int_handler)\n"
    )
    (tree / "tests" / "test_one.py").write_text(
        "import pathlib, time\n"
        "def test_endless():\n"
        "    pathlib.Path('begun').touch()\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    finally:\n"
        "        time.sleep(0.6)\n"
        "        pathlib.Path('ended').touch()\n"
    )
    process = start(tree, ["tests"])
    while not (tree / "begun").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    if number == signal.SIGINT:
        # A terminal sends it to the whole group; here the tests get their own.
        psutil.Process(process.pid).children()[0].send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert (tree / "ended").exists(), out
    assert process.returncode == 1
