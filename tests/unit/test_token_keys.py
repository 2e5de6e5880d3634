"""Signing keys of a home: rotation, their end, and how services follow."""

import json
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infrastructure.secrets import SecretFixed
from infrastructure.tokens.key_sources import (
    KeySource,
    KeysOutdated,
    KeysUnavailable,
    fetch_url,
    read_file,
)
from infrastructure.tokens.signing import sign
from infrastructure.tokens.signing_keys import SigningKeys, jwks_path
from infrastructure.tokens.verify import TokenVerifier


def signed(keys: SigningKeys, expires_in: int = 900) -> str:
    return sign(keys, subject="alice", scope="read", issuer="falconpay", expires_in=expires_in)


def verifier(source: KeySource) -> TokenVerifier:
    source.refresh()
    return TokenVerifier(source, issuer="falconpay", ledgers={"main"})


def kids(keys: SigningKeys) -> list[str]:
    return [str(jwk["kid"]) for jwk in keys.jwks()["keys"]]


def test_rotation_keeps_the_old_key_until_its_last_token_has_ended(tmp_path: Path) -> None:
    """Not longer: a retired key that was stolen must not sign for ever."""
    now = time.time()
    keys = SigningKeys(tmp_path, {}, lambda: now)
    signed(keys, expires_in=100)
    longest = signed(keys, expires_in=500)
    signed(keys, expires_in=50)
    old = keys.current_for(0).kid
    new = keys.rotate(settle_seconds=0)
    assert kids(keys) == [old, new]
    assert keys.current_for(0).kid == new
    source = KeySource(read_file(jwks_path(tmp_path)), 0.25, lambda: now)
    assert verifier(source).verify(longest).sub == "alice"
    now += 499
    assert kids(keys) == [old, new]
    now += 2
    assert kids(keys) == [new]
    source.refresh()
    assert source.find(old) is None
    assert source.find(new) is not None


def test_an_ended_key_leaves_the_secret_file_at_the_next_rotation(tmp_path: Path) -> None:
    now = time.time()
    keys = SigningKeys(tmp_path, {}, lambda: now)
    signed(keys, expires_in=100)
    keys.rotate(settle_seconds=0)
    now += 1000
    keys.rotate(settle_seconds=0)
    secret = json.loads((tmp_path / "secrets" / "signing_keys").read_text())
    assert len(secret["keys"]) == 2


