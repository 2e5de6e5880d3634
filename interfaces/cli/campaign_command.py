"""`./falcon campaign`: hands over to the fault campaign, which is no part of the product."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.failure import DEPENDENCY_MISSING, Failure


def command(
    minutes: Annotated[
        float, typer.Option(envvar="FALCONPAY_CAMPAIGN_MINUTES", help="How long there is load.")
    ] = 5,
    seed: Annotated[
        int | None,
        typer.Option(
            envvar="FALCONPAY_CAMPAIGN_SEED",
            help="Decides which faults come in which order.",
            show_default="drawn, and told in the report",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            envvar="FALCONPAY_CAMPAIGN_ONLY",
            help="One kind of fault, may be repeated. --list tells them.",
        ),
    ] = None,
    listed: Annotated[
        bool,
        typer.Option("--list", envvar="FALCONPAY_CAMPAIGN_LIST", help="Tell the kinds and end."),
    ] = False,
    planned: Annotated[
        bool,
        typer.Option("--plan", envvar="FALCONPAY_CAMPAIGN_PLAN", help="Tell the plan and end."),
    ] = False,
    write_report: Annotated[
        Path | None,
        typer.Option(
            envvar="FALCONPAY_CAMPAIGN_WRITE_REPORT",
            help="A page with a place for the report, which is put there.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", envvar="FALCONPAY_JSON", help="Print JSON for programs.")
    ] = False,
) -> None:
    """Break a throw-away system under load, and let an independent checker judge.

    Ends with 1 when anything was lost, doubled or different.
    """
    if importlib.util.find_spec("tests.faults") is None:
        raise Failure("The campaign is not here: run from a checkout.", DEPENDENCY_MISSING)
    words = ["--minutes", str(minutes)]
    words += [] if seed is None else ["--seed", str(seed)]
    words += [word for kind in only or () for word in ("--only", kind)]
    words += [] if write_report is None else ["--write-report", str(write_report)]
    flags = {"--list": listed, "--plan": planned, "--json": as_json}
    words += [flag for flag, given in flags.items() if given]
    words = [sys.executable, "-m", "tests.faults.campaign", *words]
    os.execv(sys.executable, words)  # noqa: S606 (our own module, no shell)
