"""Moves old movements out of a test's ledger into an archive, as an operator does."""

from typing import Any

from tests.books import falcon_json
from tests.carried import carrying
from tests.servers import FreshDatabases


def move(databases: FreshDatabases, store: object, *words: object) -> dict[str, Any]:
    """Archive and move, and return what the command tells; by default all that is sealed."""
    words = words or ("--older-than", 0)
    with carrying(databases):
        return falcon_json(databases, "archive", "--to", store, "--move", *words)
