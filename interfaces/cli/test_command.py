"""`./falcon test`: every check of this code in one run, with a summary at the end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Annotated
from xml.etree import ElementTree

import typer
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]

CHECKS = {
    "ruff check": ["-m", "ruff", "check", "--output-format=concise", "."],
    "ruff format": ["-m", "ruff", "format", "--check", "."],
    "mypy": ["-m", "mypy"],
    "lint-imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
}
"""What Python runs to judge the code without running it."""

SHARES = {
    "pytest, parts from A": (
        "tests/property/test_[a-n]*",
        "tests/integration/test_[a-o]*",
        "tests/integration/test_p[a-i]*",
    ),
    "pytest, parts from Q": ("tests/integration/test_[q-s]*", "tests/integration/test_t[a-v]*"),
}
"""What is tested beside whole systems and all else; the letters let all runs end together."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the run came to; `skips` are reasons, each with how often it was given."""

    name: str
    passed: int
    failed: int
    seconds: float
    skips: dict[str, int] = field(default_factory=dict)

    @property
    def skipped(self) -> int:
        """How many tests were skipped."""
        return sum(self.skips.values())

    @property
    def outcome(self) -> str:
        """What the summary says of this step."""
        if self.passed + self.failed + self.skipped == 1:
            return "passed" if self.passed else "failed" if self.failed else "skipped"
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True, slots=True)
class Run:
    """One pytest at work; `out` holds what it writes where that waits for its end."""

    name: str
    report: Path
    process: subprocess.Popen[bytes]
    out: IO[bytes] | None


def run_tests(paths: list[str], long: bool, root: Path = ROOT) -> int:
    """Run checks and tests, all of them also after a failure; return 0, 1, or 2 for a wrong path.

    With paths (files, folders, `FILE::TEST`, seen from the caller's folder) only these tests run.
    """
    chosen = [str(Path(path).absolute()) for path in paths]
    for path, place in zip(paths, chosen, strict=True):
        if not Path(place.split("::")[0]).exists():
            typer.echo(f"There is no {path}: name a file, a folder or FILE::TEST.", err=True)
            return 2
    console = Console()
    checks = {} if chosen else CHECKS
    steps = _steps(console, checks, _runs(chosen, root), long or bool(chosen), root)
    _summarise(console, steps)
    return int(any(step.failed for step in steps))


def _check(console: Console, name: str, command: list[str], root: Path) -> Step:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=root,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    step = Step(name, int(done.returncode == 0), int(done.returncode != 0), _since(begun))
    if step.failed:
        console.print(done.stdout, markup=False, highlight=False, soft_wrap=True)
    console.print(f"{name}: {step.outcome} after {step.seconds:.1f} s", highlight=False)
    return step


def _runs(chosen: list[str], root: Path) -> dict[str, list[str]]:
    """Return what pytest is told to run, by the name of each run; each file is in one of them."""
    if chosen:
        return {"pytest": chosen}
    runs: dict[str, list[str]] = {"pytest, whole systems": [], **{name: [] for name in SHARES}}
    for path in sorted((root / "tests").rglob("test_*.py")):
        place = path.relative_to(root)
        fitting = (name for name, shares in SHARES.items() if any(map(place.match, shares)))
        runs[next(fitting, "pytest, whole systems")].append(str(place))
    return {name: paths for name, paths in runs.items() if paths} or {"pytest": []}


