"""What decisions of every kind are made of: events in their places, and what they change."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from domain import approvals, authorizing, payment_state, payments, periods, wallets
from domain.events import Event, Side
from domain.identifiers import WalletId, bits
from domain.instants import Instant, later
from domain.payment_events import PaymentEvent
from domain.payment_requests import PaymentRequest
from domain.payment_state import Payment
from domain.payments import MakePayment, Movement
from domain.refusals import Refusal
from domain.schedules import Schedule
from domain.values import dataclass
from domain.wallets import Caller, Wallet


@dataclass(frozen=True, slots=True)
class Decision:
    """Events in the order of storing, the first of which is the answer, and what they change.

    It holds until `valid_before`, where that is earlier than the end of the day. `closes` is the
    last day of a period that it closes.
    """

    events: tuple[tuple[UUID, int, Event], ...]
    right: Side
    wallets: tuple[Wallet, ...] = ()
    payments: tuple[Payment, ...] = ()
    requests: tuple[PaymentRequest, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    refusal: Refusal | None = None
    valid_before: Instant | None = None
    closes: str | None = None


def beginning(
    command: MakePayment,
    caller: Caller,
    known: Mapping[WalletId, Wallet],
    now: Instant,
    closed_through: str | None,
) -> tuple[PaymentEvent, list[Movement]]:
    """Decide how a payment begins: done at once, held, or waiting for other owners."""
    periods.require_open(command.effective_at, closed_through)
    needed = approvals.quorums(command, known)
    if not needed and command.kind != "hold":
        movements = payments.make(command, known, caller, now)
        return payments.completed(command, now), movements
    movements = authorizing.hold(command, known, caller, now)
    expires_at = later(now, command.expires_in)
    if needed:
        return approvals.requested(command, needed, caller, expires_at, now), movements
    standing = authorizing.placed(command.amount, expires_at, now)
    return authorizing.authorized(command, standing), movements


def declined(
    command: MakePayment, stream: UUID, right: Side, refusal: Refusal, now: Instant
) -> Decision:
    """Return the decision that a payment is refused, which is a fact of its own."""
    event = payments.declined(command, refusal, now)
    return Decision(((stream, 1, event),), right, refusal=refusal)


def decided(
    stream: UUID,
    answer: Event,
    right: Side,
    known: Mapping[WalletId, Wallet],
    movements: Iterable[Movement],
    now: Instant,
    payment: Payment | None = None,
    facts: Iterable[PaymentEvent] = (),
) -> Decision:
    """Give every event its place in its stream: the answer, the payment's, then the wallets'."""
    events: list[tuple[UUID, int, Event]] = [(stream, 1, answer)]
    valid_before = None if payment is None else holds_until(payment, now)
    for fact in facts:
        assert payment is not None, "what is added is added to a payment"
        payment = payment_state.evolve(payment, fact)
        events.append((bits(payment.payment_id), payment.version, fact))
    changed: dict[WalletId, Wallet] = {}
    today = now[:10]
    for wallet_id, event in movements:
        wallet = wallets.evolve(changed.get(wallet_id) or known[wallet_id], event, today)
        changed[wallet_id] = wallet
        events.append((bits(wallet_id), wallet.version, event))
    return Decision(
        tuple(events),
        right,
        tuple(changed.values()),
        () if payment is None else (payment,),
        valid_before=valid_before,
    )


def holds_until(payment: Payment, now: Instant) -> Instant | None:
    """Return until when what was decided on a payment holds: until it runs out, if it has not.

    That is so for a refusal, too: what is recorded after the end says that it is the end.
    """
    expires_at = payment.standing.expires_at
    waits = payment.standing.status in {"authorized", "awaiting-approval"}
    return expires_at if waits and expires_at is not None and expires_at > now else None