def test_a_new_key_is_published_before_it_signs(tmp_path: Path) -> None:
    """Who reads the public keys meanwhile knows the key before its first token comes."""
    keys = SigningKeys(tmp_path, {})
    keys.ensure()
    old = keys.current_for(0).kid
    with ThreadPoolExecutor() as pool:
        rotation = pool.submit(keys.rotate, 1.0)
        deadline = time.monotonic() + 5
        while len(kids(keys)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert keys.current_for(0).kid == old
        assert not rotation.done()
        assert kids(keys)[1] == rotation.result()
    assert keys.current_for(0).kid == rotation.result()


def test_rotations_and_signatures_in_parallel_lose_no_key(tmp_path: Path) -> None:
    """Each token signed around a rotation is verified by the keys published after it.

    A key that signed nothing before it was retired may be gone: there is nothing to verify.
    """
    keys = SigningKeys(tmp_path, {})
    keys.ensure()
    with ThreadPoolExecutor(8) as pool:
        tokens = [pool.submit(signed, SigningKeys(tmp_path, {})) for _ in range(40)]
        rotated = [pool.submit(SigningKeys(tmp_path, {}).rotate, 0) for _ in range(4)]
    assert kids(keys)[-1] in {rotation.result() for rotation in rotated}
    judge = verifier(KeySource(read_file(jwks_path(tmp_path)), 0.25))
    assert {judge.verify(token.result()).sub for token in tokens} == {"alice"}


def test_only_the_owner_reads_the_secret_and_the_public_file_holds_none(tmp_path: Path) -> None:
    SigningKeys(tmp_path, {}).rotate(settle_seconds=0)
    secret = tmp_path / "secrets" / "signing_keys"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    published = json.loads(jwks_path(tmp_path).read_text())["keys"]
    assert len(published) == 2
    assert all(set(jwk) <= {"crv", "kty", "x", "kid", "use", "alg", "exp"} for jwk in published)


def test_keys_from_the_environment_sign_but_do_not_rotate(tmp_path: Path) -> None:
    """Then the home keeps no secret at all."""
    SigningKeys(tmp_path / "maker", {}).ensure()
    text = (tmp_path / "maker" / "secrets" / "signing_keys").read_text()
    home = tmp_path / "home"
    keys = SigningKeys(home, {"FALCONPAY_SECRET_SIGNING_KEYS": text})
    keys.ensure()
    judge = verifier(KeySource(read_file(jwks_path(home)), 0.25))
    assert judge.verify(signed(keys)).sub == "alice"
    with pytest.raises(SecretFixed, match="FALCONPAY_SECRET_SIGNING_KEYS"):
        keys.rotate(settle_seconds=0)
    assert not (home / "secrets").exists()


class CountingSource:
    """A reader of keys that counts how often it is asked, and can fail."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return self.path.read_bytes()


def test_an_unknown_kid_has_the_keys_read_again_but_not_at_every_token(tmp_path: Path) -> None:
    """A stranger with made-up kids cannot make a service read without end."""
    now = time.time()
    keys = SigningKeys(tmp_path, {}, lambda: now)
    keys.ensure()
    reader = CountingSource(jwks_path(tmp_path))
    source = KeySource(reader, 2.0, lambda: now)
    source.refresh()
    for _ in range(100):
        assert source.find("made-up") is None
    now += 2.1
    with pytest.raises(KeysOutdated):
        source.find("made-up")
    source.refresh()
    assert source.find("made-up") is None
    assert reader.calls == 2


def test_a_source_that_is_away_leaves_the_known_keys_in_force(tmp_path: Path) -> None:
    now = time.time()
    keys = SigningKeys(tmp_path, {}, lambda: now)
    keys.ensure()
    source = KeySource(read_file(jwks_path(tmp_path)), 0.25, lambda: now)
    source.refresh()
    jwks_path(tmp_path).unlink()
    now += 61
    kid = keys.current_for(0).kid
    with pytest.raises(KeysOutdated):
        source.find(kid)
    source.refresh()
    assert source.find(kid) is not None


@pytest.mark.parametrize(
    "document", [b"", b"null", b"{}", b'{"keys":7}', b'{"keys":[7]}', b"\xff", b'{"keys":[{}]}']
)
def test_without_usable_keys_no_token_can_be_judged(document: bytes) -> None:
    """That is an outage, not a fault of the token; no document makes the reader fail."""
    source = KeySource(lambda: document, 0.25)
    source.refresh()
    with pytest.raises(KeysUnavailable):
        source.find("any")
    assert not source.known()


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "oct", "k": "A" * 43, "x": "A" * 43, "alg": "HS256"},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43, "alg": "EdDSA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "alg": "none"},
        {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43, "alg": "ES256"},
    ],
)
def test_only_ed25519_keys_are_taken_from_a_set(other: dict[str, str]) -> None:
    """Any other key would fix another algorithm."""
    source = KeySource(lambda: json.dumps({"keys": [{**other, "kid": "a"}]}).encode(), 0.25)
    source.refresh()
    assert not source.known()


class KeyServer(ThreadingHTTPServer):
    """Serves the document that a test puts into it."""

    document = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), KeyHandler)


class KeyHandler(BaseHTTPRequestHandler):
    """Answers whatever its server holds."""

    server: KeyServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.document)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def key_server() -> Iterator[KeyServer]:
    server = KeyServer()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_keys_come_from_a_url_too(tmp_path: Path, key_server: KeyServer) -> None:
    keys = SigningKeys(tmp_path, {})
    keys.ensure()
    key_server.document = json.dumps(keys.jwks()).encode()
    url = f"http://127.0.0.1:{key_server.server_port}/"
    assert verifier(KeySource(fetch_url(url), 2.0)).verify(signed(keys)).sub == "alice"


def test_a_url_that_answers_without_end_is_given_up(key_server: KeyServer) -> None:
    key_server.document = b" " * 10_000_000
    with pytest.raises(ValueError, match="too large"):
        fetch_url(f"http://127.0.0.1:{key_server.server_port}/")()
