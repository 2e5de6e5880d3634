"""The README's lines and those of other pages, run as they stand by a shell on a real system."""

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.recurrences import read_recurrence
from domain.schedule_events import Day
from tests.tools.whole_system import ROOT, WholeSystem

BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
TOKEN_COMMAND = re.compile(r"`(\./falcon token [^`]*)`")
RULE = re.compile(r"^\| `(FREQ=[^`]*)`", re.MULTILINE)


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
    assert [item["position"] for item in listed["items"]] == list(range(1, 11))
    told = "\n".join(shell(running, f"{before}\n{first_lines[3]}\necho ----\n{past}"))
    balance, *rebuilt = told.partition("----")[2].strip().splitlines()
    assert '"available":"0.00"' in balance.replace(" ", "")
    assert "12.34" in "\n".join(rebuilt)
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


def wallet(system: WholeSystem, subject: str, name: str) -> str:
    """Return a wallet of somebody's, from which money may leave."""
    headers = {"Authorization": f"Bearer {system.token('wallets operate', subject)}"}
    answer = httpx.post(
        f"http://localhost:{system.port}/v1/wallets",
        json={"name": name, "currency": "EUR", "overdraft_limit": "1000.00"},
        headers={**headers, "Idempotency-Key": name},
        timeout=10,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["wallet_id"])


def remembered(block: str, name: str, path: str) -> str:
    """Return a block that keeps the id in its answer, and waits until queries know it."""
    return f"""
ANSWER=$({block})
echo "$ANSWER"
{name}=$(echo "$ANSWER" | grep -o -E '(prq|sch)_[0-9A-Z]{{26}}' | head -1)
POSITION=$(echo "$ANSWER" | grep -o '"position":[0-9]*' | tail -1 | cut -d: -f2)
curl -s "localhost:8000{path}?min_position=$POSITION" -H "Authorization: Bearer $READS" > /dev/null
"""


def test_requesting_a_payment(running: WholeSystem) -> None:
    """A payment is asked for, looked at and paid as the page says, with the scopes that it says."""
    page = ROOT / "docs/how-to/request-a-payment.md"
    ask, look, accept = blocks(page)
    (token,) = TOKEN_COMMAND.findall(page.read_text())
    people = f"""
PAYEE=$({token})
PAYER=$({token.replace("ben", "ann")})
READS=$PAYEE
TILL={wallet(running, "ben", "till")}
PURSE={wallet(running, "ann", "purse")}
"""
    script = people + remembered(ask, "REQUEST", "/v1/payment-requests") + look + accept
    asked, found, listed, paid = objects("".join(shell(running, script)))
    assert asked["request_id"] == found["request_id"]
    assert (found["status"], found["qr_svg"]) == ("open", asked["qr_svg"])
    assert found["request_id"] in {item["request_id"] for item in listed["items"]}
    assert (paid["status"], paid["amount"]) == ("completed", "12.34")
    assert paid["reference"] == asked["reference"]


def test_scheduling_a_payment(running: WholeSystem) -> None:
    """A schedule is made, looked at, paused, resumed and deleted as the page says."""
    page = ROOT / "docs/how-to/schedule-payments.md"
    create, look, change = blocks(page)
    (token,) = TOKEN_COMMAND.findall(page.read_text())
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    create, dates = re.subn(r"\d{4}-\d{2}-\d{2}", day, create)
    assert dates == 1
    people = f"""
TOKEN=$({token})
READS=$TOKEN
HOME_WALLET={wallet(running, "ann", "household")}
SHOP={wallet(running, "ben", "shop")}
"""
    script = people + remembered(create, "SCHEDULE", "/v1/schedules") + look + change
    made, found, listed, *changed = objects("".join(shell(running, script)))
    assert (made["status"], made["next_on"]) == ("active", day)
    assert found["schedule_id"] == made["schedule_id"]
    assert found["transfer"]["amount"] == "500.00"
    assert found["schedule_id"] in {item["schedule_id"] for item in listed["items"]}
    assert [schedule["status"] for schedule in changed] == ["paused", "active", "deleted"]


def test_the_rules_of_the_page_are_taken() -> None:
    """Every recurrence that is shown as an example is one that a schedule may have."""
    rules = RULE.findall((ROOT / "docs/how-to/schedule-payments.md").read_text())
    assert len(rules) > 5
    for rule in rules:
        assert read_recurrence(rule, Day("2026-01-30")) == rule
