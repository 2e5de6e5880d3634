"""Columns that we write in PostgreSQL's binary form are what the server reads."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import pytest

from infrastructure.ledger_store.arrays import (
    Bigints,
    Booleans,
    Byteas,
    Column,
    Texts,
    Uuids,
    register,
)
from tests.servers import FreshDatabases

CASES: list[tuple[type[Column], LiteralString, Sequence[Any]]] = [
    (Uuids, "SELECT %b::uuid[]", [UUID(int=0), UUID(int=2**128 - 1), UUID(int=5)]),
    (Bigints, "SELECT %b::bigint[]", [0, -1, 2**63 - 1, -(2**63)]),
    (Bigints, "SELECT %b::bigint[]", [None, 7, None]),
    (Booleans, "SELECT %b::boolean[]", [True, False, True]),
    (Texts, "SELECT %b::text[]", ["wallet.debited.v1", "", None, "é\N{GRINNING FACE}"]),
    (Byteas, "SELECT %b::bytea[]", [b"", b"\0\xff", b"{}" * 70_000]),
]


@pytest.mark.parametrize(("column", "statement", "items"), CASES)
def test_the_server_reads_each_item(
    databases: FreshDatabases,
    column: type[Column],
    statement: LiteralString,
    items: Sequence[Any],
) -> None:
    """Bounds, nulls, empty items and an empty column come back as they went."""
    with databases.connect("command") as connection:
        register(connection)
        for sent in (items, items[:1], []):
            row = connection.execute(statement, (column(sent),), prepare=True).fetchone()
            assert row == (list(sent),)
