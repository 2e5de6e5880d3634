"""What the supervisor writes down for `status`, for `down`, and for the `up` after a crash."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from interfaces.supervisor.processes import ProcessMark


@dataclass(frozen=True, slots=True)
class Part:
    """A role or a server that the supervisor keeps up; `pid` is 0 while it is down."""

    name: str
    pid: int
    started: float
    port: int
    restarts: int

    @property
    def process(self) -> ProcessMark:
        """Return the mark of its process."""
        return ProcessMark(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class SystemState:
    """Everything that one supervisor keeps up, and whether it has been ready yet."""

    version: str
    ready: bool
    roles: tuple[Part, ...]
    servers: tuple[Part, ...]


def read_state(home: Path) -> SystemState | None:
    """Return what the last supervisor of the home wrote, or None when it ended cleanly."""
    try:
        found = json.loads((home / "run" / "state.json").read_text())
        return SystemState(
            found["version"],
            found["ready"],
            tuple(Part(**part) for part in found["roles"]),
            tuple(Part(**part) for part in found["servers"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_state(home: Path, state: SystemState) -> None:
    """Replace the written state in one step."""
    _write(home / "run" / "state.json", asdict(state))


def write_endpoints(home: Path, endpoints: Mapping[str, str]) -> None:
    """Tell every other process of this home where the servers are, by names of settings."""
    _write(home / "run" / "endpoints.json", dict(endpoints))


def forget(home: Path) -> None:
    """Remove what was written, since nothing of it runs any more."""
    for name in ("state.json", "endpoints.json"):
        (home / "run" / name).unlink(missing_ok=True)


def _write(path: Path, content: object) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)
