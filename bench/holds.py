"""Holds and captures beside transfers, and a wallet with a long past beside one that is new."""

import random
from collections.abc import Callable, Sequence
from uuid import UUID

from application.commands import Submission
from bench.figure import Figure
from bench.filling import Filling
from bench.in_process import (
    CALLERS,
    OPERATOR,
    check,
    commands,
    open_wallets,
    raised,
    transfers,
)
from bench.place import Place
from bench.plan import Plan
from domain.holds import CaptureHold
from domain.identifiers import PaymentId, WalletId, key_stream, payment_id
from domain.money import Currencies
from domain.payment_events import Leg
from domain.payments import MakePayment
from infrastructure.ledger_store.opening import open_ledger

EVENTS = 100_000
WALLETS = 1_000
OPEN_HOLDS = 1_000
HOLDS_AGAINST_TRANSFERS = 0.8
OLD_AGAINST_NEW = 0.9

Pair = Callable[[], tuple[WalletId, WalletId]]
"""Draws who pays and who is paid."""


def figures(place: Place, plan: Plan) -> list[Figure]:
    """Fill the old wallet, then measure all in turns, so that all see the same machine."""
    filling = Filling(place)
    events = plan.events or EVENTS
    with place.fan_out_paused():
        # Each transfer into it is one event of the wallet and three of the ledger.
        filling.fill(WALLETS, WALLETS + 3 * events, events)
        old, (new, *others) = filling.hot, open_wallets(place)
        _hold_open(place, old, others)
        rows = [_row(place, old, new, others, plan.seconds) for _ in range(plan.runs)]
    paid, held, *ratios = (tuple(column) for column in zip(*rows, strict=True))
    size = f"{events:,} events and {OPEN_HOLDS:,} open holds"
    return [
        Figure(
            "holds and captures, commands/s against transfers/s",
            "",
            tuple(one / other for one, other in zip(held, paid, strict=True)),
            HOLDS_AGAINST_TRANSFERS,
            remarks={
                "holds and captures": f"{sorted(held)[len(held) // 2]:,.0f}/s",
                "transfers": f"{sorted(paid)[len(paid) // 2]:,.0f}/s",
            },
        ),
        Figure(
            f"transfers from a wallet with {size}, against a new one",
            "",
            ratios[0],
            OLD_AGAINST_NEW,
        ),
        Figure(
            f"holds and captures in a wallet with {size}, against a new one",
            "",
            ratios[1],
            OLD_AGAINST_NEW,
        ),
    ]


def _row(
    place: Place, old: WalletId, new: WalletId, others: Sequence[WalletId], seconds: float
) -> tuple[float, ...]:
    """Measure once: transfers, holds and captures, and both from the old wallet by the new one."""
    return (
        transfers(place, others, seconds),
        _holds(place, lambda: _two(others), seconds),
        transfers(place, [old, *others], seconds, hot=True)
        / transfers(place, [new, *others], seconds, hot=True),
        _holds(place, lambda: (old, random.choice(others)), seconds)
        / _holds(place, lambda: (new, random.choice(others)), seconds),
    )


def _two(wallets: Sequence[WalletId]) -> tuple[WalletId, WalletId]:
    source, destination = random.sample(wallets, 2)
    return source, destination


def _holds(place: Place, pair: Pair, seconds: float) -> float:
    """Let each caller place a hold, capture all of it, and begin again; return commands/s."""
    placed: list[PaymentId | None] = [None] * CALLERS

    def submission(caller: int, stream: UUID) -> Submission:
        payment, placed[caller] = placed[caller], None
        if payment is not None:
            command = CaptureHold(payment, None, final=True)
            return Submission(command, OPERATOR, stream, "0" * 64)
        placed[caller] = payment_id(stream)
        return _hold(stream, *pair())

    return commands(place, submission, seconds)


def _hold(stream: UUID, source: WalletId, destination: WalletId) -> Submission:
    command = MakePayment(
        payment_id=payment_id(stream),
        kind="hold",
        legs=(Leg(source, destination, 1, "EUR"),),
        amount=1,
        currency="EUR",
    )
    return Submission(command, OPERATOR, stream, "0" * 64)


def _hold_open(place: Place, source: WalletId, others: Sequence[WalletId]) -> None:
    """Place the holds that stay open."""
    ledger, store = open_ledger(place.settings, place.secrets, Currencies({}), report=raised)
    for start in range(0, OPEN_HOLDS, 250):
        streams = [
            key_stream("main", "bench", "holds", f"open-{number}")
            for number in range(start, start + 250)
        ]
        check(ledger.execute([_hold(each, source, random.choice(others)) for each in streams]))
    store.close()
