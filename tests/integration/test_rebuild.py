"""`replay rebuild`: the new tables are the old ones in all but age, and nobody notices."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.identifiers import StreamId, encode
from projections.catalogue import CATALOGUE
from projections.contract import Applied, Cursor
from tests import requested, scheduled
from tests.books import falcon, falcon_json
from tests.conftest import MakeDatabases
from tests.every_payment import write_every_payment
from tests.fan_out import FanOut, some_traffic
from tests.read_model_fold import stored_rows
from tests.rebuilds import (
    fingerprints,
    followed,
    identities,
    projection,
    rebuilt,
    schemas,
    shapes,
    wrong_rows,
)
from tests.servers import FreshDatabases

NAMES = [each.name for each in CATALOGUE]


@pytest.fixture
def fan_out(databases: FreshDatabases) -> FanOut:
    some_traffic(FanOut(databases))
    return followed(databases)


def test_every_read_model_twice_has_the_same_rows_rights_and_indexes(
    databases: FreshDatabases,
) -> None:
    """Rows hash alike after two rebuilds, and the catalogue of the server tells no difference."""
    write_every_payment(databases)
    writer = FanOut(databases).writer(seed=11)
    for prefix, event in (("prq", requested.created()), ("sch", scheduled.created())):
        writer.command([(StreamId(encode(prefix, writer.new_bits())), event)])
    writer.flush()
    followed(databases)
    rows, shape, tables = fingerprints(databases), shapes(databases), identities(databases)
    for name in NAMES:
        for _ in range(2):
            found = rebuilt(databases, name)
            assert (found.switched, found.findings.kept) == (True, [])
    assert fingerprints(databases) == rows
    assert shapes(databases) == shape
    assert not set(identities(databases).values()) & set(tables.values())
    assert wrong_rows(databases) == []


def test_the_command_tells_what_it_has_done(fan_out: FanOut) -> None:
    """It needs PostgreSQL and nothing else that runs; what served before is kept until dropped."""
    databases = fan_out.databases
    told = falcon_json(databases, "replay", "rebuild", "entries")
    head = fan_out.head()
    assert (told["projection"], told["switched"], told["differences"]) == ("entries", True, 0)
    assert (told["position"], told["compared_at"], told["began_at"]) == (head, head, 0)
    assert schemas(databases) == ["reports_main__old_entries"]
    dropped = falcon_json(databases, "replay", "drop", "entries")
    assert dropped["dropped"] == ["old"]
    assert schemas(databases) == []
    done = falcon(databases, "replay", "rebuild", "balances", "--drop-old")
    assert done.returncode == 0, done.stderr
    assert f"serves since position {head:,}" in done.stdout
    assert schemas(databases) == []


def test_a_ledger_with_the_longest_name_and_a_dash_in_it(make_databases: MakeDatabases) -> None:
    """The schemas of its rebuilds have names that the server takes whole, whichever model it is."""
    databases = make_databases(f"a-{'b' * 29}")
    some_traffic(FanOut(databases))
    followed(databases)
    rows = stored_rows(databases)
    with databases.connect("projector", "reports") as projector:
        for name in NAMES:
            projector.execute("SELECT begin_rebuild(%s, '{entries}', '{}', false)", [name])
            projector.execute("SELECT drop_rebuild(%s)", [name])
    for name in ("entries", "payment_requests"):
        assert rebuilt(databases, name).switched
    assert stored_rows(databases) == rows


def test_an_unknown_read_model_is_named(databases: FreshDatabases) -> None:
    done = falcon(databases, "replay", "rebuild", "balance")
    assert done.returncode == 2
    assert "There is no read model 'balance': there are" in done.stderr


def test_a_corrupt_row_is_healed(fan_out: FanOut) -> None:
    databases = fan_out.databases
    with databases.connect_admin("reports") as admin:
        admin.execute("UPDATE reports_main.balances SET posted = posted + 1")
    assert {found.where for found in wrong_rows(databases)} == {"balances"}
    assert rebuilt(databases, "balances").switched
    assert wrong_rows(databases) == []


def test_a_bug_of_the_projection_exchanges_nothing(fan_out: FanOut) -> None:
    """Wrong rows are found and named; the live ones stay, and the next rebuild begins afresh."""
    databases = fan_out.databases
    entries = projection("entries")

    def wrong(events: Sequence[Applied], cursor: Cursor) -> None:
        entries.apply(events, cursor)
        cursor.execute("UPDATE entries SET posted_after = 7 WHERE position = 8")

    tables, rows = identities(databases), fingerprints(databases)
    found = rebuilt(databases, replace(entries, apply=wrong))
    first = found.findings.first
    assert first is not None
    assert (found.switched, first.where, first.field) == (False, "entries", "posted_after")
    assert first.position == 8
    assert identities(databases) == tables
    assert fingerprints(databases) == rows
    again = rebuilt(databases, "entries")
    assert (again.switched, again.began_at) == (True, 0)


def test_a_rebuild_changes_nothing_but_its_own_read_model(fan_out: FanOut) -> None:
    """No event is appended, and no other read model is touched: there are no side effects."""
    head, tables = fan_out.head(), identities(fan_out.databases)
    assert rebuilt(fan_out.databases, "payments").switched
    changed = {name for name, oid in identities(fan_out.databases).items() if oid != tables[name]}
    assert changed == {"payments", "payment_legs", "payment_steps"}
    assert fan_out.head() == head


def test_every_read_model_can_be_compared() -> None:
    """A read model that replay does not know could not be rebuilt: nothing would confirm it."""
    from interfaces.replay.checkpoints import COMPARED

    assert set(COMPARED) == {each.name for each in CATALOGUE}
