"""After the load: waits until the system has recovered, and lets every checker speak."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.faults.asking_again import ask_again
from tests.faults.book import Book
from tests.faults.checker import fold, judge
from tests.faults.heard import Heard, read_heard
from tests.faults.listening import HEARD
from tests.faults.load import AUDITOR, SUBJECT, Account
from tests.faults.names import Keys
from tests.faults.onlookers import Onlookers
from tests.faults.others import Other
from tests.faults.recoveries import recoveries
from tests.faults.report import COUNTS, Report
from tests.faults.seals import Seals, read_seals
from tests.faults.stored import read_events
from tests.faults.tables import Tables, reports_of
from tests.faults.topic import Topic, present_epoch, read_topic, topic_of
from tests.faults.witness import ANCHORS, READ, SHOWN, TRIAL_BALANCE, Witness
from tests.tools.whole_system import WholeSystem

RECOVERED_SECONDS = 120.0
DUE_SECONDS = 20.0
"""Holds are over 10 s after their end, whatever has happened before, and schedules are as fast."""

SOON_SECONDS = 30.0
"""Events and read models are read one after the other: what ended in between would make them
differ, so what ends soon is waited for."""

DUE = """
    WITH ending AS (
        SELECT expires_at FROM reports_main.payments
        WHERE status IN ('authorized', 'awaiting-approval')
            AND expires_at <= clock_timestamp() + make_interval(secs => %(soon)s)),
    undone AS (
        SELECT FROM reports_main.schedules WHERE status = 'active'
            AND coalesce(retry_on, next_on) <= (clock_timestamp() AT TIME ZONE 'UTC')::date
        UNION ALL
        SELECT FROM ending WHERE expires_at <= clock_timestamp() - make_interval(secs => %(due)s))
    SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        EXISTS (SELECT FROM ending), EXISTS (SELECT FROM undone)"""
SEALED = """
    SELECT coalesce((SELECT max(size) FROM ledger_main.seal
            WHERE epoch = (SELECT max(number) FROM ledger_main.epoch)), 0)
        >= (SELECT coalesce(max(notification_id), 0) FROM ledger_main.events)"""
REBUILT = "operation.read_model_rebuilt.v1"
MARK = '"level":"critical"'


def judge_run(
    system: WholeSystem,
    others: Mapping[str, Other],
    account: Account,
    logs: Path,
    onlookers: Onlookers,
    report: Report,
) -> None:
    """Put everything that is wrong into the report, and what was counted and measured."""
    notes = [json.loads(line) for line in (logs / "notes.jsonl").read_text().splitlines()]
    report.faults += [f"{note['kind']}: {note['note']}" for note in notes if note.get("fault")]
    clients = sorted(logs.glob("client-*.jsonl"))
    report.recoveries = recoveries(notes, clients, logs / "progress.jsonl")
    report.faults += _critical(system, logs)
    recovered, now = _settle(system, others, account, clients, onlookers, report)
    heard = Heard(read_heard(logs / HEARD), onlookers.listener.position)
    url = system.status()["database_url"]
    seals = Seals(read_seals(url, system.home, logs / ANCHORS, logs / SHOWN))
    tables = Tables(reports_of(url))
    strangers = {note["stranger"] for note in notes if "stranger" in note}
    records: Iterator[Any] = iter(())
    if recovered:
        # What began with the last epoch is all there is: the topics of those before stand still.
        present = topic_of(present_epoch(url))
        records = read_topic(str(system.status()["kafka_bootstrap"]), present)
    topic = Topic(records, strangers, any(note.get("dropped") for note in notes))
    watchers = (tables.watch, topic.watch, seals.watch, heard.watch)
    book = fold(read_events(url), Keys(SUBJECT), *watchers, now=now)
    tables.finish(book)
    topic.finish()
    seals.finish()
    heard.finish()
    report.faults += [*seals.faults, *heard.faults, *_unrecorded(book, notes)]
    verdict = judge(book, clients)
    report.faults += [*verdict.faults, *tables.faults, *(topic.faults if recovered else ())]
    done = system.falcon("replay", "verify")
    if done.returncode != 0:
        report.faults.append(f"replay verify: {done.stdout}{done.stderr}")
    found = {"rows": tables.rows, "duplicates": topic.duplicates, "strangers": topic.strangers}
    found |= {"seals": seals.checked, "heard": heard.heard}
    found["rebuilds"] = book.operations[REBUILT]
    found["moved"] = sum(note.get("moved", 0) for note in notes)
    report.counts = dict.fromkeys(COUNTS, 0) | verdict.counts | found


def _settle(
    system: WholeSystem,
    others: Mapping[str, Other],
    account: Account,
    clients: Sequence[Path],
    onlookers: Onlookers,
    report: Report,
) -> tuple[bool, datetime]:
    """Wait until all is well and what is due is done, asking again in between.

    Return whether it has recovered by itself, and the time by which everything due must be done.
    """
    recovered = _await(lambda: _recovered(system, others))
    if not recovered:
        report.faults.append(f"not recovered within {RECOVERED_SECONDS:.0f} s: {_state(system)}")
    status = system.status()
    tokens = {None: account.token, **dict[str | None, str](account.owners.items())}
    report.faults += ask_again(status["urls"]["command"], tokens, clients, report.seed)
    if not _await(lambda: _recovered(system, others)):
        report.faults.append("not caught up after what was asked again")
    now = _all_due_done(status["database_url"])
    if not _await(lambda: _recovered(system, others)):
        report.faults.append("not caught up after what was due")
    head = system.status()["position"]
    listener, witness = onlookers.listener, onlookers.witness
    if not _await(lambda: listener.position >= head):
        report.faults.append(f"the stream told up to {listener.position} and not up to {head}")
    onlookers.close()
    report.faults += [*witness.faults, *_unlogged(status["database_url"], witness)]
    return recovered, now


def _unlogged(url: str, witness: Witness) -> Iterator[str]:
    """Say what the auditor was shown and the log lacks; what is in doubt may stand there, too."""
    with psycopg.connect(reports_of(url)) as connection:
        ((logged,),) = connection.execute(READ, [AUDITOR, TRIAL_BALANCE]).fetchall()
    if logged < witness.read:
        yield f"{witness.read} reads of the auditor's were answered, and {logged} are in the log"


def _unrecorded(book: Book, notes: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Each rebuild that told of its end is on record once; one that was killed may be."""
    begun, done = (sum(note.get("rebuild") == word for note in notes) for word in ("begun", "done"))
    if not done <= book.operations[REBUILT] <= begun:
        yield f"{book.operations[REBUILT]} rebuilds are on record, {done} of {begun} have ended"


