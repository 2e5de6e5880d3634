"""The log of who did what names whoever gave a command, and finds it from every side."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.operation_events import KeyRotated
from infrastructure.operation_notes import Notes, now, operator
from interfaces.workers.operations_job import Operations
from tests.every_payment import ANN, BEN, DAN, OPERATOR, SHOP, SWEEPER, EveryPayment
from tests.query_system import QuerySystem, query_system
from tests.report_fold import ReportFold
from tests.report_history import write_history
from tests.servers import PostgresHome
from tests.written import Written

TRAIL = "/v1/audit/trail"


@pytest.fixture(scope="module")
def written(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[QuerySystem, EveryPayment]]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        book = write_history(running, payments=40)
        _administer(running)
        yield running, book


def _administer(system: QuerySystem) -> None:
    """Rotate a key as by hand, and let it be recorded as the workers do."""
    settings = system.databases.settings
    Notes(settings).write(KeyRotated(now(), "token", "abc"))
    writer = Written(settings, system.databases.secrets)
    assert Operations(writer.ledger.execute, Notes(settings), "main").run_once(datetime.now(UTC))
    writer.close()
    system.follow()


@pytest.fixture(scope="module")
def system(written: tuple[QuerySystem, EveryPayment]) -> QuerySystem:
    return written[0]


@pytest.fixture(scope="module")
def book(written: tuple[QuerySystem, EveryPayment]) -> EveryPayment:
    return written[1]


@pytest.fixture(scope="module")
def fold(system: QuerySystem) -> ReportFold:
    return ReportFold(system.databases)


def positions(items: list[dict[str, Any]]) -> list[int]:
    return [item["position"] for item in items]


def test_everything_that_anybody_did(system: QuerySystem, fold: ReportFold) -> None:
    """Without a filter each command is there once, the newest first, with who gave it."""
    found = system.pages(TRAIL, limit=17)
    acts = fold.acts[::-1]
    assert positions(found) == [act["position"] for act in acts]
    for item, act in zip(found, acts, strict=True):
        assert (item["person"], item["client_id"]) == (act["sub"], act["client_id"])
        assert item["right"] == act["right"]
        assert item.get("code") == act.get("code")
        refused = act["topic"] in {"request.refused.v1", "payment.declined.v1"}
        assert item["outcome"] == ("refused" if refused else "accepted")
    assert {item["right"] for item in found} == {"member", "operate", "system"}


@pytest.mark.parametrize("person", [ANN, BEN, DAN, OPERATOR.subject, SWEEPER.subject, "usr_no"])
@pytest.mark.parametrize("limit", [1, 200])
def test_what_a_person_did(system: QuerySystem, fold: ReportFold, person: str, limit: int) -> None:
    """People, operators and workers are found alike, and whoever did nothing has done nothing."""
    acts = [act["position"] for act in fold.acts[::-1] if act["sub"] == person]
    if limit == 1:
        acts = acts[:8]
        found = system.found(TRAIL, person=person, limit=8)["items"]
    else:
        found = system.pages(TRAIL, person=person, limit=limit)
    assert positions(found) == acts
    assert {item["person"] for item in found} <= {person}
    assert bool(acts) is (person != "usr_no")


def test_what_an_administrator_did(system: QuerySystem) -> None:
    """It is found by who did it, and its event tells the rest."""
    (found,) = system.pages(TRAIL, person=operator())
    assert (found["action"], found["outcome"]) == ("operation.key_rotated", "accepted")
    assert found["right"] == "operate"
    (event,) = system.found("/v1/audit/events", after=found["position"] - 1, limit=1)["items"]
    assert (event["event_id"], event["data"]["key"]) == (found["event_id"], "abc")


def _told_of(act: dict[str, Any], wallet: str) -> bool:
    """Return whether an act names a wallet as the one that something was refused to or done to."""
    legs = act.get("legs") or [act]
    if act["topic"] == "payment.declined.v1":
        return bool(legs[0]["source_wallet_id"] == wallet)
    return act.get("wallet_id") == wallet


@pytest.mark.parametrize("name", ["home", "ann", "shop", "till", "yen"])
@pytest.mark.parametrize("limit", [3, 200])
def test_what_was_done_to_a_wallet(
    system: QuerySystem, book: EveryPayment, fold: ReportFold, name: str, limit: int
) -> None:
    """Whatever changed the wallet is there, and what was refused to it, each once."""
    wallet = book.wallets[name]
    changed = _positions_of(system, wallet)
    acts = [act["position"] for act in fold.acts]
    expected = {max(act for act in acts if act <= position) for position in changed}
    expected |= {act["position"] for act in fold.acts if _told_of(act, wallet)}
    found = system.pages(TRAIL, wallet_id=wallet, limit=limit)
    assert positions(found) == sorted(expected, reverse=True)


def _positions_of(system: QuerySystem, stream: str) -> list[int]:
    with system.databases.connect("reader") as connection:
        rows = connection.execute(
            "SELECT notification_id FROM events WHERE originator_id::text = %s", [_uuid(stream)]
        )
        return [position for (position,) in rows]


def _uuid(name: str) -> str:
    from domain.identifiers import StreamId, bits

    return str(bits(StreamId(name)))


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("lunch", ["transfer"]),
        ("captured", ["refund", "capture", "capture", "increase", "hold"]),
        ("reversed", ["reversal", "transfer"]),
        ("rejected", ["reject", "transfer"]),
        ("released", ["capture", "release", "hold"]),
        ("declined", ["transfer"]),
        ("hold approved", ["capture", "approve", "approve", "hold"]),
        ("run out", ["expire", "hold"]),
    ],
)
def test_what_was_done_to_a_payment(
    system: QuerySystem, book: EveryPayment, name: str, actions: list[str]
) -> None:
    """From its beginning to its end, by whomever, what was refused included."""
    found = system.pages(TRAIL, payment_id=book.payments[name], limit=2)
    assert [item["action"] for item in found] == actions
    assert found[-1]["payment_id"] == book.payments[name]
    assert found[-1]["outcome"] == ("refused" if name == "declined" else "accepted")


def test_by_reference(system: QuerySystem, book: EveryPayment) -> None:
    """The payments that bear a reference are found, and the wallets that do."""
    (found,) = system.pages(TRAIL, reference="R lunch")
    assert (found["payment_id"], found["person"]) == (book.payments["lunch"], ANN)
    assert found["reference"] == "R lunch"
    cash = system.pages(TRAIL, reference="cash", limit=2)
    assert [item["action"] for item in cash] == ["open-wallet"] * 3
    assert system.pages(TRAIL, reference="R lunc") == []


def test_a_person_and_a_payment(system: QuerySystem, book: EveryPayment) -> None:
    """Two filters together find what both of them find."""
    captured = book.payments["captured"]
    found = system.pages(TRAIL, payment_id=captured, person=SHOP, limit=1)
    assert [item["action"] for item in found] == ["refund", "capture"]
    assert system.pages(TRAIL, payment_id=captured, person=BEN) == []


def test_a_stretch_of_time(system: QuerySystem, book: EveryPayment) -> None:
    """From a time on and up to another, which is not included."""
    every = system.pages(TRAIL, person=ANN, limit=200)
    at = every[len(every) // 2]["recorded_at"]
    later = [item for item in every if item["recorded_at"] >= at]
    assert system.pages(TRAIL, person=ANN, from_=at, limit=5) == later
    assert system.pages(TRAIL, person=ANN, to=at, limit=5) == every[len(later) :]
    assert system.pages(TRAIL, from_="2190-01-01T00:00:00Z") == []
    assert system.pages(TRAIL, from_=at, to=at) == []


def test_one_subject_at_a_time(system: QuerySystem, book: EveryPayment) -> None:
    """Of wallet, payment and reference one is asked for."""
    asked = {"wallet_id": book.wallets["ann"], "reference": "R lunch"}
    refused = system.ask(TRAIL, **asked)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")
    assert [error["parameter"] for error in refused.json()["errors"]] == ["reference"]


def test_whoever_has_the_same_hash_is_told_apart(system: QuerySystem, fold: ReportFold) -> None:
    """A row of the read model under somebody else's hash shows nothing that was not theirs."""
    from projections.audit_trail import actor_key

    with system.databases.connect_admin("reports") as connection:
        connection.execute("SET search_path = reports_main")
        connection.execute(
            "INSERT INTO audit_trail SELECT %s, position FROM audit_trail WHERE actor = %s",
            [actor_key("usr_twin"), actor_key(ANN)],
        )
        try:
            assert system.pages(TRAIL, person="usr_twin", limit=2) == []
        finally:
            connection.execute("DELETE FROM audit_trail WHERE actor = %s", [actor_key("usr_twin")])
