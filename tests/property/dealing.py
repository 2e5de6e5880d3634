"""Deals out what requests are drawn for, so that every end has its share of a run."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from application.commands import Submission

if TYPE_CHECKING:
    from tests.property.sender import Sender

Draw = Callable[["Sender", st.DataObject], Submission]

PLAY = 0.16
"""How much is drawn for the play itself: what changes the ledger, so that later there is an end."""

AHEAD = 3
"""For how many requests more the shares are reckoned; the fewer, the closer they are kept to."""


class Wish(NamedTuple):
    """The end that a request is drawn for, by what, and how often beside others for that end."""

    aim: str
    draw: Draw
    often: int = 1


class Dealer:
    """Prefers what is most behind: Hypothesis has its favourites, here all have their share.

    How much of what is drawn ends as wished hangs on what was drawn before; what has ended
    otherwise is drawn once more, so that a share hangs on no weight that somebody has tuned.
    """

    def __init__(
        self,
        wishes: Mapping[str, Wish],
        shares: Mapping[str, float],
        beyond: Collection[str] = (),
        *,
        blind: bool = False,
    ) -> None:
        """Take the wishes, and the share of each end but `done`; some are `beyond` the run.

        The blind do not look at what was reached: where that is not determined by what was drawn,
        the same draws could not be had again.
        """
        self.reached: Counter[str] = Counter()
        self._blind = blind
        wanted = {aim: share for aim, share in shares.items() if aim not in beyond}
        whole = sum(wanted.values())
        self._shares = {aim: share / whole for aim, share in wanted.items()}
        self._wishes: dict[str, list[str]] = {}
        self._often: dict[str, list[int]] = {}
        for name, (aim, _, often) in wishes.items():
            self._wishes.setdefault(aim, []).append(name)
            self._often.setdefault(aim, []).append(often)

    def deal(self, chance: Random) -> str:
        """Return what is wished next."""
        aim = "done" if chance.random() < PLAY else self._behind(chance)
        return chance.choices(self._wishes[aim], self._often[aim])[0]

    def _behind(self, chance: Random) -> str:
        if self._blind:
            return chance.choices([*self._shares], [*self._shares.values()])[0]
        total = sum(self.reached[aim] for aim in self._shares) + AHEAD
        missing = [
            max(0.0, share * total - self.reached[aim]) for aim, share in self._shares.items()
        ]
        return chance.choices([*self._shares], missing)[0]
