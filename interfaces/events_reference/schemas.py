"""What each event type looks like, as JSON Schema and as the contract's words about money."""

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from domain import events
from infrastructure.event_codec import ABSENT, OMITTED, STORED_NAMES, TYPES

WRITTEN_BY_PEOPLE = "Free text of people."
INSTANT = "YYYY-MM-DDTHH:MM:SS.ffffffZ in UTC"

MOVES: Mapping[type, tuple[str, str]] = {
    events.WalletOpened: ("0", "0"),
    events.WalletCredited: ("+ amount", ""),
    events.WalletDebited: ("- amount", ""),
    events.WalletFundsHeld: ("", "+ amount"),
    events.WalletHoldCaptured: ("- amount", "- amount"),
    events.WalletHoldReleased: ("", "- amount"),
}
"""How an event changes what a wallet has posted and held; all others change neither."""

MEANINGS: Mapping[str, str] = {
    "amount": "Minor units of the currency, an integer above zero.",
    "available": "Minor units that could be spent when it was declined, overdraft not included.",
    "overdraft_limit": "Minor units below zero that the wallet may reach; null is unlimited.",
    "currency": "ISO 4217 code, or the code of a registered asset.",
    "effective_at": f"Value date, {INSTANT}; it orders nothing.",
    "counterparty": "The wallet on the other side (`wal_`).",
    "payment_id": "The payment that moves the money (`pay_`).",
    "source_wallet_id": "The wallet that pays (`wal_`).",
    "destination_wallet_id": "The wallet that is paid (`wal_`).",
    "wallet_id": "The wallet that the request was about (`wal_`).",
    "owner": "Subject of the person it belongs to; null for system wallets.",
    "code": "The refusal, as problems name it.",
    "expires_at": f"When it ends by itself, {INSTANT}.",
    "given_back": "Minor units given back to what may leave the wallet that day.",
    "counted": "Minor units that count for the wallet's limits; none is all of the amount.",
    "released": "Minor units that were left of the hold and are free again.",
    "per_payment": "Minor units that may leave by one payment; null is no limit.",
    "per_day": "Minor units that may leave on one day (UTC); null is no limit.",
    "required": "How many other owners must approve; 0 is none.",
    "above": "Minor units; payments above them wait for approval.",
    "legs": "The movements of a payment of many, in their order; null where there is one.",
    "rate": "Whole units of the second currency for one of the first, as a fraction.",
    "standing": "How it stands after the event.",
    "original_payment_id": "The payment that is undone (`pay_`).",
    "starts_on": "The first day that counts, YYYY-MM-DD in UTC.",
    "recurrence": "A rule of RFC 5545 of days; null is once.",
    "until": "The last day that counts; null is no end.",
    "count": "How many dates there are; null is no end.",
    "if_missed": "What becomes of a date on which everything was down.",
    "created_by": "Whose rights are asked for on each date.",
    "operate": "Whether those are the rights of an operator.",
    "on": "The date of the occurrence, YYYY-MM-DD in UTC.",
    "attempt": "How often it was tried with this time.",
    "side": "Whether a member of the wallet or an operator acted.",
}


PLACE = "#/components/schemas/"
"""Where the document has every schema, by its name."""

_NAMES = {cls.__name__: name for name, cls in TYPES.items()}


@dataclass(frozen=True, slots=True)
class EventType:
    """One stored type: its permanent name, what it says, and the schema of its data."""

    name: str
    summary: str
    posted: str
    held: str
    schema: dict[str, Any]


def event_types() -> Iterator[EventType]:
    """Yield every type in the order of the codec."""
    for name, cls in TYPES.items():
        posted, held = MOVES.get(cls, ("", ""))
        yield EventType(name, inspect.cleandoc(cls.__doc__ or ""), posted, held, _schema(cls))


def made_of() -> dict[str, dict[str, Any]]:
    """Return the schemas of what events are made of, by name; every field of it is written."""
    return {
        name: {**_linked(schema), "required": list(schema["properties"])}
        for name, schema in _components().items()
        if name not in _NAMES
    }


def referred(reference: str) -> dict[str, Any]:
    """Return what a reference of the document's stands for."""
    name = reference.removeprefix(PLACE)
    return _schema(TYPES[name]) if name in TYPES else made_of()[name]


@cache
def _components() -> dict[str, Any]:
    """Return the schemas of all event classes and of what they are made of, by class name."""
    return msgspec.json.schema_components(TYPES.values(), ref_template=PLACE + "{name}")[1]


def _schema(cls: type) -> dict[str, Any]:
    """Return the schema of an event's data, under the names that are stored."""
    told = _linked(_components()[cls.__name__])["properties"]
    properties = {
        STORED_NAMES.get(field.name, field.name): _property(field, told[field.name])
        for field in dataclasses.fields(cls)
    }
    # What is written has every field, but for the last ones of some types where none of them is
    # set, or each of them where it is not; readers let unknown ones pass.
    missing = {*OMITTED.get(cls, ()), *ABSENT.get(cls, ())}
    required = [name for name in properties if name not in missing]
    return {"type": "object", "properties": properties, "required": required}


def _linked(schema: Any) -> Any:
    """Return a schema without defaults, which refers to others by their names in the document."""
    if isinstance(schema, list):
        return [_linked(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PLACE)
        return {"$ref": PLACE + _NAMES.get(name, name)}
    return {name: _linked(each) for name, each in schema.items() if name != "default"}


def _property(field: "dataclasses.Field[Any]", schema: dict[str, Any]) -> dict[str, Any]:
    meaning = MEANINGS.get(field.name, "")
    if field.metadata.get("written_by_people"):
        meaning = f"{meaning} {WRITTEN_BY_PEOPLE}".strip()
    if not meaning:
        return schema
    # What stands beside a reference does not count in this version of JSON Schema.
    return {**({"allOf": [schema]} if "$ref" in schema else schema), "description": meaning}
