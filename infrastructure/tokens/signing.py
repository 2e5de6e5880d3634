"""Signs access tokens after RFC 9068, for people, services and the tests that forge."""

import time
import uuid

import jwt

from infrastructure.tokens.signing_keys import SigningKeys

AUDIENCE = "falconpay"
TOKEN_TYPE = "at+jwt"


def sign(
    keys: SigningKeys,
    *,
    subject: str,
    scope: str,
    issuer: str,
    expires_in: int = 900,
    client_id: str = "falcon",
    ledger: str = "main",
    audience: str = AUDIENCE,
    token_type: str = TOKEN_TYPE,
    session: str | None = None,
) -> str:
    """Return a signed token for a subject, with space-separated scopes, ending in so many seconds.

    Issuer, audience and type can be set to wrong values on purpose: then no service believes it.
    """
    now = int(time.time())
    key = keys.current_for(now + expires_in)
    claims: dict[str, str | int] = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "client_id": client_id,
        "exp": now + expires_in,
        "iat": now,
        "jti": uuid.uuid4().hex,
        "scope": scope,
        "ledger": ledger,
    }
    if session is not None:
        claims["sid"] = session
    return jwt.encode(
        dict(claims), key.private, "EdDSA", headers={"typ": token_type, "kid": key.kid}
    )
