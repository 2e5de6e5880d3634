"""`replay verify` holds the store against its seals, and against what is known outside of it."""

import json
from collections.abc import Callable

import pytest

from domain.merkle import EMPTY_ROOT
from infrastructure.seals.keys import SealKeys
from tests.books import falcon, project
from tests.sealed_ledger import SealedLedger, seal_now
from tests.servers import FreshDatabases


@pytest.fixture
def world(databases: FreshDatabases) -> SealedLedger:
    """Give a ledger with seals up to 100, 200, ... and events behind the last one."""
    world = SealedLedger(databases)
    for _ in range(6):
        world.write(100)
        seal_now(databases)
    world.write(20)
    project(databases)
    return world


def wrong_seals(world: SealedLedger, *options: str) -> list[tuple[int, str, str]]:
    """Return position, what and field of each difference in the seals."""
    done = falcon(world.databases, "replay", "verify", *options, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == (1 if report["differences"] else 0), done.stderr
    return [
        (each["position"], each["stream"], each["field"])
        for each in report["findings"]
        if each["where"] == "seals"
    ]


@pytest.mark.parametrize("options", [["--from-seal"], []], ids=["from the seal", "all"])
def test_seals_are_compared(world: SealedLedger, options: list[str]) -> None:
    """All of them, and what is not sealed yet is no difference."""
    done = falcon(world.databases, "replay", "verify", *options, "--json")
    found = json.loads(done.stdout)
    sizes = world.sizes()
    assert found["seals"] == len(sizes)
    assert found["sealed_up_to"] == sizes[-1] < found["position"]
    # Of these events no heads were written, and nobody has decided them.
    assert "seals" not in {each["where"] for each in found["findings"]}
    if options:
        assert (done.returncode, found["differences"]) == (0, 0)


def test_without_seals_there_is_nothing_to_begin_from(databases: FreshDatabases) -> None:
    """A full run goes without; the short one says that there is no seal."""
    world = SealedLedger(databases)
    world.write(10)
    project(databases)
    assert wrong_seals(world) == []
    done = falcon(databases, "replay", "verify", "--from-seal")
    assert (done.returncode, "There is no seal yet" in done.stderr) == (1, True)


def test_what_is_behind_the_seal_is_looked_into(world: SealedLedger) -> None:
    """Its order is checked, as it is not sealed yet."""
    world.alter("DELETE FROM events WHERE notification_id = %s", world.head() - 5)
    done = falcon(world.databases, "replay", "verify", "--from-seal", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["first_position"] == world.head() - 5


def a_byte(world: SealedLedger) -> tuple[int, str, str]:
    """Put a space where it changes no meaning, in a tile that is full."""
    world.alter("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s", 300)
    return 257, "tile", "root of level 0"


def a_byte_behind_the_last_tile(world: SealedLedger) -> tuple[int, str, str]:
    sizes = world.sizes()
    world.alter(
        "UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s", sizes[-1]
    )
    return sizes[-2] + 1, "seal", "root"


def a_tile(world: SealedLedger) -> tuple[int, str, str]:
    world.alter("UPDATE seal_tile SET root = %s WHERE number = 1", EMPTY_ROOT)
    return 257, "tile", "root of level 0"


def a_lost_tile(world: SealedLedger) -> tuple[int, str, str]:
    world.alter("DELETE FROM seal_tile WHERE number = %s", 1)
    return 257, "tile", "root of level 0"


def a_tile_too_many(world: SealedLedger) -> tuple[int, str, str]:
    world.alter("INSERT INTO seal_tile VALUES (1, 0, 9, %s)", EMPTY_ROOT)
    return 2_560, "tile", "row"


def a_root(world: SealedLedger) -> tuple[int, str, str]:
    """In the column alone: the note that is signed says another one."""
    size = world.sizes()[2]
    world.alter("UPDATE seal SET root = %s WHERE size = %s", EMPTY_ROOT, size)
    return size, "seal", "checkpoint"


def a_note(world: SealedLedger) -> tuple[int, str, str]:
    size = world.sizes()[2]
    world.alter(
        "UPDATE seal SET checkpoint = replace(checkpoint, 'main', 'mine') WHERE size = %s", size
    )
    return size, "seal", "checkpoint"


def a_key_s_beginning(world: SealedLedger) -> tuple[int, str, str]:
    """Change what `/v1/audit/keys` says of when a key began to sign."""
    first = world.sizes()[0]
    world.alter("UPDATE seal_key SET from_size = %s", first + 100)
    return first, f"seal_key {world.vkeys()[0]}", "from_size"


def keys_exchanged(world: SealedLedger) -> tuple[int, str, str]:
    """Let the old key pass for the one that signs since a rotation."""
    SealKeys(world.databases.settings.home, {}).rotate()
    seal_now(world.databases)
    old = world.vkeys()[0]
    world.alter("UPDATE seal_key SET place = %s - place", 3)
    return world.sizes()[0], f"seal_key {old}", "place"


def the_first_seal(world: SealedLedger) -> tuple[int, str, str]:
    """Take away a seal that its key says to have signed."""
    first = world.sizes()[0]
    world.alter("DELETE FROM seal WHERE size = %s", first)
    return first, f"seal_key {world.vkeys()[0]}", "from_size"


def the_last_seal(world: SealedLedger) -> tuple[int, str, str]:
    """Events and seals cut off alike; what is remembered outside tells."""
    size = world.sizes()[-2]
    world.alter("DELETE FROM events WHERE notification_id > %s", size)
    world.alter("DELETE FROM seal WHERE size > %s", size)
    return size + 1, "log", "events"


def everything_anew(world: SealedLedger) -> tuple[int, str, str]:
    """Another history, sealed with another key that is entered as if it were ours."""
    memory = world.memory().path
    kept = memory.read_text()
    secret = world.databases.settings.home / "secrets" / "seal_keys"
    keys = secret.read_text()
    world.alter("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s", 5)
    for table in ("seal", "seal_tile", "seal_key"):
        world.alter(f"DELETE FROM {table} WHERE epoch = %s", 1)
    memory.unlink()
    secret.unlink()
    SealKeys(world.databases.settings.home, {}).read_or_create()
    seal_now(world.databases)
    memory.write_text(kept)
    secret.write_text(keys)
    return 1, "seal_key", world.vkeys()[0]


ALTERATIONS = (
    a_byte,
    a_byte_behind_the_last_tile,
    a_tile,
    a_lost_tile,
    a_tile_too_many,
    a_root,
    a_note,
    a_key_s_beginning,
    keys_exchanged,
    the_first_seal,
    the_last_seal,
    everything_anew,
)


@pytest.mark.parametrize("alter", ALTERATIONS, ids=lambda alter: alter.__name__)
def test_an_alteration_is_found(
    world: SealedLedger, alter: Callable[[SealedLedger], tuple[int, str, str]]
) -> None:
    """And its place is named as narrowly as seals and tiles know it."""
    expected = alter(world)
    assert expected in wrong_seals(world, "--from-seal")


def test_a_history_that_was_written_anew_with_our_keys(world: SealedLedger) -> None:
    """Whoever has the keys, too, is found by the seal that is remembered elsewhere."""
    memory = world.memory().path
    kept = memory.read_text()
    world.alter("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s", 5)
    for table in ("seal", "seal_tile", "seal_key"):
        world.alter(f"DELETE FROM {table} WHERE epoch = %s", 1)
    memory.unlink()
    seal_now(world.databases)
    assert wrong_seals(world, "--from-seal") == []
    memory.write_text(kept)
    assert [wrong[1:] for wrong in wrong_seals(world)] == [("seal", "root")]
