"""What lies in an archive's place."""

from pathlib import Path


def files(store: Path) -> list[str]:
    """Return the names of all files but the lock, which is nothing by itself."""
    return sorted(path.name for path in store.iterdir() if path.name != ".lock")
