"""The body of a schedule."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from interfaces.command_api.bodies import TransferFields
from interfaces.http.bodies import RequestBody

MOST_OCCURRENCES = 9_999


def _existing(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a date that exists") from None
    return text


DateText = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        json_schema_extra={"format": "date"},
        examples=["2026-02-01"],
    ),
    AfterValidator(_existing),
]
RecurrenceText = Annotated[
    str,
    Field(
        max_length=200,
        description="A rule of RFC 5545 that has days only; without one there is one occurrence.",
        examples=["FREQ=MONTHLY;BYMONTHDAY=1"],
    ),
]


class ScheduleBody(RequestBody):
    """A transfer to be made on dates (UTC): once, or as a rule says, until a date or so often."""

    transfer: TransferFields
    starts_on: DateText
    recurrence: RecurrenceText | None = None
    until: DateText | None = None
    count: Annotated[StrictInt, Field(ge=1, le=MOST_OCCURRENCES)] | None = None
    if_missed: Literal["run", "skip"] = "run"

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.until is not None and self.count is not None:
            raise ValueError("has either until or count")
        if self.recurrence is None and (self.until is not None or self.count is not None):
            raise ValueError("needs a recurrence for until and count")
        return self
