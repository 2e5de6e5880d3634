"""Stored bytes and events: permanent type names, and upcasters for what older code stored."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from domain import events
from domain import operation_events as operations
from domain import payment_events as payments
from domain import payment_request_events as requests
from domain import schedule_events as schedules
from domain.recorded import Actor, EventMetadata

TYPES: Mapping[str, type] = {
    "wallet.opened.v1": events.WalletOpened,
    "wallet.debited.v1": events.WalletDebited,
    "wallet.credited.v1": events.WalletCredited,
    "wallet.funds_held.v1": events.WalletFundsHeld,
    "wallet.hold_captured.v1": events.WalletHoldCaptured,
    "wallet.hold_released.v1": events.WalletHoldReleased,
    "wallet.frozen.v1": events.WalletFrozen,
    "wallet.unfrozen.v1": events.WalletUnfrozen,
    "wallet.closed.v1": events.WalletClosed,
    "wallet.overdraft_limit_changed.v1": events.WalletOverdraftLimitChanged,
    "wallet.limits_changed.v1": events.WalletLimitsChanged,
    "wallet.member_added.v1": events.WalletMemberAdded,
    "wallet.member_removed.v1": events.WalletMemberRemoved,
    "wallet.approvals_changed.v1": events.WalletApprovalsChanged,
    "payment.completed.v1": payments.PaymentCompleted,
    "payment.declined.v1": payments.PaymentDeclined,
    "payment.authorized.v1": payments.PaymentAuthorized,
    "payment.approval_requested.v1": payments.PaymentApprovalRequested,
    "payment.approved.v1": payments.PaymentApproved,
    "payment.rejected.v1": payments.PaymentRejected,
    "payment.increased.v1": payments.PaymentIncreased,
    "payment.captured.v1": payments.PaymentCaptured,
    "payment.released.v1": payments.PaymentReleased,
    "payment.refunded.v1": payments.PaymentRefunded,
    "payment.reversed.v1": payments.PaymentReversed,
    "payment_request.created.v1": requests.PaymentRequestCreated,
    "payment_request.accepted.v1": requests.PaymentRequestAccepted,
    "payment_request.declined.v1": requests.PaymentRequestDeclined,
    "payment_request.cancelled.v1": requests.PaymentRequestCancelled,
    "schedule.created.v1": schedules.ScheduleCreated,
    "schedule.paused.v1": schedules.SchedulePaused,
    "schedule.resumed.v1": schedules.ScheduleResumed,
    "schedule.deleted.v1": schedules.ScheduleDeleted,
    "schedule.occurred.v1": schedules.ScheduleOccurred,
    "schedule.occurrence_postponed.v1": schedules.ScheduleOccurrencePostponed,
    "schedule.occurrence_given_up.v1": schedules.ScheduleOccurrenceGivenUp,
    "schedule.occurrence_skipped.v1": schedules.ScheduleOccurrenceSkipped,
    "operation.period_closed.v1": operations.PeriodClosed,
    "operation.token_signed.v1": operations.TokenSigned,
    "operation.key_rotated.v1": operations.KeyRotated,
    "operation.file_imported.v1": operations.FileImported,
    "operation.book_exported.v1": operations.BookExported,
    "operation.topic_trimmed.v1": operations.TopicTrimmed,
    "operation.events_moved.v1": operations.EventsMoved,
    "operation.backup_made.v1": operations.BackupMade,
    "operation.read_model_rebuilt.v1": operations.ReadModelRebuilt,
    "operation.settings_changed.v1": operations.SettingsChanged,
    "request.accepted.v1": events.RequestAccepted,
    "request.refused.v1": events.RequestRefused,
}
"""The newest type name of each event class. A name that was ever stored is never reused."""

STORED_NAMES: Mapping[str, str] = {"account_class": "class"}
"""Fields whose stored name is a word that Python reserves."""

OMITTED: Mapping[type, tuple[str, ...]] = {
    events.WalletDebited: ("counted",),
    payments.PaymentCompleted: ("original_payment_id", "legs", "rate", "standing"),
    payments.PaymentDeclined: ("original_payment_id", "legs", "rate"),
}
"""The last fields of the classes that are stored most, left out where none of them is set."""

ABSENT: Mapping[type, tuple[str, ...]] = {
    events.RequestAccepted: (
        *("per_payment", "per_day", "member", "approvals"),
        *("payment_id", "standing", "payment_request_id", "request_standing"),
        *("schedule_id", "schedule_standing", "shown_legs"),
    ),
    events.RequestRefused: ("payment_id", "available", "currency", "payment_request_id"),
}
"""The fields of classes that fit many commands, each of which is left out where it is not set.

