"""Of all that is wrong with a request the first thing is told, in the order of the contract."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.command_api import NOWHERE, PEOPLE, CommandApi, Sides, new_key, refused, transfer
from tests.command_routes import ALL, KEYED, Sent

LARGE = b'{"name":"' + b"x" * (1024 * 1024) + b'"}'


@dataclass(frozen=True)
class Faults:
    """What is wrong with a request; every rung below the first one is wrong as well."""

    token: bool = False
    size: bool = False
    media: bool = False
    key: bool = False
    scope: bool = False
    body: bool = False


LADDER = [
    (Faults(token=True, size=True, media=True, key=True, scope=True, body=True), 401),
    (Faults(token=True, body=True), 401),
    (Faults(token=True), 401),
    (Faults(size=True, key=True, scope=True, body=True), 413),
    (Faults(media=True, key=True, scope=True, body=True), 415),
    (Faults(key=True, scope=True, body=True), 400),
    (Faults(key=True, body=True), 400),
    (Faults(scope=True, body=True), 403),
    (Faults(scope=True), 403),
    (Faults(body=True), 422),
]
CODES = {
    401: "unauthenticated",
    413: "body-too-large",
    415: "unsupported-media-type",
    400: "idempotency-key-required",
    403: "scope-missing",
    422: "invalid-request",
}
ROUTES = {
    "/v1/wallets": "payments",
    f"/v1/wallets/{NOWHERE}/freeze": "payments",
    f"/v1/wallets/{NOWHERE}/unfreeze": "payments read",
    f"/v1/wallets/{NOWHERE}/close": "audit admin",
    "/v1/wallets/not-an-id/close": "read",
    "/v1/transfers": "wallets",
    "/v1/payment-requests": "wallets",
    "/v1/payment-requests/prq_0/accept": "wallets read",
    "/v1/payment-requests/prq_0/decline": "wallets",
    "/v1/payment-requests/prq_0/cancel": "audit read",
    "/v1/transfers/batch": "wallets read audit admin",
}
"""Each route with scopes that are not enough for it."""


@pytest.mark.parametrize(
    ("path", "faults", "status"),
    [
        (path, *rung)
        for path in ROUTES
        for rung in LADDER
        # Batches take no key in the header.
        if not (path.endswith("batch") and rung[1] == 400)
    ],
)
def test_the_first_fault_is_told(
    command_api: CommandApi, path: str, faults: Faults, status: int
) -> None:
    """401, then 413 and 415, then 400 for the key, then 403, then 422, on every route."""
    scope = ROUTES[path] if faults.scope else PEOPLE
    token = "nonsense" if faults.token else command_api.token("usr_order", scope)
    headers = {"Authorization": f"Bearer {token}"}
    headers["Content-Type"] = "text/plain" if faults.media else "application/json"
    if not faults.key:
        headers["Idempotency-Key"] = new_key()
    content = LARGE if faults.size else b'{"nothing":"known"}' if faults.body else b"{}"
    response = httpx.post(command_api.url + path, content=content, headers=headers)
    refused(response, status, CODES[status])


@pytest.mark.parametrize(
    ("sent", "faults", "status"),
    [
        (sent, *rung)
        for sent in ALL
        for rung in LADDER
        # What takes no key misses none.
        if sent in KEYED or rung[1] != 400
    ],
    ids=str,
)
def test_the_first_fault_is_told_whatever_the_method(
    command_api: CommandApi, sent: Sent, faults: Faults, status: int
) -> None:
    """The same ladder; at its foot, with nothing wrong, the object is not found."""
    others = {"wallets", "payments", "operate", "read"} - sent.scopes
    scope = " ".join(others) if faults.scope else f"{PEOPLE} operate"
    token = "nonsense" if faults.token else command_api.token("usr_order", scope)
    headers = {"Authorization": f"Bearer {token}"}
    headers["Content-Type"] = "text/plain" if faults.media else "application/json"
    if not faults.key:
        headers["Idempotency-Key"] = new_key()
    good = json.dumps(sent.body).encode()
    content = LARGE if faults.size else b'{"nothing":"known"}' if faults.body else good
    url = command_api.url + sent.path
    response = httpx.request(sent.method, url, content=content, headers=headers)
    refused(response, status, CODES[status])


def not_found(path: str) -> str:
    """Return the code of the object that is named in a path, or first in a body."""
    kinds = {"/pay_": "payment-not-found", "/sch_": "schedule-not-found"}
    return next((code for name, code in kinds.items() if name in path), "wallet-not-found")


@pytest.mark.parametrize("sent", ALL, ids=str)
def test_with_nothing_wrong_the_object_is_not_found(command_api: CommandApi, sent: Sent) -> None:
    """The foot of the ladder: 404, of which nothing is kept, so that the key stays free."""
    caller = command_api.caller(scope=f"{PEOPLE} operate")
    before, key = command_api.head(), new_key()
    headers = {"Idempotency-Key": key}
    for _ in range(2):
        response = caller.client.request(sent.method, sent.path, json=sent.body, headers=headers)
        refused(response, 404, not_found(sent.path))
    assert command_api.head() == before
    body = {"name": "A", "currency": "EUR"}
    assert caller.post("/v1/wallets", body, key).status_code == 201
    again = caller.client.request(sent.method, sent.path, json=sent.body, headers=headers)
    reused = (422, "idempotency-key-reused")
    refused(again, *(reused if sent in KEYED else (404, not_found(sent.path))))


def test_objects_come_before_the_role_and_the_role_before_refusals(
    command_api: CommandApi,
) -> None:
    """404, then 403 `role-missing`, then what the ledger would refuse."""
    sides, viewer = Sides.of(command_api, kind="shared"), command_api.caller()
    full, shop = sides.full, sides.shop
    declined = sides.anna.pay(full, shop, "999").json()["payment_id"]
    released = sides.anna.held(full, shop, "1")
    assert sides.ben.on(released, "release").status_code == 200
    for owner, wallet in ((sides.anna, full), (sides.ben, shop)):
        owner.add(wallet, viewer, "viewer")
    assert sides.ben.act(shop, "close").status_code == 200
    legs = [transfer(full, full, "999"), transfer(full, NOWHERE, "1")]
    refused(viewer.post("/v1/payments", {"legs": legs}), 404, "wallet-not-found")
    refused(viewer.hold(full, NOWHERE, "999"), 404, "wallet-not-found")
    for response in (
        viewer.post("/v1/payments", {"legs": legs[:1]}),
        viewer.hold(full, shop, "999"),
        viewer.on(released, "capture"),
        viewer.on(released, "release"),
        viewer.on(released, "increase", {"amount": "1"}),
        viewer.on(released, "refund"),
        viewer.on(declined, "approve"),
        viewer.on(declined, "reject"),
        viewer.put(shop, "limits", per_payment=None, per_day=None),
        viewer.put(shop, "approvals", required=1, above="1"),
        viewer.remove(shop, sides.ben.subject),
        viewer.post(f"/v1/wallets/{shop}/members", {"user_id": "usr_x", "role": "owner"}),
    ):
        refused(response, 403, "role-missing")
    refused(sides.anna.on(released, "release"), 403, "not-payee")
    refused(sides.anna.on(declined, "refund"), 403, "not-payee")


def test_a_malformed_body_is_told_before_the_key_is_looked_up(command_api: CommandApi) -> None:
    """A key on record does not save a body that is wrong."""
    caller = command_api.caller()
    key = new_key()
    body = {"name": "A", "currency": "EUR"}
    assert caller.post("/v1/wallets", body, key).status_code == 201
    refused(caller.post("/v1/wallets", {**body, "more": 1}, key), 422, "invalid-request")
    refused(caller.post("/v1/wallets", {}, key), 422, "invalid-request")
    refused(caller.post("/v1/wallets", content=b"{", key=key), 422, "malformed-json")


def test_the_key_is_looked_up_before_objects(command_api: CommandApi) -> None:
    """A key of another request is told before the wallet that there is not."""
    caller = command_api.caller()
    key = new_key()
    wallet = caller.post("/v1/wallets", {"name": "A", "currency": "EUR"}, key).json()["wallet_id"]
    for path, body in [
        ("/v1/transfers", transfer(NOWHERE, wallet, "1")),
        (f"/v1/wallets/{NOWHERE}/freeze", {"reason": "x"}),
        (f"/v1/wallets/{wallet}/freeze", {"reason": "x"}),
        ("/v1/wallets/not-an-id/freeze", {"reason": "x"}),
    ]:
        refused(caller.post(path, body, key), 422, "idempotency-key-reused")


def test_a_retry_is_answered_after_the_wallet_is_not_the_callers_any_more(
    command_api: CommandApi,
) -> None:
    """The answer on record comes before the right to the wallet, also without the scope's reach."""
    operator, anna = command_api.operator(), command_api.caller()
    wallet, bank, key = anna.open(), operator.bank(), new_key()
    first = operator.pay(bank, wallet, "5", key)
    former = command_api.caller(operator.subject)
    again = former.pay(bank, wallet, "5", key)
    assert (again.status_code, again.content) == (201, first.content)
    refused(former.pay(bank, wallet, "5"), 404, "wallet-not-found")


