"""Lists in pages: each item once under writes and rebuilds, by cursors that nobody can make."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain.identifiers import WalletId
from domain.instants import Instant
from projections.catalogue import CATALOGUE
from projections.checkpoints import reset
from projections.payment_queries import MANY
from tests.fan_out import FanOut
from tests.query_system import QuerySystem

OWNER = ("usr_owner", "read")
AUDITOR = ("usr_auditor", "audit")
LISTS = 17


@pytest.fixture(scope="module")
def wallets(system: QuerySystem) -> list[WalletId]:
    writer = system.writer
    wallets = [writer.open(owner="usr_owner", reference="R") for _ in range(7)]
    wallets += [writer.open(kind="system") for _ in range(3)]
    writer.busy(wallets, 60)
    for day in range(1, 13):
        at = Instant(f"2026-02-{day:02}T10:00:00.000000Z")
        writer.transfer(wallets[0], wallets[8], 5, effective_at=at)
        writer.decline(wallets[8], wallets[1], 5)
        writer.hold(wallets[0], wallets[8], day)
        writer.ask(wallets[0], wallets[8], day, by="usr_spender")
    writer.member(wallets[0], "usr_spender", "spender")
    system.follow()
    return wallets


def name_of(item: dict[str, Any]) -> str:
    """Return what makes an item one of a kind."""
    names = ("entry_id", "payment_id", "wallet_id", "event_id", "name")
    return next((str(item[name]) for name in names if name in item), str(item.get("date")))


def lists(wallets: list[WalletId]) -> list[tuple[str, tuple[str, str], dict[str, str]]]:
    return [
        ("/v1/wallets", OWNER, {}),
        ("/v1/wallets", AUDITOR, {"kind": "personal"}),
        ("/v1/wallets", OWNER, {"reference": "R"}),
        (f"/v1/wallets/{wallets[0]}/entries", OWNER, {}),
        (f"/v1/wallets/{wallets[8]}/entries", AUDITOR, {"direction": "credit"}),
        ("/v1/payments", OWNER, {}),
        ("/v1/payments", AUDITOR, {}),
        ("/v1/payments", AUDITOR, {"status": "declined"}),
        ("/v1/payments", OWNER, {"kind": "transfer"}),
        ("/v1/audit/events", AUDITOR, {}),
        ("/v1/audit/events", AUDITOR, {"wallet_id": wallets[0]}),
        ("/v1/audit/events", AUDITOR, {"after": "20"}),
        ("/v1/reports/daily", AUDITOR, {"currency": "EUR"}),
        (f"/v1/wallets/{wallets[0]}/holds", OWNER, {}),
        ("/v1/approvals", OWNER, {}),
        ("/v1/payments", ("usr_spender", "payments"), {"status": "awaiting-approval"}),
        ("/v1/projections", OWNER, {}),
    ]


@pytest.mark.parametrize("number", range(LISTS))
def test_pages_of_any_size_are_the_list(
    system: QuerySystem, wallets: list[WalletId], number: int
) -> None:
    path, caller, filters = lists(wallets)[number]
    every = system.pages(path, *caller, **filters, limit=200)
    assert len(every) >= 5
    assert len({name_of(item) for item in every}) == len(every)
    for limit in (1, 7, len(every)):
        if 1 < limit <= 200 or len(every) < 100:
            assert system.pages(path, *caller, **filters, limit=limit) == every
    if len(every) <= 200:
        last = system.found(path, *caller, **filters, limit=len(every))
        assert last["next_cursor"] is None


def test_the_default_is_a_page_of_fifty(system: QuerySystem, wallets: list[WalletId]) -> None:
    assert len(system.found("/v1/audit/events")["items"]) == 50
    assert len(system.found("/v1/audit/events", limit=200)["items"]) == 200


def test_each_item_once_while_others_are_written_and_all_is_built_again(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Between two pages money moves, wallets open, and the read models are built from zero."""
    chosen = [entry for entry in lists(wallets) if entry[0] != "/v1/projections"]
    before = [
        [name_of(item) for item in system.pages(path, *caller, **filters, limit=200)]
        for path, caller, filters in chosen
    ]
    seen: list[list[str]] = [[] for _ in chosen]
    cursors: list[dict[str, str] | None] = [{} for _ in chosen]
    step = 0
    while any(cursor is not None for cursor in cursors):
        for place, (path, caller, filters) in enumerate(chosen):
            cursor = cursors[place]
            if cursor is not None:
                page = system.found(path, *caller, **filters, **cursor, limit=17)
                seen[place] += [name_of(item) for item in page["items"]]
                following = page["next_cursor"]
                cursors[place] = None if following is None else {"cursor": following}
        step += 1
        if step < 8:
            disturb(system, wallets, rebuild=step % 3 == 0)
    for (path, _, filters), was, got in zip(chosen, before, seen, strict=True):
        assert len(set(got)) == len(got), (path, filters)
        assert [name for name in got if name in set(was)] == was, (path, filters)


