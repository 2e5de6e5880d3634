"""Old movements moved to an archive while money moves, and a move that is cut off."""

from infrastructure.databases.logins import Database
from tests.faults.ground import Ground
from tests.faults.kinds import Kind
from tests.faults.kinds.commands import cut_off, ended
from tests.faults.sessions import administration

EPOCH = "SELECT max(number) FROM ledger_main.epoch"
BEGINS_SECONDS = 30.0
CUT_OFF_SECONDS = (0.0, 0.5)
"""When a move is killed, from the moment when it is connected: anywhere in its work."""


def _words(ground: Ground) -> list[str]:
    """Return the command: all that is sealed by now counts as old."""
    with administration(ground, "ledger") as connection:
        row = connection.execute(EPOCH).fetchone()
    assert row is not None, "a ledger has its first epoch"
    place = ground.logs / f"archive-{row[0]}"
    return ["archive", "--to", str(place), "--older-than", "0", "--move"]


def _move(ground: Ground) -> None:
    """Move to its end; an archive that does not hold what was sealed is a fault of the product."""
    told = ended(ground, _words(ground))
    if told is not None:
        ground.note(f"{told['moved']} events were moved", moved=told["moved"])


def _move_cut_off(ground: Ground) -> None:
    """Kill a move somewhere in its work; the next one goes on, whatever was left."""
    session: tuple[Database, str] = ("ledger", "archiver")
    code = cut_off(ground, _words(ground), session, BEGINS_SECONDS, CUT_OFF_SECONDS)
    ground.note("a move was killed", code=code)
    _move(ground)


# Without the role that puts it on record a move rightly ends with a sentence, and proves nothing.
KINDS = (
    Kind("move old movements to an archive", _move, alone=True),
    Kind("kill a move and do it again", _move_cut_off, alone=True),
)
"""The kinds of this module."""
