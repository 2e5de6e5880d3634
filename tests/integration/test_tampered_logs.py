"""`./falcon replay verify` ends with 1 on a tampered ledger, and names position and field."""

from collections.abc import Callable

import pytest

from domain.identifiers import StreamId, bits
from infrastructure.seals.keys import SealKeys
from tests.tampered_book import Place, Tampered

Tamper = Callable[[Tampered], Place]
"""Does something to the ledger, and returns what must be among the differences."""


def lunch(world: Tampered) -> int:
    """Return where a payment of three events begins, of which everything is known."""
    return world.of("lunch")[0]


def an_amount(world: Tampered) -> Place:
    world.rewrite(lunch(world) + 1, '"amount":1234', '"amount":1134')
    return lunch(world) + 1, "events", "amount"


def a_space_in_metadata(world: Tampered) -> Place:
    """Change no meaning, so that only the seal tells, back to the seal before."""
    world.do("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = %s",
             world.sizes[1])  # fmt: skip
    return world.sizes[0] + 1, "seals", "root"


def a_time(world: Tampered) -> Place:
    world.do("UPDATE events SET recorded_at = recorded_at - interval '1 day'"
             " WHERE notification_id = %s", lunch(world))  # fmt: skip
    return lunch(world), "events", "recorded_at"


def a_type(world: Tampered) -> Place:
    world.do("UPDATE events SET topic = 'payment.compleded.v1' WHERE notification_id = %s",
             lunch(world))  # fmt: skip
    return lunch(world), "events", "type"


def a_version(world: Tampered) -> Place:
    world.do("UPDATE events SET originator_version = 999 WHERE notification_id = %s",
             lunch(world) + 1)  # fmt: skip
    return lunch(world) + 1, "events", "version"


def a_stream(world: Tampered) -> Place:
    """Make a debit of Ann's one of the guide's."""
    guide = bits(StreamId(world.names.wallets["guide"]))
    world.do("UPDATE events SET originator_id = %s, originator_version = 999"
             " WHERE notification_id = %s", guide, lunch(world) + 1)  # fmt: skip
    return lunch(world) + 1, "events", "stream"


def a_deletion(world: Tampered) -> Place:
    world.do("DELETE FROM events WHERE notification_id = %s", lunch(world) + 1)
    return lunch(world) + 1, "events", "position"


def a_deletion_that_is_closed_up(world: Tampered) -> Place:
    """No position is missing, as all behind it moved up."""
    world.do("DELETE FROM events WHERE notification_id = %s", lunch(world) + 1)
    move(world, lunch(world) + 1, -1)
    return lunch(world) + 1, "events", "metadata.index"


def the_first_event(world: Tampered) -> Place:
    world.do("DELETE FROM events WHERE notification_id = 1")
    return 1, "events", "position"


def a_swap(world: Tampered) -> Place:
    first = lunch(world) + 1
    for old, new in ((first, 9_999), (first + 1, first), (9_999, first + 1)):
        world.do("UPDATE events SET notification_id = %s WHERE notification_id = %s", new, old)
    return first, "events", "metadata.index"


def a_swap_of_whole_commands(world: Tampered) -> Place:
    """Two declined payments change places: nothing else depends on which was first."""
    one, other = world.of("declined")[0], world.of("frozen")[0]
    for old, new in ((one, 9_999), (other, one), (9_999, other)):
        world.do("UPDATE events SET notification_id = %s WHERE notification_id = %s", new, old)
    return 1, "seals", "root of level 0"


def an_insertion(world: Tampered) -> Place:
    """Put a credit that nobody paid in the middle."""
    position = lunch(world) + 3
    move(world, position, 1)
    world.do("INSERT INTO events SELECT originator_id, 999, topic, state, %s, metadata, recorded_at"
             " FROM events WHERE notification_id = %s", position, position - 1)  # fmt: skip
    return position, "events", "metadata.index"


def an_insertion_at_the_end(world: Tampered) -> Place:
    ((last,),) = world.ask("SELECT max(notification_id) FROM events")
    world.do("INSERT INTO events SELECT originator_id, 999, topic, state, %s, metadata, recorded_at"
             " FROM events WHERE notification_id = %s", last + 1, last)  # fmt: skip
    return last + 1, "events", "version"


def move(world: Tampered, first: int, by: int) -> None:
    """Move every event from a position on, by way of numbers that nobody has."""
    for step in (100_000 + by, -100_000):
        world.do("UPDATE events SET notification_id = notification_id + %s"
                 " WHERE notification_id >= %s", step, first)  # fmt: skip


