"""Writes `docs/reference/errors.md` from the registry of problems, so that it is never behind."""

import sys

from interfaces.http.problem_kinds import KINDS
from interfaces.http.problems import TYPE_PREFIX

_HEAD = f"""# Errors

Every answer with a status of 400 or above is a problem after RFC 9457, of the media type
`application/problem+json`, whichever service or the gateway gives it:

| member | meaning |
|---|---|
| `type` | `{TYPE_PREFIX}` and the code: a name that stays the same, not an address to fetch |
| `title` | what the code means, the same every time |
| `status` | the HTTP status |
| `detail` | what happened this time, for people to read |
| `instance` | the path of the request |
| `code` | what programs should look at |
| `errors` | for `invalid-request`: each fault with `detail` and either `pointer`, a JSON pointer \
into the body such as `#/amount`, or `parameter`, the name of a query parameter |

A refusal of the ledger that is stored bears `position` as well, with the `payment_id` or the
`request_id` that it is about, and `insufficient-funds` bears `available`. A 401 comes with
`WWW-Authenticate: Bearer`, a 405 with `Allow`, and what can be tried again with `Retry-After`.
After a 5xx the same request with the same idempotency key is always safe to send.

This page is generated, and a test holds it to what the code says:
`.venv/bin/python -m interfaces.http.error_reference > docs/reference/errors.md`.
"""


def error_reference() -> str:
    """Return the page as Markdown: the codes by status, then by name."""
    parts = [_HEAD]
    for status in sorted({kind.status for kind in KINDS.values()}):
        kinds = sorted((k for k in KINDS.values() if k.status == status), key=lambda k: k.code)
        rows = "\n".join(f"| `{k.code}` | {k.title} | {k.explanation} |" for k in kinds)
        parts.append(f"## {status}\n\n| code | title | what to do |\n|---|---|---|\n{rows}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(error_reference())
