"""Cursors of lists: where the next page begins, believed only where they were given out."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from interfaces.http.problems import Problem

VERSION = "cursor.v1"
MAC_BYTES = 32
MAX_LENGTH = 1024

Key = Sequence[str | int]
"""What names the last item of a page for ever: its position, or what else orders the list."""


class Cursors:
    """Writes and reads cursors with a MAC (HMAC-SHA-256) over all that they are bound to."""

    def __init__(self, secret: str) -> None:
        """Take the secret that all processes of the query API share."""
        self._secret = secret.encode()

    def write(self, bound: Sequence[str], key: Key) -> str:
        """Return the cursor behind an item for one caller, route and set of filters."""
        place = json.dumps(key, separators=(",", ":"))
        # A list of strings in JSON has one reading only, whatever the strings hold.
        signed = json.dumps([VERSION, *bound, place]).encode()
        mac = hmac.digest(self._secret, signed, hashlib.sha256)
        return urlsafe_b64encode(mac + place.encode()).rstrip(b"=").decode()

    def read(self, bound: Sequence[str], cursor: str) -> list[str | int]:
        """Return the key in a cursor; raises `Problem` 422 unless it was given for just this."""
        try:
            key: list[str | int] = json.loads(_bytes(cursor)[MAC_BYTES:])
            # Written again it must be the same text, so that no cursor has a second spelling.
            if hmac.compare_digest(self.write(bound, key), cursor):
                return key
        except (ValueError, TypeError, RecursionError):
            pass
        detail = "The cursor was not given for this list, caller and filters."
        raise Problem("invalid-cursor", detail)


def _bytes(cursor: str) -> bytes:
    if len(cursor) > MAX_LENGTH:
        raise ValueError("too long")
    return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
