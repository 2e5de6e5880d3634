"""What operators do while money moves: close a period, and rebuild read models, also cut off."""

from infrastructure.databases.logins import Database
from projections.catalogue import CATALOGUE
from tests.faults.closing import close_under_load
from tests.faults.ground import Ground
from tests.faults.kinds import Kind
from tests.faults.kinds.commands import cut_off, ended

NAMES = tuple(projection.name for projection in CATALOGUE)
REPORTS: tuple[Database, str] = ("reports", "rebuild")
BEGINS_SECONDS = 15.0
CUT_OFF_SECONDS = (0.0, 1.0)
"""When a rebuild is killed, from the moment when it is connected: anywhere in its work."""


def _rebuild(ground: Ground, name: str) -> None:
    """Rebuild a read model to its end; a comparison that fails is a fault of the product."""
    words = ["replay", "rebuild", name]
    words += ["--drop-old"] if ground.choose.random() < 0.5 else []
    told = ended(ground, words, lambda: ground.note(f"{name} is being rebuilt", rebuild="begun"))
    if told is not None:
        facts = {fact: told[fact] for fact in ("position", "began_at", "attempts")}
        ground.note(f"{name} was rebuilt", rebuild="done", **facts)


def _rebuild_whole(ground: Ground) -> None:
    _rebuild(ground, ground.choose.choice(NAMES))


def _rebuild_cut_off(ground: Ground) -> None:
    """Kill a rebuild somewhere in its work; the next one goes on, whatever was left."""
    name = ground.choose.choice(NAMES)
    ground.note(f"{name} is being rebuilt, to be killed", rebuild="begun")
    words = ["replay", "rebuild", name]
    code = cut_off(ground, words, REPORTS, BEGINS_SECONDS, CUT_OFF_SECONDS)
    ground.note(f"a rebuild of {name} was killed", code=code)
    _rebuild(ground, name)


# A rebuild beside read models that begin anew, or whose server is away, rightly ends with a
# sentence, and proves nothing: so nothing else strikes meanwhile.
KINDS = (
    Kind("close a period under load", close_under_load),
    Kind("rebuild a read model", _rebuild_whole, alone=True),
    Kind("kill a rebuild and do it again", _rebuild_cut_off, alone=True),
)
"""The kinds of this module."""
