"""A database whose disk is full: answers stay true, and it goes on when there is room again."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from infrastructure.secrets import Secrets
from tests.faults.kinds.disk import (
    SEGMENTS,
    data_folder,
    full,
    next_segment,
    no_mounts,
    small_disk,
)
from tests.tools.whole_system import WholeSystem, until

SECONDS = 60.0


@pytest.fixture
def system() -> Iterator[WholeSystem]:
    """Give a system whose database has a disk of 300 MB."""
    reason = no_mounts()
    if reason is not None:
        pytest.skip(reason)
    home = Path(tempfile.mkdtemp(prefix="falconpay-disk-"))
    with small_disk(data_folder(home), "300m"):
        system = WholeSystem(home)
        try:
            system.up()
            yield system
        finally:
            system.falcon("down")
    shutil.rmtree(home, ignore_errors=True)


def postgres(system: WholeSystem) -> dict[str, Any]:
    """Return what the supervisor says of the database."""
    (found,) = (part for part in system.status()["servers"] if part["name"] == "postgres")
    return dict(found)


def panic(system: WholeSystem) -> None:
    """Ask for new segments of the write-ahead log, for want of which PostgreSQL ends itself."""
    secrets = Secrets(system.home, {})
    port = postgres(system)["port"]
    login = f"host=127.0.0.1 port={port} user=falconpay_admin dbname=postgres connect_timeout=5"
    with psycopg.connect(login, password=secrets.get("db_admin"), autocommit=True) as connection:
        for _ in range(SEGMENTS):
            try:
                next_segment(connection)
            except psycopg.OperationalError:
                return
    raise AssertionError("there is room for new segments")


def test_a_full_disk(system: WholeSystem) -> None:
    """Full: 503 and nothing done. Room again: taken, and nothing of before is lost or doubled."""
    token = system.token("wallets read")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{system.port}", headers=headers) as client:

        def opens(number: int) -> int:
            body = {"name": "a" * 60, "currency": "EUR"}
            key = {"Idempotency-Key": f"key-{number}"}
            try:
                return client.post("/v1/wallets", json=body, headers=key, timeout=20).status_code
            except httpx.HTTPError:
                return 0

        numbers = itertools.count()
        asked: dict[int, int] = {}

        def refused() -> bool:
            for number in itertools.islice(numbers, 100):
                asked[number] = opens(number)
                if asked[number] != 201:
                    return True
            return False

        assert not refused()
        with full(data_folder(system.home)):
            until(refused, SECONDS, "refused when full")
            restarts = postgres(system)["restarts"]
            panic(system)
            until(lambda: postgres(system)["restarts"] > restarts, SECONDS, "tried to start again")
            assert refused()
        assert set(asked.values()) == {201, 503}
        until(lambda: opens(-1) == 201, SECONDS, "taken again")
        assert {opens(number) for number in asked} == {201}
        until(
            lambda: all(p["lag_events"] == 0 for p in system.status()["projections"]),
            SECONDS,
            "the read models go on",
        )
        pages = client.get("/v1/wallets", params={"limit": 200}).json()
        while pages["next_cursor"]:
            following = {"limit": 200, "cursor": pages["next_cursor"]}
            more = client.get("/v1/wallets", params=following).json()
            pages = {**more, "items": pages["items"] + more["items"]}
        assert len(pages["items"]) == len(asked) + 1
    done = system.falcon("replay", "verify")
    assert done.returncode == 0, done.stdout + done.stderr
