"""What a backup says of itself: which installation, when, how far, and the digest of each part."""

import msgspec

from infrastructure.databases.logins import Database

FORMAT = 1
"""Grows when an older version of this code could not restore what a newer one writes."""


class Column(msgspec.Struct, frozen=True):
    """A column in the order of its table's part, with PostgreSQL's name of its type."""

    name: str
    type: str


class Part(msgspec.Struct, frozen=True):
    """A member of the file: its name in it, its length in bytes, and their SHA-256."""

    name: str
    length: int
    sha256: str


class Table(msgspec.Struct, frozen=True):
    """A table, whose part is what `COPY ... (FORMAT binary)` gave."""

    name: str
    columns: tuple[Column, ...]
    part: Part


class Sequence(msgspec.Struct, frozen=True):
    """Where a sequence stood."""

    name: str
    last_value: int
    is_called: bool


class Migration(msgspec.Struct, frozen=True):
    """A migration that had been applied, so that the same tables can be made again."""

    number: int
    name: str
    sha256: str


class Schema(msgspec.Struct, frozen=True):
    """One schema; of a ledger also its store's identity, its epoch and its last position."""

    database: Database
    name: str
    migrations: tuple[Migration, ...]
    tables: tuple[Table, ...]
    sequences: tuple[Sequence, ...]
    store: str | None = None
    epoch: int | None = None
    position: int | None = None

    @property
    def ledger(self) -> str:
        """Return the name of the ledger that it is of, or `identity`."""
        return self.name.removeprefix(f"{self.database}_")

    def table(self, name: str) -> Table:
        """Return a table that every ledger has."""
        return next(table for table in self.tables if table.name == name)


class Manifest(msgspec.Struct, frozen=True):
    """All of a backup; `issuer` is part of what idempotency keys are kept under."""

    format: int
    version: str
    created_at: str
    issuer: str
    schemas: tuple[Schema, ...]
    secrets: tuple[Part, ...]

    @property
    def ledgers(self) -> tuple[Schema, ...]:
        """Return the schemas that hold a ledger."""
        return tuple(schema for schema in self.schemas if schema.database == "ledger")

    @property
    def logs(self) -> tuple[Schema, ...]:
        """Return the schemas of reports, of which a backup has the log of reads alone."""
        return tuple(schema for schema in self.schemas if schema.database == "reports")


class Header(msgspec.Struct, frozen=True):
    """What is read of a manifest before it is known whether the rest can be understood."""

    format: int
    version: str
