"""What a command asked for, and what it was answered, beside what is stored of it."""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.faults.book import Begun
from tests.faults.names import identifier

DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
MILLION = 1_000_000
WEEK = 7 * 24 * 3600
LEG = ("source_wallet_id", "destination_wallet_id", "currency")
TEXTS = ("description", "reference", "metadata")
AMOUNTS = ("captured", "left", "refunded", "refundable")
Pairs = dict[str, tuple[Any, Any]]

ACTIONS = {
    "freeze": "freeze",
    "unfreeze": "unfreeze",
    "close": "close",
    "members": "add-member",
    "capture": "capture",
    "release": "release",
    "increase": "increase",
    "approve": "approve",
    "reject": "reject",
    "pause": "pause-schedule",
    "resume": "resume-schedule",
    "limits": "change-limits",
    "approvals": "change-approvals",
}
"""What the last word of a path asks for."""


def minor(amount: str, currency: str) -> Decimal:
    """Return a decimal amount in minor units."""
    return Decimal(amount).scaleb(DIGITS[currency])


def same_as_sent(path: str, body: dict[str, Any], stored: Begun) -> Iterator[str]:
    """Tell where what is stored is not what was asked for."""
    fields: dict[str, Any] = json.loads(stored.state)
    *_, subject, word = path.split("/")
    if subject == "periods":
        pairs: Pairs = {name: (body[name], fields.get(name)) for name in ("through", "reason")}
        if stored.topic == "request.refused.v1":
            pairs = {"action": ("close-period", fields["action"])}
    elif fields.get("action") == "create-schedule":
        # A schedule that was refused has no event of its own.
        pairs = {"wallet": (body["transfer"]["source_wallet_id"], fields["wallet_id"])}
    elif word == "wallets":
        pairs = _opened(body, fields)
    elif word == "schedules":
        pairs = {name: (body.get(name), fields[name]) for name in ("starts_on", "recurrence")}
        pairs |= {"count": (body.get("count"), fields["count"]), **_paid(body["transfer"], fields)}
    elif word in ("transfers", "holds"):
        pairs = {"kind": (word[:-1], fields["kind"]), **_paid(body, fields)}
        if stored.topic == "payment.authorized.v1":
            pairs["expires_in"] = (body.get("expires_in", WEEK), _lasts(fields, stored))
    elif word == "payments":
        legs = [{**leg, "amount": int(leg["amount"])} for leg in fields["legs"] or [fields]]
        pairs = {"kind": ("split", fields["kind"]), "legs": (legs_asked(body), legs)}
        pairs |= {name: (body.get(name), fields.get(name)) for name in TEXTS}
    elif word in ("refund", "reverse"):
        kind = "refund" if word == "refund" else "reversal"
        pairs = {"kind": (kind, fields["kind"])}
        pairs["original"] = (subject, fields["original_payment_id"])
        pairs["reason"] = (body.get("reason"), fields.get("description"))
        if "amount" in body:
            pairs["amount"] = (minor(body["amount"], fields["currency"]), fields["amount"])
    else:
        about = next(n for n in ("payment_id", "schedule_id", "wallet_id") if _names(subject, n))
        pairs = {"subject": (subject, fields[about]), "action": (ACTIONS[word], fields["action"])}
        if word == "members" and stored.topic == "request.accepted.v1":
            pairs["member"] = (body, fields["member"])
    for name, (asked, kept) in pairs.items():
        if asked != kept:
            yield f"{name} {asked!r} was asked for and {kept!r} is stored"


def _lasts(fields: dict[str, Any], stored: Begun) -> int:
    """Return for how many seconds a hold was placed; it is decided shortly before its record."""
    ends = datetime.fromisoformat(fields["standing"]["expires_at"])
    return math.ceil((ends - stored.recorded_at).total_seconds())


def _names(subject: str, field: str) -> bool:
    return subject.startswith({"payment_id": "pay_", "schedule_id": "sch_"}.get(field, "wal_"))


def _paid(body: dict[str, Any], fields: dict[str, Any]) -> Pairs:
    pairs: Pairs = {"amount": (minor(body["amount"], body["currency"]), fields["amount"])}
    if "effective_at" in body:
        pairs["effective_at"] = (body["effective_at"], fields["effective_at"])
    return pairs | {name: (body.get(name), fields.get(name)) for name in (*LEG, *TEXTS)}