@pytest.mark.parametrize(
    ("source", "payee", "code"),
    [
        ("nowhere", "nowhere", "wallet-not-found"),
        ("foreign", "nowhere", "wallet-not-found"),
        ("closed", "nowhere", "wallet-not-found"),
        ("closed", "foreign closed", "wallet-closed"),
        ("empty", "foreign closed", "payee-unavailable"),
        ("empty", "foreign", "insufficient-funds"),
    ],
)
def test_objects_are_found_before_the_ledger_refuses(
    command_api: CommandApi, source: str, payee: str, code: str
) -> None:
    """404 for a missing object, whatever the ledger would say of the others."""
    anna, ben = command_api.caller(), command_api.caller()
    wallets = {
        "nowhere": NOWHERE,
        "foreign": ben.open(),
        "foreign closed": ben.open(),
        "closed": anna.open(),
        "empty": anna.open(),
    }
    assert ben.act(wallets["foreign closed"], "close").status_code == 200
    assert anna.act(wallets["closed"], "close").status_code == 200
    status = 404 if code == "wallet-not-found" else 422
    refused(anna.pay(wallets[source], wallets[payee], "1"), status, code)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/wallets", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
        ("/v1/transfers", ["GET", "PUT", "DELETE"]),
        ("/v1/transfers/batch", ["GET", "PUT"]),
        (f"/v1/wallets/{NOWHERE}/freeze", ["GET", "PUT", "DELETE"]),
    ],
)
def test_a_wrong_method_names_the_right_one(
    command_api: CommandApi, path: str, methods: list[str]
) -> None:
    """405 with `Allow`, with or without a token."""
    for method in methods:
        response = httpx.request(method, command_api.url + path)
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert response.headers["content-type"] == "application/problem+json"
        assert method == "HEAD" or response.json()["code"] == "method-not-allowed"


