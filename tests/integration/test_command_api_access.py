"""Who may do what: tokens, scopes, and wallets that are somebody else's."""

import time
from typing import Any

import httpx
import pytest

from tests.command_api import NOWHERE, PEOPLE, Caller, CommandApi, new_key, refused, transfer
from tests.command_routes import ALL, Sent

WALLET = {"name": "Everyday", "currency": "EUR"}
ROUTES = {
    "/v1/wallets": WALLET,
    f"/v1/wallets/{NOWHERE}/freeze": {"reason": "x"},
    f"/v1/wallets/{NOWHERE}/unfreeze": {"reason": "x"},
    f"/v1/wallets/{NOWHERE}/close": {"reason": "x"},
    "/v1/transfers": transfer(NOWHERE, NOWHERE, "1"),
    "/v1/transfers/batch": {"mode": "atomic", "transfers": [{}]},
}


def bearing(api: CommandApi, *headers: tuple[str, str], path: str = "/v1/wallets") -> Any:
    """Send a command that is right in all but its tokens."""
    sent = [("Idempotency-Key", new_key()), *headers]
    return httpx.post(api.url + path, json=ROUTES[path], headers=sent)


@pytest.mark.parametrize("sent", ALL, ids=str)
@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic dXNlcjpwYXNz"])
def test_no_route_is_served_without_a_token(
    command_api: CommandApi, sent: Sent, authorization: str | None
) -> None:
    """Whatever its method."""
    headers = {"Idempotency-Key": new_key()}
    if authorization is not None:
        headers["Authorization"] = authorization
    url = command_api.url + sent.path
    response = httpx.request(sent.method, url, json=sent.body, headers=headers)
    refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("sent", ALL, ids=str)
@pytest.mark.parametrize(
    "scope",
    ["wallets", "payments", "operate", PEOPLE, "read audit admin", "", "Wallets,PAYMENTS OPERATE"],
)
def test_each_route_is_served_by_its_scopes(
    command_api: CommandApi, sent: Sent, scope: str
) -> None:
    """One of them is enough; without any nothing is looked for."""
    caller = command_api.caller(scope=scope)
    headers = {"Idempotency-Key": new_key()}
    response = caller.client.request(sent.method, sent.path, json=sent.body, headers=headers)
    if sent.scopes & set(scope.split()):
        assert response.status_code == 404, response.text
    else:
        refused(response, 403, "scope-missing")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer nonsense")],
        [("Authorization", "Basic dXNlcjpwYXNz")],
        [("Cookie", "token={token}")],
        [("Authorization", "{token}")],
        [("Authorization", "Bearer {token} {token}")],
        [("Authorization", "Bearer {token}x")],
        [("X-Authorization", "Bearer {token}")],
    ],
)
def test_without_a_valid_token_nothing_is_served(
    command_api: CommandApi, path: str, headers: list[tuple[str, str]]
) -> None:
    """401 with a challenge, on every route, wherever else a good token may be."""
    token = command_api.token("usr_access", PEOPLE)
    response = bearing(
        command_api, *((name, value.format(token=token)) for name, value in headers), path=path
    )
    refused(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_token_in_the_query_is_no_token(command_api: CommandApi) -> None:
    token = command_api.token("usr_access", PEOPLE)
    headers = {"Idempotency-Key": new_key()}
    url = f"{command_api.url}/v1/wallets?access_token={token}&token={token}"
    refused(httpx.post(url, json=WALLET, headers=headers), 401, "unauthenticated")


def test_two_tokens_are_none(command_api: CommandApi) -> None:
    """Even where both are the same good one."""
    token = ("Authorization", f"Bearer {command_api.token('usr_access', PEOPLE)}")
    refused(bearing(command_api, token, token), 400, "bad-request")


@pytest.mark.parametrize(
    "claims",
    [
        {"issuer": "somebody-else"},
        {"audience": "another-service"},
        {"token_type": "JWT"},
        {"ledger": "other"},
        {"expires_in": -1},
        {"expires_in": 0},
    ],
)
def test_a_token_for_somebody_else_or_another_time_is_no_token(
    command_api: CommandApi, claims: dict[str, Any]
) -> None:
    token = command_api.token("usr_access", PEOPLE, **claims)
    refused(bearing(command_api, ("Authorization", f"Bearer {token}")), 401, "unauthenticated")


def test_a_token_ends_when_it_says(command_api: CommandApi) -> None:
    """Also one that has been believed before and is remembered."""
    token = command_api.token("usr_access", PEOPLE, expires_in=4)
    header = ("Authorization", f"Bearer {token}")
    assert bearing(command_api, header).status_code == 201
    time.sleep(4.1)
    refused(bearing(command_api, header), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("scope", "served"),
    [
        ("wallets", {"wallets"}),
        ("payments", {"payments"}),
        ("operate", {"wallets", "payments"}),
        ("wallets payments", {"wallets", "payments"}),
        ("read", set()),
        ("audit", set()),
        ("admin", set()),
        ("read audit admin", set()),
        ("", set()),
        ("Wallets PAYMENTS", set()),
        ("wallets,payments", set()),
    ],
)
def test_each_scope_serves_its_routes(
    command_api: CommandApi, scope: str, served: set[str]
) -> None:
    """Wallet commands by `wallets`, what moves money by `payments`, both by `operate`."""
    caller = command_api.caller(scope=scope)
    for path, body in ROUTES.items():
        response = caller.post(path, body)
        if ("payments" if path.startswith("/v1/transfers") else "wallets") in served:
            assert response.status_code != 403, response.text
        else:
            refused(response, 403, "scope-missing")


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/v1/wallets", "kind", "system"),
        ("/v1/wallets", "class", "asset"),
        ("/v1/wallets", "class", 5),
        ("/v1/wallets", "overdraft_limit", "0.00"),
        ("/v1/wallets", "overdraft_limit", "unlimited"),
        ("/v1/wallets", "overdraft_limit", ["not even valid"]),
        ("/v1/transfers", "effective_at", "2026-01-01T00:00:00Z"),
        ("/v1/transfers", "effective_at", "yesterday"),
        ("/v1/holds", "effective_at", "2026-01-01T00:00:00Z"),
        ("/v1/payments", "effective_at", 5),
    ],
)
def test_an_operators_field_needs_the_operators_scope(
    command_api: CommandApi, path: str, field: str, value: Any
) -> None:
    """403 before the body is judged, and nothing but the scope is missing."""
    good = {**ROUTES, **{sent.path: sent.body for sent in ALL}}
    body = {**good[path], field: value}
    refused(command_api.caller().post(path, body), 403, "scope-missing")
    response = command_api.operator().post(path, body)
    assert response.status_code != 403


