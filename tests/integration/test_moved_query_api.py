"""The query API tells the same of the log after old movements have left for an archive.

Without the archive, or with another one in its place, nobody is told what was not recorded.
"""

import os
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from domain.identifiers import bits
from domain.instants import instant
from domain.periods import ClosePeriod
from tests.every_payment import ANN, BEN, DAN, OPERATOR, SHOP, EveryPayment
from tests.moved_ledger import move
from tests.proofs import check
from tests.query_system import QuerySystem, query_system
from tests.report_history import write_history
from tests.sealed_ledger import seal_now
from tests.servers import PostgresHome
from tests.written import Written

EVENTS, TRAIL, AUDIT = "/v1/audit/events", "/v1/audit/trail", "/v1/audit"
NEEDING = ("events", "events of a wallet", "proofs")
"""The groups of queries in which moved events are shown themselves."""
GROUPS = (*NEEDING, "seals", "balances", "values", "statements", "reports", "trail")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
Asked = tuple[str, dict[str, Any]]
Pair = tuple[Asked, list[bytes]]


@dataclass
class World:
    """A sealed book, what was moved of it, and what was told before and meanwhile."""

    system: QuerySystem
    store: Path
    book: EveryPayment
    sealed: int
    moved: list[int] = field(default_factory=list)
    before: dict[str, list[Pair]] = field(default_factory=dict)
    meanwhile: list[bool] = field(default_factory=list)

    def told(self, asked: Asked) -> list[bytes]:
        """Return the bodies of all pages; of the whole log only the first one, which is full."""
        (path, query), bodies, more = asked, list[bytes](), dict[str, str]()
        one = query.get("format", "json") != "json" or query.keys() == {"after", "limit"}
        while not bodies or more:
            answer = self.system.ask(path, **query, **more)
            assert answer.status_code == 200, (asked, answer.text)
            bodies.append(answer.content)
            following = None if one else answer.json().get("next_cursor")
            more = {"cursor": following} if following else {}
        return bodies

    def ask(self, most: int) -> None:
        """Ask for some of each group while nothing is moved yet."""
        dice = random.Random(3)
        for name, group in groups(self).items():
            chosen = dice.sample(group, min(most, len(group)))
            self.before[name] = [(asked, self.told(asked)) for asked in chosen]

    def needing(self) -> list[Pair]:
        return [pair for name in NEEDING for pair in self.before[name]]

    def move(self) -> None:
        """Move all that is sealed in several runs, as it grows old."""
        for before in (self.sealed // 3, self.sealed // 2):
            move(self.system.databases, self.store, "--before", before)
        move(self.system.databases, self.store)
        with self.system.databases.connect("audit") as connection:
            rows = connection.execute("SELECT notification_id FROM moved_event ORDER BY 1")
            self.moved = [position for (position,) in rows]
        self.system.follow()


@contextmanager
def world_in(postgres: PostgresHome, folder: Path, payments: int) -> Iterator[World]:
    """Write minutes that are told apart, batches, every kind of payment, and years of others."""
    with query_system(postgres, folder / "home") as system:
        writer = system.writer
        wallets = [writer.open(kind="system") for _ in range(3)]
        for minute in range(payments):
            writer.busy(wallets, 2)
            writer.atomic([(wallets[0], wallets[1], 1), (wallets[1], wallets[0], 2)])
            writer.flush(instant(BEGIN + timedelta(minutes=minute)))
        book = write_history(system, payments)
        written = Written(system.databases.settings, system.databases.secrets)
        written.one(written.asking(ClosePeriod("2022-12-31", "old")))
        sealed = seal_now(system.databases, most=100)
        written.pay(book.wallets["till"], book.wallets["ann"], 1)
        written.close()
        book.wallets["busy"] = wallets[0]
        system.follow()
        yield World(system, folder / "archive", book, sealed)


def groups(world: World) -> dict[str, list[Asked]]:
    """Return what is asked for, none of which may be changed by what is recorded later."""
    dice, last, wallets = random.Random(4), world.sealed, list(world.book.wallets.values())
    paths = [f"/v1/wallets/{wallet}" for wallet in wallets]
    events = world.system.pages(EVENTS, limit=200)[:last]
    own = (each["stream_id"] for each in events if each["type"].startswith("payment."))
    payments, now = sorted(set(own)), instant(datetime.now(UTC))
    people, ends = (ANN, BEN, DAN, SHOP, OPERATOR.subject, "usr_0", "usr_no"), ("from_", "to")
    filters: list[dict[str, Any]] = [{"wallet_id": each} for each in wallets]
    filters += [{"person": who} for who in people]
    filters += [{"payment_id": each} for each in payments]
    filters += [{"wallet_id": world.book.wallets["ann"], "person": who} for who in people]
    filters += [{"reference": "R lunch"}, {"to": now}, {"from_": instant(BEGIN), "to": now}]
    recorded = sorted({datetime.fromisoformat(each["recorded_at"]) for each in events})
    times = [instant(at + timedelta(microseconds=aside)) for at in recorded for aside in (-1, 0, 1)]
    places: list[int | str] = [*range(1, last, 9), *times[::9]]
    return {
        "events": [(EVENTS, {"after": after, "limit": limit}) for limit in (1, 4, 200)
                   for after in range(0, last - limit, 1 + limit // 50)],
        "events of a wallet": [
            (EVENTS, {"wallet_id": wallet, "after": after, "limit": limit}) for wallet in wallets
            for after, limit in ((0, 2), (0, 200), (dice.randrange(last), 3), (last, 1))],
        "proofs": [(f"{AUDIT}/payments/{each}/proof", {}) for each in payments],
        "seals": [
            *((f"{AUDIT}/consistency", {"from_": old, "to": new}) for old in range(1, last, 37)
              for new in range(old, last + 1, 41)),
            *((path, {"limit": 2}) for path in (f"{AUDIT}/seals", "/v1/operations/periods")),
            *((f"{AUDIT}/{path}", {}) for path in ("seals/latest", "key", "keys"))],
        "balances": [(f"{path}/balance", {"as_of": at}) for at in (*range(last + 1), *times)
                     for path in dice.sample(paths, 1)],
        "values": [(f"{dice.choice(paths)}/balance", {"effective_as_of": at, "as_of": known})
                   for at in (*times[::5], "2024-06-30", "2026-03-01", "9999-12-31")
                   for known in (dice.randrange(last), dice.choice(times))],
        "statements": [
            (f"{dice.choice(paths)}/statement", {"from_": "2024-01-01", "to": "2027-12-31",
             "as_of": at, "format": form}) for at in places for form in ("json", "camt.053")],
        "reports": [
            *((f"{dice.choice(paths)}/entries", {end: at}) for at in times for end in ends),
            *(("/v1/reports/trial-balance", {"as_of": at}) for at in places)],
        "trail": [(TRAIL, {"limit": limit, **each}) for each in filters for limit in (3, 200)],
    }  # fmt: skip


@pytest.fixture(scope="module")
def world(postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Ask before, and all the time while events are moved."""
    with world_in(postgres, tmp_path_factory.mktemp("world"), 5) as world:
        world.ask(most=80)
        pairs, dice = world.needing(), random.Random(9)
        with ThreadPoolExecutor(1) as pool:
            moving = pool.submit(world.move)
            while not moving.done():
                asked, before = dice.choice(pairs)
                world.meanwhile.append(world.told(asked) == before)
            moving.result()
        yield world


@pytest.mark.parametrize("name", GROUPS)
def test_every_answer_is_the_same_byte_for_byte(world: World, name: str) -> None:
    assert len(world.before[name]) > 30
    for asked, before in world.before[name]:
        assert world.told(asked) == before, asked


def test_pages_are_right_while_events_are_moved(world: World) -> None:
    assert len(world.moved) > world.sealed // 3
    assert len(world.meanwhile) > 100
    assert all(world.meanwhile)


def test_proofs_of_what_was_moved_are_checked_by_outsiders(world: World, tmp_path: Path) -> None:
    vkey = world.system.found(f"{AUDIT}/key")["vkey"]
    for name in ("lunch", "split of two payers", "captured and released", "hold approved"):
        path = f"{AUDIT}/payments/{world.book.payments[name]}/proof"
        (tmp_path / "proof.json").write_bytes(world.system.ask(path).content)
        checked = check(tmp_path / "proof.json", tmp_path / "packages", "--key", vkey)
        assert (checked.code, checked.said["authenticated"]) == (0, True)
        assert {event["position"] for event in checked.said["events"]} & set(world.moved)


def test_a_read_model_lags_by_an_event_that_was_moved(world: World) -> None:
    """It is told how many events it lacks, and how old the oldest of them is."""
    system, head = world.system, world.system.head()
    with system.databases.connect_admin("reports") as admin:
        for position in (1, *(each - 1 for each in world.moved[:40])):
            admin.execute("UPDATE reports_main.checkpoint SET position = %s", [position])
            (oldest,) = system.found(EVENTS, after=position, limit=1)["items"]
            age = datetime.now(UTC) - datetime.fromisoformat(oldest["recorded_at"])
            for item in system.found("/v1/projections")["items"]:
                assert item["lag_events"] == head - position
                assert abs(item["lag_seconds"] - age.total_seconds()) < 20
        admin.execute("UPDATE reports_main.checkpoint SET position = %s", [head])


def answered(world: World, pair: Pair) -> bool:
    """Return whether there is an answer; it is the one of before. Else it is to be waited for."""
    (path, query), before = pair
    answer = world.system.ask(path, **query)
    if answer.status_code == 200:
        assert answer.content == before[0], pair
        return True
    assert (answer.status_code, answer.json()["code"]) == (503, "service-unavailable"), pair
    assert int(answer.headers["retry-after"]) > 0
    return False


@contextmanager
def silent(part: Path) -> Iterator[None]:
    """Put a file there that nobody finishes to open, as in a store that does not answer."""
    os.mkfifo(part)
    yield
    part = part.rename(part.with_suffix(".silent"))
    with suppress(OSError):
        while True:
            os.close(os.open(part, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.05)


def test_no_answer_rests_on_an_archive_that_is_away_or_another_one(
    postgres: PostgresHome, tmp_path: Path
) -> None:
    """What needs a moved event is to be asked for again later, and all else is answered."""
    with world_in(postgres, tmp_path, 2) as world:
        payment = world.book.payments["ann's money"]
        command = world.book.transfer("ann's money", "till", "ann", 2_000_00)(payment)
        written = Written(world.system.databases.settings, world.system.databases.secrets)
        again = written.submission(command, bits(payment), OPERATOR)
        first = written.one(again)
        world.ask(most=35)
        world.move()
        need = world.needing()
        away = world.store.rename(tmp_path / "away")
        assert 10 < sum(answered(world, pair) for pair in need) < len(need) - 10
        for name in set(GROUPS) - set(NEEDING):
            assert all(answered(world, pair) for pair in world.before[name]), name
        assert world.system.client.get("/readyz").status_code == 200
        assert written.one(again) == first
        written.close()
        shown, part = world.moved[5], next(away.glob("*1-*.parquet"))
        shutil.copy(part, tmp_path / "good")
        dearer = """encode(replace(decode(data), '"amount":', '"amount":1'))"""
        changed = f"CASE position WHEN {shown} THEN {dearer} ELSE data END AS data"
        found = f"SELECT * REPLACE ({changed}) FROM read_parquet('{tmp_path}/good') ORDER BY 1"
        duckdb.sql(f"COPY ({found}) TO '{part}' (FORMAT parquet)")
        away.rename(world.store)
        late = [pair for pair in need if not answered(world, pair)]
        telling = [pair for pair in need if f'"position":{shown},'.encode() in pair[1][0]]
        assert 2 < len(telling) <= len(late) < len(need) / 2
        assert not any(answered(world, pair) for pair in telling)
        part = world.store / part.name
        part.write_bytes(b"PAR1 and nothing else")
        assert not any(answered(world, pair) for pair in telling)
        part.unlink()
        assert not any(answered(world, pair) for pair in telling)
        with silent(part):
            with ThreadPoolExecutor(3) as askers:
                assert not any(askers.map(partial(answered, world), telling[:3]))
            # More of them hang by now than there are threads for them.
            for name in set(GROUPS) - set(NEEDING):
                assert all(answered(world, pair) for pair in world.before[name][:5]), name
        shutil.copy(tmp_path / "good", part)
        assert all(answered(world, pair) for pair in need)
