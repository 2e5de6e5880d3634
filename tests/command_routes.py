"""Commands on holds, payments and the rules of wallets, each with a body that fits its shape."""

from dataclasses import dataclass
from typing import Any

from tests.command_api import NO_PAYMENT, NOWHERE, transfer

OTHER = "wal_1123456789ABCDEFGHJKMNPQRS"
HOLD, PAYMENT, WALLET = (
    *(f"/v1/holds/{NO_PAYMENT}", f"/v1/payments/{NO_PAYMENT}"),
    f"/v1/wallets/{NOWHERE}",
)

SCHEDULE = "/v1/schedules/sch_0123456789ABCDEFGHJKMNPQRS"


@dataclass(frozen=True)
class Sent:
    """A request for a route, and the scopes of which each one is enough for it."""

    method: str
    path: str
    body: Any
    scopes: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


MOVES, GOVERNS = frozenset({"payments", "operate"}), frozenset({"wallets", "operate"})
OPERATES = frozenset({"operate"})
LEG = transfer(NOWHERE, OTHER, "1")
EXCHANGE = {
    "source_wallet_id": NOWHERE,
    "destination_wallet_id": OTHER,
    "amount": "1",
    "rate": {"numerator": "1", "denominator": "1"},
    "through": [NOWHERE, OTHER],
}

BEGUN = (
    Sent("POST", "/v1/holds", transfer(NOWHERE, OTHER, "1"), MOVES),
    Sent("POST", "/v1/payments", {"legs": [LEG]}, MOVES),
    Sent("POST", "/v1/exchanges", EXCHANGE, OPERATES),
    Sent("POST", "/v1/schedules", {"transfer": LEG, "starts_on": "2030-01-31"}, MOVES),
)
CONTINUED = (
    Sent("POST", f"{HOLD}/capture", {}, MOVES),
    Sent("POST", f"{HOLD}/release", {}, MOVES),
    Sent("POST", f"{HOLD}/increase", {"amount": "1"}, MOVES),
    Sent("POST", f"{PAYMENT}/refund", {}, MOVES),
    Sent("POST", f"{PAYMENT}/reverse", {"reason": "x"}, OPERATES),
    Sent("POST", f"{PAYMENT}/approve", {}, MOVES),
    Sent("POST", f"{PAYMENT}/reject", {}, MOVES),
    Sent("POST", f"{SCHEDULE}/pause", {}, MOVES),
    Sent("POST", f"{SCHEDULE}/resume", {}, MOVES),
    Sent("POST", f"{WALLET}/members", {"user_id": "usr_x", "role": "viewer"}, GOVERNS),
)
WITHOUT_KEY = (
    Sent("DELETE", SCHEDULE, {}, MOVES),
    Sent("DELETE", f"{WALLET}/members/usr_x", {}, GOVERNS),
    Sent("PUT", f"{WALLET}/limits", {"per_payment": None, "per_day": "1"}, GOVERNS),
    Sent("PUT", f"{WALLET}/overdraft", {"overdraft_limit": "1", "reason": "x"}, OPERATES),
    Sent("PUT", f"{WALLET}/approvals", {"required": 1, "above": "1"}, GOVERNS),
)
KEYED = (*BEGUN, *CONTINUED)
ALL = (*KEYED, *WITHOUT_KEY)