def disturb(system: QuerySystem, wallets: list[WalletId], rebuild: bool) -> None:
    system.writer.open(owner="usr_owner", reference="R")
    system.writer.busy(wallets, 8)
    system.writer.hold(wallets[0], wallets[7], 9)
    system.writer.ask(wallets[0], wallets[7], 9, by="usr_spender")
    if rebuild:
        with (
            FanOut(system.databases).worker() as worker,
            system.databases.connect("projector", "reports") as reports,
        ):
            for projection in CATALOGUE:
                reset(reports, projection, worker._store.store_id())
    system.follow()


def refused(system: QuerySystem, path: str, *caller: str, **query: Any) -> bool:
    response = system.ask(path, *caller, **query)
    if response.status_code == 200:
        return False
    assert (response.status_code, response.json()["code"]) == (422, "invalid-cursor")
    return True


def test_a_cursor_is_bound_to_all_that_it_was_given_for(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Another caller, right, route, object or filter makes it another list."""
    path = "/v1/payments"
    cursor = system.found(path, *OWNER, limit=1, status="completed")["next_cursor"]
    mine = {"cursor": cursor, "status": "completed"}
    assert not refused(system, path, *OWNER, **mine)
    assert not refused(system, path, *OWNER, **mine, limit=7, min_position=1)
    assert not refused(system, path, "usr_owner", "payments", **mine)
    assert refused(system, path, "usr_other", "read", **mine)
    assert refused(system, path, "usr_owner", "audit", **mine)
    assert refused(system, path, *OWNER, cursor=cursor)
    assert refused(system, path, *OWNER, cursor=cursor, status="declined")
    assert refused(system, path, *OWNER, **mine, kind="transfer")
    assert refused(system, path, *OWNER, **mine, from_="2020-01-01T00:00:00Z")
    for other in ("/v1/wallets", f"/v1/wallets/{wallets[0]}/entries", "/v1/projections"):
        assert refused(system, other, *OWNER, cursor=cursor)
    holds = f"/v1/wallets/{wallets[0]}/holds"
    cursor = system.found(holds, *OWNER, limit=1)["next_cursor"]
    assert not refused(system, holds, *OWNER, cursor=cursor)
    for other in ("/v1/approvals", f"/v1/wallets/{wallets[1]}/holds", "/v1/payments"):
        assert refused(system, other, *OWNER, cursor=cursor)
    entries = f"/v1/wallets/{wallets[0]}/entries"
    cursor = system.found(entries, *OWNER, limit=1)["next_cursor"]
    assert not refused(system, entries, *OWNER, cursor=cursor)
    assert refused(system, f"/v1/wallets/{wallets[1]}/entries", *OWNER, cursor=cursor)
    assert refused(system, "/v1/payments", *OWNER, cursor=cursor)


def test_a_filter_spelled_otherwise_is_the_same(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    cursor = system.found("/v1/payments", limit=1, from_="2020-01-01T00:00:00Z")["next_cursor"]
    assert not refused(
        system, "/v1/payments", *AUDITOR, cursor=cursor, from_="2020-01-01T01:00:00.000+01:00"
    )


def test_whoever_has_very_many_wallets_sees_the_same_of_payments(
    system: QuerySystem, wallets: list[WalletId]
) -> None:
    """Found in another way, it is the payments from their wallets, and the paid ones to them."""
    writer, platform = system.writer, ("usr_platform", "read")
    many = [writer.open(owner="usr_platform") for _ in range(MANY + 1)]
    few = writer.open(owner="usr_small")
    for number, wallet in enumerate(many[:40]):
        writer.transfer(wallets[8], wallet, 900, reference=f"in {number}")
        writer.transfer(wallet, few, 100, reference=f"out {number}")
        writer.decline(few, wallet, 100)
        writer.decline(wallet, few, 100, reference=f"no {number}")
        writer.transfer(wallet, many[number + 1], 100, reference=f"own {number}")
        writer.transfer(wallets[8], few, 1)
    system.follow()
    every = system.pages("/v1/payments", limit=200)
    expected = []
    for payment in every:
        if payment["source_wallet_id"] in many:
            expected.append(payment)
        elif payment["destination_wallet_id"] in many and payment["status"] != "declined":
            payment.pop("reference", None)
            expected.append(payment)
    assert len(expected) == 160
    assert system.pages("/v1/payments", *platform, limit=7) == expected
    declined = [payment for payment in expected if payment["status"] == "declined"]
    assert system.pages("/v1/payments", *platform, status="declined") == declined


@pytest.mark.parametrize("number", range(LISTS))
def test_no_letter_of_a_cursor_can_be_changed(
    system: QuerySystem, wallets: list[WalletId], number: int
) -> None:
    """Not even the bits that base 64 leaves over: one cursor has one spelling."""
    path, caller, filters = lists(wallets)[number]
    cursor = system.found(path, *caller, **filters, limit=1)["next_cursor"]
    changed = [
        cursor[:place] + letter + cursor[place + 1 :]
        for place in range(len(cursor))
        for letter in ("A", "B", "C", "-", "_", "w", "x")
        if letter != cursor[place]
    ]
    changed += [cursor[:-1], cursor + "A", cursor + "=", cursor + "==", " " + cursor, cursor * 2]
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda text: refused(system, path, *caller, **filters, cursor=text), changed
        )
        assert all(answers)
    assert not refused(system, path, *caller, **filters, cursor=cursor)
