"""What gets into a log and what must never get there, asked of a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infrastructure.gathered_lines import GatheredLines
from infrastructure.rotating_file import RotatingFile
from infrastructure.telemetry import redact, valid_traceparent
from tests.tools.whole_system import until

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"00-{TRACE_ID}-{PARENT_ID}-01", f"00-{TRACE_ID}-{PARENT_ID}-01"),
        (f"00-{TRACE_ID}-{PARENT_ID}-00", f"00-{TRACE_ID}-{PARENT_ID}-00"),
        (f"00-{TRACE_ID}-{PARENT_ID}-ff", f"00-{TRACE_ID}-{PARENT_ID}-01"),
        (
            f"cc-{TRACE_ID}-{PARENT_ID}-01-what-the-future-will-be-like",
            f"00-{TRACE_ID}-{PARENT_ID}-01",
        ),
        (f"00-{TRACE_ID}-{PARENT_ID}-01-more", None),
        (f"cc-{TRACE_ID}-{PARENT_ID}-01.more", None),
        (f"ff-{TRACE_ID}-{PARENT_ID}-01", None),
        (f"00-{'0' * 32}-{PARENT_ID}-01", None),
        (f"00-{TRACE_ID}-{'0' * 16}-01", None),
        (f"00-{TRACE_ID.upper()}-{PARENT_ID}-01", None),
        (f"00-{TRACE_ID[1:]}-{PARENT_ID}-01", None),
        (f"00-{TRACE_ID}-{PARENT_ID}-1", None),
        (f"00-{TRACE_ID}-{PARENT_ID}-01\n", None),
        (f" 00-{TRACE_ID}-{PARENT_ID}-01", None),
        (f"00_{TRACE_ID}_{PARENT_ID}_01", None),
        ("", None),
    ],
)
def test_a_trace_context_counts_only_when_it_is_valid(header: str, expected: str | None) -> None:
    """By W3C Trace Context level 1, with its own examples of later versions."""
    assert valid_traceparent(header) == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("authorization", f"Bearer {TOKEN}"),
        ("event", f"refused Bearer {TOKEN} at the door"),
        ("event", f"refused {TOKEN.split('.', maxsplit=1)[0]} at the door"),
        ("error", f"connect to postgresql://login:{TOKEN[4:20]}@127.0.0.1/ledger"),
        ("error", f"host=127.0.0.1 password={TOKEN[4:20]} user=x"),
        ("password", TOKEN[4:20]),
        ("db_secret", TOKEN[4:20]),
        ("refresh_token", TOKEN[4:20]),
        ("headers", {"Cookie": TOKEN[4:20]}),
        ("headers", [{"a": {"set-cookie": TOKEN[4:20]}}]),
        ("items", (f"Bearer {TOKEN}",)),
        ("name", TOKEN[4:20]),
        ("description", TOKEN[4:20]),
        ("metadata", {"a": TOKEN[4:20]}),
        ("amount", TOKEN[4:20]),
        ("amount_minor", TOKEN[4:20]),
        ("fault", ValueError(f"token {TOKEN}")),
        ("deep", {"a": {"b": {"c": {"d": {"e": {"f": TOKEN[4:20]}}}}}}),
    ],
)
def test_secrets_and_peoples_words_never_reach_a_log(field: str, value: object) -> None:
    """Whatever the field is called and however deep the secret lies."""
    logged = json.dumps(redact(None, "info", {field: value}))
    assert TOKEN not in logged
    assert TOKEN[4:20] not in logged
    assert "[redacted]" in logged


def test_what_is_needed_to_follow_a_payment_stays() -> None:
    entry = {
        "event": "request",
        "payment_id": "pay_1",
        "request_id": "abc",
        "trace_id": TRACE_ID,
        "position": 7,
        "milliseconds": 1.5,
        "projection": "balances",
        "missing": None,
        "ready": True,
    }
    assert redact(None, "info", entry) == entry


PROGRAM = """
import logging, sys, structlog
from pathlib import Path
from infrastructure.telemetry import configure_logging
configure_logging("try", Path(sys.argv[1]) if len(sys.argv) > 1 else None, "info")
log = structlog.get_logger("ours")
structlog.contextvars.bind_contextvars(request_id="abc")
log.info("done", payment_id="pay_1", token="x")
log.debug("quiet")
logging.getLogger("theirs").warning("from a library: %s", "password=hunter2")
try:
    raise RuntimeError("password=hunter2")
except RuntimeError:
    log.exception("failed")
