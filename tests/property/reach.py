"""What a run of the ledger's machine must reach, so that it proves what it says."""

from collections import Counter
from collections.abc import Collection

OFTEN = (
    "done",
    "insufficient-funds",
    "repeat",
    "wallet-frozen",
    "hold-expired",
)
"""At least one in twenty."""

REFUSALS = (
    *("key-reused", "foreign", "wallet-closed"),
    *("same-wallet", "currency-mismatch", "payee-unavailable", "balance-out-of-range"),
    *("wallet-not-empty", "overdraft-in-use", "limit-exceeded", "last-owner"),
    *("wallet-not-shared", "hold-already-released", "hold-already-captured"),
    *("amount-exceeds-hold", "amount-exceeds-payment", "already-reversed", "already-refunded"),
    *("not-refundable", "not-reversible", "approval-not-needed", "already-approved"),
    *("not-found", "payment-not-found", "member-not-found", "role-missing", "not-payee"),
    *("nothing-to-do", "field-invalid"),
)
"""At least one in a hundred: with those above every way in which the ledger says no."""

GROUPS = ("dry run", "atomic done", "atomic refused")
"""At least one in a thousand."""


def check_reach(reached: Counter[str], beyond: Collection[str] = (), share: float = 1.0) -> None:
    """Fail a run whose requests no longer reach a class of ends.

    Some are `beyond` the run; of the others at least this share of what is usual is expected.
    """
    total = reached.total()
    missed = {
        name: reached[name] / total
        for names, least in ((OFTEN, 0.05), (REFUSALS, 0.01), (GROUPS, 0.001))
        for name in names
        if name not in beyond and reached[name] < share * least * total
    }
    assert not missed, (missed, reached.most_common())
