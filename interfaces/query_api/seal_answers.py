"""What queries of seals and proofs answer."""

from typing import Annotated

from msgspec import Meta

from interfaces.query_api.answers import InstantText, NextCursor, Shape

Base64 = Annotated[str, Meta(extra_json_schema={"contentEncoding": "base64"})]
Size = Annotated[int, Meta(ge=1, description="How many events, from position 1 on.")]
Vkey = Annotated[str, Meta(description="A key as C2SP `signed-note` writes it.")]
Note = Annotated[str, Meta(description="A signed note with a checkpoint (C2SP).")]


class Seal(Shape, kw_only=True):
    """The log up to a position, as its root and a signature over it."""

    size: Size
    root: Base64
    checkpoint: Note
    sealed_at: InstantText


class Seals(Shape, kw_only=True):
    """A page of seals, the oldest first."""

    items: list[Seal]
    next_cursor: NextCursor


class LatestSeal(Seal, kw_only=True):
    """The latest seal."""


class SealKey(Shape, kw_only=True):
    """The key that signs seals now."""

    vkey: Vkey


class KeyPeriod(Shape, kw_only=True):
    """A key, and the first and the last seal that it has signed; null while it goes on."""

    vkey: Vkey
    from_size: Size
    to_size: Size | None


class SealKeys(Shape, kw_only=True):
    """Every key that has signed seals, the oldest first."""

    items: list[KeyPeriod]


class ConsistencyProof(Shape, kw_only=True):
    """The hashes that show that the log of one size begins as that of another (RFC 9162)."""

    proof: list[Base64]


class ProvenEvent(Shape, kw_only=True):
    """An event's canonical bytes, and the hashes that lead from it to the root (RFC 9162)."""

    position: Annotated[int, Meta(ge=1)]
    entry: Base64
    proof: list[Base64]


class PaymentProof(Shape, kw_only=True):
    """What was recorded of a payment, provable without any server."""

    payment_id: str
    checkpoint: Note
    vkey: Vkey
    events: list[ProvenEvent]
