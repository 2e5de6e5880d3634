"""The system as a whole comes up, tells where it is, and mends what is killed."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator

import httpx
import psutil
import psycopg
import pytest

from infrastructure.version import VERSION
from tests.tools.whole_system import WholeSystem, end_left_systems, until

ROLES = [
    "command-api",
    "command-api",
    "identity-api",
    "payments",
    "projector",
    "query-api",
    "relay",
    "sealer",
]
SERVERS = ["gateway", "kafka", "postgres"]
MOST_MEMORY_BYTES = 1.3 * 2**30
ROLE_SECONDS, SERVER_SECONDS, HUNG_SECONDS = 9, 30, 69
"""Three times what is promised, since the tests share their machine."""


@pytest.fixture(scope="module")
def system() -> Iterator[WholeSystem]:
    """Give one system that every test leaves as healthy as it was."""
    end_left_systems()
    running = WholeSystem()
    try:
        running.up()
        yield running
    finally:
        running.close()


def parts(system: WholeSystem, kind: str, name: str) -> list[dict[str, object]]:
    return [part for part in system.status()[kind] if part["name"] == name]


def healthy(system: WholeSystem) -> bool:
    status = system.status()
    return all(part["ready"] for part in [*status["roles"], *status["servers"]])


def test_status_has_the_shape_of_the_contract(system: WholeSystem) -> None:
    status = system.status()
    assert status["version"] == VERSION
    assert status["home"] == str(system.home)
    assert isinstance(status["position"], int)
    names = ("gateway", "command", "query", "identity")
    assert status["urls"] == {
        name: f"http://127.0.0.1:{system.port + offset}" for offset, name in enumerate(names)
    }
    assert sorted(role["name"] for role in status["roles"]) == ROLES
    assert sorted(server["name"] for server in status["servers"]) == SERVERS
    for part in [*status["roles"], *status["servers"]]:
        assert set(part) == {"name", "pid", "port", "ready", "restarts"}
        assert part["ready"] is True
        assert psutil.pid_exists(part["pid"])
    workers = ("relay", "projector", "payments", "sealer")
    pids = {role["name"]: role["pid"] for role in status["roles"] if role["name"] in workers}
    assert pids["relay"] == pids["payments"] == pids["sealer"] != pids["projector"]
    names_of_models = [model["name"] for model in status["projections"]]
    assert {"balances", "entries", "payments"} <= set(names_of_models)
    for model in status["projections"]:
        keys = {"name", "version", "position", "lag_events", "lag_seconds", "state"}
        assert set(model) == keys


def test_every_address_of_status_answers(system: WholeSystem) -> None:
    status = system.status()
    for name in ("command", "query", "identity"):
        assert httpx.get(f"{status['urls'][name]}/readyz").status_code == 200
    for role in status["roles"]:
        assert httpx.get(f"http://127.0.0.1:{role['port']}/metrics").status_code == 200
    jwks = httpx.get(f"{status['urls']['gateway']}/.well-known/jwks.json").json()
    assert len(jwks["keys"]) == 1
    host, port = status["kafka_bootstrap"].split(":")
    socket.create_connection((host, int(port)), timeout=5).close()


def test_the_database_login_of_status_reads_and_changes_nothing(system: WholeSystem) -> None:
    with psycopg.connect(system.status()["database_url"], autocommit=True) as connection:
        connection.execute("SELECT count(*) FROM events")
        connection.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO asset (code, digits) VALUES ('POINTS', 0)")


def test_what_is_printed_has_the_addresses_and_a_token_that_works(system: WholeSystem) -> None:
    assert "FalconPay is ready." in system.welcome
    assert f"http://127.0.0.1:{system.port}" in system.welcome
    token = system.welcome.split("TOKEN=")[1].split()[0]
    answer = httpx.get(
        f"http://127.0.0.1:{system.port}/v1/wallets", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    logs = "".join(path.read_text() for path in (system.home / "logs").iterdir())
    assert token not in logs


def test_everything_together_keeps_to_its_memory(system: WholeSystem) -> None:
    """Counts shared pages once, as the machine does."""
    used = sum(process.memory_full_info().pss for process in system.processes())
    assert used < MOST_MEMORY_BYTES
    assert system.supervisor().memory_info().rss < 64 * 2**20


@pytest.mark.parametrize("name", sorted({*ROLES}))
def test_a_killed_role_is_back(system: WholeSystem, name: str) -> None:
    before = parts(system, "roles", name)[0]
    os.kill(int(str(before["pid"])), signal.SIGKILL)

    def back() -> bool:
        found = parts(system, "roles", name)
        fresh = before["pid"] not in {part["pid"] for part in found}
        return fresh and all(part["ready"] for part in found)

    until(back, ROLE_SECONDS, f"{name} is ready again")
    restarts = {part["restarts"] for part in parts(system, "roles", name)}
    assert max(int(str(count)) for count in restarts) >= 1


def test_roles_that_hang_are_replaced_and_nobody_else(system: WholeSystem) -> None:
    """Each lives and answers nothing any more; of two that share a port, it is the right one."""
    before = system.status()["roles"]
    hung = [
        next(int(role["pid"]) for role in before if role["name"] == name)
        for name in ("command-api", "query-api", "relay")
    ]
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: not any(map(psutil.pid_exists, hung)), HUNG_SECONDS, "they have been ended")
    until(lambda: healthy(system), ROLE_SECONDS, "everything is ready again")
    after = system.status()["roles"]
    kept = {role["pid"] for role in before} - set(hung)
    assert kept <= {role["pid"] for role in after}
    assert len({role["pid"] for role in after}) == len(kept) + len(hung)


def test_a_killed_postgresql_is_back_and_commands_are_taken(system: WholeSystem) -> None:
    before = parts(system, "servers", "postgres")[0]
    os.killpg(int(str(before["pid"])), signal.SIGKILL)
    until(lambda: system.open_wallet("after-postgres") == 201, SERVER_SECONDS, "commands are taken")
    until(lambda: healthy(system), SERVER_SECONDS, "everything is ready again")
    after = parts(system, "servers", "postgres")[0]
    assert after["pid"] != before["pid"]
    assert after["restarts"] == int(str(before["restarts"])) + 1


@pytest.mark.parametrize("name", ["kafka", "gateway"])
def test_a_killed_server_is_back(system: WholeSystem, name: str) -> None:
    before = parts(system, "servers", name)[0]
    os.kill(int(str(before["pid"])), signal.SIGKILL)
    until(
        lambda: parts(system, "servers", name)[0]["pid"] not in (None, before["pid"]),
        SERVER_SECONDS,
        f"{name} runs again",
    )
    until(lambda: healthy(system), SERVER_SECONDS, "everything is ready again")


def test_a_broker_that_lost_its_storage_gets_the_topic_again(system: WholeSystem) -> None:
    """Kafka is transport: its storage is made anew, and the relay fills it from the store."""
    before = parts(system, "servers", "kafka")[0]
    supervisor = system.supervisor()
    supervisor.suspend()
    os.kill(int(str(before["pid"])), signal.SIGKILL)
    shutil.rmtree(system.home / "servers" / "kafka" / "data")
    supervisor.resume()
    until(
        lambda: parts(system, "servers", "kafka")[0]["pid"] not in (None, before["pid"]),
        SERVER_SECONDS,
        "kafka runs again",
    )
    until(lambda: healthy(system), SERVER_SECONDS, "everything is ready again")
    assert system.open_wallet("after-the-wipe") == 201
    until(lambda: healthy(system), SERVER_SECONDS, "the read models have seen it")


def test_a_second_up_of_the_same_home_is_refused(system: WholeSystem) -> None:
    done = system.falcon("up", "--detach")
    assert done.returncode == 3
    assert f"in use by another ./falcon up (process {system.supervisor().pid})" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert healthy(system)


def test_an_occupied_port_is_named_before_anything_starts(system: WholeSystem) -> None:
    other = WholeSystem(FALCONPAY_PORT=str(system.port - 2))
    try:
        done = other.falcon("up", "--detach")
        assert done.returncode == 3
        assert f"Port {system.port} (query API) is occupied by envoy" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert other.processes() == []
    finally:
        other.close()


def test_a_killed_supervisor_takes_its_roles_along_and_the_next_adopts_the_servers(
    system: WholeSystem,
) -> None:
    before = system.status()
    system.supervisor().kill()
    roles = {int(role["pid"]) for role in before["roles"]}
    until(lambda: not any(map(psutil.pid_exists, roles)), 15, "the roles have ended")
    assert system.falcon("status").returncode == 3
    system.up()
    after = system.status()
    pids = [{s["name"]: s["pid"] for s in status["servers"]} for status in (before, after)]
    assert pids[0] == pids[1]
    assert system.open_wallet("after-adoption") == 201
    assert healthy(system)


def test_a_killed_supervisor_is_cleaned_up_after_by_down(system: WholeSystem) -> None:
    system.supervisor().kill()
    done = system.falcon("down")
    assert done.returncode == 0
    assert "postgres" in done.stdout
    assert system.processes() == []
    system.up()


def test_down_leaves_no_process_and_no_trace(system: WholeSystem) -> None:
    assert len(system.processes()) > len(ROLES)
    done = system.falcon("down")
    assert (done.returncode, done.stderr) == (0, "")
    assert system.processes() == []
    assert not (system.home / "run" / "endpoints.json").exists()
    assert not (system.home / "run" / "state.json").exists()
    assert system.falcon("down").returncode == 0
    system.up()
