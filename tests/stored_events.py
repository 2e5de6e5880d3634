"""What is stored of each event: the names that never change, and an example of every shape."""

from collections.abc import Mapping
from typing import Any

from domain import events
from domain import operation_events as operations
from domain import payment_events as payments
from domain import payment_request_events as requests
from domain import schedule_events as schedules
from domain.events import Event
from domain.identifiers import PaymentRequestId
from tests.given import NOW, OURS, PAID, THEIRS, opening, payment_named

_MOVED = ("payment_id", "amount", "currency", "counterparty", "effective_at")
_TEXTS = ("description", "reference", "metadata")
_WALLETS = ("source_wallet_id", "destination_wallet_id", "effective_at")

FROZEN_NAMES: Mapping[str, tuple[str, ...]] = {
    "wallet.opened.v1": (
        "kind",
        "class",
        "owner",
        "name",
        "reference",
        "currency",
        "overdraft_limit",
    ),
    "wallet.debited.v1": _MOVED,
    "wallet.credited.v1": _MOVED,
    "wallet.funds_held.v1": ("payment_id", "amount", "currency", "expires_at"),
    "wallet.hold_captured.v1": _MOVED,
    "wallet.hold_released.v1": ("payment_id", "amount", "currency", "reason", "given_back"),
    "wallet.frozen.v1": ("side", "reason"),
    "wallet.unfrozen.v1": ("side", "reason"),
    "wallet.closed.v1": ("reason",),
    "wallet.overdraft_limit_changed.v1": ("overdraft_limit", "reason"),
    "wallet.limits_changed.v1": ("per_payment", "per_day"),
    "wallet.member_added.v1": ("user_id", "role"),
    "wallet.member_removed.v1": ("user_id",),
    "wallet.approvals_changed.v1": ("required", "above"),
    "payment.completed.v1": ("kind", "amount", "currency", *_WALLETS, *_TEXTS),
    "payment.declined.v1": (
        *("kind", "amount", "currency", *_WALLETS),
        *("code", "available", *_TEXTS),
    ),
    "payment.authorized.v1": ("kind", "amount", "currency", *_WALLETS, *_TEXTS, "standing"),
    "payment.approval_requested.v1": (
        *("kind", "amount", "currency", *_WALLETS, *_TEXTS),
        *("legs", "requested_by", "quorums", "standing"),
    ),
    "payment.approved.v1": ("by", "reason", "standing"),
    "payment.rejected.v1": ("by", "reason", "kind", "currency", "standing"),
    "payment.increased.v1": ("amount", "currency", "standing"),
    "payment.captured.v1": (
        *("amount", "released", "currency", "effective_at", "description", "standing"),
    ),
    "payment.released.v1": ("amount", "reason", "kind", "currency", "effective_at", "standing"),
    "payment.refunded.v1": ("refund_payment_id", "amount", "currency", "standing"),
    "payment.reversed.v1": ("reversal_payment_id", "amount", "currency", "standing"),
    "payment_request.created.v1": (
        *("wallet_id", "amount", "currency", "requested_by", "payer", "description"),
        *("expires_at", "standing"),
    ),
    "payment_request.accepted.v1": ("standing",),
    "payment_request.declined.v1": ("standing",),
    "payment_request.cancelled.v1": ("standing",),
    "schedule.created.v1": (
        *("source_wallet_id", "destination_wallet_id", "amount", "currency", *_TEXTS),
        *("effective_at", "starts_on", "recurrence", "until", "count", "if_missed"),
        *("created_by", "operate", "standing"),
    ),
    "schedule.paused.v1": ("standing",),
    "schedule.resumed.v1": ("standing",),
    "schedule.deleted.v1": ("standing",),
    "schedule.occurred.v1": ("on", "attempt", "payment_id", "standing"),
    "schedule.occurrence_postponed.v1": ("on", "attempt", "code", "standing"),
    "schedule.occurrence_given_up.v1": ("on", "attempt", "code", "payment_id", "standing"),
    "schedule.occurrence_skipped.v1": ("on", "attempt", "standing"),
    "operation.period_closed.v1": ("through", "reason"),
    "operation.token_signed.v1": (
        *("done_at", "subject", "scope", "client_id", "audience", "expires_in"),
    ),
    "operation.key_rotated.v1": ("done_at", "purpose", "key"),
    "operation.file_imported.v1": (
        *("done_at", "file", "profile", "rows", "accepted", "refused", "already_there"),
    ),
    "operation.book_exported.v1": (
        *("done_at", "file", "format", "first_position", "last_position"),
    ),
    "operation.topic_trimmed.v1": ("done_at", "topic", "archive", "last_position"),
    "operation.events_moved.v1": ("done_at", "archive", "first_position", "last_position"),
    "operation.backup_made.v1": ("done_at", "file", "last_position"),
    "operation.read_model_rebuilt.v1": ("done_at", "projection", "version", "last_position"),
    "operation.settings_changed.v1": ("done_at", "settings"),
    "request.accepted.v1": ("action", "wallet_id", "status", "overdraft_limit", "role"),
    "request.refused.v1": ("action", "wallet_id", "code"),
}
"""What is stored under each type's name; a line of this table is never changed, only added."""

