"""What a listener is sent of changes: server-sent events, each as far as it is theirs to see."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from domain.money import Currencies
from infrastructure.tokens.caller import Caller
from interfaces.query_api.answers import Money, PaymentWithLegs, PositionNumber, Shape
from interfaces.query_api.endpoint import SEES_ALL
from interfaces.query_api.shown_payments import ShownPayments
from projections.changes import ChangedPayment, Changes, Movement

BALANCE_SCOPES = ("read", "wallets", *SEES_ALL)
PAYMENT_SCOPES = ("read", "payments", *SEES_ALL)
SCOPES = tuple(dict.fromkeys((*BALANCE_SCOPES, *PAYMENT_SCOPES)))
_encode = msgspec.json.Encoder().encode


class BalanceChange(Shape, kw_only=True):
    """What a wallet holds after a movement; `available` is `posted` less `held`."""

    wallet_id: str
    posted: Money
    held: Money
    available: Money
    currency: str
    position: PositionNumber


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who listens, and to what."""

    user: str
    sees_all: bool
    balances: bool
    payments: bool

    @classmethod
    def of(cls, caller: Caller) -> "Viewer":
        """Return a caller as a viewer."""
        return cls(
            caller.sub,
            any(map(caller.has, SEES_ALL)),
            any(map(caller.has, BALANCE_SCOPES)),
            any(map(caller.has, PAYMENT_SCOPES)),
        )


class Frames:
    """Writes changes for viewers; what is the same for all of them is written once."""

    def __init__(self, changes: Changes, currencies: Currencies) -> None:
        """Take the changes, and how money is written."""
        self._changes = changes
        self._currencies = currencies
        self._shown = ShownPayments(currencies)
        self._balances: dict[int, bytes] = {}

    def of(self, viewer: Viewer) -> Iterator[tuple[int, bytes]]:
        """Yield positions and events that a viewer may see, in the order of positions."""
        mine = self._changes.wallets.get(viewer.user, frozenset())
        if not mine and not viewer.sees_all:
            return
        found: list[tuple[int, bytes]] = []
        if viewer.balances:
            found.extend(
                (movement.position, self._balance(movement))
                for movement in self._changes.movements
                if viewer.sees_all or movement.wallet_id in mine
            )
        if viewer.payments:
            for payment in self._changes.payments:
                frame = self._payment(payment, mine, viewer.sees_all)
                if frame is not None:
                    found.append((payment.changed_at, frame))
        yield from sorted(found)

    def _balance(self, movement: Movement) -> bytes:
        known = self._balances.get(movement.position)
        if known is None:

            def written(minor: int) -> str:
                return self._currencies.format(minor, movement.currency)

            known = self._balances[movement.position] = frame(
                "balance",
                movement.position,
                BalanceChange(
                    wallet_id=movement.wallet_id,
                    posted=written(movement.posted_after),
                    held=written(movement.held_after),
                    available=written(movement.posted_after - movement.held_after),
                    currency=movement.currency,
                    position=movement.position,
                ),
            )
        return known

    def _payment(
        self, payment: ChangedPayment, mine: frozenset[str], sees_all: bool
    ) -> bytes | None:
        """Return a payment for its payer's side or its payee's, or nothing for anybody else."""
        legs = [
            replace(
                leg, paid=leg.source_wallet_id in mine, received=leg.destination_wallet_id in mine
            )
            for leg in self._changes.legs.get(payment.payment_id, ())
        ]
        payer = payment.source_wallet_id in mine or any(leg.paid for leg in legs)
        payee = payment.destination_wallet_id in mine or any(leg.received for leg in legs)
        if not (sees_all or payer or (payee and payment.told)):
            return None
        row = replace(payment, payer=sees_all or payer)
        shown: PaymentWithLegs = self._shown.with_legs(row, legs, sees_all=sees_all)
        return frame("payment", payment.changed_at, shown)


def frame(name: str, position: int, document: Shape) -> bytes:
    """Return a server-sent event; JSON on one line needs no more than one `data`."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), position, _encode(document))


def beat(position: int) -> bytes:
    """Return a comment that shows that the stream lives, and from where it would be resumed."""
    return b": alive\nid: %d\n\n" % position
