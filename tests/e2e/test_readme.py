"""The README's lines, run as they stand by a shell on a system that `up` has started."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.tools.whole_system import ROOT, WholeSystem

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def blocks(page: Path, heading: str = "") -> list[str]:
    """Return the shell blocks of a page behind a heading."""
    text = page.read_text()
    return BLOCK.findall(text[text.index(heading) :])


def shell(system: WholeSystem, script: str) -> list[str]:
    """Run a script where only the address of the gateway is the test's own."""
    script = script.replace("localhost:8000", f"localhost:{system.port}")
    done = subprocess.run(
        [
            "bash",
            "-euo",
            "pipefail",
            "-c",
            script,
        ],
        cwd=ROOT,
        env=system.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return [line for line in done.stdout.splitlines() if line.strip()]


def objects(printed: str) -> list[dict[str, Any]]:
    """Return the JSON objects that a script printed one behind the other."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(printed):
        value, place = decoder.raw_decode(printed, place)
        found.append(value)
    return found


@pytest.fixture(scope="module")
def first_lines() -> list[str]:
    """Return the five lines of the first transfer."""
    block = blocks(ROOT / "README.md", "## The first transfer")[0]
    return block.strip().splitlines()


def test_the_first_transfer(running: WholeSystem, first_lines: list[str]) -> None:
    """Five lines open two wallets, move money, and show it; the fourth again moves nothing."""
    assert len(first_lines) == 5
    script = "\n".join([*first_lines, first_lines[3], first_lines[4]])
    paid, balance, again, after = objects("".join(shell(running, script)))
    assert (paid["status"], paid["amount"]) == ("completed", "12.34")
    assert balance["available"] == "12.34"
    assert balance["position"] >= paid["position"]
    assert again == paid
    assert after["available"] == "12.34"


def test_the_tutorial(running: WholeSystem, first_lines: list[str]) -> None:
    """What the tutorial shows after the first transfer is what a reader sees."""
    steps = blocks(ROOT / "docs/tutorial/first-ledger.md", "Try what the ledger refuses")
    refusal, events, past, proof = steps[:4]
    before = "\n".join(first_lines[:3])
    (refused,) = objects("".join(shell(running, f"{before}\n{refusal}")))
    assert refused["code"] == "insufficient-funds"
    (listed,) = objects("".join(shell(running, events)))
    assert [item["type"] for item in listed["items"]][:2] == ["wallet.opened.v1"] * 2
    told = "\n".join(shell(running, f"{before}\n{past}"))
    assert '"available":"0.00"' in told.replace(" ", "")
    assert "12.34" in told
    assert "Everything is as the events say." in "\n".join(shell(running, proof))


def test_the_hotel_and_the_household(running: WholeSystem) -> None:
    """The second tutorial does what it says, block by block in one shell."""
    steps = blocks(ROOT / "docs/tutorial/hotel-and-household.md")
    # A line between two blocks, so that what each one prints is known.
    told = "\n".join(shell(running, "\necho ----\n".join(steps))).split("----")
    said = [[line.strip() for line in part.strip().splitlines()] for part in told]
    _, opened, held, taken, again, refunded, members, limits, approval, rent, proof = said
    assert opened == ["completed"]
    assert held[0] == "authorized"
    (balance,) = objects(held[1])
    assert (balance["posted"], balance["held"], balance["available"]) == (
        "500.00",
        "300.00",
        "200.00",
    )
    assert taken[:2] == ["completed", "180.00"]
    assert objects(taken[2])[0]["available"] == "320.00"
    assert again == ["hold-already-captured"]
    assert refunded[:2] == ["refund", "amount-exceeds-payment"]
    (booking,) = objects(refunded[2])
    assert (booking["status"], booking["refunded"]) == ("partially-refunded", "30.00")
    assert [step["status"] for step in booking["timeline"]] == [
        "authorized",
        "completed",
        "partially-refunded",
    ]
    assert members == ["owner", "spender", "completed"]
    assert limits == ["600.00", "limit-exceeded"]
    assert approval == ["open", "awaiting-approval", "Bicycle", "role-missing", "completed"]
    assert rent[0] == "active"
    assert "Everything is as the events say." in "\n".join(proof)