ADDED_NAMES: Mapping[str, tuple[str, ...]] = {
    "wallet.debited.v1": ("counted",),
    "payment.completed.v1": ("original_payment_id", "legs", "rate", "standing"),
    "payment.declined.v1": ("original_payment_id", "legs", "rate"),
}
"""What was added to a type behind its other fields, all stored where any of it is set."""

ADDED_ONE_BY_ONE: Mapping[str, tuple[str, ...]] = {
    "request.accepted.v1": (
        *("per_payment", "per_day", "member", "approvals"),
        *("payment_id", "standing", "payment_request_id", "request_standing"),
        *("schedule_id", "schedule_standing", "shown_legs"),
    ),
    "request.refused.v1": ("payment_id", "available", "currency", "payment_request_id"),
}
"""What was added to a type behind its other fields, each stored where it is set."""

_PAYMENT: dict[str, Any] = {
    "kind": "transfer",
    "amount": 5,
    "currency": "EUR",
    "effective_at": NOW,
    "source_wallet_id": OURS,
    "destination_wallet_id": THEIRS,
    "description": "Žofie \U0001f985 \u2028",
    "metadata": {"a": "b", "": "ü"},
}
_HOLD = {**_PAYMENT, "kind": "hold"}
_LEGS = (payments.Leg(OURS, THEIRS, 3, "EUR"), payments.Leg(OURS, THEIRS, 2, "EUR"))
_SPLIT = {**_PAYMENT, "source_wallet_id": None, "destination_wallet_id": None, "legs": _LEGS}
_AUTHORIZED = payments.PaymentStanding(
    status="authorized", amount=5, left=5, expires_at=NOW, counted_on="2026-01-31", counted=5
)
_DONE = payments.PaymentStanding(status="completed", amount=5, captured=4, refundable=4)
_WAITING = payments.PaymentStanding(
    status="awaiting-approval", amount=5, expires_at=NOW, approved_by=("usr_1", "usr_2")
)
_FEBRUARY = schedules.Day("2026-02-28")
_MONTHLY = schedules.ScheduleStanding(status="active", next_on=_FEBRUARY, done=1)
_ASKED_FOR = requests.PaymentRequestStanding(status="open")

