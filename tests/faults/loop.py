"""Runs the whole system under load, kills its parts at random, and asks the checker at the end.

`python -m tests.faults.loop --seconds 60 --seed 1` does it on a throw-away home.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.faults.checker import judge, read_events
from tests.tools.whole_system import WholeSystem

ROOT = Path(__file__).parents[2]
CLIENTS = 3
WALLETS = 12
TARGETS = ("command-api", "relay", "projector", "query-api", "postgres", "kafka")


@dataclass
class Report:
    """What a run did and what the checker found."""

    seed: int
    kills: list[str] = field(default_factory=list)
    longest_recovery_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def run(system: WholeSystem, logs: Path, seconds: float, seed: int, pause: float = 4.0) -> Report:
    """Do one run and return its report; the system is stopped afterwards."""
    report, choose = Report(seed), random.Random(seed)
    system.up()
    try:
        status = system.status()
        token = _long_token(system)
        wallets = _prepare(status["urls"]["command"], token)
        clients = _clients(status["urls"]["command"], token, seed, seconds, wallets, logs)
        end = time.monotonic() + seconds
        while time.monotonic() < end - pause:
            time.sleep(pause * choose.uniform(0.5, 1.5))
            report.kills.append(_kill(system.status(), choose))
        for client in clients:
            client.wait(60)
        started = time.monotonic()
        _await_ready(system)
        report.longest_recovery_seconds = round(time.monotonic() - started, 1)
        url = system.status()["database_url"]
        report.faults, report.counts = judge(read_events(url), sorted(logs.glob("client-*.jsonl")))
        report.faults += _replay(system)
    finally:
        system.close()
    return report


def _long_token(system: WholeSystem) -> str:
    scope = "wallets payments operate"
    done = system.falcon("token", "--subject", "c", "--scope", scope, "--expires-in", "7200")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _prepare(base: str, token: str) -> list[str]:
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}) as client:
        wallets = []
        for number in range(WALLETS):
            answer = client.post(
                "/v1/wallets",
                json={"name": f"w{number}", "currency": "EUR", "overdraft_limit": "50.00"},
                headers={"Idempotency-Key": f"open-{number}"},
            )
            wallets.append(answer.raise_for_status().json()["wallet_id"])
    return wallets


def _clients(
    base: str, token: str, seed: int, seconds: float, wallets: Sequence[str], logs: Path
) -> list[subprocess.Popen[bytes]]:
    return [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.faults.client",
                str(logs / f"client-{number}.jsonl"),
                base,
                token,
                str(seed * 100 + number),
                str(seconds),
                *wallets,
            ],
            cwd=ROOT,
        )
        for number in range(CLIENTS)
    ]


def _kill(status: Mapping[str, Any], choose: random.Random) -> str:
    """Kill one role or server as the kernel would, a server with its whole process group."""
    found = {
        **{role["name"]: role["pid"] for role in status["roles"]},
        **{server["name"]: server["pid"] for server in status["servers"]},
    }
    name = choose.choice([target for target in TARGETS if found.get(target)])
    pid = int(found[name])
    try:
        if name == "postgres":
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return f"{name} (gone already)"
    return name


def _await_ready(system: WholeSystem) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        status = system.status()
        if all(part["ready"] for part in (*status["roles"], *status["servers"])) and all(
            projection["lag_events"] == 0 for projection in status["projections"]
        ):
            return
        time.sleep(0.2)
    raise AssertionError(f"not ready again within 60 s: {system.status()}")


def _replay(system: WholeSystem) -> list[str]:
    done = system.falcon("replay", "verify")
    return [] if done.returncode == 0 else [f"replay verify: {done.stdout}{done.stderr}"]


def main() -> int:
    """Run once on a throw-away home and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="falconpay-faults-") as folder:
        report = run(WholeSystem(), Path(folder), chosen.seconds, chosen.seed)
    print(json.dumps(vars(report), indent=2))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
