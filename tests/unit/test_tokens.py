"""Which access tokens a service believes, and all the ways in which one can be forged."""

import time
from pathlib import Path
from typing import Any

import pytest

from infrastructure.tokens.caller import Caller
from infrastructure.tokens.key_sources import KeySource, KeysOutdated, KeysUnavailable, read_file
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys, jwks_path
from infrastructure.tokens.verify import TokenRefused, TokenVerifier
from tests.forgeries import FORGERIES, Forge, forged


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        """Begin now."""
        self.now = time.time()

    def __call__(self) -> float:
        """Return the time in Unix seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still until it is turned."""
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> SigningKeys:
    """Give the signing keys of a fresh home."""
    found = SigningKeys(tmp_path, {}, clock)
    found.ensure()
    return found


@pytest.fixture
def verifier(tmp_path: Path, keys: SigningKeys, clock: Clock) -> TokenVerifier:
    """Give a service of the ledger `main` that remembers three tokens."""
    source = KeySource(read_file(jwks_path(tmp_path)), 0.25, clock)
    source.refresh()
    return TokenVerifier(source, issuer="falconpay", ledgers={"main"}, clock=clock, cached_tokens=3)


def signed(keys: SigningKeys, **claims: Any) -> str:
    """Sign as the launcher does, with some claims changed."""
    return sign(keys, **{"subject": "alice", "scope": "read", "issuer": "falconpay", **claims})


def test_a_signed_token_names_its_caller(keys: SigningKeys, verifier: TokenVerifier) -> None:
    """Issuer, subject, client, scopes and ledger come out as they went in."""
    caller = verifier.verify(signed(keys, scope="wallets payments", client_id="app"))
    expected = Caller("falconpay", "alice", "app", frozenset({"wallets", "payments"}), "main")
    assert caller == expected
    assert caller.has("payments")
    assert not caller.has("payment")


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_forged_tokens_are_refused(
    forge: Forge, keys: SigningKeys, verifier: TokenVerifier
) -> None:
    """No forgery is believed, and none does anything worse than be refused."""
    token = forge(keys.current_for(0))
    with pytest.raises(TokenRefused):
        verifier.verify(token)


def test_what_the_forgeries_are_made_from_is_believed(
    keys: SigningKeys, verifier: TokenVerifier
) -> None:
    """Each forgery changes one thing in a token that is good, else it would prove little."""
    assert verifier.verify(forged()(keys.current_for(0))).sub == "alice"
    assert verifier.verify(forged(ledger=None)(keys.current_for(0))).ledger == "main"


def test_an_absent_ledger_is_the_main_one(tmp_path: Path, keys: SigningKeys, clock: Clock) -> None:
    """A service of another ledger refuses a token that names none."""
    source = KeySource(read_file(jwks_path(tmp_path)), 0.25, clock)
    source.refresh()
    branch = TokenVerifier(source, issuer="falconpay", ledgers={"branch"}, clock=clock)
    with pytest.raises(TokenRefused, match="another ledger"):
        branch.verify(forged(ledger=None)(keys.current_for(0)))
    assert branch.verify(forged(ledger="branch")(keys.current_for(0))).ledger == "branch"


def test_a_remembered_token_ends_when_it_says(
    keys: SigningKeys, verifier: TokenVerifier, clock: Clock
) -> None:
    """Having been believed once does not lengthen a token's life."""
    token = signed(keys, expires_in=30)
    verifier.verify(token)
    clock.now += 29
    verifier.verify(token)
    clock.now += 2
    with pytest.raises((TokenRefused, KeysOutdated)):
        verifier.verify(token)
    verifier.keys.refresh()
    with pytest.raises(TokenRefused, match="expired"):
        verifier.verify(token)


def test_a_token_is_remembered_for_a_minute_at_most(
    tmp_path: Path, keys: SigningKeys, verifier: TokenVerifier, clock: Clock
) -> None:
    """A key taken out of the published set ends its tokens within a minute."""
    token = signed(keys, expires_in=900)
    verifier.verify(token)
    jwks_path(tmp_path).write_text('{"keys": []}')
    clock.now += 59
    verifier.verify(token)
    clock.now += 2
    with pytest.raises(KeysOutdated):
        verifier.verify(token)
    verifier.keys.refresh()
    with pytest.raises(KeysUnavailable):
        verifier.verify(token)


def test_the_number_of_remembered_tokens_is_bounded(
    keys: SigningKeys, verifier: TokenVerifier
) -> None:
    """The oldest go first, and a token is not counted twice."""
    tokens = [signed(keys) for _ in range(5)]
    for token in [*tokens, tokens[-1]]:
        verifier.verify(token)
    assert list(verifier._cache) == tokens[-3:]


def test_a_refused_token_is_not_remembered(keys: SigningKeys, verifier: TokenVerifier) -> None:
    """Strangers cannot fill the memory."""
    for _ in range(5):
        with pytest.raises(TokenRefused):
            verifier.verify(signed(keys, issuer="evil"))
    assert not verifier._cache
