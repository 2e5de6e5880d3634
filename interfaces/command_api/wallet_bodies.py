"""The bodies of commands on one wallet that say more than why."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from interfaces.command_api.bodies import AmountText, LimitText
from interfaces.http.bodies import RequestBody
from interfaces.http.text import Name, Reason


class MemberBody(RequestBody):
    """Who gets which role in a shared wallet."""

    user_id: Name
    role: Literal["owner", "spender", "viewer"]


class LimitsBody(RequestBody):
    """What may leave the wallet by one payment and on one day (UTC); null is no limit."""

    per_payment: AmountText | None
    per_day: AmountText | None


class OverdraftBody(RequestBody):
    """How far below zero a wallet may go, and why."""

    overdraft_limit: LimitText
    reason: Reason


class ApprovalsBody(RequestBody):
    """How many other owners must approve payments above an amount; 0 is none."""

    required: Annotated[StrictInt, Field(ge=0, le=5)]
    above: AmountText
