"""How fast reports are answered over a million events, of ordinary wallets and of a hot one."""

import random
import time
from collections.abc import Callable, Mapping

import httpx

from bench.arithmetic import percentile
from bench.figure import Figure
from bench.filling import Filling, transfer_stream
from bench.million import EVENTS, HOT_EVENTS, WALLETS
from bench.place import Place
from bench.plan import Plan
from bench.reported_past import EVENTS_OF_THREE, past
from domain.identifiers import payment_id

ASKED = 300
"""How often each report is asked for in a run: enough for a percentile of 99."""

PRINTED = "statement, pdf"
"""What takes the longest, and is asked for a tenth as often: its pages are set, not read."""

OTHERS = 5_000
"""How many holds stay open, how many payments of the hot wallet have a purpose, how many are
declined."""

GOAL_MILLISECONDS = 50
Draw = Callable[[], tuple[str, Mapping[str, str]]]
"""Draws the path and the parameters of a question."""


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Measure each report by one caller who asks again as soon as the answer is there."""
    share = (plan.events or EVENTS) / EVENTS
    with place.fan_out_paused():
        filling = Filling(place)
        wallets, others = int(WALLETS * share), int(OTHERS * share)
        plain = int(EVENTS * share) - EVENTS_OF_THREE * others
        filling.fill(wallets, plain, int(HOT_EVENTS * share) - others)
        filling.add(past(filling.wallets, filling.hot, others))
    place.caught_up(900)
    _sealed(place, filling.position)
    token = place.token("bench", "audit")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=place.urls["query"], headers=headers, timeout=30) as client:
        return [
            Figure(
                f"{name} over {filling.position:,} events: p99",
                "ms",
                tuple(
                    _p99(client, draw, ASKED // 10 if name == PRINTED else ASKED)
                    for _ in range(plan.runs)
                ),
                None if name == PRINTED else GOAL_MILLISECONDS,
                at_most=True,
            )
            for name, draw in _questions(filling).items()
        ]


def _sealed(place: Place, position: int) -> None:
    """Wait until a seal holds all that was filled in."""
    headers = {"Authorization": f"Bearer {place.token('bench', 'audit')}"}
    end = time.monotonic() + 300
    while time.monotonic() < end:
        latest = httpx.get(f"{place.urls['query']}/v1/audit/seals/latest", headers=headers)
        if latest.status_code == 200 and latest.json()["size"] >= position:
            return
        time.sleep(0.5)
    raise AssertionError("the seals do not catch up")


def _p99(client: httpx.Client, draw: Draw, asked: int) -> float:
    """Return what 99 of 100 answers are within, in milliseconds."""
    took = []
    for _ in range(asked):
        path, parameters = draw()
        began = time.perf_counter()
        answer = client.get(path, params=parameters)
        took.append(time.perf_counter() - began)
        answer.raise_for_status()
    return 1000 * percentile(took, 0.99)


def _questions(filling: Filling) -> dict[str, Draw]:
    wallets, hot = filling.wallets, filling.hot

    def book(path: str, **parameters: str) -> Draw:
        return lambda: (path, parameters)

    def of_any(name: str) -> Draw:
        return lambda: (f"/v1/wallets/{random.choice(wallets)}/{name}", {})

    def trail_of_any() -> tuple[str, Mapping[str, str]]:
        return "/v1/audit/trail", {"wallet_id": random.choice(wallets)}

    def proof_of_any() -> tuple[str, Mapping[str, str]]:
        stream = transfer_stream(random.randrange(filling.transferred))
        return f"/v1/audit/payments/{payment_id(stream)}/proof", {}

    def statement_of_any(form: str) -> Draw:
        return lambda: (f"/v1/wallets/{random.choice(wallets)}/statement", {"format": form})

    return {
        "proof of a payment": proof_of_any,
        "statement, json": statement_of_any("json"),
        PRINTED: statement_of_any("pdf"),
        "months": book("/v1/reports/monthly"),
        "declines by reason": book("/v1/reports/declined"),
        "holds by age": book("/v1/reports/holds"),
        "the largest wallets": book("/v1/reports/concentration"),
        "who did what, all": book("/v1/audit/trail"),
        "who did what, by person": book("/v1/audit/trail", person="bench"),
        "who did what, by wallet": trail_of_any,
        "counterparties": of_any("counterparties"),
        "cash flow": of_any("cash-flow"),
        "balance history": of_any("balance-history"),
        "counterparties of a hot wallet": book(f"/v1/wallets/{hot}/counterparties"),
        "cash flow of a hot wallet": book(f"/v1/wallets/{hot}/cash-flow"),
        "balance history of a hot wallet": book(f"/v1/wallets/{hot}/balance-history"),
    }
