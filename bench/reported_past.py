"""What reports tell of beside plain transfers: holds, purposes, and payments that were declined."""

from collections.abc import Iterator, Sequence
from itertools import cycle

from application.commands import Submission
from bench.filling import OPERATOR
from domain.identifiers import WalletId, key_stream, payment_id, wallet_id
from domain.payment_events import Leg
from domain.payments import WEEK, MakePayment
from domain.wallet_rules import OpenWallet

EVENTS_OF_THREE = 6
"""A hold has two events, a transfer three, and what is declined one."""

PURPOSES = 20


def past(wallets: Sequence[WalletId], hot: WalletId, count: int) -> Iterator[Submission]:
    """Yield so many holds that stay open, payments of the hot wallet for a purpose, and refusals.

    They come in turns, three for each number, behind the opening of a wallet with nothing in it.
    """
    stream = key_stream("main", "bench", "reported", "empty")
    empty = wallet_id(stream)
    opening = OpenWallet(
        wallet_id=empty,
        kind="personal",
        account_class="liability",
        name="empty",
        reference=None,
        currency="EUR",
        overdraft_limit=0,
    )
    yield Submission(opening, OPERATOR, stream, "0" * 64)
    others = cycle([wallet for wallet in wallets if wallet != hot])
    for number in range(count):
        purpose = {"category": f"purpose {number % PURPOSES}", "order": str(number)}
        payers = ((next(others), "hold"), (hot, "transfer"), (empty, "transfer"))
        for place, (payer, kind) in enumerate(payers):
            stream = key_stream("main", "bench", "reported", f"{number}-{place}")
            command = MakePayment(
                payment_id=payment_id(stream),
                kind="hold" if kind == "hold" else "transfer",
                legs=(Leg(payer, next(others), 1, "EUR"),),
                amount=1,
                currency="EUR",
                metadata=purpose if payer == hot else None,
                expires_in=4 * WEEK,
            )
            yield Submission(command, OPERATOR, stream, "0" * 64)