def _steps(
    console: Console,
    checks: dict[str, list[str]],
    runs: dict[str, list[str]],
    long: bool,
    root: Path,
) -> list[Step]:
    """Run the checks and then the first of the runs, all that it writes seen at once.

    The other runs of pytest go on beside, and are shown when they have ended.
    """
    console.file.flush()
    marks = [] if long else ["-m", "not slow"]
    first, *others = runs
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        started: list[Run] = []
        told_to_end: list[int] = []

        def begin(name: str) -> None:
            report = Path(folder) / f"{len(started)}.xml"
            command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *marks, *runs[name]]
            out = ends.enter_context(tempfile.TemporaryFile()) if name in others else None
            started.append(Run(name, report, _begin(command, out, root, ends), out))

        def terminate(number: int, _frame: FrameType | None) -> None:
            told_to_end.append(number)
            for run in started:
                run.process.terminate()

        before = signal.signal(signal.SIGTERM, terminate)
        ends.callback(signal.signal, signal.SIGTERM, before)
        for name in others:
            begin(name)
        steps = [_check(console, name, command, root) for name, command in checks.items()]
        if told_to_end:
            steps.append(Step(first, 0, 1, 0.0))
        else:
            begin(first)
        in_front_first = sorted(started, key=lambda run: run.out is not None)
        return steps + [_end(console, run) for run in in_front_first]


def _begin(
    command: list[str], out: IO[bytes] | None, root: Path, ends: ExitStack
) -> subprocess.Popen[bytes]:
    # Whole systems are asked how soon they are there again, so they come first.
    gently = [] if out is None else ["nice", "-n", "5"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    # Tests start our modules by the thousand, so what was compiled is kept.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.Popen(gently + command, cwd=root, env=environment, stdout=out, stderr=out)
    return ends.enter_context(process)


def _end(console: Console, run: Run) -> Step:
    code = _wait_to_the_end(run.process)
    if run.out is not None:
        run.out.seek(0)
        shown = run.out.read().decode(errors="replace")
        console.print(shown, markup=False, highlight=False, soft_wrap=True)
    return _step(run.name, run.report, code)


def _wait_to_the_end(process: subprocess.Popen[bytes]) -> int:
    """Wait for pytest, also when interrupted: it has servers of its own to stop first."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait()


def _step(name: str, report: Path, code: int) -> Step:
    try:
        # The report is to be trusted: pytest has just written it.
        suites = ElementTree.parse(report).getroot()  # noqa: S314
    except (OSError, ElementTree.ParseError):
        return Step(name, 0, 1, 0.0)
    return read_report(name, suites, code)


def read_report(name: str, suites: ElementTree.Element, code: int) -> Step:
    """Return what a JUnit report of pytest and its exit code come to.

    A run that ended badly although no single test failed (none was found, it was interrupted)
    counts as one failure.
    """
    passed, failed, skips = 0, 0, dict[str, int]()
    seconds = sum(float(suite.get("time", 0)) for suite in suites.iter("testsuite"))
    for case in suites.iter("testcase"):
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is not None:
            reason = skip.get("message") or "no reason given"
            skips[reason] = skips.get(reason, 0) + 1
        else:
            passed += 1
    return Step(name, passed, failed or int(code != 0), seconds, skips)


def _since(begun: float) -> float:
    return time.monotonic() - begun


def _summarise(console: Console, steps: list[Step]) -> None:
    table = Table("step", "outcome", "seconds")
    table.columns[2].justify = "right"
    for step in steps:
        style = "red" if step.failed else None
        table.add_row(step.name, step.outcome, f"{step.seconds:.1f}", style=style)
    console.print(table)
    for step in steps:
        for reason, count in step.skips.items():
            console.print(f"skipped {count}: {reason}", markup=False, highlight=False)
    passed = sum(step.passed for step in steps)
    failed = sum(step.failed for step in steps)
    skipped = sum(step.skipped for step in steps)
    console.print(f"{passed} passed, {failed} failed, {skipped} skipped", highlight=False)


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(help="Run only these tests: files, folders or FILE::TEST."),
    ] = None,
    long: Annotated[
        bool,
        typer.Option("--long", envvar="FALCONPAY_TEST_LONG", help="Run the slow tests, too."),
    ] = False,
) -> None:
    """Run every check and test that needs nothing but this machine."""
    raise typer.Exit(run_tests(paths or [], long))
