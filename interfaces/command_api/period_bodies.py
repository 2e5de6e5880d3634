"""The body of the closing of a period."""

from interfaces.command_api.schedule_bodies import DateText
from interfaces.http.bodies import RequestBody
from interfaces.http.text import Reason


class ClosePeriodBody(RequestBody):
    """The last day (UTC) for which no value date is given any more, and why."""

    through: DateText
    reason: Reason
