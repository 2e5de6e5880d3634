"""What must be so where a command is refused: a refusal without its reason was decided on a lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.simulation.payments import Paid
from tests.simulation.purses import Purse


@dataclass(frozen=True)
class Case:
    """What stood when a command was refused, in minor units.

    `paid` is the payment that was referred to; `amount` what was asked for, or the new limit.
    """

    source: Purse
    payee: Purse
    paid: Paid | None = None
    amount: int | None = None
    available: int | None = None
    at: str = ""

    @property
    def hold(self) -> Paid:
        """The payment, where there is one."""
        assert self.paid is not None, "only what refers to a payment is refused for it"
        return self.paid


def is_so(code: str, case: Case) -> bool:
    """Whether a refusal has its reason."""
    found = REASONS.get(code)
    return found is not None and found(case)


def _short(case: Case) -> bool:
    return case.source.lacks(case.amount or 0) and case.available == case.source.available


def _run_out(case: Case) -> bool:
    hold = case.hold
    return hold.end == "expired" or (not hold.end and case.at >= hold.expires_at)


def _too_much_back(case: Case) -> bool:
    return case.hold.refundable == 0 or (case.amount or 0) > case.hold.refundable


def _not_refundable(case: Case) -> bool:
    paid = case.hold
    return not paid.reversed and (paid.kind not in {"transfer", "hold"} or paid.captured == 0)


def _not_reversible(case: Case) -> bool:
    """Whether it is so; that it was given back already would have been said first."""
    paid = case.hold
    if paid.reversed or paid.refunded:
        return False
    return paid.kind not in {"transfer", "hold"} or paid.status != "completed"


def _in_use(case: Case) -> bool:
    return case.amount is not None and case.source.available < -case.amount


REASONS: Mapping[str, Callable[[Case], bool]] = {
    "same-wallet": lambda case: case.source is case.payee,
    "insufficient-funds": _short,
    "wallet-frozen": lambda case: bool(case.source.frozen),
    "wallet-closed": lambda case: case.source.closed or case.payee.closed,
    "wallet-not-empty": lambda case: bool(case.source.balance or case.source.held),
    "overdraft-in-use": _in_use,
    "hold-already-captured": lambda case: case.hold.end == "captured",
    "hold-already-released": lambda case: case.hold.end == "released",
    "hold-expired": _run_out,
    "amount-exceeds-hold": lambda case: (case.amount or 0) > case.hold.left,
    "amount-exceeds-payment": _too_much_back,
    "already-reversed": lambda case: case.hold.reversed,
    "already-refunded": lambda case: case.hold.refunded > 0,
    "not-refundable": _not_refundable,
    "not-reversible": _not_reversible,
}
"""For each code by which a command of the simulation may be refused, when that is right."""
