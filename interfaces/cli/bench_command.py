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
            envvar="FALCONPAY_BENCH_ONLY",
            help="A group of figures, may be repeated. Measured by default: system, in-process,"
            " holds, http, reading, stream, million, import. Only when named: reports, overload,"
            " growth, soak, peers, ledgers, cost.",
        ),
    ] = None,
    minutes: Annotated[
        float, typer.Option(envvar="FALCONPAY_BENCH_MINUTES", help="Length of the soak.")
    ] = 30,
    events: Annotated[
        int | None,
        typer.Option(
            envvar="FALCONPAY_BENCH_EVENTS",
            help="Size of a full ledger, else 1 million in `million` and 5 million in `growth`.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
) -> None:
    """Measure the figures of this machine, each beside its goal, on a throw-away home.

    What is measured by default takes about a quarter of an hour. Ends with 1 when a goal is missed.
    """
    if importlib.util.find_spec("bench") is None:
        raise Failure("The benchmarks are not here: run from a checkout.", DEPENDENCY_MISSING)
    words = ["--seconds", str(seconds), "--runs", str(runs), "--minutes", str(minutes)]
    words += [] if events is None else ["--events", str(events)]
    words += [word for part in only or () for word in ("--only", part)]
    words = [sys.executable, "-m", "bench", *words, *(["--json"] if as_json else [])]
    os.execv(sys.executable, words)  # noqa: S606 (our own module, no shell)
