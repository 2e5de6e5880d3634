"""One figure: what was measured, how often, and what is to be reached."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Remarks = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with all its runs; `goal` is a bound, at least or at most, or none."""

    name: str
    unit: str
    runs: tuple[float, ...]
    goal: float | None = None
    at_most: bool = False
    remarks: Remarks = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The run in the middle."""
        return statistics.median(self.runs)

    @property
    def reached(self) -> bool | None:
        """Whether the median keeps the goal; none without a goal."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.at_most else self.median >= self.goal

    def document(self) -> dict[str, Any]:
        """Return the figure for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "runs": list(self.runs),
            "goal": self.goal,
            "bound": "at most" if self.at_most else "at least",
            "reached": self.reached,
            "remarks": dict(self.remarks),
        }


def row(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a figure's JSON as cells: name, median, spread, goal, reached, remarks."""
    runs: Sequence[float] = document["runs"]
    unit = f" {document['unit']}" if document["unit"] else ""
    sign = "<=" if document["bound"] == "at most" else ">="
    goal, reached = document["goal"], document["reached"]
    return (
        document["name"],
        number(document["median"]) + unit,
        "one run" if len(runs) == 1 else f"{number(min(runs))} - {number(max(runs))}",
        "-" if goal is None else f"{sign} {number(goal)}",
        {None: "-", True: "yes", False: "no"}[reached],
        ", ".join(f"{name} {value}" for name, value in document["remarks"].items()),
    )


def number(value: float) -> str:
    """Return a figure with as many digits as it is worth."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"
