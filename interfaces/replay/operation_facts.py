"""What operators did to the ledger, as far as checks need it."""

from collections.abc import Mapping

import msgspec


class PeriodClosed(msgspec.Struct):
    """The last day of a period that was closed for value dates."""

    through: str


class Done(msgspec.Struct):
    """Something that was done by hand, which changes no wallet, payment or read model."""

    done_at: str


class TopicTrimmed(Done):
    """Records up to a position, which is included, have left a topic on Kafka."""

    topic: str
    last_position: int


Facts = PeriodClosed | Done
TRIMMED = "operation.topic_trimmed.v1"

SHAPES: Mapping[str, type[Facts]] = {
    "operation.period_closed.v1": PeriodClosed,
    "operation.token_signed.v1": Done,
    "operation.key_rotated.v1": Done,
    "operation.file_imported.v1": Done,
    "operation.book_exported.v1": Done,
    TRIMMED: TopicTrimmed,
    "operation.events_moved.v1": Done,
    "operation.backup_made.v1": Done,
    "operation.read_model_rebuilt.v1": Done,
    "operation.settings_changed.v1": Done,
}
