"""Balances and sums as of any moment equal a fold, and no answer is older than was asked for."""

import json
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import pytest

from domain.identifiers import WalletId
from domain.instants import instant
from tests.fan_out import FanOut
from tests.query_system import QuerySystem
from tests.read_model_fold import folded_rows

ROUTES = (
    "/v1/wallets",
    "/v1/wallets/{W}",
    "/v1/wallets/{W}/balance",
    *("/v1/wallets/{W}/entries", "/v1/wallets/{W}/statement"),
    "/v1/payments",
    "/v1/payments/{P}",
    "/v1/reports/trial-balance",
    "/v1/reports/daily",
    "/v1/audit/events",
    "/v1/projections",
)


@pytest.fixture(scope="module")
def wallets(system: QuerySystem) -> list[WalletId]:
    """Write a busy hour, a minute a time, in which commands have 1 to 9 events."""
    writer, start = system.writer, datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    wallets = [writer.open(kind="system") for _ in range(4)]
    wallets += [writer.open(owner="usr_owner") for _ in range(2)]
    for minute in range(60):
        writer.busy(wallets, 6)
        if minute == 30:
            writer.open(currency="JPY")
        writer.flush(instant(start + timedelta(minutes=minute)))
    system.follow()
    return wallets


def command_ends(system: QuerySystem) -> list[int]:
    """Return the positions at which commands end, from the stored metadata."""
    with system.databases.connect("reader") as connection:
        rows = connection.execute(
            "SELECT notification_id, convert_from(metadata, 'UTF8') FROM events ORDER BY 1"
        ).fetchall()
    told = [(position, json.loads(text)) for position, text in rows]
    return [position for position, m in told if m["index"] == m["count"] - 1]


def last_up_to(ends: list[int], position: int) -> int:
    return max((end for end in ends if end <= position), default=0)


