"""Who look on from outside while a campaign runs, and keep what they were shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.listening import HEARD, Listener
from tests.faults.load import Account
from tests.faults.progress import Progress
from tests.faults.witness import SHOWN, Witness


@dataclass(frozen=True)
class Onlookers:
    """Each a thread, at work as soon as it is made."""

    progress: Progress
    witness: Witness
    listener: Listener

    def close(self) -> None:
        """Let all of them end; it may be called twice."""
        self.progress.close()
        self.witness.close()
        self.listener.close()


def onlookers_of(status: Mapping[str, Any], account: Account, logs: Path) -> Onlookers:
    """Begin to look at a system that is up, as its `status --json` tells of it."""
    query = status["urls"]["query"]
    return Onlookers(
        Progress(status["database_url"], logs / "progress.jsonl"),
        Witness(query, account.auditor, logs / SHOWN),
        Listener(query, account.token, logs / HEARD),
    )
