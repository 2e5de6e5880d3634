"""A dry run says what would be, and leaves nothing at all."""

from typing import Any

import pytest

from tests.command_api import NOWHERE, Caller, CommandApi, new_key, refused, transfer


@pytest.fixture
def anna(command_api: CommandApi) -> Caller:
    return command_api.caller()


@pytest.fixture
def wallets(command_api: CommandApi, anna: Caller) -> tuple[str, str]:
    """Give a wallet with 100.00 in it, and an empty one of the same owner."""
    operator = command_api.operator()
    wallet = anna.open()
    operator.paid(operator.bank(), wallet, "100")
    return wallet, anna.open()


@pytest.mark.parametrize("key", [None, "a b", "good-key"])
def test_a_dry_run_needs_no_key(
    command_api: CommandApi, anna: Caller, wallets: tuple[str, str], key: str | None
) -> None:
    """None, a malformed or a good one: it is not looked at, and stays free."""
    before = command_api.head()
    full, empty = wallets
    texts: dict[str, Any] = {"description": "Lunch", "metadata": {"a": "b"}}
    response = anna.pay(full, empty, "100", key, dry_run=True, **texts)
    assert response.status_code == 200
    assert response.json() == {
        "kind": "transfer",
        "status": "would-complete",
        "amount": "100.00",
        "currency": "EUR",
        "source_wallet_id": full,
        "destination_wallet_id": empty,
        **texts,
    }
    assert "ledger-position" not in response.headers
    assert "idempotent-replayed" not in response.headers
    assert command_api.head() == before
    if key == "good-key":
        anna.paid(full, empty, "1", key=key)


def test_a_dry_run_with_a_key_on_record_is_still_a_dry_run(
    anna: Caller, wallets: tuple[str, str]
) -> None:
    """It is not the request that the key belongs to, and not in its way either."""
    key = new_key()
    anna.paid(*wallets, "60", key=key)
    refused(anna.pay(*wallets, "60", key, dry_run=True), 422, "insufficient-funds")
    assert anna.pay(*wallets, "40", key, dry_run=True).status_code == 200


def test_a_dry_run_is_refused_as_the_transfer_would_be(
    command_api: CommandApi, anna: Caller, wallets: tuple[str, str]
) -> None:
    """Without id and position, since nothing is on record."""
    full, empty = wallets
    before = command_api.head()
    for source, payee, amount, status, code in [
        (empty, full, "0.01", 422, "insufficient-funds"),
        (full, full, "1", 422, "same-wallet"),
        (full, NOWHERE, "1", 404, "wallet-not-found"),
        (NOWHERE, full, "1", 404, "wallet-not-found"),
        (full, empty, "0", 422, "invalid-request"),
    ]:
        problem = refused(anna.pay(source, payee, amount, None, dry_run=True), status, code)
        assert "payment_id" not in problem
        assert "position" not in problem
        assert ("available" in problem) is (code == "insufficient-funds")
    assert command_api.head() == before


def test_a_dry_run_needs_what_a_transfer_needs_but_the_key(
    command_api: CommandApi, anna: Caller, wallets: tuple[str, str]
) -> None:
    """Scope, right to the wallet, and a body that is right."""
    reader = command_api.caller(anna.subject, "read")
    refused(reader.pay(*wallets, "1", None, dry_run=True), 403, "scope-missing")
    fields: dict[str, Any] = {"dry_run": True, "effective_at": "2026-01-01T00:00:00Z"}
    refused(anna.pay(*wallets, "1", None, **fields), 403, "scope-missing")
    stranger = command_api.caller()
    refused(stranger.pay(*wallets, "1", None, dry_run=True), 404, "wallet-not-found")


@pytest.mark.parametrize("value", [False, None, "true", 1])
def test_what_is_no_dry_run_needs_a_key(anna: Caller, wallets: tuple[str, str], value: Any) -> None:
    """Only `true` is a dry run; the missing key is told before a wrong value."""
    refused(anna.pay(*wallets, "1", None, dry_run=value), 400, "idempotency-key-required")