"""


def logged_by(program: str, *arguments: str) -> tuple[str, str]:
    """Run a program and return what it wrote to stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return done.stdout, done.stderr


@pytest.mark.parametrize("to_home", [True, False], ids=["home", "stderr"])
def test_all_logs_are_json_lines_in_one_place(tmp_path: Path, to_home: bool) -> None:
    """Ours and the libraries', with what the request is, and without what is secret."""
    out, err = logged_by(PROGRAM, *([str(tmp_path)] if to_home else []))
    assert out == ""
    text = (tmp_path / "logs" / "try.jsonl").read_text() if to_home else err
    assert err == ("" if to_home else text)
    entries: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert [entry["event"] for entry in entries] == [
        "done",
        "from a library: password=[redacted]",
        "failed",
    ]
    assert entries[0]["payment_id"] == "pay_1"
    assert entries[0]["token"] == "[redacted]"
    assert entries[1]["logger"] == "theirs"
    assert "RuntimeError" in entries[2]["exception"]
    assert {entry["request_id"] for entry in entries} == {"abc"}
    assert [entry["level"] for entry in entries] == ["info", "warning", "error"]
    assert "hunter2" not in text


def test_a_log_file_is_turned_over_and_the_oldest_go(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "a.jsonl"
    file = RotatingFile(path, max_bytes=20_000, kept=2)
    for number in range(20_000):
        file.write(b"%09d\n" % number)
    names = sorted(found.name for found in path.parent.iterdir())
    assert names == ["a.jsonl", "a.jsonl.1", "a.jsonl.2"]
    assert all(found.stat().st_size <= 22_000 for found in path.parent.iterdir())
    assert path.read_bytes().endswith(b"000019999\n")


WRITER = """
import sys
from pathlib import Path
from infrastructure.rotating_file import RotatingFile
file = RotatingFile(Path(sys.argv[1]), max_bytes=2_000, kept=1000)
for number in range(20_000):
    file.write(f"{sys.argv[2]}{number:08d}\\n".encode())
"""


def test_several_processes_turn_one_file_over_and_lose_no_line(tmp_path: Path) -> None:
    """Two command processes write one log; the standard library's handler would lose lines."""
    path = tmp_path / "a.jsonl"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), letter], cwd=Path(__file__).parents[2]
        )
        for letter in "abc"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = b"".join(found.read_bytes() for found in tmp_path.iterdir()).split()
    assert len(list(tmp_path.iterdir())) > 5
    assert sorted(lines) == sorted(b"%c%08d" % (c, n) for c in b"abc" for n in range(20_000))


BUSY = """
import os, sys
from pathlib import Path
import structlog
from infrastructure.telemetry import access_logger, configure_logging
access, other = access_logger(), structlog.get_logger("ledger")
configure_logging("api", Path(sys.argv[1]))
for number in range(1000):
    access.info("request", number=number, request_id=sys.argv[3], method="GET")
other.error("failed")
if sys.argv[2] == "killed":
    os._exit(9)
"""


@pytest.mark.parametrize("end", ["finished", "killed"])
def test_only_lines_about_requests_may_wait(tmp_path: Path, end: str) -> None:
    """A fault is in the file at once, also when the process dies; the end brings the rest."""
    subprocess.run(
        [sys.executable, "-c", BUSY, str(tmp_path), end, TOKEN],
        cwd=Path(__file__).parents[2],
        check=end == "finished",
    )
    lines = (tmp_path / "logs" / "api.jsonl").read_bytes().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry for entry in entries if entry["event"] == "failed"]
    if end == "finished":
        requests = [entry for entry in entries if entry["event"] == "request"]
        assert [entry["number"] for entry in requests] == list(range(1000))
        assert {entry["request_id"] for entry in requests} == {"[redacted]"}
        assert {entry["level"] for entry in requests} == {"info"}


def test_lines_are_gathered_and_written_soon(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "a.jsonl")
    lines = GatheredLines(file)
    for number in range(100):
        lines.write(b"%d\n" % number)
    until(lambda: len((tmp_path / "a.jsonl").read_bytes().split()) == 100, 5, "they are there")
    lines.write(b"more\n")
    until(lambda: (tmp_path / "a.jsonl").read_bytes().endswith(b"more\n"), 5, "it is there")


def test_a_full_disk_fails_nobody() -> None:
    """`/dev/full` refuses each write as a full disk does."""
    full = RotatingFile(Path("/dev/full"))
    assert full.write(b"lost\n") == 5