EXAMPLES: tuple[Event, ...] = (
    opening(),
    opening(kind="system", account_class="equity", owner=None, overdraft_limit=None),
    opening(reference='quoted "\\" text', overdraft_limit=10**18),
    events.WalletDebited(PAID, 10**18, "JPY", THEIRS, NOW),
    events.WalletDebited(PAID, 5, "EUR", THEIRS, NOW, 0),
    events.WalletCredited(PAID, 1, "KWD", THEIRS, NOW),
    events.WalletFundsHeld(PAID, 5, "EUR", NOW),
    events.WalletHoldCaptured(PAID, 4, "EUR", THEIRS, NOW),
    events.WalletHoldReleased(PAID, 1, "EUR", "captured", 0),
    events.WalletFrozen("member", "card lost"),
    events.WalletUnfrozen("operate", "found"),
    events.WalletClosed("moved"),
    events.WalletOverdraftLimitChanged(None, "agreed"),
    events.WalletOverdraftLimitChanged(0, "agreed"),
    events.WalletLimitsChanged(None, 0),
    events.WalletMemberAdded("usr_1", "viewer"),
    events.WalletMemberRemoved("usr_1"),
    events.WalletApprovalsChanged(2, 100),
    payments.PaymentCompleted(**_PAYMENT),
    payments.PaymentCompleted(**{**_PAYMENT, "kind": "refund"}, original_payment_id=PAID),
    payments.PaymentCompleted(**{**_SPLIT, "kind": "exchange"}, rate=payments.Rate(3, 2)),
    payments.PaymentCompleted(**_PAYMENT, standing=_DONE),
    payments.PaymentDeclined(**_PAYMENT, code="insufficient-funds", available=-(10**18)),
    payments.PaymentDeclined(**_PAYMENT, code="same-wallet"),
    payments.PaymentDeclined(**{**_SPLIT, "kind": "split"}, code="wallet-frozen"),
    payments.PaymentAuthorized(**_HOLD, standing=_AUTHORIZED),
    payments.PaymentApprovalRequested(
        **{**_SPLIT, "kind": "split", "effective_at": None},
        requested_by="usr_3",
        quorums=(payments.Quorum(OURS, 2),),
        standing=_WAITING,
    ),
    payments.PaymentApproved(by="usr_2", reason=None, standing=_WAITING),
    payments.PaymentRejected(
        by="usr_2", reason="too much", kind="split", currency="EUR", standing=_WAITING
    ),
    payments.PaymentIncreased(amount=5, currency="EUR", standing=_AUTHORIZED),
    payments.PaymentCaptured(
        amount=4,
        released=1,
        currency="EUR",
        effective_at=NOW,
        description=None,
        standing=_DONE,
    ),
    payments.PaymentReleased(
        amount=5,
        reason="expired",
        kind="hold",
        currency="EUR",
        effective_at=NOW,
        standing=_AUTHORIZED,
    ),
    payments.PaymentRefunded(
        refund_payment_id=payment_named(8), amount=5, currency="EUR", standing=_DONE
    ),
    payments.PaymentReversed(
        reversal_payment_id=payment_named(8), amount=5, currency="EUR", standing=_DONE
    ),
    requests.PaymentRequestCreated(
        wallet_id=THEIRS,
        amount=5,
        currency="EUR",
        requested_by="usr_1",
        payer=None,
        description="Lunch",
        expires_at=NOW,
        standing=_ASKED_FOR,
    ),
    requests.PaymentRequestAccepted(
        standing=requests.PaymentRequestStanding(status="accepted", payment_id=PAID, by="usr_2")
    ),
    requests.PaymentRequestDeclined(standing=_ASKED_FOR),
    requests.PaymentRequestCancelled(standing=_ASKED_FOR),
    schedules.ScheduleCreated(
        source_wallet_id=OURS,
        destination_wallet_id=THEIRS,
        amount=5,
        currency="EUR",
        description="Rent",
        starts_on=_FEBRUARY,
        recurrence="FREQ=MONTHLY;BYMONTHDAY=-1",
        until=None,
        count=12,
        if_missed="skip",
        created_by="usr_1",
        operate=False,
        standing=_MONTHLY,
    ),
    schedules.SchedulePaused(standing=_MONTHLY),
    schedules.ScheduleResumed(standing=_MONTHLY),
    schedules.ScheduleDeleted(standing=_MONTHLY),
    schedules.ScheduleOccurred(on=_FEBRUARY, attempt=1, payment_id=PAID, standing=_MONTHLY),
    schedules.ScheduleOccurrencePostponed(
        on=_FEBRUARY, attempt=1, code="insufficient-funds", standing=_MONTHLY
    ),
    schedules.ScheduleOccurrenceGivenUp(
        on=_FEBRUARY, attempt=3, code="insufficient-funds", payment_id=None, standing=_MONTHLY
    ),
    schedules.ScheduleOccurrenceSkipped(on=_FEBRUARY, attempt=1, standing=_MONTHLY),
    operations.PeriodClosed("2025-12-31", "Annual accounts"),
    operations.TokenSigned(NOW, "usr_1", "read", "falcon", "falconpay", 900),
    operations.KeyRotated(NOW, "token", "abc"),
    operations.FileImported(NOW, "trans.csv", "berka", 5, 4, 1, 0),
    operations.BookExported(NOW, "book.jsonl", "jsonl", 1, 9),
    operations.TopicTrimmed(NOW, "falconpay.main.events", "archive", 9),
    operations.EventsMoved(NOW, "archive", 1, 9),
    operations.BackupMade(NOW, "falcon.backup", 9),
    operations.ReadModelRebuilt(NOW, "balances", 1, 9),
    operations.SettingsChanged(NOW, {"issuer": "falconpay", "wal_archive": None}),
    events.RequestAccepted(
        action="freeze", wallet_id=OURS, status="frozen", overdraft_limit=None, role="owner"
    ),
    events.RequestAccepted(
        action="add-member",
        wallet_id=OURS,
        status="open",
        overdraft_limit=0,
        member=events.WalletMemberAdded("usr_1", "owner"),
        approvals=events.WalletApprovalsChanged(1, 0),
        per_payment=0,
        per_day=5,
    ),
    events.RequestAccepted(action="capture", role="payee", payment_id=PAID, standing=_DONE),
    events.RequestAccepted(
        action="approve", role="payer", payment_id=PAID, standing=_WAITING, shown_legs=(0, 2)
    ),
    events.RequestRefused(action="close", wallet_id=OURS, code="wallet-not-empty"),
    events.RequestRefused(
        action="increase",
        code="insufficient-funds",
        payment_id=PAID,
        available=-5,
        currency="EUR",
    ),
    events.RequestRefused(
        action="cancel-request",
        code="request-closed",
        payment_request_id=PaymentRequestId("prq_00000000000000000000000009"),
    ),
)
