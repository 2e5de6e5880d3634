"""Batches over HTTP that are large, poisoned, or bound by limits and approvals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.command_api import CommandApi, Sides, new_key, refused, transfer

PATH = "/v1/transfers/batch"
POISON = """
CREATE FUNCTION ledger_main.refuse_poison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF convert_from(NEW.state, 'UTF8') LIKE '%poison-of-one-test%' THEN
        RAISE EXCEPTION 'poison';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_poison BEFORE INSERT ON ledger_main.events
    FOR EACH ROW EXECUTE FUNCTION ledger_main.refuse_poison();
"""
CURE = """
DROP TRIGGER refuse_poison ON ledger_main.events;
DROP FUNCTION ledger_main.refuse_poison();
"""


@pytest.fixture
def sides(command_api: CommandApi) -> Sides:
    return Sides.of(command_api, kind="shared")


def items(sides: Sides, *amounts: str, **fields: Any) -> list[dict[str, Any]]:
    return [
        {**transfer(sides.full, sides.shop, amount, **fields), "idempotency_key": new_key()}
        for amount in amounts
    ]


def send(sides: Sides, mode: str, transfers: list[Any]) -> Any:
    return sides.anna.post(PATH, {"mode": mode, "transfers": transfers}, None)


def ends(response: Any) -> list[tuple[int, str]]:
    """Return what became of each item: its status, and its code or the payment's status."""
    return [
        (each["status"], each["body"].get("code", each["body"]["status"]))
        for each in response.json()["results"]
    ]


@contextmanager
def poisonous(api: CommandApi) -> Iterator[None]:
    """Let the store fail wherever an event bears the poison."""
    with api.databases.connect_admin() as connection:
        connection.execute(POISON)
        try:
            yield
        finally:
            connection.execute(CURE)


def test_a_thousand_items_are_decided_in_their_order(sides: Sides) -> None:
    """Up to the last cent; what comes after it is refused, and a malformed one has its own end."""
    transfers: list[Any] = items(sides, *["0.20"] * 999)
    transfers.insert(700, {"amount": "0.20"})
    response = send(sides, "independent", transfers)
    assert response.status_code == 200
    done, short = (201, "completed"), (422, "insufficient-funds")
    wrong = (422, "invalid-request")
    assert ends(response) == [done] * 500 + [short] * 200 + [wrong] + [short] * 299
    assert sides.balances() == (0, 0, 10_000)
    assert send(sides, "independent", transfers).content == response.content
    assert sides.balances() == (0, 0, 10_000)


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_one_item_sent_a_thousand_times_is_one_payment(sides: Sides, mode: str) -> None:
    """A key that is there twice with the same content is the same payment twice."""
    response = send(sides, mode, items(sides, "0.01") * 1000)
    assert ends(response) == [(201, "completed")] * 1000
    assert len({each["body"]["payment_id"] for each in response.json()["results"]}) == 1
    assert sides.balances() == (9_999, 0, 1)


def test_a_poisonous_item_ends_alone(sides: Sides) -> None:
    """A fault of the service for it, and every other one is done; later it can be sent again."""
    transfers = items(sides, *["0.01"] * 40)
    transfers[17]["description"] = "poison-of-one-test"
    with poisonous(sides.api):
        response = send(sides, "independent", transfers)
    assert response.status_code == 200
    expected = [(201, "completed")] * 40
    expected[17] = (500, "internal-error")
    assert ends(response) == expected
    assert sides.balances() == (9_961, 0, 39)
    again = send(sides, "independent", transfers)
    assert ends(again) == [(201, "completed")] * 40
    assert sides.balances() == (9_960, 0, 40)


def test_a_poisonous_item_ends_an_atomic_batch(sides: Sides) -> None:
    """As a whole: none is done, and no key is kept."""
    transfers = items(sides, *["0.01"] * 20)
    transfers[7]["description"] = "poison-of-one-test"
    with poisonous(sides.api):
        refused(send(sides, "atomic", transfers), 500, "internal-error")
    assert sides.balances() == (10_000, 0, 0)
    assert ends(send(sides, "atomic", transfers)) == [(201, "completed")] * 20


@pytest.mark.parametrize("limit", ["per_day", "per_payment"])
def test_items_count_against_limits_as_single_ones_do(sides: Sides, limit: str) -> None:
    """The day's limit is shared by the items of a batch; a payment's is each one's own."""
    limits: dict[str, Any] = {"per_payment": None, "per_day": None, limit: "5"}
    assert sides.anna.put(sides.full, "limits", **limits).status_code == 200
    amounts = ("3", "2.01", "2") if limit == "per_day" else ("5", "5.01", "5")
    wanted = [(201, "completed"), (422, "limit-exceeded"), (201, "completed")]
    assert ends(send(sides, "independent", items(sides, *amounts))) == wanted


def test_a_limit_refuses_an_atomic_batch_as_a_whole(sides: Sides) -> None:
    """What was refused counts against nothing: up to the limit the next one passes."""
    limits = {"per_payment": None, "per_day": "5"}
    assert sides.anna.put(sides.full, "limits", **limits).status_code == 200
    before = sides.api.head()
    transfers = items(sides, "3", "2.01", "1")
    response = send(sides, "atomic", transfers)
    refused(response, 422, "batch-refused")
    assert ends(response) == [
        (422, "not-executed"),
        (422, "limit-exceeded"),
        (422, "not-executed"),
    ]
    assert sides.api.head() == before
    assert ends(send(sides, "atomic", items(sides, "3", "2"))) == [(201, "completed")] * 2
    refused(send(sides, "atomic", items(sides, "0.01")), 422, "batch-refused")


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_items_above_the_threshold_wait(sides: Sides, mode: str) -> None:
    """The others are done at once, and the batch is no less done for it."""
    assert sides.anna.put(sides.full, "approvals", required=1, above="50").status_code == 200
    response = send(sides, mode, items(sides, "50.01", "49.99"))
    assert response.status_code == 200
    assert ends(response) == [(201, "awaiting-approval"), (201, "completed")]
    assert sides.balances() == (5_001, 5_001, 4_999)


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_what_waits_cannot_be_spent_by_the_next_item(sides: Sides, mode: str) -> None:
    """It is held meanwhile; refused with an atomic batch, it does not even wait."""
    assert sides.anna.put(sides.full, "approvals", required=1, above="50").status_code == 200
    response = send(sides, mode, items(sides, "50.01", "50"))
    first = (422, "not-executed") if mode == "atomic" else (201, "awaiting-approval")
    assert ends(response) == [first, (422, "insufficient-funds")]
    assert sides.balances() == (10_000, 0 if mode == "atomic" else 5_001, 0)


@pytest.mark.parametrize("wallet", ["full", "shop"])
def test_a_wallet_that_is_out_of_use_refuses_its_items(sides: Sides, wallet: str) -> None:
    """The payer's frozen one, the payee's closed one: each item is told in its own result."""
    if wallet == "full":
        sides.anna.act(sides.full, "freeze")
    else:
        sides.ben.act(sides.shop, "close")
    code = "wallet-frozen" if wallet == "full" else "payee-unavailable"
    assert ends(send(sides, "independent", items(sides, "1", "1"))) == [(422, code)] * 2
