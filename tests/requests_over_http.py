"""Payment requests as callers of the command API send them: 12.34 EUR unless said otherwise."""

from typing import Any

import httpx

from tests.command_api import Caller

REQUESTS = "/v1/payment-requests"
UNKNOWN = "prq_0123456789ABCDEFGHJKMNPQRS"


def body_of(wallet: str, amount: str = "12.34", **fields: Any) -> dict[str, Any]:
    """Return what is sent to make a request."""
    return {"wallet_id": wallet, "amount": amount, "currency": "EUR", **fields}


def asked(by: Caller, wallet: str, amount: str = "12.34", **fields: Any) -> Any:
    """Make a request that must be made; return its body."""
    response = by.post(REQUESTS, body_of(wallet, amount, **fields))
    assert response.status_code == 201, response.text
    return response.json()


def act(
    by: Caller, request: Any, action: str, wallet: str | None = None, key: str = ""
) -> httpx.Response:
    """Accept from a wallet, decline or cancel."""
    path = f"{REQUESTS}/{request['request_id']}/{action}"
    if wallet is not None:
        return by.post(path, {"source_wallet_id": wallet}, key)
    return by.post(path, content=b"", key=key)
