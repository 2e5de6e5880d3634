"""What a fault may touch: the system, its second processes, chance, and the notes of the run."""

import hashlib
import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.load import Account
from tests.faults.others import Other
from tests.tools.whole_system import WholeSystem


class NotStruck(Exception):
    """The fault could not be done at this moment; the message says in a sentence why."""


@dataclass(frozen=True)
class Ground:
    """The ground of one strike; several may strike at once, each with a `choose` of its own.

    `others` are the second processes by role (`command-api` and the workers), which reach
    PostgreSQL through `others[role].proxy`. `account` is whose commands the clients send, `logs`
    the folder of the clients' logs and of `notes.jsonl`. `stop` is set, or `ends_at` (of
    `time.monotonic`) is reached, when the load ends: a strike undoes its harm and returns.
    """

    system: WholeSystem
    choose: random.Random
    others: Mapping[str, Other]
    account: Account
    logs: Path
    ends_at: float
    stop: threading.Event = field(default_factory=threading.Event)
    kind: str = ""

    def remaining(self) -> float:
        """Return the seconds of load that are left, not below zero."""
        return 0.0 if self.stop.is_set() else max(0.0, self.ends_at - time.monotonic())

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the run is being stopped."""
        self.stop.wait(seconds)

    def note(self, text: str, **facts: Any) -> None:
        """Write down what was done, with the time, in the run's notes."""
        entry = {"at": time.time(), "kind": self.kind, "note": text, **facts}
        with (self.logs / "notes.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def complain(self, text: str) -> None:
        """Write down a promise that was seen to be broken; the campaign fails by it."""
        self.note(text, fault=True)

    def recovers(self) -> None:
        """Say that from now on nothing keeps the product from recovering.

        Recovery times count from here, without it from the end of the strike.
        """
        self.note("nothing is in the way any more", recovers=True)

    def note_stranger(self, value: bytes | None) -> None:
        """Write down, before it is sent, a record put into the topic that is not the relay's.

        The checker lets pass records of exactly this value that are out of order, and no others.
        """
        digest = hashlib.sha256(value or b"").hexdigest()
        self.note("a stranger's record", stranger=digest)

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says; takes about a second."""
        return self.system.status()

    def pids(self, name: str) -> list[int]:
        """Return the ids of the supervised processes of a role or server by its name, if any.

        Names are those of `status`: `command-api` (several), `query-api`, `identity-api`,
        `relay`, `projector`, `postgres`, `kafka`, `gateway`; and `supervisor`.
        """
        if name == "supervisor":
            return [self.system.supervisor().pid]
        return [part["pid"] for part in self.parts() if part["name"] == name and part["pid"]]

    def port(self, name: str) -> int:
        """Return the port of a supervised role or server; raises `NotStruck` while it is down."""
        for part in self.parts():
            if part["name"] == name and part["port"]:
                return int(part["port"])
        raise NotStruck(f"{name} is down already")

    def parts(self) -> list[dict[str, Any]]:
        """Return name, pid (0 while down) and port of each part, as the supervisor wrote it."""
        try:
            state = json.loads((self.system.home / "run" / "state.json").read_text())
        except (OSError, ValueError):
            return []
        return [*state["roles"], *state["servers"]]

    def settings(self) -> dict[str, str]:
        """Return the settings by which the home's processes find the servers."""
        try:
            found: dict[str, str] = json.loads(
                (self.system.home / "run" / "endpoints.json").read_text()
            )
        except (OSError, ValueError):
            raise NotStruck("the system is not up") from None
        return found

    def secret(self, name: str) -> str:
        """Return a secret of the home, such as the password `db_relay` or `db_admin`."""
        return (self.system.home / "secrets" / name).read_text().strip()
