"""One figure: what was measured, how often, and what is to be reached."""

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure with all its runs; `goal` is a bound, at least or at most."""

    name: str
    unit: str
    runs: tuple[float, ...]
    goal: float
    at_most: bool = False
    remarks: dict[str, float | str] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """The run in the middle."""
        return statistics.median(self.runs)

    @property
    def reached(self) -> bool:
        """Whether the median keeps the goal."""
        return self.median <= self.goal if self.at_most else self.median >= self.goal

    def row(self) -> tuple[str, ...]:
        """Return the figure as cells of a table: name, median, spread, goal, reached, remarks."""
        sign = "<=" if self.at_most else ">="
        return (
            self.name,
            f"{self.median:,.4g} {self.unit}" if self.median < 1000 else f"{self.median:,.0f}",
            f"{min(self.runs):,.4g} - {max(self.runs):,.4g}",
            f"{sign} {self.goal:,.4g}",
            "yes" if self.reached else "NO",
            ", ".join(f"{name} {value}" for name, value in self.remarks.items()),
        )

    def document(self) -> dict[str, object]:
        """Return the figure for JSON."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "runs": list(self.runs),
            "goal": self.goal,
            "bound": "at most" if self.at_most else "at least",
            "reached": self.reached,
            **self.remarks,
        }