def a_tail_that_is_not_sealed(world: Tampered) -> Place:
    last = world.sizes[-1] + 3
    world.do("DELETE FROM events WHERE notification_id > %s", last)
    return last + 1, "entries", "last position that the store has"


def a_sealed_tail(world: Tampered) -> Place:
    """With the seals over it, and with read models and heads as if it had never been."""
    cut(world, world.sizes[1])
    world.do("DELETE FROM seal WHERE size > %s", world.sizes[1])
    world.build_read_models_anew()
    take_heads_back(world)
    return world.sizes[1] + 1, "seals", "events"


def cut(world: Tampered, last: int) -> None:
    world.do("DELETE FROM events WHERE notification_id > %s", last)


def take_heads_back(world: Tampered) -> None:
    """Give the two wallets that small payments were made between what the events say."""
    for name, sign in (("ann", -1), ("shop", 1)):
        wallet = bits(StreamId(world.names.wallets[name]))
        ((gone,),) = world.ask(
            "SELECT count(*) FROM copy_of_events c WHERE originator_id = %s AND NOT EXISTS"
            " (SELECT FROM events e WHERE e.notification_id = c.notification_id)",
            wallet,
        )
        world.do("UPDATE wallet_head SET version = version - %s, posted = posted - %s,"
                 " spent = greatest(0, spent - %s) WHERE id = %s",
                 gone, sign * gone, gone if sign < 0 else 0, wallet)  # fmt: skip


def a_head(world: Tampered) -> Place:
    wallet = StreamId(world.names.wallets["guide"])
    world.do("UPDATE wallet_head SET posted = posted + 100 WHERE id = %s", bits(wallet))
    return world.positions(wallet)[-1], "wallet_head", "posted"


def an_event_and_all_that_follows(world: Tampered) -> Place:
    """Payment, debit, credit, heads and read models agree: the seal alone knows otherwise."""
    position = lunch(world)
    for each in range(position, position + 3):
        world.rewrite(each, '"amount":1234', '"amount":1235')
    for name, sign in (("ann", -1), ("shop", 1)):
        wallet = bits(StreamId(world.names.wallets[name]))
        world.do("UPDATE wallet_head SET posted = posted + %s, spent = spent + %s WHERE id = %s",
                 sign, 1 if sign < 0 else 0, wallet)  # fmt: skip
    world.build_read_models_anew()
    return 1, "seals", "root of level 0"


def a_tree_of_another_key(world: Tampered) -> Place:
    """Tiles, seals and key computed anew, and the key entered as the ledger's."""
    world.do("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = 5")
    kept = world.memory.read_text()
    secret = world.home / "secrets" / "seal_keys"
    keys = secret.read_text()
    world.forget_seals()
    secret.unlink()
    SealKeys(world.home, {}).read_or_create()
    world.seal()
    ((vkey,),) = world.ask("SELECT vkey FROM seal_key")
    world.memory.write_text(kept)
    secret.write_text(keys)
    return 1, "seals", vkey


def a_tree_of_the_stolen_key(world: Tampered) -> Place:
    """All signed by the right key; what the home remembers is another root."""
    world.do("UPDATE events SET metadata = metadata || ' ' WHERE notification_id = 5")
    kept = world.memory.read_text()
    world.forget_seals()
    world.seal()
    world.memory.write_text(kept)
    return 1, "seals", "root"


TAMPERINGS: tuple[Tamper, ...] = (
    an_amount,
    a_space_in_metadata,
    a_time,
    a_type,
    a_version,
    a_stream,
    a_deletion,
    a_deletion_that_is_closed_up,
    the_first_event,
    a_swap,
    a_swap_of_whole_commands,
    an_insertion,
    an_insertion_at_the_end,
    a_tail_that_is_not_sealed,
    a_sealed_tail,
    a_head,
    an_event_and_all_that_follows,
    a_tree_of_another_key,
    a_tree_of_the_stolen_key,
)
ONLY_THE_SEALS = {
    "a_space_in_metadata",
    "a_sealed_tail",
    "an_event_and_all_that_follows",
    "a_tree_of_another_key",
    "a_tree_of_the_stolen_key",
}
"""Where all else agrees with itself, so that without seals nobody would know."""


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda tamper: tamper.__name__)
def test_tampering_is_found(world: Tampered, tamper: Tamper) -> None:
    """The command ends with 1, lists the place, and tells people the first one known exactly."""
    expected = tamper(world)
    code, places, said = world.told()
    assert code == 1
    assert expected in places
    assert "the first is at position" in said
    if expected[1] != "seals":
        assert f"Position {expected[0]}, " in said
    if tamper.__name__ in ONLY_THE_SEALS:
        assert {where for _, where, _ in places} == {"seals"}
