"""The network between a process and its PostgreSQL: lost, cut, slow, half open, refused."""

import contextlib
from collections.abc import Callable, Iterator

from tests.faults.ground import Ground, NotStruck
from tests.faults.kinds import Kind
from tests.faults.others import WORKERS
from tests.tools.cutting_proxy import COMMIT, CuttingProxy

COMMAND = "command-api"
ROLES = (COMMAND, *WORKERS)
LOSSES = 3
LOSS_SECONDS = 4.0
SILENT_SECONDS = 7.0
"""Longer than every time-out of a session and the deadline of a batch."""

PIECE_SECONDS = 0.03
SLOW_SECONDS = 4.0


def _lose(
    mark: Callable[[CuttingProxy], None], what: str, losses: int = LOSSES, role: str = COMMAND
) -> Callable[[Ground], None]:
    def strike(ground: Ground) -> None:
        proxy = ground.others[role].proxy
        before = proxy.lost
        for number in range(losses):
            mark(proxy)
            waited = 0.0
            while proxy.lost <= before + number and waited < LOSS_SECONDS and ground.remaining():
                ground.pause(0.02)
                waited += 0.02
        proxy.lose_nothing()
        if proxy.lost == before:
            raise NotStruck("no batch was committed through the proxy")
        ground.note(f"{proxy.lost - before} {what} lost")

    return strike


def _cut(ground: Ground) -> None:
    for role in ROLES:
        ground.others[role].proxy.cut()


def _during(
    role: str,
    harm: Callable[[CuttingProxy], contextlib.AbstractContextManager[None]],
    seconds: float,
) -> Callable[[Ground], None]:
    def strike(ground: Ground) -> None:
        with harm(ground.others[role].proxy):
            ground.pause(seconds)

    return strike


@contextlib.contextmanager
def _slow(proxy: CuttingProxy) -> Iterator[None]:
    proxy.slow_down(PIECE_SECONDS)
    try:
        yield
    finally:
        proxy.slow_down(0)


def _silent(cut: bool) -> Callable[[CuttingProxy], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def silent(proxy: CuttingProxy) -> Iterator[None]:
        """Neither end learns that the other is not reached."""
        proxy.go_silent()
        try:
            yield
        finally:
            proxy.speak_again(cut)

    return silent


@contextlib.contextmanager
def _refused(proxy: CuttingProxy) -> Iterator[None]:
    proxy.refuse(True)
    proxy.cut()
    try:
        yield
    finally:
        proxy.refuse(False)


KINDS = (
    Kind(
        "lose the answer to COMMIT",
        _lose(lambda proxy: proxy.lose_answer_to(COMMIT), "answers to COMMIT"),
    ),
    Kind("lose COMMIT", _lose(lambda proxy: proxy.lose_request_of(COMMIT), "COMMITs")),
    Kind(
        "leave a batch without its COMMIT",
        _lose(lambda proxy: proxy.lose_rest_of(COMMIT), "COMMITs after their append", 1),
    ),
    Kind(
        "lose answers to COMMIT of the second payments",
        _lose(lambda proxy: proxy.lose_answer_to(COMMIT), "answers to COMMIT", role="payments"),
    ),
    Kind("cut all second connections", _cut),
    *(Kind(f"slow network of the second {r}", _during(r, _slow, SLOW_SECONDS)) for r in ROLES),
    *(
        Kind(f"half-open network of the second {r}", _during(r, _silent(cut=True), SILENT_SECONDS))
        for r in ROLES
    ),
    *(
        Kind(f"jammed network of the second {r}", _during(r, _silent(cut=False), SILENT_SECONDS))
        for r in ROLES
    ),
    *(Kind(f"refuse the second {r}", _during(r, _refused, SLOW_SECONDS)) for r in ROLES),
)
"""The kinds of this module."""
