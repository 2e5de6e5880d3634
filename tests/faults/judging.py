"""After the load: waits until the system has recovered, and lets every checker speak."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.faults.asking_again import ask_again
from tests.faults.book import read_events
from tests.faults.checker import fold, judge
from tests.faults.load import SUBJECT, Account
from tests.faults.names import Keys
from tests.faults.others import Other
from tests.faults.recoveries import recoveries
from tests.faults.report import COUNTS, Report
from tests.faults.tables import Tables, reports_of
from tests.faults.topic import Topic, present_epoch, read_topic, topic_of
from tests.tools.whole_system import WholeSystem

RECOVERED_SECONDS = 120.0
DUE_SECONDS = 20.0
"""Holds are over 10 s after their end, whatever has happened before, and schedules are as fast."""

DUE = """
    SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        (SELECT count(*) FROM reports_main.payments
            WHERE status IN ('authorized', 'awaiting-approval') AND expires_at <= clock_timestamp())
        + (SELECT count(*) FROM reports_main.schedules WHERE status = 'active'
            AND coalesce(retry_on, next_on) <= (clock_timestamp() AT TIME ZONE 'UTC')::date)"""
MARK = '"level":"critical"'


def judge_run(
    system: WholeSystem, others: Mapping[str, Other], account: Account, logs: Path, report: Report
) -> None:
    """Put everything that is wrong into the report, and what was counted and measured."""
    notes = [json.loads(line) for line in (logs / "notes.jsonl").read_text().splitlines()]
    report.faults += [f"{note['kind']}: {note['note']}" for note in notes if note.get("fault")]
    clients = sorted(logs.glob("client-*.jsonl"))
    report.recoveries = recoveries(notes, clients, logs / "progress.jsonl")
    report.faults += _critical(system, logs)
    recovered = _await(lambda: _recovered(system, others))
    if not recovered:
        report.faults.append(f"not recovered within {RECOVERED_SECONDS:.0f} s: {_state(system)}")
    url = system.status()["urls"]["command"]
    tokens = {None: account.token, **dict[str | None, str](account.owners.items())}
    report.faults += ask_again(url, tokens, clients, report.seed)
    if not _await(lambda: _recovered(system, others)):
        report.faults.append("not caught up after what was asked again")
    now = _all_due_done(system.status()["database_url"])
    if not _await(lambda: _recovered(system, others)):
        report.faults.append("not caught up after what was due")
    url = system.status()["database_url"]
    tables = Tables(reports_of(url))
    strangers = {note["stranger"] for note in notes if "stranger" in note}
    records: Iterator[Any] = iter(())
    if recovered:
        # What began with the last epoch is all there is: the topics of those before stand still.
        present = topic_of(present_epoch(url))
        records = read_topic(str(system.status()["kafka_bootstrap"]), present)
    topic = Topic(records, strangers, any(note.get("dropped") for note in notes))
    book = fold(read_events(url), Keys(SUBJECT), tables.watch, topic.watch, now=now)
    tables.finish(book)
    topic.finish()
    verdict = judge(book, clients)
    report.faults += [*verdict.faults, *tables.faults, *(topic.faults if recovered else ())]
    done = system.falcon("replay", "verify")
    if done.returncode != 0:
        report.faults.append(f"replay verify: {done.stdout}{done.stderr}")
    found = {"rows": tables.rows, "duplicates": topic.duplicates, "strangers": topic.strangers}
    report.counts = dict.fromkeys(COUNTS, 0) | verdict.counts | found


def _all_due_done(url: str) -> datetime:
    """Wait until nothing is due any more, and return the time, by PostgreSQL's clock, of that.

    However it went, what is due by then and was not done is for the checker to find.
    """
    end = time.monotonic() + DUE_SECONDS
    with psycopg.connect(reports_of(url), autocommit=True) as connection:
        while True:
            ((now, left),) = connection.execute(DUE).fetchall()
            if not left or time.monotonic() > end:
                return datetime.fromisoformat(now)
            time.sleep(0.2)


def _await(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + RECOVERED_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def _recovered(system: WholeSystem, others: Mapping[str, Other]) -> bool:
    """Whether all is ready, all read models are at the end, and so is the topic."""
    status = system.status()
    ready = all(part["ready"] for part in (*status["roles"], *status["servers"]))
    if not ready or not all(p["lag_events"] == 0 for p in status["projections"]):
        return False
    relays = [part["port"] for part in status["roles"] if part["name"] == "relay"]
    relays.append(others["relay"].health)
    published = max(_figure(port, 'falconpay_relay_position{ledger="main"}') for port in relays)
    return published >= status["position"] and all(other.ready() for other in others.values())


def _figure(port: int, name: str) -> float:
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except httpx.HTTPError:
        return 0.0
    return max(
        (float(w[1]) for w in map(str.split, text.splitlines()) if w[:1] == [name]), default=0
    )


def _state(system: WholeSystem) -> str:
    status = system.status()
    return json.dumps({name: status[name] for name in ("roles", "servers", "projections")})


def _critical(system: WholeSystem, logs: Path) -> list[str]:
    """Return the broken invariants that any process has written down before it ended."""
    paths = [*(system.home / "logs").glob("*.jsonl*"), *logs.glob("second-*.log")]
    return [
        f"{path.name}: {line.strip()[:300]}"
        for path in paths
        for line in path.read_text(errors="replace").splitlines()
        if MARK in line
    ]