def _all_due_done(url: str) -> datetime:
    """Wait until nothing is due now or soon, and return the time, by PostgreSQL's clock, of that.

    However it went, what is due by then and was not done is for the checker to find.
    """
    end = time.monotonic() + DUE_SECONDS
    asked = {"due": DUE_SECONDS, "soon": SOON_SECONDS}
    with psycopg.connect(reports_of(url), autocommit=True) as connection:
        while True:
            ((now, ending, undone),) = connection.execute(DUE, asked).fetchall()
            if not (ending or undone) or (undone and time.monotonic() > end):
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
    """Whether all is ready, and read models, topic and seals are at the end.

    What operators have done is on record then as well.
    """
    status = system.status()
    ready = all(part["ready"] for part in (*status["roles"], *status["servers"]))
    if not ready or not all(p["lag_events"] == 0 for p in status["projections"]):
        return False
    relays = [part["port"] for part in status["roles"] if part["name"] == "relay"]
    relays.append(others["relay"].health)
    published = max(_figure(port, 'falconpay_relay_position{ledger="main"}') for port in relays)
    if published < status["position"] or not all(other.ready() for other in others.values()):
        return False
    with psycopg.connect(status["database_url"]) as connection:
        ((sealed,),) = connection.execute(SEALED).fetchall()
    return bool(sealed) and not [*(system.home / "operations" / "main").glob("*.json")]


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