def test_as_of_any_position_is_a_fold_up_to_the_end_of_a_command(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    ends, chosen = command_ends(system), random.Random(7)
    cut = 0
    for asked in [0, 1, *(chosen.randint(1, ends[-1]) for _ in range(60)), ends[-1], ends[-1] + 1]:
        position = last_up_to(ends, asked)
        cut += position != asked
        posted = {row[0]: row[4] for row in folded_rows(system.databases, position)["balances"]}
        wallet = chosen.choice(wallets)
        balance = system.found(f"/v1/wallets/{wallet}/balance", as_of=asked)
        assert balance == {
            "posted": f"{posted.get(wallet, 0) / 100:.2f}",
            "held": "0.00",
            "available": f"{posted.get(wallet, 0) / 100:.2f}",
            "currency": "EUR",
            "position": position,
        }
        report = system.found("/v1/reports/trial-balance", as_of=asked)
        assert report["position"] == position
        assert {item["currency"]: item["sum"] for item in report["items"]} == (
            {}
            if not posted
            else {"EUR": "0.00"}
            if len(posted) < 7
            else {"EUR": "0.00", "JPY": "0"}
        )
        euro = [amount for name, amount in posted.items() if name in wallets]
        for item in report["items"][:1]:
            assert item["wallets"] == len(euro)
            assert item["credits"] == f"{sum(a for a in euro if a > 0) / 100:.2f}"
            assert item["debits"] == item["credits"]
    assert cut > 20, "too few of the positions were inside a command"


def test_as_of_a_time_includes_it(system: QuerySystem, wallets: list[WalletId]) -> None:
    with system.databases.connect("reader") as connection:
        times: list[tuple[datetime, int]] = connection.execute(
            "SELECT recorded_at, max(notification_id) FROM events GROUP BY 1 ORDER BY 1"
        ).fetchall()
    path, before = f"/v1/wallets/{wallets[0]}/balance", 0
    for recorded_at, last in times:
        just_before = instant(recorded_at - timedelta(microseconds=1))
        assert system.found(path, as_of=just_before)["position"] == before
        assert system.found(path, as_of=instant(recorded_at))["position"] == last
        there = recorded_at.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
        assert system.found(path, as_of=there)["position"] == last
        before = last
    for time_of in ("0001-01-01T00:00:00Z", instant(times[0][0] - timedelta(days=1))):
        assert system.found(path, as_of=time_of)["position"] == 0
    for time_of in ("9999-12-31T23:59:59.999999Z", "2026-12-31T23:59:59+01:00"):
        assert system.found(path, as_of=time_of)["position"] == system.head()


def test_a_number_is_a_position_however_long(system: QuerySystem, wallets: list[WalletId]) -> None:
    path, head = f"/v1/wallets/{wallets[0]}/balance", system.head()
    for far in (head + 1, 2**53, 2**63 - 1, 2**63, 10**4000):
        assert system.found(path, as_of=far)["position"] == head
    assert system.found(path, as_of="000")["position"] == 0
    assert system.found(path, as_of="0" * 30 + str(head))["position"] == head


def test_before_it_was_opened_a_wallet_holds_nothing(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    balance = system.found(f"/v1/wallets/{wallets[0]}/balance", as_of=0)
    assert (balance["posted"], balance["available"], balance["position"]) == ("0.00", "0.00", 0)


def test_what_is_answered_for_a_position_never_changes(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Also what was answered for now is answered again for its position."""
    paths = [f"/v1/wallets/{wallet}/balance" for wallet in wallets] + ["/v1/reports/trial-balance"]
    now = {path: system.found(path) for path in paths}
    system.writer.busy(wallets, 20)
    system.follow()
    for path, answer in now.items():
        assert system.found(path, as_of=answer["position"]) == answer
        assert system.found(path)["position"] > answer["position"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_position_that_does_not_come(
    system: QuerySystem, wallets: list[WalletId], route: str
) -> None:
    payment = system.found("/v1/payments", limit=1)["items"][0]["payment_id"]
    path = route.replace("{W}", wallets[0]).replace("{P}", payment)
    head, started = system.head(), time.monotonic()
    response = system.ask(path, min_position=head + 1)
    assert 1.9 < time.monotonic() - started < 3.5
    assert (response.status_code, response.json()["code"]) == (503, "read-model-behind")
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["ledger-position"] == str(head)
    assert system.ask(path, min_position=head).status_code == 200


def test_many_wait_side_by_side(system: QuerySystem, wallets: list[WalletId]) -> None:
    """Those who wait hold no connection, so that others are answered meanwhile."""
    path, head = f"/v1/wallets/{wallets[0]}/balance", system.head()
    with ThreadPoolExecutor(40) as pool:
        waiting = [pool.submit(system.ask, path, min_position=head + 1) for _ in range(40)]
        time.sleep(0.3)
        started = time.monotonic()
        assert system.ask(path).status_code == 200
        assert time.monotonic() - started < 1
        assert {future.result().status_code for future in waiting} == {503}


def test_a_read_model_that_lags(system: QuerySystem, wallets: list[WalletId]) -> None:
    """What the store has and the read model has not is waited for, never answered without it."""
    wallet = wallets[0]
    before = system.found(f"/v1/wallets/{wallet}/balance")
    system.writer.transfer(wallets[1], wallet, 1)
    head = system.writer.flush().last
    path = f"/v1/wallets/{wallet}/balance"
    for query in ({"min_position": head}, {"as_of": head}, {"as_of": "9999-01-01T00:00:00Z"}):
        assert system.ask(path, **query).status_code == 503
    assert system.found(path) == before
    assert system.found(path, as_of=before["position"]) == before
    with ThreadPoolExecutor(3) as pool:
        waiting = [
            pool.submit(system.found, path, min_position=head),
            pool.submit(system.found, path, as_of=head),
            pool.submit(system.found, "/v1/reports/trial-balance", as_of=head),
        ]
        time.sleep(0.2)
        assert not any(future.done() for future in waiting)
        system.follow()
        for future in waiting:
            assert future.result()["position"] == head


@contextmanager
def following(system: QuerySystem) -> Iterator[None]:
    """Keep a projector running."""
    stop = threading.Event()

    def follow() -> None:
        with FanOut(system.databases).worker() as worker:
            worker.begin()
            while not stop.is_set():
                worker.step(0.05)

    projector = threading.Thread(target=follow)
    projector.start()
    try:
        yield
    finally:
        stop.set()
        projector.join()


def test_one_reads_what_one_wrote(system: QuerySystem, wallets: list[WalletId]) -> None:
    """With the projector running, an answer for a command's position shows the command."""
    writer = system.writer
    with following(system):
        for number in range(40):
            wallet = writer.open(owner="usr_fresh", name=f"no. {number}")
            payment = writer.transfer(wallets[0], wallet, 100 + number)
            last = writer.flush().last
            amount = f"{(100 + number) / 100:.2f}"
            fresh = ("usr_fresh", "read payments")
            for path, name, expected in (
                (f"/v1/wallets/{wallet}/balance", "posted", amount),
                (f"/v1/wallets/{wallet}", "posted", amount),
                (f"/v1/payments/{payment}", "amount", amount),
            ):
                response = system.ask(path, *fresh, min_position=last)
                assert response.status_code == 200, response.text
                assert response.json()[name] == expected
                assert int(response.headers["ledger-position"]) >= last
            (entry,) = system.found(f"/v1/wallets/{wallet}/entries", *fresh, min_position=last)[
                "items"
            ]
            assert entry["balance_after"] == amount
            newest = system.found("/v1/payments", *fresh, min_position=last, limit=1)["items"][0]
            assert newest["payment_id"] == payment


def test_an_answer_is_of_one_moment(system: QuerySystem, wallets: list[WalletId]) -> None:
    """What is read while money moves is what stood at the position that is told with it."""
    writer, path = system.writer, f"/v1/wallets/{wallets[0]}/balance"
    seen: list[dict[str, object]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(system.found(path))

    with following(system), ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for _ in range(2_000):
            writer.transfer(wallets[1], wallets[0], 1)
            writer.flush()
            if len({answer["position"] for answer in seen}) > 100:
                break
        done.set()
        for reader in readers:
            reader.result()
    system.follow()
    told = {str(answer["position"]): answer for answer in seen}
    assert len(told) > 100
    for answer in seen:
        assert answer == told[str(answer["position"])]
    for position, answer in told.items():
        assert system.found(path, as_of=position) == answer


@pytest.mark.parametrize("caller", [("usr_owner", "read"), ("usr_auditor", "audit")])
def test_from_is_included_and_to_is_not(
    system: QuerySystem, wallets: list[WalletId], caller: tuple[str, str]
) -> None:
    mine = wallets[-1]
    for path in ("/v1/payments", f"/v1/wallets/{mine}/entries"):
        every = system.pages(path, *caller, limit=200)
        name = "created_at" if path == "/v1/payments" else "recorded_at"
        times = sorted({item[name] for item in every})
        for start, end in ((times[0], times[9]), (times[9], times[30]), (times[5], times[5])):
            found = system.pages(path, *caller, limit=200, from_=start, to=end)
            assert found == [item for item in every if start <= item[name] < end]
        assert system.pages(path, *caller, from_=times[-1]) == [
            item for item in every if item[name] == times[-1]
        ]
        after = instant(datetime.fromisoformat(times[-1]) + timedelta(microseconds=1))
        assert system.pages(path, *caller, from_=after) == []
        assert system.pages(path, *caller, to=times[0]) == []
        assert system.pages(path, *caller, to="0001-01-01T00:00:00Z") == []
        assert system.pages(path, *caller, limit=200, from_="0001-01-01T00:00:00Z") == every
