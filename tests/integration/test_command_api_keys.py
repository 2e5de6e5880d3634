"""One key, one effect, one answer: whatever is repeated, and however it is spelled."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, new_key, refused, transfer


def again(first: httpx.Response, repeat: httpx.Response) -> None:
    """Expect the first answer once more, to the byte, and marked as a repeat."""
    assert (repeat.status_code, repeat.content) == (first.status_code, first.content)
    assert "idempotent-replayed" not in first.headers
    assert repeat.headers["idempotent-replayed"] == "true"
    for name in ("ledger-position", "content-type"):
        assert repeat.headers.get(name) == first.headers.get(name)


@pytest.fixture
def anna(command_api: CommandApi) -> Caller:
    return command_api.caller()


@pytest.fixture
def funded(command_api: CommandApi, anna: Caller) -> tuple[str, str]:
    """Give a wallet with 100.00 in it, and the bank it came from."""
    operator = command_api.operator()
    wallet, bank = anna.open(), operator.bank()
    operator.paid(bank, wallet, "100")
    return wallet, bank


def test_every_answer_of_the_ledger_is_given_again(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str]
) -> None:
    """Done or refused, on every route; nothing is stored for a repeat."""
    wallet, bank = funded
    body = {"name": "A", "currency": "EUR"}
    sent: list[tuple[str, Any]] = [
        ("/v1/wallets", body),
        (
            "/v1/transfers",
            transfer(wallet, bank, "30.00", description="Lunch", metadata={"b": "a"}),
        ),
        ("/v1/transfers", transfer(wallet, bank, "80.00")),
        ("/v1/transfers", transfer(wallet, wallet, "1")),
        (f"/v1/wallets/{wallet}/freeze", {"reason": "x"}),
        (f"/v1/wallets/{wallet}/close", {"reason": "x"}),
        (f"/v1/wallets/{wallet}/unfreeze", {"reason": "x"}),
    ]
    firsts = []
    for path, each in sent:
        key = new_key()
        firsts.append((path, each, key, anna.post(path, each, key)))
    assert [first.status_code for *_, first in firsts] == [201, 201, 422, 422, 200, 422, 200]
    before = command_api.head()
    for path, each, key, first in firsts:
        for _ in range(2):
            again(first, anna.post(path, each, key))
    assert command_api.head() == before


def test_answers_are_the_same_after_a_restart(command_api: CommandApi) -> None:
    """Nothing of an answer lives in a process: what is on record is enough."""
    anna, operator = command_api.caller(), command_api.operator()
    wallet, bank = anna.open(), operator.bank()
    keys = [new_key() for _ in range(3)]
    firsts = [
        operator.pay(bank, wallet, "5", keys[0]),
        anna.pay(wallet, bank, "6", keys[1]),
        anna.act(wallet, "freeze", keys[2]),
    ]
    assert command_api.stop() == [0, 0]
    command_api.start()
    again(firsts[0], operator.pay(bank, wallet, "5", keys[0]))
    again(firsts[1], anna.pay(wallet, bank, "6", keys[1]))
    again(firsts[2], anna.act(wallet, "freeze", keys[2]))


def test_a_refusal_stays_what_it_was(command_api: CommandApi, anna: Caller) -> None:
    """Also when there is money by now: the key has its answer, another key has another one."""
    operator, key = command_api.operator(), new_key()
    wallet, bank = anna.open(), operator.bank()
    first = anna.pay(wallet, bank, "5", key)
    refused(first, 422, "insufficient-funds")
    operator.paid(bank, wallet, "5")
    again(first, anna.pay(wallet, bank, "5", key))
    anna.paid(wallet, bank, "5")


@pytest.mark.parametrize(
    "same",
    [
        {"amount": "12.3"},
        {"description": None, "reference": None, "metadata": None, "effective_at": None},
        {"dry_run": False},
        {"dry_run": None},
    ],
)
def test_requests_are_compared_as_they_are_meant(
    anna: Caller, funded: tuple[str, str], same: dict[str, Any]
) -> None:
    """`12.3` is `12.30`, and a default that is written out is the default."""
    key = new_key()
    body = transfer(*funded, "12.30")
    first = anna.post("/v1/transfers", body, key)
    assert first.status_code == 201
    again(first, anna.post("/v1/transfers", {**body, **same}, key))


def test_the_order_and_spelling_of_json_do_not_matter(
    anna: Caller, funded: tuple[str, str]
) -> None:
    """Fields and pairs in another order, escapes and blanks: one request."""
    key = new_key()
    body = transfer(*funded, "1", description="é", metadata={"a": "1", "ж": "2", "\uffee": "3"})
    first = anna.post("/v1/transfers", body, key)
    turned = dict(reversed([*body.items()]))
    turned["metadata"] = dict(reversed([*body["metadata"].items()]))
    content = json.dumps(turned, ensure_ascii=True, indent=3).encode()
    again(first, anna.post("/v1/transfers", content=content, key=key))


def test_a_wallets_defaults_are_the_same_written_out(command_api: CommandApi) -> None:
    operator, key = command_api.operator(), new_key()
    body = {"name": "A", "currency": "EUR"}
    first = operator.post("/v1/wallets", body, key)
    for same in ({"kind": "personal"}, {"overdraft_limit": "0"}, {"reference": None}):
        again(first, operator.post("/v1/wallets", {**body, **same}, key))
    key = new_key()
    body["kind"] = "system"
    first = operator.post("/v1/wallets", body, key)
    again(first, operator.post("/v1/wallets", {**body, "class": "asset"}, key))


@pytest.mark.parametrize(
    "other",
    [
        {"amount": "12.31"},
        {"description": ""},
        {"reference": "x"},
        {"metadata": {}},
        {"metadata": {"a": "b"}},
        {"source_wallet_id": NOWHERE},
        {"destination_wallet_id": NOWHERE},
        {"currency": "USD"},
    ],
)
def test_another_request_with_the_same_key_is_refused(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str], other: dict[str, Any]
) -> None:
    """422 `idempotency-key-reused`, and the first answer is still there."""
    key = new_key()
    body = transfer(*funded, "12.30")
    first = anna.post("/v1/transfers", body, key)
    before = command_api.head()
    response = anna.post("/v1/transfers", {**body, **other}, key)
    refused(response, 422, "idempotency-key-reused")
    assert "ledger-position" not in response.headers
    assert command_api.head() == before
    again(first, anna.post("/v1/transfers", body, key))


def test_a_key_belongs_to_one_route(anna: Caller, funded: tuple[str, str]) -> None:
    """The same body to another route, or of another wallet's path, is another request."""
    wallet, _ = funded
    key = new_key()
    assert anna.act(wallet, "freeze", key).status_code == 200
    refused(anna.act(wallet, "unfreeze", key), 422, "idempotency-key-reused")
    refused(anna.act(anna.open(), "freeze", key), 422, "idempotency-key-reused")
    refused(
        anna.post("/v1/wallets", {"name": "A", "currency": "EUR"}, key),
        422,
        "idempotency-key-reused",
    )


