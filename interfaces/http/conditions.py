"""Conditional requests (RFC 9110 section 13): what a client says that it has already."""

from starlette.types import Scope


def known_tags(scope: Scope) -> frozenset[str]:
    """Return the tags of `If-None-Match` (section 13.1.2), strong or weak alike, and `*`."""
    values = [value for name, value in scope["headers"] if name == b"if-none-match"]
    parts = b",".join(values).decode("latin-1").split(",")
    return frozenset(part.strip().removeprefix("W/") for part in parts)