def _opened(body: dict[str, Any], fields: dict[str, Any]) -> Pairs:
    limit = body.get("overdraft_limit", None if body.get("kind") == "system" else "0")
    amount = None if limit in (None, "unlimited") else minor(str(limit), body["currency"])
    pairs: Pairs = {"overdraft_limit": (amount, fields["overdraft_limit"])}
    return pairs | {n: (body.get(n), fields.get(n)) for n in ("name", "currency", "reference")}


def legs_asked(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the legs that a body of many asks for, in minor units.

    Each share is rounded down; the remainder, or else the first share, takes what is left.
    """
    if "legs" in body:
        legs = [{n: leg[n] for n in LEG} | {"amount": _whole(leg)} for leg in body["legs"]]
    else:
        total, shares = _whole(body), body["shares"]
        parts = [total * share.get("parts_per_million", 0) // MILLION for share in shares]
        places = [place for place, share in enumerate(shares) if share.get("remainder")]
        parts[places[0] if places else 0] += total - sum(parts)
        common = {name: body[name] for name in ("source_wallet_id", "currency")}
        legs = [
            {**common, "destination_wallet_id": share["destination_wallet_id"], "amount": part}
            for share, part in zip(shares, parts, strict=True)
        ]
    first = legs[0]
    common = {"source_wallet_id": first["source_wallet_id"], "currency": first["currency"]}
    fees = [
        {**common, "destination_wallet_id": fee["wallet_id"], "amount": _whole(common | fee)}
        for fee in body.get("fees", ())
    ]
    return [*legs, *fees]


def _whole(leg: dict[str, Any]) -> int:
    return int(minor(leg["amount"], leg["currency"]))


def same_as_told(answer: dict[str, Any], stored: Begun, stream: Any) -> Iterator[str]:
    """Tell where what was answered is not what is stored."""
    fields: dict[str, Any] = json.loads(stored.state)
    pairs: Pairs = {"code": (answer.get("code"), fields.get("code"))}
    pairs["position"] = (answer.get("position"), stored.last)
    kind = stored.topic.split(".")[0]
    if kind == "payment":
        pairs["payment_id"] = (answer.get("payment_id"), identifier("pay", stream))
    elif kind == "schedule":
        pairs["schedule_id"] = (answer.get("schedule_id"), identifier("sch", stream))
    elif kind == "wallet":
        pairs["wallet_id"] = (answer.get("wallet_id"), identifier("wal", stream))
    elif kind == "operation":
        pairs["operation_id"] = (answer.get("operation_id"), identifier("opr", stream))
        pairs |= {name: (answer.get(name), fields[name]) for name in ("through", "reason")}
    else:
        for name in ("payment_id", "schedule_id"):
            if fields.get(name) is not None:
                pairs[name] = (answer.get(name), fields[name])
    if kind == "payment" and stored.topic != "payment.declined.v1":
        pairs |= _payment(answer, fields, stored)
    standing = fields.get("standing") or fields.get("schedule_standing")
    if standing is not None:
        pairs["status"] = (answer.get("status"), standing["status"])
        for name in set(AMOUNTS) & set(answer):
            pairs[name] = (minor(answer[name], answer["currency"]), standing[name])
    for name, (answered, kept) in pairs.items():
        if answered != kept:
            yield f"{name} was {answered!r} in the answer and is {kept!r} in the log"


def _payment(answer: dict[str, Any], fields: dict[str, Any], stored: Begun) -> Pairs:
    at = stored.recorded_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    pairs: Pairs = {
        "amount": (minor(answer.get("amount", "0"), fields["currency"]), fields["amount"]),
        "status": (answer.get("status"), "completed"),
        "created_at": (answer.get("created_at"), at),
    }
    if not fields.get("legs"):
        pairs |= {name: (answer.get(name), fields.get(name)) for name in LEG}
    for name in ("currency", "description", "original_payment_id"):
        pairs[name] = (answer.get(name), fields.get(name))
    return pairs
