"""How much of a payment is shown to whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from domain.instants import instant
from domain.money import Currencies
from domain.refusals import REFUSALS
from interfaces.query_api.answers import (
    Approval,
    Failure,
    Leg,
    PaymentWithHistory,
    PaymentWithLegs,
    Step,
    or_unset,
)
from projections.payment_queries import LegRow, PaymentRow, StepRow


class ShownPayments:
    """How much of a payment is shown to whom."""

    def __init__(self, currencies: Currencies) -> None:
        """Take how money is written."""
        self._currencies = currencies

    def with_history(
        self, row: PaymentRow, legs: Sequence[LegRow], steps: Sequence[StepRow], *, sees_all: bool
    ) -> PaymentWithHistory:
        """Return a payment with its legs and what it came to."""
        first = Step(
            status=row.began_as or row.status,
            recorded_at=instant(row.recorded_at),
            effective_at=instant(row.effective_at),
            position=row.position,
        )
        # A payee has nothing to do with what happened before they were told.
        told = [first, *(self._step(row, step) for step in steps)]
        if not row.payer:
            told = [step for step in told if step.status != "awaiting-approval"]
        return PaymentWithHistory(
            **self.fields(row, legs, sees_all), legs=self._legs(row, legs, sees_all), timeline=told
        )

    def with_legs(
        self, row: PaymentRow, legs: Sequence[LegRow], *, sees_all: bool
    ) -> PaymentWithLegs:
        """Return a payment with its legs, and nothing of what it came to on the way."""
        return PaymentWithLegs(
            **self.fields(row, legs, sees_all), legs=self._legs(row, legs, sees_all)
        )

    def fields(self, row: PaymentRow, legs: Sequence[LegRow], sees_all: bool) -> dict[str, Any]:
        """Return what a list shows of a payment; the amount is the sum of the legs shown."""
        amount, currency = self._sum(row, legs, sees_all)
        fields: dict[str, Any] = {
            "payment_id": row.payment_id,
            "kind": row.kind,
            "status": row.status,
            "amount": self._currencies.format(amount, currency),
            "currency": currency,
            "source_wallet_id": or_unset(row.source_wallet_id),
            "destination_wallet_id": or_unset(row.destination_wallet_id),
            "original_payment_id": or_unset(row.original_payment_id),
            "description": or_unset(row.description),
            "created_at": instant(row.recorded_at),
            **self._amounts(row),
        }
        if row.expires_at is not None and row.status in {"authorized", "awaiting-approval"}:
            fields["expires_at"] = instant(row.expires_at)
        if row.payer:
            fields["reference"] = or_unset(row.reference)
            fields["metadata"] = or_unset(row.metadata)
            fields["failure"] = _failure(row.failure_code)
            fields["approval"] = _approval(row)
        return fields

    def _amounts(self, row: PaymentRow) -> Mapping[str, str]:
        """Return what was captured and refunded, of a payment of which anything can be."""
        written: dict[str, int] = {}
        held = row.kind == "hold" and row.status not in {"declined", "awaiting-approval"}
        if held:
            written |= {"captured": row.captured, "left": row.uncaptured}
        if held or row.refunded or row.refundable:
            written |= {"refunded": row.refunded, "refundable": row.refundable}
        return {name: self._currencies.format(each, row.currency) for name, each in written.items()}

    def _sum(self, row: PaymentRow, legs: Sequence[LegRow], sees_all: bool) -> tuple[int, str]:
        theirs = [leg for leg in legs if leg.paid] or [leg for leg in legs if leg.received]
        if sees_all or not theirs:
            return row.amount, row.currency
        return sum(leg.amount for leg in theirs), theirs[0].currency

    def _legs(self, row: PaymentRow, legs: Sequence[LegRow], sees_all: bool) -> list[Leg]:
        if row.source_wallet_id is not None and row.destination_wallet_id is not None:
            return [
                self._leg(row.source_wallet_id, row.destination_wallet_id, row.amount, row.currency)
            ]
        shown = [leg for leg in legs if sees_all or leg.paid or leg.received]
        return [
            self._leg(leg.source_wallet_id, leg.destination_wallet_id, leg.amount, leg.currency)
            for leg in shown
        ]

    def _leg(self, source: str, destination: str, amount: int, currency: str) -> Leg:
        return Leg(
            source_wallet_id=source,
            destination_wallet_id=destination,
            amount=self._currencies.format(amount, currency),
            currency=currency,
        )

    def _step(self, row: PaymentRow, step: StepRow) -> Step:
        written = self._currencies.format
        return Step(
            status=step.status,
            amount=UNSET if step.amount is None else written(step.amount, row.currency),
            recorded_at=instant(step.recorded_at),
            effective_at=instant(step.effective_at),
            position=step.position,
        )


def _failure(code: str | None) -> Failure | UnsetType:
    return UNSET if code is None else Failure(code=code, reason=REFUSALS[code].reason)


def _approval(row: PaymentRow) -> Approval | UnsetType:
    if row.requested_by is None:
        return UNSET
    return Approval(
        requested_by=row.requested_by,
        approved_by=row.approved_by or [],
        required=max((row.quorums or {}).values(), default=1),
    )
