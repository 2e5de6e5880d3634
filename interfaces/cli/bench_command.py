"""`./falcon bench`: hands over to the measurements, which are no part of the product."""

import importlib.util
import os
import sys
from typing import Annotated

import typer

from interfaces.cli.failure import DEPENDENCY_MISSING, Failure


def command(
    seconds: Annotated[
        float, typer.Option(envvar="FALCONPAY_BENCH_SECONDS", help="Length of one run.")
    ] = 5,
    runs: Annotated[
        int, typer.Option(envvar="FALCONPAY_BENCH_RUNS", help="Runs of each figure.")
    ] = 3,
    only: Annotated[
        list[str] | None,
        typer.Option(
            envvar="FALCONPAY_BENCH_ONLY", help="A part: system, in-process, http or import."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
) -> None:
    """Measure the figures of this machine, each beside its goal, on a throw-away home."""
    if importlib.util.find_spec("bench") is None:
        raise Failure("The benchmarks are not here: run from a checkout.", DEPENDENCY_MISSING)
    words = ["--seconds", str(seconds), "--runs", str(runs)]
    words += [word for part in only or () for word in ("--only", part)]
    words = [sys.executable, "-m", "bench", *words, *(["--json"] if as_json else [])]
    os.execv(sys.executable, words)  # noqa: S606 (our own module, no shell)
