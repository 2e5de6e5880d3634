"""What commands about replays print for people: text that is never cut, and how far they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return where to print; names that people gave stand there as they gave them."""
    from rich.console import Console

    found = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    if not found.is_terminal:
        # A file has no edge, so nothing of a table needs to be cut off.
        found.width = 160
    return found


@contextmanager
def progress(doing: str = "replaying") -> Iterator[Callable[[int, int], object]]:
    """Show how far it is where a person is looking; told the position reached and the last one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    errors = Console(stderr=True)
    columns = (doing, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True)
    with bar:
        task = bar.add_task("events", total=None)
        yield lambda position, last: bar.update(task, completed=position, total=last)
