"""Copies the tables of a schema out and in, whatever tables its migrations have made."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
from psycopg import sql

from interfaces.recovery import manifest
from interfaces.recovery.archive import Archive, ArchiveWriter

COLUMNS = """
    SELECT c.relname, a.attname, t.typname
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attgenerated = ''
    ORDER BY c.relname, a.attnum"""
SEQUENCES = """
    SELECT sequencename FROM pg_sequences WHERE schemaname = %s ORDER BY sequencename"""
REFERENCES = """
    SELECT c.relname, f.relname FROM pg_constraint r
    JOIN pg_class c ON c.oid = r.conrelid JOIN pg_class f ON f.oid = r.confrelid
    WHERE r.contype = 'f' AND r.connamespace = %s::regnamespace AND r.conrelid <> r.confrelid"""
TRIGGERS = """
    SELECT c.relname, t.tgname, t.tgenabled::text FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = %s::regnamespace AND NOT t.tgisinternal"""
ENABLED = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}
ORDERED = dict.fromkeys(("events", "moved_event"), sql.SQL("ORDER BY notification_id"))
"""Tables whose rows are read in order, so that they can be folded where they lie."""


def quoted(schema: str) -> str:
    """Return a schema's name as `regnamespace` reads it."""
    return f'"{schema}"'


def copy_out(
    connection: psycopg.Connection[Any],
    schema: str,
    place: str,
    writer: ArchiveWriter,
    only: Collection[str] | None = None,
) -> Iterator[manifest.Table]:
    """Write every table of a schema, or some, as a part each and yield what was written."""
    rows = connection.execute(COLUMNS, [quoted(schema)]).fetchall()
    for name, found in groupby(rows, key=itemgetter(0)):
        if only is not None and name not in only:
            continue
        columns = tuple(manifest.Column(column, kind) for _, column, kind in found)
        query = sql.SQL("COPY (SELECT {} FROM {} {}) TO STDOUT (FORMAT binary)").format(
            _names(columns), sql.Identifier(schema, name), ORDERED.get(name, sql.SQL(""))
        )
        with writer.part(f"{place}/{name}.copy") as part, connection.cursor() as cursor:
            with cursor.copy(query) as copy:
                for block in copy:
                    part.write(block)
            done = part
        yield manifest.Table(name, columns, done.part)


def sequences(connection: psycopg.Connection[Any], schema: str) -> Iterator[manifest.Sequence]:
    """Yield where the sequences of a schema stand."""
    for (name,) in connection.execute(SEQUENCES, [schema]).fetchall():
        query = sql.SQL("SELECT last_value, is_called FROM {}")
        row = connection.execute(query.format(sql.Identifier(schema, name))).fetchone()
        assert row is not None
        yield manifest.Sequence(name, *row)


def copy_in(connection: psycopg.Connection[Any], schema: manifest.Schema, archive: Archive) -> None:
    """Replace all rows of a schema in one transaction of its owner; triggers rest meanwhile."""
    place = [quoted(schema.name)]
    with connection.transaction():
        triggers = connection.execute(TRIGGERS, place).fetchall()
        tables = [sql.Identifier(schema.name, table.name) for table in schema.tables]
        for table in tables:
            connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        references = connection.execute(REFERENCES, place).fetchall()
        for each in _in_order(schema.tables, references):
            copy_table(connection, sql.Identifier(schema.name, each.name), each, archive)
        for name, trigger, enabled in triggers:
            if enabled in ENABLED:
                connection.execute(
                    sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                        sql.Identifier(schema.name, name),
                        sql.SQL(ENABLED[enabled]),
                        sql.Identifier(trigger),
                    )
                )
        for sequence in schema.sequences:
            connection.execute(
                "SELECT setval(format('%%I.%%I', %s::text, %s::text)::regclass, %s, %s)",
                [schema.name, sequence.name, sequence.last_value, sequence.is_called],
            )
    for table in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(table))


def copy_table(
    connection: psycopg.Connection[Any],
    target: sql.Identifier,
    table: manifest.Table,
    archive: Archive,
) -> None:
    """Add the rows of a backup's table to a table that has its columns."""
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(target, _names(table.columns))
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in archive.blocks(table.part):
            copy.write(block)


def _in_order(
    tables: Iterable[manifest.Table], references: Sequence[tuple[str, str]]
) -> list[manifest.Table]:
    """Return the tables so that rows come after those that they refer to."""
    by_name = {table.name: table for table in tables}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(by_name, ()))
    for name, referred in references:
        if name in by_name and referred in by_name:
            sorter.add(name, referred)
    return [by_name[name] for name in sorter.static_order()]


def _names(columns: Iterable[manifest.Column]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
