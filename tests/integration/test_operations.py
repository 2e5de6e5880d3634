"""What operators do by hand is on record in the ledger: once, whoever carries it, whenever."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.operation_events import KeyRotated
from infrastructure.operation_notes import Notes, now, operator
from interfaces.supervisor.noted_settings import note_settings
from interfaces.workers.operations_job import Operations
from tests.books import falcon, falcon_json, project
from tests.rebuilds import projection
from tests.servers import FreshDatabases
from tests.written import Written

ROTATED = KeyRotated(now(), "token", "abc")


def recorded(databases: FreshDatabases) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return the operations of the log: type, data, metadata."""
    with databases.connect("audit") as audit:
        rows = audit.execute(
            "SELECT topic, state, metadata FROM events WHERE topic LIKE 'operation.%'"
            " ORDER BY notification_id"
        ).fetchall()
    return [(topic, json.loads(state), json.loads(metadata)) for topic, state, metadata in rows]


def job(databases: FreshDatabases, writer: Written) -> Operations:
    return Operations(writer.ledger.execute, Notes(databases.settings), "main")


def carry(databases: FreshDatabases, writer: Written) -> int:
    return job(databases, writer).run_once(datetime.now(UTC))


def test_a_note_is_recorded_with_who_did_it(databases: FreshDatabases, writer: Written) -> None:
    Notes(databases.settings).write(ROTATED)
    assert carry(databases, writer) == 1
    ((topic, data, metadata),) = recorded(databases)
    assert topic == "operation.key_rotated.v1"
    assert data == {"done_at": ROTATED.done_at, "purpose": "token", "key": "abc"}
    assert metadata["actor"] == {"sub": operator(), "client_id": "falcon", "right": "operate"}
    assert metadata["command_id"].startswith("opr_")
    assert carry(databases, writer) == 0


def test_a_worker_that_died_before_it_forgot_the_note_repeats_nothing(
    databases: FreshDatabases, writer: Written
) -> None:
    """The note is still there, as after kill -9 behind the commit; its answer is there too."""
    notes = Notes(databases.settings)
    notes.write(ROTATED)
    (path,) = (databases.settings.home / "operations" / "main").glob("*.json")
    kept = path.read_bytes()
    assert carry(databases, writer) == 1
    path.write_bytes(kept)
    assert carry(databases, writer) == 0
    assert len(recorded(databases)) == 1
    assert list(notes.waiting()) == []


def test_two_workers_record_each_note_once(databases: FreshDatabases, make_writer: Any) -> None:
    """They begin at the same moment, again and again."""
    notes, start = Notes(databases.settings), threading.Barrier(2)
    jobs = [job(databases, make_writer()), job(databases, make_writer())]

    def run(each: Operations) -> int:
        start.wait(20)
        return each.run_once(datetime.now(UTC))

    with ThreadPoolExecutor(2) as pool:
        for _ in range(10):
            for _ in range(3):
                notes.write(ROTATED)
            assert sum(pool.map(run, jobs)) == 3
    assert len(recorded(databases)) == 30


def test_what_cannot_be_read_is_put_aside(databases: FreshDatabases, writer: Written) -> None:
    """It holds up nothing that comes behind it, and stays for somebody to look at."""
    folder = databases.settings.home / "operations" / "main"
    folder.mkdir(parents=True)
    wrong = [
        "",
        "[]",
        "{}",
        '{"type": "wallet.frozen.v1", "by": "x", "data": {"side": "member", "reason": "x"}}',
        '{"type": "operation.unheard_of.v1", "by": "x", "data": {}}',
        '{"type": "operation.key_rotated.v1", "by": "x", "data": {"done_at": 5}}',
    ]
    for number, text in enumerate(wrong):
        (folder / f"00000000-0000-4000-8000-00000000000{number}.json").write_text(text)
    (folder / "no-uuid.json").write_text((folder / "no-uuid.json").name)
    Notes(databases.settings).write(ROTATED)
    assert carry(databases, writer) == 1
    assert len(list(folder.glob("*.unreadable"))) == len(wrong) + 1
    assert list(folder.glob("*.json")) == []


