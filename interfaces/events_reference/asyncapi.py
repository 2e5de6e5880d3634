"""The AsyncAPI 3 document of the topic on which events are published."""

from typing import Any

from infrastructure.kafka.records import AUTHENTICATED
from infrastructure.version import VERSION
from interfaces.events_reference.schemas import INSTANT, EventType, event_types, made_of

MAC = {"pattern": "^[A-Za-z0-9+/]{43}=$"}
HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ce_specversion": ("Version of CloudEvents.", {"const": "1.0"}),
    "ce_id": ("Id of the event; it follows from stream and version.", {"pattern": "^evt_"}),
    "ce_type": ("Stored type name; it is permanent.", {}),
    "ce_source": ("The ledger.", {"pattern": "^/ledgers/[a-z][a-z0-9-]{0,30}$"}),
    "ce_subject": ("Stream id, also the record's key.", {}),
    "ce_time": (f"When it was recorded, {INSTANT}.", {"format": "date-time"}),
    "position": ("Position in the ledger, from 1 without holes.", {"pattern": "^[1-9][0-9]*$"}),
    "version": ("Version in its stream, from 1.", {"pattern": "^[1-9][0-9]*$"}),
    "command_id": ("Command that the event belongs to.", {}),
    "command_index": ("Place among the command's events, from 0.", {"pattern": "^[0-9]+$"}),
    "command_count": ("How many events the command has.", {"pattern": "^[1-9][0-9]*$"}),
    "store": ("UUID of the event store.", {"format": "uuid"}),
    "traceparent": (
        "W3C trace context, where the caller gave one, on the event that keeps the answer.",
        {},
    ),
    "mac": ("HMAC-SHA-256 in base64.", MAC),
    "actor": (
        "Who gave the command, with which client and by which right, as JSON, on the event that"
        " keeps the answer.",
        {},
    ),
    "actor_mac": (
        "HMAC-SHA-256 in base64 over `mac` and `actor`, on each event that begins a stream.",
        MAC,
    ),
}
"""Each header with its meaning and its schema; values are UTF-8 text."""

OPTIONAL = {"traceparent", "actor", "actor_mac"}


def document() -> dict[str, Any]:
    """Return the document."""
    assert {"ce_specversion", *AUTHENTICATED, "mac", "actor", "actor_mac"} == set(HEADERS)
    types = list(event_types())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "FalconPay events",
            "version": VERSION,
            "description": "Every fact of a ledger, in the order of its positions. Generated from"
            " the event classes; described for people in events.md.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {"events": _channel(types)},
        "operations": {
            "publishEvents": {
                "action": "send",
                "channel": {"$ref": "#/channels/events"},
                "summary": "The relay publishes each committed event, at least once, in order.",
            }
        },
        "components": {
            "messages": {each.name: _message(each) for each in types},
            "schemas": {
                "headers": _headers(),
                **{each.name: each.schema for each in types},
                **made_of(),
            },
        },
    }


def _channel(types: list[EventType]) -> dict[str, Any]:
    return {
        "address": "falconpay.{ledger}.events",
        "description": "One topic a ledger with one partition, which keeps the total order.",
        "parameters": {"ledger": {"description": "Name of the ledger.", "default": "main"}},
        "messages": {each.name: {"$ref": f"#/components/messages/{each.name}"} for each in types},
        "bindings": {
            "kafka": {
                "partitions": 1,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(each: EventType) -> dict[str, Any]:
    return {
        "name": each.name,
        "summary": each.summary,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"#/components/schemas/{each.name}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The stream id."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": meaning, **schema}
            for name, (meaning, schema) in HEADERS.items()
        },
        "required": [name for name in HEADERS if name not in OPTIONAL],
    }