@pytest.mark.parametrize("sent", ALL, ids=str)
def test_each_path_has_one_method(command_api: CommandApi, sent: Sent) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - {sent.method}:
        response = httpx.request(method, command_api.url + sent.path)
        refused(response, 405, "method-not-allowed")
        assert response.headers["allow"] == sent.method


@pytest.mark.parametrize(
    "path",
    [
        "/v1/wallets/",
        "/v1/transfers/",
        "/v1/wallets/x",
        "/v1/wallets/x/freeze/",
        "/v1/wallets/x/y/freeze",
        "/v1/wallets//freeze",
        "/v1/Wallets",
        "/v1",
        "/nothing",
        "/v1/wallets/%2e%2e/transfers",
    ],
)
def test_another_path_is_not_found(command_api: CommandApi, path: str) -> None:
    """Nothing is redirected, and nothing is guessed."""
    refused(command_api.caller().post(path, {}), 404, "not-found")


def test_nothing_of_all_this_stores_anything(command_api: CommandApi) -> None:
    """A request that is turned away before the ledger leaves no event."""
    caller = command_api.caller()
    before = command_api.head()
    sent: list[tuple[str, Any]] = [("/v1/wallets", {}), ("/v1/transfers", {"amount": 1})]
    for path, body in sent:
        refused(caller.post(path, body), 422, "invalid-request")
    refused(caller.act(NOWHERE, "freeze"), 404, "wallet-not-found")
    assert command_api.head() == before
