"""Stretches of days and of time whose end does not lie before their beginning."""

from datetime import date

from pydantic import AfterValidator, ValidationInfo

from domain.instants import Instant


def _not_before_from(until: date | Instant, asked: ValidationInfo) -> date | Instant:
    """Return the end; whoever gives both ends the wrong way round is told, not shown nothing."""
    since = asked.data.get("since")
    # Where the beginning is itself wrong it is not there. Instants are texts that sort as times do.
    if since is not None and str(until) < str(since):
        raise ValueError("must not be before from")
    return until


NOT_BEFORE_FROM = AfterValidator(_not_before_from)
"""Beside the type of a parameter `until` of a model that has `since` before it."""
