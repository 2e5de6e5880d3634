"""Holds the ledger's heads and payments against the model and two folds of the events."""

from collections.abc import Sequence

from application.ports import LedgerStore
from domain import payment_state, wallets
from domain.events import WalletEvent, WalletOpened
from domain.identifiers import PaymentId, WalletId, bits
from domain.payment_events import PaymentEvent
from domain.payment_request_events import PaymentRequestEvent
from domain.payment_state import BEGINNINGS, Payment, payment_of
from domain.recorded import RecordedEvent
from domain.schedule_events import ScheduleEvent
from domain.wallets import Wallet
from infrastructure.event_codec import EventCodec
from tests.property.compared_orders import check_order
from tests.property.fold import Fold
from tests.property.model import Model
from tests.property.model_parts import DAY, Deal, Purse, microseconds

CODEC = EventCodec()


class Comparison:
    """Follows the stored events, folded by the domain and by an outsider."""

    def __init__(self, model: Model, fold: Fold) -> None:
        """Begin before the first event."""
        self._model = model
        self._fold = fold
        self._heads: dict[WalletId, Wallet] = {}
        self._payments: dict[PaymentId, Payment] = {}
        self._touched: set[PaymentId] = set()
        self._orders: set[str] = set()
        self.slack = 0
        """By how many microseconds a payment may run out earlier than the model has it."""

    def read(self, rows: Sequence[RecordedEvent]) -> None:
        """Fold the rows that follow what was read before."""
        self._fold.read(rows)
        for row in rows:
            event = CODEC.decode(row.type, row.data)
            if isinstance(event, WalletEvent):
                self._wallet(WalletId(row.stream_id), event, row.recorded_at[:10])
            elif isinstance(event, PaymentEvent):
                self._payment(PaymentId(row.stream_id), event)
            elif isinstance(event, ScheduleEvent | PaymentRequestEvent):
                self._orders.add(row.stream_id)

    def check(self, store: LedgerStore) -> None:
        """Compare everything; payments that nothing happened to are as they were."""
        names = [WalletId(name) for name in self._model.purses]
        touched = [bits(name) for name in (*self._touched, *self._orders)]
        beginnings = store.beginnings(touched)
        loaded = store.load(names, [], touched)
        store.release()
        assert loaded.wallets.keys() == self._model.purses.keys() == self._fold.wallets.keys()
        assert loaded.wallets == self._heads, "heads are the fold of their events"
        for name, purse in self._model.purses.items():
            self._check_wallet(loaded.wallets[WalletId(name)], purse)
        assert not any(self._fold.sums.values())
        for paid in self._touched:
            began = beginnings[bits(paid)].event
            assert isinstance(began, BEGINNINGS)
            version, last = loaded.lasts[bits(paid)]
            payment = payment_of(paid, began, last, version)
            self._check_payment(payment, self._model.deals[paid])
        assert self._payments.keys() == self._model.deals.keys()
        for name in self._orders:
            order = beginnings[bits(name)].event, loaded.lasts[bits(name)]
            check_order(self._model.book, self._fold, name, *order, self.slack)
        assert self._fold.schedules.keys() == self._model.book.plans.keys()
        assert self._fold.requests.keys() == self._model.book.askings.keys()
        self._touched, self._orders = set(), set()

    def _wallet(self, name: WalletId, event: WalletEvent, today: str) -> None:
        if isinstance(event, WalletOpened):
            self._heads[name] = wallets.opened(name, event)
        else:
            self._heads[name] = wallets.evolve(self._heads[name], event, today)

    def _payment(self, name: PaymentId, event: PaymentEvent) -> None:
        self._touched.add(name)
        known = self._payments.get(name)
        if known is not None:
            self._payments[name] = payment_state.evolve(known, event)
        else:
            assert isinstance(event, BEGINNINGS)
            self._payments[name] = payment_of(name, event, event, 1)

    def _check_wallet(self, head: Wallet, purse: Purse) -> None:
        folded, rules = self._fold.wallets[head.wallet_id], head.rules
        held = self._model.book.held(head.wallet_id)
        assert head.posted == folded.posted == purse.balance
        assert head.held == folded.held == held
        assert head.available == purse.balance - held
        assert rules.overdraft_limit == folded.limit == purse.limit
        assert head.version == self._fold.versions[head.wallet_id]
        assert rules.closed == purse.closed
        frozen = {"member": rules.frozen_by_member, "operate": rules.frozen_by_operator}
        assert {side for side, on in frozen.items() if on} == purse.frozen
        assert rules.members == purse.roles
        assert (rules.per_payment, rules.per_day) == (purse.per_payment, purse.per_day)
        assert (rules.approvals_required, rules.approvals_above) == (purse.approvals, purse.above)
        if head.spent_on is not None:
            day = microseconds(f"{head.spent_on}T00:00:00Z") // DAY
            assert head.spent == purse.spent[day], "what counts against the limit of a day"

    def _check_payment(self, payment: Payment, deal: Deal) -> None:
        folded = self._fold.payments[payment.payment_id]
        standing = payment.standing
        assert payment == self._payments[payment.payment_id], "first and last event tell it all"
        assert payment.kind == folded.kind == deal.kind
        assert standing.status == folded.status == deal.status
        assert standing.amount == folded.amount == deal.amount
        assert standing.left == folded.left == deal.left
        assert standing.refunded == folded.refunded == deal.returned
        assert standing.refundable == folded.refundable == deal.returnable
        assert folded.captured == deal.taken
        if payment.kind == "hold":
            assert standing.captured == deal.taken
            assert standing.ended_by == deal.ended_by
            assert list(standing.approved_by) == deal.agreed
        if deal.state in {"held", "waiting"}:
            assert standing.expires_at is not None
            expires = microseconds(standing.expires_at)
            assert deal.expires - self.slack <= expires <= deal.expires
            deal.expires = expires