What was stored before bears all of them where any is set, the others as null.
"""

Upcaster = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
"""Turns the fields of an old type into the next type's name and fields."""

UPCASTERS: Mapping[str, Upcaster] = {}


class EventUnreadable(ValueError):
    """Stored bytes are no event that this version knows; the message names type and fault."""


class EventCodec:
    """Encodes events to JSON and decodes what is stored, old shapes included."""

    def __init__(
        self, types: Mapping[str, type] = TYPES, upcasters: Mapping[str, Upcaster] = UPCASTERS
    ) -> None:
        """Build the encoders and decoders of each type once."""
        self._names = {cls: name for name, cls in types.items()}
        self._types = dict(types)
        self._upcasters = dict(upcasters)
        self._renamed = {
            cls: {f.name: STORED_NAMES.get(f.name, f.name) for f in dataclasses.fields(cls)}
            for cls in types.values()
            if any(f.name in STORED_NAMES for f in dataclasses.fields(cls))
        }
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {
            name: msgspec.json.Decoder(cls)
            for name, cls in types.items()
            if cls not in self._renamed
        }
        # Field by field is slower than at once, so nothing that is stored often is written so.
        self._by_field = {
            cls: [
                (f.name, STORED_NAMES.get(f.name, f.name), f.name in ABSENT.get(cls, ()))
                for f in dataclasses.fields(cls)
            ]
            for cls in types.values()
            if cls in self._renamed or cls in ABSENT
        }
        self._encode = msgspec.json.Encoder().encode
        self._omitted = {
            cls: "".join(f',"{name}":null' for name in names).encode() + b"}"
            for cls, names in OMITTED.items()
        }

    def encode(self, event: events.Event) -> tuple[str, bytes]:
        """Return an event's type name and its JSON."""
        cls = type(event)
        by_field = self._by_field.get(cls)
        if by_field is None:
            encoded, omitted = self._encode(event), self._omitted.get(cls)
            if omitted is not None:
                short = encoded.removesuffix(omitted)
                encoded = encoded if short is encoded else short + b"}"
            return self._names[cls], encoded
        fields = {
            stored: value
            for name, stored, left_out in by_field
            if (value := getattr(event, name)) is not None or not left_out
        }
        return self._names[cls], self._encode(fields)

    def decode(self, type_name: str, state: bytes) -> events.Event:
        """Return a stored event in its newest shape, or raise `EventUnreadable`."""
        try:
            decoder = self._decoders.get(type_name)
            if decoder is not None:
                event: events.Event = decoder.decode(state)
                return event
            return self._convert(type_name, _FIELDS.decode(state))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError) as fault:
            raise EventUnreadable(f"An event of type {type_name} cannot be read: {fault}") from None

    def _convert(self, type_name: str, fields: dict[str, Any]) -> events.Event:
        while type_name in self._upcasters:
            type_name, fields = self._upcasters[type_name](fields)
        if type_name not in self._types:
            raise EventUnreadable("this version does not know the type; upgrade FalconPay.")
        cls = self._types[type_name]
        names = {stored: name for name, stored in self._renamed.get(cls, {}).items()}
        event: events.Event = msgspec.convert(
            {names.get(key, key): value for key, value in fields.items()}, cls
        )
        return event

    def encode_metadata(self, metadata: EventMetadata) -> bytes:
        """Return metadata as JSON, without the fields that are not set."""
        return self._encode(
            _StoredMetadata(
                metadata.command_id,
                metadata.index,
                metadata.count,
                metadata.actor,
                metadata.answer_version,
                metadata.fingerprint,
                metadata.traceparent,
            )
        )

    def decode_metadata(self, stored: bytes) -> EventMetadata:
        """Return stored metadata, or raise `EventUnreadable`."""
        try:
            return _METADATA.decode(stored)
        except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
            raise EventUnreadable(f"An event's metadata cannot be read: {fault}") from None


class _StoredMetadata(msgspec.Struct, omit_defaults=True, gc=False):
    """Metadata in the order in which it is stored; what is not set is left out."""

    command_id: str
    index: int
    count: int
    actor: Actor | None = None
    answer_version: int | None = None
    fingerprint: str | None = None
    traceparent: str | None = None


_METADATA = msgspec.json.Decoder(EventMetadata)
_FIELDS = msgspec.json.Decoder(dict[str, Any])
