"""The role `sealer` as processes: ended anywhere, two at once, a history that was changed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from infrastructure.seals.notes import parse_vkey, verified_by
from tests.backups import as_owner
from tests.books import falcon
from tests.fan_out import until
from tests.sealed_ledger import SealedLedger
from tests.servers import FreshDatabases

SEALED = "falconpay_sealer_size"


@pytest.fixture
def world(databases: FreshDatabases) -> SealedLedger:
    return SealedLedger(databases)


def test_it_seals_what_is_new(world: SealedLedger) -> None:
    """Each seal is signed, says the root of the tree over all events, and is remembered."""
    with world.sealer() as (sealer,):
        until(sealer.ready)
        assert world.sizes() == []
        for _ in range(2):
            until(world.sealed_up_to(world.write(400)))
        assert sealer.figure(SEALED) == world.head()
        assert sealer.terminate() == 0
    world.assert_sealed()


STEPS = {
    "reading the head": "LOCK TABLE ledger_main.events",
    "storing tiles": "LOCK TABLE ledger_main.seal_tile IN SHARE MODE",
    "storing the seal": "LOCK TABLE ledger_main.seal IN SHARE MODE",
    "storing the key": "LOCK TABLE ledger_main.seal_key IN SHARE MODE",
    "committing": "SELECT pg_advisory_xact_lock(7)",
}
SLOW_COMMIT = """
    CREATE FUNCTION ledger_main.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
        $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON ledger_main.seal
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_main.wait()"""
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'falconpay-sealer'
        AND datname = current_database() AND wait_event_type = 'Lock'"""


@contextmanager
def held_up(world: SealedLedger, step: str) -> Iterator[Callable[[], bool]]:
    """Let a sealer wait in a step; give what asks whether it does."""
    with (
        world.databases.connect_admin() as holder,
        world.databases.connect_admin() as watching,
    ):
        if step == "committing":
            holder.execute(SLOW_COMMIT)
        with holder.transaction():
            holder.execute(STEPS[step].encode())
            yield lambda: watching.execute(WAITING).fetchone() != (0,)


@pytest.mark.parametrize("step", STEPS)
def test_killed_in_any_step(world: SealedLedger, step: str) -> None:
    """What was remembered is stored by the next one as it was signed, and nothing beside it."""
    world.write(300)
    with held_up(world, step) as waits, world.sealer() as (killed,):
        until(waits)
        killed.kill()
        assert world.sizes() == []
    remembered = world.memory().read()
    assert (remembered is None) == (step == "reading the head")
    world.write(10)
    with world.sealer() as (after,):
        until(world.sealed_up_to(world.head()))
        assert after.terminate() == 0
    if remembered is not None:
        assert world.notes()[0] == remembered.note
    world.assert_sealed()


def test_two_sealers_are_one(world: SealedLedger) -> None:
    """The second stands by, and goes on when the first is gone."""
    with world.sealer(count=2) as (one, other):
        until(lambda: one.ready() and other.ready())
        until(world.sealed_up_to(world.write(100)))
        active = [each for each in (one, other) if each.figure("falconpay_sealer_active")]
        assert len(active) == 1
        active[0].kill()
        until(world.sealed_up_to(world.write(100)))
    world.assert_sealed()


def change_an_event(world: SealedLedger) -> None:
    world.alter("UPDATE events SET state = state || ' ' WHERE notification_id = %s", world.head())


def change_an_old_event(world: SealedLedger) -> None:
    """Change one below a full tile, which no seal reads again."""
    world.alter("UPDATE events SET state = state || ' ' WHERE notification_id = %s", 5)


def lose_the_tail(world: SealedLedger) -> None:
    world.alter("DELETE FROM events WHERE notification_id > %s", world.head() - 5)


def lose_a_tile(world: SealedLedger) -> None:
    world.alter("DELETE FROM seal_tile WHERE number = %s", 0)


def forget_the_seals(world: SealedLedger) -> None:
    lose_the_tail(world)
    world.alter("DELETE FROM seal WHERE size > %s", 0)


CHANGES = (change_an_event, change_an_old_event, lose_the_tail, lose_a_tile, forget_the_seals)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_history_is_not_sealed(
    world: SealedLedger, change: Callable[[SealedLedger], None]
) -> None:
    """The role says `diverged` and signs nothing, now and after another start."""
    with world.sealer() as (sealer,):
        until(world.sealed_up_to(world.write(300)))
        notes = world.notes()
        change(world)
        world.write(1)
        until(lambda: "sealer: diverged: " in sealer.ask("/readyz")[1])
        assert sealer.figure("falconpay_sealer_diverged") == 1
    with world.sealer() as (sealer,):
        until(lambda: "sealer: diverged: " in sealer.ask("/readyz")[1])
    assert set(world.notes()) <= set(notes)


def test_a_new_epoch_is_a_new_log(world: SealedLedger) -> None:
    """After a restore `recover` begins it: another origin, from position 1, with all its events."""
    with world.sealer() as (sealer,):
        until(world.sealed_up_to(world.write(50)))
        lose_the_tail(world)
        until(lambda: "diverged: " in sealer.ask("/readyz")[1])
        done = as_owner(world.databases, "recover", "--json")
        assert done.returncode == 0, done.stderr
        assert "was sealed up to position" in json.loads(done.stdout)["reasons"][0]
        until(world.sealed_up_to(world.head()))
        assert sealer.ready()
    origins = [note.splitlines()[0] for note in world.notes()]
    assert sorted(set(origins)) == ["falconpay/main", "falconpay/main/2"]
    world.assert_sealed()


def test_a_rotation(world: SealedLedger) -> None:
    """The next seal bears both signatures, and old ones stay valid by the old key."""
    with world.sealer() as (sealer,):
        until(world.sealed_up_to(world.write(10)))
        done = falcon(world.databases, "keys", "rotate", "--seal")
        assert done.returncode == 0, done.stderr
        for _ in range(2):
            until(world.sealed_up_to(world.write(10)))
        assert sealer.ready()
    old, new = map(parse_vkey, world.vkeys())
    assert [len(verified_by(note, [old, new])) for note in world.notes()] == [1, 2, 1]
    assert verified_by(world.notes()[-1], [old, new]) == [new]


def test_seals_only_grow(world: SealedLedger) -> None:
    """Even the sealer's own login cannot put a seal below another, or change or remove any."""
    with world.sealer():
        until(world.sealed_up_to(world.write(20)))
    with (
        world.databases.connect("sealer") as connection,
        world.databases.connect_admin() as admin,
    ):
        admin.execute("SET search_path = ledger_main")
        forged = (
            "INSERT INTO seal (epoch, size, root, checkpoint) SELECT epoch, 5, root, '' FROM seal"
        )
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute(forged)
        for table in ("seal", "seal_tile", "seal_key"):
            name = sql.Identifier(table)
            for statement in ("DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET epoch = 9"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(sql.SQL(statement).format(name))
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="immutable"):
                    admin.execute(sql.SQL(statement).format(name))
