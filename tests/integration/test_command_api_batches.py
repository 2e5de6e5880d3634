"""Many transfers in one request: each on its own, or all or none."""

from typing import Any

import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, new_key, refused, transfer

PATH = "/v1/transfers/batch"


def item(source: str, payee: str, amount: str, key: str = "", **fields: Any) -> dict[str, Any]:
    """Return a transfer of a batch, with a new key unless one is given."""
    return {**transfer(source, payee, amount, **fields), "idempotency_key": key or new_key()}


def send(caller: Caller, mode: str, *items: Any) -> Any:
    """Send a batch without a key in the header."""
    return caller.post(PATH, {"mode": mode, "transfers": list(items)}, None)


def ends(response: Any) -> list[tuple[int, str]]:
    """Return what became of each item: its status, and its code or the payment's status."""
    results = response.json()["results"]
    assert all(set(result) == {"status", "body"} for result in results)
    for result in results:
        assert result["body"].get("status") in {"completed", result["status"]}
    return [
        (result["status"], result["body"].get("code", result["body"]["status"]))
        for result in results
    ]


@pytest.fixture
def anna(command_api: CommandApi) -> Caller:
    return command_api.caller()


@pytest.fixture
def funded(command_api: CommandApi, anna: Caller) -> tuple[str, str]:
    """Give a wallet with 100.00 in it, and an empty one of the same owner."""
    operator = command_api.operator()
    wallet = anna.open()
    operator.paid(operator.bank(), wallet, "100")
    return wallet, anna.open()


def test_each_item_has_its_own_end(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str]
) -> None:
    """In order, each on what the ones before it left; the batch itself is a 200."""
    full, empty = funded
    response = send(
        anna,
        "independent",
        item(full, empty, "60"),
        item(full, empty, "60"),
        item(empty, full, "60"),
        item(full, empty, "100"),
        item(full, full, "1"),
        item(NOWHERE, full, "1"),
        item(full, NOWHERE, "1"),
        item(full, empty, "1", currency="JPY"),
        item(full, empty, "0"),
        item("wal_x", empty, "1"),
        {"amount": "1"},
        "no object",
        None,
        item(full, empty, "1", dry_run=True),
        item(full, empty, "1", dry_run=False),
        item(full, empty, "1", effective_at="2026-01-01T00:00:00Z"),
        item(full, empty, "1", "a b"),
        item(full, empty, "1", unknown=1),
    )
    assert response.status_code == 200
    assert ends(response) == [
        (201, "completed"),
        (422, "insufficient-funds"),
        (201, "completed"),
        (201, "completed"),
        (422, "same-wallet"),
        (404, "wallet-not-found"),
        (404, "wallet-not-found"),
        (422, "currency-mismatch"),
        *[(422, "invalid-request")] * 7,
        (403, "scope-missing"),
        *[(422, "invalid-request")] * 2,
    ]
    bodies = [result["body"] for result in response.json()["results"]]
    assert bodies[1]["available"] == "40.00"
    assert bodies[8]["errors"] == [{"detail": "An amount is above zero.", "pointer": "#/amount"}]
    last = max(body.get("position", 0) for body in bodies)
    assert response.headers["ledger-position"] == str(last)
    assert (command_api.posted(full), command_api.posted(empty)) == (0, 10_000)


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_an_item_is_the_same_request_as_a_single_transfer(
    anna: Caller, funded: tuple[str, str], mode: str
) -> None:
    """Sent alone before or after, with the same key it is the same payment, to the byte."""
    full, empty = funded
    before, within = new_key(), new_key()
    single = anna.pay(full, empty, "10.00", before)
    response = send(anna, mode, item(full, empty, "10", before), item(full, empty, "5.0", within))
    assert response.status_code == 200
    results = response.json()["results"]
    assert results[0] == {"status": 201, "body": single.json()}
    after = anna.pay(full, empty, "5", within)
    assert after.headers["idempotent-replayed"] == "true"
    assert results[1] == {"status": 201, "body": after.json()}
    assert response.headers["ledger-position"] == after.headers["ledger-position"]
    refused(anna.pay(full, empty, "6", within), 422, "idempotency-key-reused")


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_a_whole_batch_sent_again_is_the_same_answer(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str], mode: str
) -> None:
    """Nothing is done twice, and every result is what it was."""
    full, empty = funded
    items = [item(full, empty, "10") for _ in range(3)]
    first = send(anna, mode, *items)
    head = command_api.head()
    again = send(anna, mode, *items)
    assert (again.status_code, again.content) == (200, first.content)
    assert command_api.head() == head
    assert command_api.posted(full) == 7_000


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_a_key_twice_is_one_payment(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str], mode: str
) -> None:
    """With the same content; spelled otherwise it is the same content still."""
    full, empty = funded
    key = new_key()
    response = send(anna, mode, item(full, empty, "10", key), item(full, empty, "10.00", key))
    one, other = response.json()["results"]
    assert one == other
    assert command_api.posted(full) == 9_000