def test_the_commands_leave_notes(databases: FreshDatabases, writer: Written) -> None:
    """A token and a key; the notes wait as long as nothing runs."""
    token = falcon(
        databases, "token", "--subject", "usr_1", "--scope", "read", "--expires-in", "60"
    )
    assert token.returncode == 0, token.stderr
    assert falcon(databases, "keys", "rotate").returncode == 0
    assert recorded(databases) == []
    assert carry(databases, writer) == 2
    (signed, rotated) = recorded(databases)
    assert signed[0] == "operation.token_signed.v1"
    assert {**signed[1], "done_at": ""} == {
        "done_at": "",
        "subject": "usr_1",
        "scope": "read",
        "client_id": "falcon",
        "audience": "falconpay",
        "expires_in": 60,
    }
    assert rotated[0] == "operation.key_rotated.v1"
    assert token.stdout.strip() not in str(recorded(databases))


def test_each_command_is_on_record_with_what_it_has_done(
    databases: FreshDatabases, writer: Written, tmp_path: Path
) -> None:
    """What went into the ledger, what was taken out of it, and what was made anew."""
    rows = tmp_path / "rows.csv"
    rows.write_text("id,date,account,amount\n1,2024-01-01,a1,10.00\n")
    falcon_json(databases, "import", rows, "--profile", "csv", "--currency", "EUR")
    project(databases)
    falcon_json(databases, "replay", "rebuild", "members")
    head = falcon_json(databases, "backup", tmp_path / "a.backup", "--database", databases.admin)
    last = head["ledgers"][0]["position"]
    exported = falcon(databases, "export", tmp_path / "book.jsonl", "--format", "jsonl")
    assert exported.returncode == 0, exported.stderr
    assert falcon(databases, "keys", "rotate", "--seal").returncode == 0
    assert carry(databases, writer) == 5
    project(databases)
    assert falcon_json(databases, "replay", "verify")["differences"] == 0
    told = {topic: data for topic, data, _ in recorded(databases)}
    assert all(data.pop("done_at") for data in told.values())
    assert len(told["operation.key_rotated.v1"].pop("key")) == 44
    assert told == {
        "operation.file_imported.v1": {
            "file": "rows.csv",
            "profile": "csv",
            "rows": 1,
            "accepted": 1,
            "refused": 0,
            "already_there": 0,
        },
        "operation.read_model_rebuilt.v1": {
            "projection": "members",
            "last_position": last,
            "version": projection("members").version,
        },
        "operation.backup_made.v1": {"file": "a.backup", "last_position": last},
        "operation.book_exported.v1": {
            "file": "book.jsonl",
            "format": "jsonl",
            "first_position": 1,
            "last_position": last,
        },
        "operation.key_rotated.v1": {"purpose": "seal"},
    }


def test_no_file_bears_its_name_without_a_note(
    databases: FreshDatabases, writer: Written, tmp_path: Path
) -> None:
    """Where the note cannot be kept, backup and export say so and leave nothing."""
    assert isinstance(writer.open(), str)
    (databases.settings.home / "operations").write_text("a file where a folder should be")
    for words in (("backup", "--database", databases.admin), ("export", "--format", "jsonl")):
        done = falcon(databases, *words, tmp_path / "book")
        assert done.returncode == 3
        assert "cannot be noted" in done.stderr
        assert not (tmp_path / "book").exists()


def test_a_token_is_not_given_out_without_a_note(databases: FreshDatabases) -> None:
    """Where the note cannot be kept, the command says so and prints no token."""
    assert falcon(databases, "keys", "rotate").returncode == 0
    folder = databases.settings.home / "operations"
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    folder.write_text("a file where a folder should be")
    done = falcon(databases, "token", "--subject", "usr_1", "--scope", "read")
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot be noted" in done.stderr


def test_what_is_no_text_is_refused_in_a_sentence(databases: FreshDatabases) -> None:
    assert falcon(databases, "keys", "rotate").returncode == 0
    done = falcon(databases, "token", "--subject", "usr_\udcff", "--scope", "read")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no text in UTF-8" in done.stderr


def test_settings_are_noted_when_they_change(databases: FreshDatabases, writer: Written) -> None:
    """The first start changes nothing, nor does one more with the same."""
    settings = databases.settings
    note_settings(settings)
    note_settings(settings)
    note_settings(replace(settings, command_workers=7, assets={"POINTS": 0}))
    assert carry(databases, writer) == 1
    ((topic, data, _),) = recorded(databases)
    assert topic == "operation.settings_changed.v1"
    assert data["settings"] == {"assets": "POINTS=0", "command_workers": "7"}
