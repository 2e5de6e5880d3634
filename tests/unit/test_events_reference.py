"""The reference of the events says what the code does, to people and to programs."""

import gzip
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from domain.identifiers import StreamId, wallet_id
from domain.instants import Instant
from domain.recorded import EventMetadata, RecordedEvent
from infrastructure.event_codec import TYPES, EventCodec
from infrastructure.kafka.records import RecordCodec
from interfaces.events_reference.__main__ import FOLDER, pages
from interfaces.events_reference.asyncapi import document
from tests.stored_events import ADDED_NAMES, ADDED_ONE_BY_ONE, EXAMPLES

# AsyncAPI's own schema of its version 3.0.0, from the package @asyncapi/specs 6.11.1 (Apache-2.0).
OFFICIAL = Path(__file__).parents[1] / "published" / "asyncapi-3.0.0.schema.json.gz"
WALLET = StreamId(wallet_id(UUID(int=5)))


def resolved(node: Any, root: Any) -> Any:
    """Return a part of the document with its references followed."""
    if isinstance(node, dict) and "$ref" in node:
        target = root
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word]
        return resolved(target, root)
    if isinstance(node, dict):
        return {name: resolved(child, root) for name, child in node.items()}
    return [resolved(child, root) for child in node] if isinstance(node, list) else node


def test_the_pages_are_current() -> None:
    """`python -m interfaces.events_reference` brings them up to date."""
    for name, text in pages().items():
        assert (FOLDER / name).read_text() == text, f"{name} is behind"


def test_the_document_is_valid_asyncapi() -> None:
    schema = json.loads(gzip.decompress(OFFICIAL.read_bytes()))
    validator = jsonschema.Draft7Validator(schema)
    validator.validate(document())
    broken = document()
    broken["channels"]["events"]["bindings"]["kafka"]["partitions"] = "one"
    assert not validator.is_valid(broken)


def test_what_several_events_are_made_of_is_described_once() -> None:
    """Whatever has fields of its own is a schema with a name, which others refer to."""
    schemas = document()["components"]["schemas"]
    assert {"PaymentStanding", "Leg", "Quorum"} <= set(schemas)
    for name, schema in schemas.items():
        inner = json.dumps(schema["properties"])
        assert '"properties"' not in inner, f"{name} writes out what has fields"
        assert '"default"' not in inner, f"{name} has a default, though every field is written"


def test_every_type_is_in_both() -> None:
    """Every type that may be stored has a message in the document and a section on the page."""
    told = document()
    sections = re.findall(r"^### ([a-z_]+\.[a-z_]+\.v\d+)$", pages()["events.md"], re.MULTILINE)
    for names in (sections, told["channels"]["events"]["messages"], told["components"]["messages"]):
        assert list(names) == list(TYPES)


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_what_is_published_fits_its_schemas(event: Any) -> None:
    """Payload and headers as the relay writes them fit the schemas, and nothing else does."""
    type_name, data = EventCodec().encode(event)
    recorded = RecordedEvent(
        1, WALLET, 1, type_name, data, b"", Instant("2026-01-31T12:00:00.000000Z")
    )
    _, value, headers = RecordCodec("main", b"k").encode(
        recorded, EventMetadata("req_0", 0, 1), "5b3e8f0a-90a4-4a39-9d1e-0a5b8c4e2f71"
    )
    root = document()
    message = resolved(root["components"]["messages"][type_name], root)
    payload = json.loads(value)
    jsonschema.Draft7Validator(message["payload"]).validate(payload)
    told: dict[str, Any] = dict(headers)
    texts = {name: text.decode() for name, text in told.items()}
    jsonschema.Draft7Validator(message["headers"]).validate(texts)
    added = {*ADDED_NAMES.get(type_name, ()), *ADDED_ONE_BY_ONE.get(type_name, ())}
    assert set(message["payload"]["properties"]) == set(payload) | added
    for name in set(payload) - added:
        short = {other: value for other, value in payload.items() if other != name}
        assert not jsonschema.Draft7Validator(message["payload"]).is_valid(short)
