"""The other ways to start: in front, without Kafka, on another's database, and those refused."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.servers import PostgresHome
from tests.tools.whole_system import ROOT, WholeSystem, until


@pytest.fixture
def system() -> Iterator[WholeSystem]:
    fresh = WholeSystem()
    try:
        yield fresh
    finally:
        fresh.close()


def test_a_newer_home_is_refused_and_left_as_it_is(system: WholeSystem) -> None:
    (system.home / "version").write_text("99.0.0\n")
    done = system.falcon("up", "--detach")
    assert done.returncode == 3
    assert "written by FalconPay 99.0.0" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (system.home / "servers").exists()


def test_a_broker_that_is_not_there_ends_the_start_and_all_it_began(system: WholeSystem) -> None:
    done = system.falcon("up", "--detach", "--kafka", "127.0.0.1:9")
    assert done.returncode == 3
    assert "No Kafka broker answers at 127.0.0.1:9" in done.stderr
    assert system.processes() == []


def test_a_database_that_is_not_there_ends_the_start_without_its_password(
    system: WholeSystem,
) -> None:
    url = "postgresql://admin:secret-word@127.0.0.1:9/postgres"
    done = system.falcon("up", "--detach", "--kafka", "none", "--database", url)
    assert done.returncode == 3
    assert "No database server answers at 127.0.0.1:9" in done.stderr
    assert "secret-word" not in done.stderr
    assert system.processes() == []


def test_in_front_one_log_shows_everything_and_ctrl_c_stops_it(system: WholeSystem) -> None:
    output = system.home / "seen"
    with output.open("wb") as file:
        front = subprocess.Popen(
            [sys.executable, "-m", "interfaces.cli", "up", "--kafka", "none"],
            cwd=ROOT,
            env=system.environ,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    until(lambda: "FalconPay is ready." in output.read_text(), 60, "it says that it is ready")
    assert front.pid == system.supervisor().pid
    status = system.status()
    assert status["kafka_bootstrap"] is None
    assert sorted(server["name"] for server in status["servers"]) == ["gateway", "postgres"]
    os.kill(status["roles"][0]["pid"], signal.SIGKILL)
    until(lambda: " started again" in output.read_text(), 10, "the log tells of the restart")
    # The terminal sends the signal to every process of the group in front.
    os.killpg(front.pid, signal.SIGINT)
    assert front.wait(60) == 0
    assert system.processes() == []
    lines = output.read_text().splitlines()
    assert any(" command-api " in line and " ended " in line for line in lines)
    assert "all is stopped" in lines[-1]


def test_a_start_that_is_interrupted_leaves_nothing(system: WholeSystem) -> None:
    starting = subprocess.Popen(
        [sys.executable, "-m", "interfaces.cli", "up", "--kafka", "none"],
        cwd=ROOT,
        env=system.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until((system.home / "servers" / "postgres").exists, 30, "it has begun")
    starting.send_signal(signal.SIGINT)
    _, said = starting.communicate(timeout=60)
    assert starting.returncode == 3
    assert said == "Stopped before it was ready.\n"
    assert system.processes() == []


def test_servers_of_ones_own_are_used_and_the_database_login_forgotten(
    system: WholeSystem, postgres: PostgresHome, kafka_bootstrap: str
) -> None:
    """The password is looked for where others could see it and where it would be kept."""
    password = postgres.secrets.get("db_admin")
    port = postgres.server.port()
    url = f"postgresql://falconpay_admin:{password}@127.0.0.1:{port}/postgres"
    # Logins belong to the whole server, which other tests use with these passwords.
    (system.home / "secrets").mkdir(mode=0o700)
    for name in (postgres.home / "secrets").iterdir():
        if name.name != "db_admin":
            (system.home / "secrets" / name.name).write_text(name.read_text())
    system.environ["FALCONPAY_DATABASE_PREFIX"] = f"e2e{os.getpid()}_"
    system.environ["FALCONPAY_LEDGER"] = f"e2e-{os.getpid()}"
    system.up("--kafka", kafka_bootstrap, "--database", url)
    status = system.status()
    assert [server["name"] for server in status["servers"]] == ["gateway"]
    assert status["kafka_bootstrap"] == kafka_bootstrap
    assert system.open_wallet("a-wallet") == 201
    until(lambda: read_models_follow(system), 20, "the wallet is in every read model")
    assert not found_in_files(system.home, password)
    for process in system.processes():
        assert password not in "\n".join(process.cmdline())
        assert password not in "\n".join(process.environ().values())
    assert system.falcon("down").returncode == 0
    system.up("--kafka", "none")
    ready = httpx.get(f"http://127.0.0.1:{system.port + 1}/readyz")
    assert ready.status_code == 200
    drop(postgres, system)


def test_demo_brings_traffic(system: WholeSystem) -> None:
    system.up("--kafka", "none", "--demo")
    first = system.status()["position"]
    until(lambda: system.status()["position"] > first + 20, 30, "the ledger grows")
    assert psutil.pid_exists(
        next(r["pid"] for r in system.status()["roles"] if r["name"] == "demo")
    )


def read_models_follow(system: WholeSystem) -> bool:
    status = system.status()
    models = status["projections"]
    return status["position"] > 0 and all(m["position"] == status["position"] for m in models)


def found_in_files(folder: Path, text: str) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if text.encode() in path.read_bytes()]


def drop(postgres: PostgresHome, system: WholeSystem) -> None:
    """Drop the databases, since the server outlives this test."""
    import psycopg

    system.falcon("down")
    with psycopg.connect(postgres.admin, autocommit=True) as connection:
        for name in ("ledger", "identity", "reports"):
            prefix = system.environ["FALCONPAY_DATABASE_PREFIX"]
            connection.execute(f'DROP DATABASE "{prefix}{name}" WITH (FORCE)'.encode())
