"""Remembers how the latest payments began, which never changes while a connection lasts."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from uuid import UUID

from application.commands import RecordedAnswer
from application.ports import Appended, PlannedEvent
from domain.payment_events import PaymentApprovalRequested, PaymentAuthorized

KEPT = 4_096
"""How many are kept, some kilobytes each."""

LIVING = (PaymentAuthorized, PaymentApprovalRequested)
"""The beginnings of payments on which further commands are to be expected."""


class KnownBeginnings:
    """The first events of streams that were read or stored last.

    A restore to an older state ends every connection; with it all that is known is forgotten.
    """

    def __init__(self, kept: int = KEPT) -> None:
        """Begin without any."""
        self._kept = kept
        self._known: OrderedDict[UUID, RecordedAnswer] = OrderedDict()

    def forget(self) -> None:
        """Forget all of them."""
        self._known.clear()

    def among(self, streams: Iterable[UUID]) -> dict[UUID, RecordedAnswer]:
        """Return those of the streams that are known."""
        found = {}
        for stream in streams:
            known = self._known.get(stream)
            if known is not None:
                self._known.move_to_end(stream)
                found[stream] = known
        return found

    def read(self, found: Mapping[UUID, RecordedAnswer]) -> None:
        """Keep what was read."""
        self._known.update(found)
        while len(self._known) > self._kept:
            self._known.popitem(last=False)

    def stored(self, events: Iterable[PlannedEvent], appended: Appended) -> None:
        """Keep what has been committed and lives on."""
        self.read(
            {
                planned.stream: RecordedAnswer(
                    planned.event,
                    planned.metadata,
                    appended.first_position + place,
                    appended.recorded_at,
                )
                for place, planned in enumerate(events)
                if planned.version == 1 and isinstance(planned.event, LIVING)
            }
        )
