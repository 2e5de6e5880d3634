"""What a run of the ledger's machine must reach, so that it proves what it says."""

from collections import Counter
from collections.abc import Collection, Mapping

OFTEN = (
    *("done", "insufficient-funds", "repeat", "key-reused", "foreign"),
    *("wallet-frozen", "wallet-closed", "hold-expired"),
)
"""At least one in twenty."""

REFUSALS = (
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

LEAST: dict[str, float] = {
    **dict.fromkeys(OFTEN, 0.05),
    **dict.fromkeys(REFUSALS, 0.01),
    **dict.fromkeys(GROUPS, 0.001),
}
"""The least share of each end."""

DEALT = {end: least for end, least in LEAST.items() if end not in {"done", *GROUPS}}
"""What requests are drawn for one by one, in these shares of all that is not the play itself."""


def check_reach(
    reached: Counter[str],
    beyond: Collection[str] = (),
    share: float = 1.0,
    least: Mapping[str, float] = LEAST,
) -> None:
    """Fail a run whose requests no longer reach a class of ends.

    Some are `beyond` the run; of the others at least this share of what is usual is expected.
    """
    total = reached.total()
    shares = {name: reached[name] / total for name in least if name not in beyond}
    for name in sorted(shares, key=lambda each: shares[each] / least[each]):
        # Seen with `pytest -s` by whoever looks for how much room there is.
        print(f"{name:30} {shares[name]:7.2%} {shares[name] / least[name]:5.2f}")
    missed = {name: found for name, found in shares.items() if found < share * least[name]}
    assert not missed, (missed, reached.most_common())