def test_a_key_twice_with_other_content(anna: Caller, funded: tuple[str, str]) -> None:
    """On its own the second one is refused, in an atomic batch both are."""
    full, empty = funded
    key, other = new_key(), new_key()
    response = send(anna, "independent", item(full, empty, "10", key), item(full, empty, "11", key))
    assert ends(response) == [(201, "completed"), (422, "idempotency-key-reused")]
    response = send(anna, "atomic", item(full, empty, "1", other), item(full, empty, "2", other))
    refused(response, 422, "batch-refused")
    assert ends(response) == [(422, "not-executed"), (422, "idempotency-key-reused")]


def test_an_atomic_batch_is_done_as_one(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str]
) -> None:
    """Later items spend what earlier ones brought; all have the batch's last position."""
    full, empty = funded
    before = command_api.head()
    response = send(
        anna, "atomic", item(full, empty, "100"), item(empty, full, "40"), item(full, empty, "40")
    )
    assert response.status_code == 200
    assert ends(response) == [(201, "completed")] * 3
    positions = {result["body"]["position"] for result in response.json()["results"]}
    assert positions == {before + 9} == {command_api.head()}
    assert response.headers["ledger-position"] == str(before + 9)


@pytest.mark.parametrize(
    ("bad", "end"),
    [
        ({"amount": "100.01"}, (422, "insufficient-funds")),
        ({"destination_wallet_id": NOWHERE}, (404, "wallet-not-found")),
        ({"currency": "USD"}, (422, "currency-mismatch")),
        ({"amount": "0"}, (422, "invalid-request")),
        ({"idempotency_key": None}, (422, "invalid-request")),
        ({"dry_run": True}, (422, "invalid-request")),
        ({"effective_at": "2026-01-01T00:00:00Z"}, (403, "scope-missing")),
    ],
)
def test_one_bad_item_refuses_an_atomic_batch(
    command_api: CommandApi,
    anna: Caller,
    funded: tuple[str, str],
    bad: dict[str, Any],
    end: tuple[int, str],
) -> None:
    """422 `batch-refused` with all results; nothing is stored, no key and no refusal either."""
    full, empty = funded
    before = command_api.head()
    good, wrong = item(full, empty, "100"), item(empty, full, "1")
    response = send(anna, "atomic", good, {**wrong, **bad}, item(empty, full, "5"))
    problem = refused(response, 422, "batch-refused")
    assert problem["instance"] == PATH
    assert ends(response) == [(422, "not-executed"), end, (422, "not-executed")]
    body = problem["results"][1]["body"]
    assert "payment_id" not in body
    assert "position" not in body
    assert "ledger-position" not in response.headers
    assert command_api.head() == before
    assert ends(send(anna, "independent", good)) == [(201, "completed")]


def test_what_is_done_passes_and_what_is_refused_refuses(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str]
) -> None:
    """An item on record is not decided again: it counts as what it was."""
    full, empty = funded
    done, declined = new_key(), new_key()
    anna.paid(full, empty, "30", key=done)
    refusal = anna.pay(full, empty, "500", declined)
    response = send(anna, "atomic", item(full, empty, "30", done), item(full, empty, "70"))
    assert ends(response) == [(201, "completed")] * 2
    before = command_api.head()
    response = send(
        anna, "atomic", item(full, empty, "30", done), item(full, empty, "500", declined)
    )
    problem = refused(response, 422, "batch-refused")
    assert ends(response) == [(422, "not-executed"), (422, "insufficient-funds")]
    assert problem["results"][1]["body"] == refusal.json()
    assert command_api.head() == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "atomic"},
        {"transfers": [{}]},
        {"mode": "atomic", "transfers": []},
        {"mode": "atomic", "transfers": [{}] * 1001},
        {"mode": "independent", "transfers": [{}] * 1001},
        {"mode": "both", "transfers": [{}]},
        {"mode": None, "transfers": [{}]},
        {"mode": "atomic", "transfers": {}},
        {"mode": "atomic", "transfers": "x"},
        {"mode": "atomic", "transfers": None},
        {"mode": "atomic", "transfers": [{}], "dry_run": True},
        {"mode": "atomic", "transfers": [{}], "idempotency_key": "x"},
        {"mode": "atomic", "transfers": [{}], "effective_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_an_envelope_that_is_wrong_is_wrong_as_a_whole(anna: Caller, body: Any) -> None:
    """Malformed, empty, over 1,000, or with a field that it does not have."""
    problem = refused(anna.post(PATH, body, None), 422, "invalid-request")
    assert "results" not in problem


@pytest.mark.parametrize("mode", ["independent", "atomic"])
def test_a_thousand_transfers_are_one_request(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str], mode: str
) -> None:
    full, empty = funded
    response = send(anna, mode, *(item(full, empty, "0.01") for _ in range(1000)))
    assert ends(response) == [(201, "completed")] * 1000
    assert command_api.posted(full) == 9_000


def test_the_header_is_ignored(anna: Caller, funded: tuple[str, str]) -> None:
    """A key of another request in it, a malformed one, or two: none of it counts."""
    full, empty = funded
    key = new_key()
    anna.paid(full, empty, "1", key=key)
    for number in range(2):
        body = {"mode": "atomic", "transfers": [item(full, empty, "1")]}
        response = anna.post(PATH, body, (key, "a b")[number])
        assert response.status_code == 200