def alike(one: httpx.Response, other: httpx.Response, names: dict[str, str]) -> None:
    """Expect two answers to be the same to the byte, but for ids that the caller sent."""
    text = one.text
    for name, instead in names.items():
        text = text.replace(name, instead)
    assert (one.status_code, text) == (other.status_code, other.text)
    volatile = {"date", "x-request-id", "content-length"}
    headers = [
        {k: v for k, v in each.headers.items() if k not in volatile} for each in (one, other)
    ]
    assert headers[0] == headers[1]


@pytest.mark.parametrize("action", ["freeze", "unfreeze", "close"])
def test_a_foreign_wallet_is_as_one_that_does_not_exist(
    command_api: CommandApi, action: str
) -> None:
    """Frozen, closed or open, malformed, a system wallet: a stranger hears the same 404."""
    anna, ben, operator = command_api.caller(), command_api.caller(), command_api.operator()
    frozen, closed = anna.open(), anna.open()
    anna.act(frozen, "freeze")
    anna.act(closed, "close")
    unknown = ben.act(NOWHERE, action)
    refused(unknown, 404, "wallet-not-found")
    for wallet in (anna.open(), frozen, closed, operator.bank(), "wal_x", NOWHERE.lower()):
        alike(ben.act(wallet, action), unknown, {wallet: NOWHERE})


def test_a_foreign_source_is_as_one_that_does_not_exist(command_api: CommandApi) -> None:
    """Whatever state the wallet is in and whatever else is wrong with the transfer."""
    anna, ben, operator = command_api.caller(), command_api.caller(), command_api.operator()
    own, closed = ben.open(), anna.open()
    anna.act(closed, "close")
    unknown = ben.pay(NOWHERE, own, "1")
    refused(unknown, 404, "wallet-not-found")
    for source in (anna.open(), closed, operator.bank(), anna.open(currency="USD")):
        alike(ben.pay(source, own, "1"), unknown, {})
        alike(ben.pay(source, source, "1"), unknown, {})
        alike(ben.pay(source, own, "1", currency="JPY"), unknown, {})
        alike(ben.pay(source, own, "1", None, dry_run=True), unknown, {})
        item = {**transfer(source, own, "1"), "idempotency_key": new_key()}
        result = batch_of(ben, item)
        assert result["status"] == 404
        assert result["body"]["code"] == "wallet-not-found"


def batch_of(caller: Caller, item: dict[str, Any]) -> Any:
    response = caller.post("/v1/transfers/batch", {"mode": "independent", "transfers": [item]})
    assert response.status_code == 200, response.text
    return response.json()["results"][0]


def test_anyone_may_pay_into_a_wallet(command_api: CommandApi) -> None:
    """Knowing the id is enough; the payer learns nothing but that it was done."""
    anna, ben, operator = command_api.caller(), command_api.caller(), command_api.operator()
    source, payee = anna.open(), ben.open()
    operator.paid(operator.bank(), source, "5")
    paid = anna.paid(source, payee, "5")
    assert set(paid) == {
        "payment_id",
        "kind",
        "status",
        "amount",
        "currency",
        "source_wallet_id",
        "destination_wallet_id",
        "created_at",
        "position",
    }


def test_two_people_have_keys_of_their_own(command_api: CommandApi) -> None:
    """The same key of another caller is another key, and another payment."""
    anna, ben, key = command_api.caller(), command_api.caller(), new_key()
    wallets = {
        who.post("/v1/wallets", WALLET, key).json()["wallet_id"] for who in (anna, ben, anna)
    }
    assert len(wallets) == 2


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"])
def test_health_and_docs_need_no_token(command_api: CommandApi, path: str) -> None:
    assert httpx.get(command_api.url + path).status_code == 200
