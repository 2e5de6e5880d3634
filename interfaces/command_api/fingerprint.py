"""Tells whether two requests are the same: a digest of what was asked, not of how it was typed."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import rfc8785

_ENCODE = msgspec.json.Encoder(order="sorted").encode


def fingerprint(route: str, path: Mapping[str, str], body: Mapping[str, Any]) -> str:
    """Return SHA-256, in hex, over RFC 8785 of route template, path parameters and parsed body.

    The body has its defaults filled in and amounts as minor units in text, since RFC 8785 has
    no integers beyond 2^53.
    """
    request: dict[str, Any] = {"body": body, "path": path, "route": route}
    metadata = body.get("metadata")
    if metadata and not all(map(str.isascii, metadata)):
        # Keys are sorted by UTF-16 there; for ASCII that is the order of code points.
        return hashlib.sha256(rfc8785.dumps(request)).hexdigest()
    return hashlib.sha256(_ENCODE(request)).hexdigest()
