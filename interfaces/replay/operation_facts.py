"""What operators did to the ledger, as far as checks need it."""

from collections.abc import Mapping

import msgspec


class PeriodClosed(msgspec.Struct):
    """The last day of a period that was closed for value dates."""

    through: str


Facts = PeriodClosed

SHAPES: Mapping[str, type[Facts]] = {"operation.period_closed.v1": PeriodClosed}