@pytest.mark.parametrize("content", [b"{", b"", b"[]", b'{"dry_run": true, "dry_run": true}'])
def test_a_body_that_cannot_be_read_needs_a_key(anna: Caller, content: bytes) -> None:
    """Whether it would have been a dry run is not known."""
    response = anna.post("/v1/transfers", content=content, key=None)
    refused(response, 400, "idempotency-key-required")


HOLDS, PAYMENTS = "/v1/holds", "/v1/payments"


def dealt(path: str, source: str, payee: str, amount: str) -> dict[str, Any]:
    """Return the body of a hold, or of a payment of one leg, to be tried only."""
    leg = transfer(source, payee, amount)
    return {**(leg if path == HOLDS else {"legs": [leg]}), "dry_run": True}


@pytest.mark.parametrize("key", [None, "a b", "good-key"])
@pytest.mark.parametrize("path", [HOLDS, PAYMENTS])
def test_holds_and_payments_are_tried_as_well(
    command_api: CommandApi, anna: Caller, wallets: tuple[str, str], path: str, key: str | None
) -> None:
    """Nothing is stored and nothing held; the answer has neither id, nor time, nor position."""
    before = command_api.head()
    full, empty = wallets
    response = anna.post(path, {**dealt(path, full, empty, "100"), "description": "Room"}, key)
    assert response.status_code == 200
    leg = transfer(full, empty, "100.00")
    of_many = {"amount": "100.00", "currency": "EUR", "legs": [leg]}
    assert response.json() == {
        "kind": "hold" if path == HOLDS else "split",
        "status": "would-complete",
        **(leg if path == HOLDS else of_many),
        "description": "Room",
    }
    assert "ledger-position" not in response.headers
    assert command_api.head() == before
    if key == "good-key":
        assert anna.hold(full, empty, "100", f"{path}-{full}").status_code == 201


@pytest.mark.parametrize("path", [HOLDS, PAYMENTS])
def test_a_hold_and_a_payment_are_refused_as_they_would_be(
    command_api: CommandApi, anna: Caller, wallets: tuple[str, str], path: str
) -> None:
    full, empty = wallets
    before = command_api.head()
    for source, payee, amount, status, code in [
        (empty, full, "0.01", 422, "insufficient-funds"),
        (full, full, "1", 422, "same-wallet"),
        (full, NOWHERE, "1", 404, "wallet-not-found"),
        (NOWHERE, full, "1", 404, "wallet-not-found"),
        (full, empty, "0", 422, "invalid-request"),
    ]:
        response = anna.post(path, dealt(path, source, payee, amount), None)
        problem = refused(response, status, code)
        assert "payment_id" not in problem
        assert "position" not in problem
        assert problem.get("available") == ("0.00" if code == "insufficient-funds" else None)
    body = {**dealt(path, full, empty, "1"), "dry_run": False}
    refused(anna.post(path, body, None), 400, "idempotency-key-required")
    reader = command_api.caller(anna.subject, "read")
    refused(reader.post(path, dealt(path, full, empty, "1"), None), 403, "scope-missing")
    assert command_api.head() == before


def test_what_would_wait_for_approval_would_complete(
    command_api: CommandApi, anna: Caller, wallets: tuple[str, str]
) -> None:
    """As far as the ledger is concerned; a limit refuses a dry run as well."""
    shared = anna.open(kind="shared")
    anna.paid(wallets[0], shared, "50")
    assert anna.put(shared, "approvals", required=1, above="1").status_code == 200
    assert anna.pay(shared, wallets[1], "50", None, dry_run=True).status_code == 200
    assert anna.put(shared, "limits", per_payment="40", per_day=None).status_code == 200
    refused(anna.pay(shared, wallets[1], "50", None, dry_run=True), 422, "limit-exceeded")