def test_what_is_turned_away_keeps_no_key(command_api: CommandApi, anna: Caller) -> None:
    """After 401, 403, 404, 413, 415 and a wrong body the same key is decided afresh, once."""
    operator, key = command_api.operator(), new_key()
    body = {"name": "A", "currency": "EUR"}
    headers = {"Idempotency-Key": key}
    url = f"{command_api.url}/v1/wallets"
    refused(httpx.post(url, json=body, headers=headers), 401, "unauthenticated")
    reader = command_api.caller(anna.subject, "read")
    refused(reader.post("/v1/wallets", body, key), 403, "scope-missing")
    refused(anna.post("/v1/wallets", {**body, "x": 1}, key), 422, "invalid-request")
    refused(anna.post("/v1/wallets", content=b"{", key=key), 422, "malformed-json")
    refused(anna.post("/v1/wallets", content=b" " * 2**21, key=key), 413, "body-too-large")
    media = {"Content-Type": "text/plain"}
    refused(anna.post("/v1/wallets", body, key, media), 415, "unsupported-media-type")
    refused(anna.act(NOWHERE, "freeze", key), 404, "wallet-not-found")
    refused(anna.act(operator.bank(), "freeze", key), 404, "wallet-not-found")
    first = anna.post("/v1/wallets", body, key)
    assert first.status_code == 201
    again(first, anna.post("/v1/wallets", body, key))


@pytest.mark.parametrize("key", ["", "a b", "ключ", "a" * 256, "a\tb"])
def test_a_key_that_is_none_is_asked_for(anna: Caller, key: str) -> None:
    """1 to 255 visible ASCII characters."""
    headers = [(b"Idempotency-Key", key.encode()), (b"Content-Type", b"application/json")]
    body = json.dumps({"name": "A", "currency": "EUR"}).encode()
    response = anna.client.post("/v1/wallets", content=body, headers=headers)
    refused(response, 400, "idempotency-key-required")


def test_no_key_and_two_keys_are_none(anna: Caller) -> None:
    body = {"name": "A", "currency": "EUR"}
    refused(anna.post("/v1/wallets", body, None), 400, "idempotency-key-required")
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    response = anna.client.post("/v1/wallets", json=body, headers=headers)
    refused(response, 400, "idempotency-key-required")


@pytest.mark.parametrize("key", ["a", "!", "~" * 255, '"quoted"', "../..", "%00"])
def test_any_visible_ascii_is_a_key(anna: Caller, key: str) -> None:
    body = {"name": "A", "currency": "EUR"}
    first = anna.post("/v1/wallets", body, key)
    assert first.status_code == 201
    again(first, anna.post("/v1/wallets", body, key))


def test_sixteen_callers_with_one_key_have_one_effect(
    command_api: CommandApi, anna: Caller, funded: tuple[str, str]
) -> None:
    """All over both processes at the same moment: the same bytes, and at most one is no repeat."""
    wallet, bank = funded
    callers = [command_api.caller(anna.subject) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            key, before = new_key(), command_api.posted(wallet)
            sent = [pool.submit(each.pay, wallet, bank, "0.01", key) for each in callers]
            answers = [each.result() for each in sent]
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.content for answer in answers}) == 1
            fresh = [a for a in answers if "idempotent-replayed" not in a.headers]
            assert len(fresh) == 1
            assert command_api.posted(wallet) == before - 1
