"""All kinds of access tokens that nobody may believe, each made from a good one."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infrastructure.tokens.signing_keys import SigningKey

Forge = Callable[[SigningKey], str]
"""Makes a forgery out of the home's own key, which is the best that a forger could have."""


def claims_now(**changed: Any) -> dict[str, Any]:
    """Return the claims of a good token, some changed; one set to None is left out."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "falconpay",
        "aud": "falconpay",
        "sub": "alice",
        "client_id": "app",
        "exp": now + 900,
        "iat": now,
        "jti": "1",
        "scope": "read",
        "ledger": "main",
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def forged(headers: dict[str, Any] | None = None, **claims: Any) -> Forge:
    """Make a token with the home's own key, wrong in its headers or claims."""

    def forge(key: SigningKey) -> str:
        head = {"typ": "at+jwt", "kid": key.kid, **(headers or {})}
        return jwt.encode(claims_now(**claims), key.private, "EdDSA", headers=head)

    return forge


def encoded(part: object) -> str:
    """Return one part of a token: base64url of JSON."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(key: SigningKey) -> str:
    """Use the algorithm `none`, which PyJWT writes without a signature."""
    head = {"typ": "at+jwt", "kid": key.kid}
    return jwt.encode(claims_now(), "", "none", headers=head)


def signed_by_public_key(key: SigningKey) -> str:
    """Use HS256 with the public key as its secret: algorithm confusion."""
    public = key.private.public_key().public_bytes_raw()
    head = {"typ": "at+jwt", "kid": key.kid}
    return jwt.encode(claims_now(), public, "HS256", headers=head)


def signed_by_stranger(key: SigningKey) -> str:
    """Sign with a stranger's key under our key's name."""
    head = {"typ": "at+jwt", "kid": key.kid}
    return jwt.encode(claims_now(), Ed25519PrivateKey.generate(), "EdDSA", headers=head)


def with_embedded_key(key: SigningKey) -> str:
    """Sign with a stranger's key that the token itself brings along."""
    stranger = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(stranger.public_key().public_bytes_raw()).decode().rstrip("=")
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
    head = {"typ": "at+jwt", "kid": key.kid, "jwk": jwk}
    return jwt.encode(claims_now(), stranger, "EdDSA", headers=head)


def with_other_claims(key: SigningKey) -> str:
    """Exchange the claims of a good token after signing."""
    head, _, signature = forged()(key).split(".")
    return ".".join([head, encoded(claims_now(sub="mallory")), signature])


def with_other_signature(key: SigningKey) -> str:
    """Take the signature from a good token."""
    return forged()(key).rsplit(".", 1)[0] + "."


A_DAY = 24 * 3600
"""In seconds; the table below is made once, and a run of all tests takes many minutes."""

FORGERIES: dict[str, Forge] = {
    "algorithm none": unsigned,
    "HS256 with the public key": signed_by_public_key,
    "a stranger's key": signed_by_stranger,
    "a key of its own in jwk": with_embedded_key,
    "claims exchanged": with_other_claims,
    "no signature": with_other_signature,
    "unknown kid": forged({"kid": "other"}),
    "kid a path": forged({"kid": "../../run/jwks.json"}),
    "kid a number": lambda key: ".".join(
        [encoded({"alg": "EdDSA", "typ": "at+jwt", "kid": 7}), *forged()(key).split(".")[1:]]
    ),
    "no kid": lambda key: jwt.encode(claims_now(), key.private, "EdDSA", headers={"typ": "at+jwt"}),
    "jku": forged({"jku": "https://example.org/keys"}),
    "jwk of ours": lambda key: forged({"jwk": key.public_jwk()})(key),
    "x5u": forged({"x5u": "https://example.org/cert"}),
    "x5c": forged({"x5c": ["MIIB"]}),
    "crit": forged({"crit": ["exp"]}),
    "crit unknown": forged({"crit": ["x"], "x": 1}),
    "b64": forged({"b64": False}),
    "type JWT": forged({"typ": "JWT"}),
    "no type": forged({"typ": None}),
    "another issuer": forged(iss="evil"),
    "no issuer": forged(iss=None),
    "another audience": forged(aud="other"),
    "a list of audiences": forged(aud=["falconpay", "other"]),
    "no audience": forged(aud=None),
    "expired": forged(exp=int(time.time()) - 1),
    "no end": forged(exp=None),
    "end a text": forged(exp=str(int(time.time()) + 900)),
    "end true": forged(exp=True),
    "end a float": forged(exp=time.time() + 900.5),
    "end beyond reason": forged(exp=2**60),
    "issued in the future": forged(iat=int(time.time()) + A_DAY),
    "issue time a text": forged(iat="yesterday"),
    "no issue time": forged(iat=None),
    "not valid yet": forged(nbf=int(time.time()) + A_DAY),
    "no subject": forged(sub=None),
    "empty subject": forged(sub=""),
    "subject a number": forged(sub=7),
    "subject too long": forged(sub="a" * 256),
    "NUL in the subject": forged(sub="ali\0ce"),
    "lone surrogate in the subject": forged(sub="ali\ud800ce"),
    "no id": forged(jti=None),
    "no client": forged(client_id=None),
    "no scope": forged(scope=None),
    "a list of scopes": forged(scope=["read"]),
    "another ledger": forged(ledger="other"),
    "ledger a number": forged(ledger=1),
    "too long": forged(padding="a" * 8192),
    "junk after the signature": lambda key: forged()(key) + "!",
    "padding after the signature": lambda key: forged()(key) + "==",
    "a comma after the signature": lambda key: forged()(key) + ",",
    "junk inside the signature": lambda key: forged()(key)[:-9] + "!" + forged()(key)[-9:],
    "a fourth part": lambda key: forged()(key) + ".AA",
    "garbage": lambda _key: "garbage",
    "garbage in three parts": lambda _key: "a.b.c",
    "empty": lambda _key: "",
    "not ASCII": lambda _key: "é.é.é",
    "deeply nested": lambda _key: (
        base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".e30.AA"
    ),
    "header a list": lambda _key: encoded([]) + ".e30.AA",
}
