"""Whatever stops an import, nothing is lost or doubled, and the next run goes on."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from tests.bank_file import bank_file
from tests.books import ROOT, assert_imported, events_of, falcon, falcon_command, falcon_json
from tests.servers import FreshDatabases

BERKA = ("--profile", "berka")


def test_killed_in_the_middle_the_next_run_goes_on(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    file = bank_file(6_000, accounts=40)
    path = file.write(tmp_path / "trans.asc")
    kills = 0
    for wanted in (1_500, 6_000, 12_000):
        process = subprocess.Popen(
            falcon_command("import", path, *BERKA),
            cwd=ROOT,
            env=databases.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while events_of(databases) < wanted and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert kills == 3, "each run was stopped before its end"
    before = events_of(databases)
    assert before < 18_000
    last = falcon_json(databases, "import", path, *BERKA)
    assert last["accepted"] > 0
    assert last["already_there"] > 0
    assert last["accepted"] + last["already_there"] == 6_000
    assert last["differences"] == 0
    assert_imported(databases, file, 6_000)


def test_ctrl_c_is_one_sentence_and_the_next_run_goes_on(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    file = bank_file(4_000)
    path = file.write(tmp_path / "trans.asc")
    process = subprocess.Popen(
        falcon_command("import", path, *BERKA, "--json"),
        cwd=ROOT,
        env=databases.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while events_of(databases) < 1_000:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors == "Stopped: the same command goes on from here.\n"
    report = json.loads(output)
    assert report["differences"] is None
    assert 0 < report["accepted"] < 4_000
    falcon_json(databases, "import", path, *BERKA)
    assert_imported(databases, file, 4_000)


def test_without_a_running_system_nothing_begins(databases: FreshDatabases, tmp_path: Path) -> None:
    path = bank_file(10).write(tmp_path / "trans.asc")
    environ = {**databases.environ, "FALCONPAY_DATABASE_PORT": "1"}
    done = subprocess.run(
        falcon_command("import", path, *BERKA),
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "start it by ./falcon up" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def sabotaged(databases: FreshDatabases, statement: LiteralString) -> None:
    with databases.connect_admin() as connection:
        connection.execute("SET search_path = ledger_main")
        connection.execute(statement)


def test_a_full_disk_is_one_sentence_and_the_next_run_goes_on(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    """The database answers the code of a full disk from the third hundred of rows on."""
    file = bank_file(700)
    path = file.write(tmp_path / "trans.asc")
    sabotaged(
        databases,
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER no_room BEFORE INSERT ON events FOR EACH ROW"
        " WHEN (NEW.notification_id > 900) EXECUTE FUNCTION no_room()",
    )
    done = falcon(databases, "import", path, *BERKA, "--json")
    assert done.returncode == 3
    assert done.stderr.startswith("The database server's disk is full: make room")
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(done.stdout)["accepted"] > 0
    sabotaged(databases, "DROP TRIGGER no_room ON events")
    assert falcon_json(databases, "import", path, *BERKA)["differences"] == 0
    assert_imported(databases, file, 700)


def end_connections(connection: psycopg.Connection[Any], name: str) -> int:
    row = connection.execute(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
        " AND usename = 'falconpay_command'",
        (name,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_lost_connections_neither_stop_nor_double_anything(
    databases: FreshDatabases, tmp_path: Path
) -> None:
    """Whoever loses a connection at COMMIT looks the rows up; they count as accepted, once."""
    file = bank_file(5_000)
    path = file.write(tmp_path / "trans.asc")
    name = f"{databases.settings.database_prefix}ledger"
    process = subprocess.Popen(
        falcon_command("import", path, *BERKA, "--json"),
        cwd=ROOT,
        env=databases.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    ended = 0
    with databases.connect_admin() as connection:
        while process.poll() is None and ended < 25:
            ended += end_connections(connection, name) if events_of(databases) else 0
            time.sleep(0.03)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert ended >= 5
    report = json.loads(output)
    assert (report["accepted"], report["already_there"]) == (5_000, 0)
    assert_imported(databases, file, 5_000)
