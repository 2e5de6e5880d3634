"""An auditor who asks for the latest seal and the trial balance again and again."""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests.faults.watcher import Watcher

EVERY_SECONDS = 0.5
SEAL, TRIAL_BALANCE = "/v1/audit/seals/latest", "/v1/reports/trial-balance"
ANCHORS, SHOWN = "anchors", "seals.jsonl"
"""Where seals are kept among the logs: by an anchor of the sealers', and by the auditor."""

READ = """
    SELECT count(*) FROM reports_main.access_log
    WHERE sub = %s AND route = %s AND status = 200"""
"""How often somebody has read something, as the log of that says."""


class Witness(Watcher):
    """A thread that writes each other checkpoint down as soon as it is shown.

    `read` is how many trial balances it was answered, `faults` what was wrong with them.
    """

    def __init__(self, query_url: str, token: str, path: Path) -> None:
        """Begin at once; the token has the scope `audit`."""
        self.read = 0
        self.faults: list[str] = []
        self._url = query_url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._path = path
        super().__init__()

    def _run(self) -> None:
        before = ""
        with self._path.open("a", buffering=1) as file:
            while not self._stop.wait(EVERY_SECONDS):
                seal = self._ask(SEAL)
                if seal is not None and seal["checkpoint"] != before:
                    before = seal["checkpoint"]
                    file.write(json.dumps({"at": time.time(), "checkpoint": before}) + "\n")
                balance = self._ask(TRIAL_BALANCE)
                if balance is not None:
                    self.read += 1
                    self._judge(balance)

    def _ask(self, path: str) -> dict[str, Any] | None:
        try:
            answer = httpx.get(self._url + path, headers=self._headers, timeout=3)
        except httpx.HTTPError:
            return None
        return dict(answer.json()) if answer.status_code == 200 else None

    def _judge(self, balance: dict[str, Any]) -> None:
        """Every currency sums to zero at every position that is ever shown."""
        for item in balance["items"]:
            if Decimal(item["sum"]):
                at = f"at position {balance['position']}"
                self.faults.append(f"the trial balance {at} sums {item['currency']} to {item}")
