"""Which tokens pass the one public door, and which only seem to be tokens."""

import pytest

from tests.forgeries import FORGERIES, Forge
from tests.gateway import GatewayHome, assert_problem


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_no_forged_token_gets_through(gateway: GatewayHome, forge: Forge) -> None:
    """What the gateway lets pass the service refuses, in the same words to the client."""
    header = f"Bearer {forge(gateway.keys.current_for(0))}".strip().encode()
    for method, path in (("GET", "/v1/wallets"), ("POST", "/v1/transfers")):
        answer = gateway.ask(method, path, headers={"Authorization": header})
        assert_problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


AT_THE_DOOR = [
    "algorithm none",
    "HS256 with the public key",
    "a stranger's key",
    "a key of its own in jwk",
    "claims exchanged",
    "no signature",
    "unknown kid",
    "another issuer",
    "another audience",
    "expired",
    "no end",
    "not valid yet",
    "garbage",
]


@pytest.mark.parametrize("kind", AT_THE_DOOR)
def test_the_gateway_itself_refuses_what_it_can_judge(gateway: GatewayHome, kind: str) -> None:
    """The service is not even asked: it alone would name the id of its own log."""
    token = FORGERIES[kind](gateway.keys.current_for(0))
    answer = gateway.ask("GET", "/v1/wallets", headers={"Authorization": f"Bearer {token}"})
    detail = "The request bears no token that is valid here."
    assert assert_problem(answer, 401, "unauthenticated")["detail"] == detail


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic YTpi")],
        [("Authorization", "{token}")],
        [("Authorization", "Token {token}")],
        [("Authorization", "Bearer {token}, Bearer {token}")],
        [("Authorization", "Bearer {token}"), ("Authorization", "Bearer {token}")],
        [("Authorization", "Basic YTpi"), ("Authorization", "Bearer {token}")],
        [("Authorization", "Bearer {token}"), ("Authorization", "Bearer garbage")],
        [("Cookie", "access_token={token}")],
        [("X-Forwarded-Access-Token", "{token}")],
    ],
)
def test_a_token_counts_only_in_the_one_header(
    gateway: GatewayHome, headers: list[tuple[str, str]]
) -> None:
    """Not in the query, not in a cookie, not twice."""
    token = gateway.bearer()["Authorization"].removeprefix("Bearer ")
    sent = [(name, value.replace("{token}", token)) for name, value in headers]
    answer = gateway.ask("GET", f"/v1/wallets?access_token={token}", headers=sent)
    code = "bad-request" if answer.status_code == 400 else "unauthenticated"
    assert_problem(answer, answer.status_code, code)
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_good_token_gets_through(gateway: GatewayHome, scheme: str) -> None:
    token = gateway.bearer()["Authorization"].removeprefix("Bearer ")
    answer = gateway.ask("GET", "/v1/wallets", headers={"Authorization": f"{scheme} {token}"})
    assert answer.json()["caller"] == "alice"


def test_tokens_of_a_new_and_of_an_old_key_pass_at_once(gateway: GatewayHome) -> None:
    """The new key is known here before anything is signed with it."""
    old = gateway.bearer()
    gateway.keys.rotate()
    new = gateway.bearer()
    for headers in (new, old, new):
        assert gateway.ask("GET", "/v1/wallets", headers=headers).status_code == 200
    assert old != new
