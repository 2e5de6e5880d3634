"""How soon everything is ready at a second start, and how much memory it takes."""

import time

from bench.figure import Figure
from bench.place import Place
from bench.plan import Plan


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure the second and later starts, and the memory of everything at rest."""
    starts, sizes = [], []
    for _ in range(plan.runs):
        place.down()
        starts.append(place.up())
        time.sleep(2)
        sizes.append(place.memory())
    return [
        Figure("up, second start, until ready", "s", tuple(starts), 12, at_most=True),
        Figure(
            "memory of everything, servers included (PSS)",
            "MiB",
            tuple(sizes),
            1.3 * 1024,
            at_most=True,
        ),
    ]
