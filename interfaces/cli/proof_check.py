"""Checks proofs of payments, exported books and reports without any server or FalconPay.

This file needs Python 3.11 and the package `cryptography`, nothing else:

    python proof_check.py FILE [--key VKEY] [--json]

FILE is what `GET /v1/audit/payments/{id}/proof` answered, a book of `./falcon export`, or a report
of `./falcon replay verify --report FILE.json`. VKEY is the log's key, which you have from somewhere
that the file does not come from; without it the file's own key is taken, and all that is shown is
that the file agrees with itself.

It ends with 0 when everything is proven, 1 when something is not, 2 when it cannot be used so.

A log is a Merkle tree (RFC 6962): a leaf is SHA-256(0 || entry), a node SHA-256(1 || left ||
right). An entry is canonical JSON (RFC 8785) of everything that is stored of an event. A
checkpoint (C2SP tlog-checkpoint) says the log's name, its size and its root, and is signed with
Ed25519 (C2SP signed-note).
"""

import argparse
import hashlib
import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PROVEN, NOT_PROVEN, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
LONGEST = 1 << 26
"""How many bytes of a line, a proof or a report are read at most, whatever a file holds."""

SHOWN = ("position", "stream_id", "version", "type", "recorded_at")
NUMBERS = ("position", "version")
FIELDS = {name: int if name in NUMBERS else str for name in (*SHOWN, "data", "metadata")}
VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})")
SIGNATURE = "\N{EM DASH} ([^\\s+]+) ([A-Za-z0-9+/]{7,}={0,2})\n"
NOTE = re.compile(f"(.*\n)\n((?:{SIGNATURE})+)", re.DOTALL)
CHECKPOINT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n", re.ASCII)
Json = dict[str, Any]


class NotProven(Exception):
    """Something in the file does not hold."""


class Unusable(Exception):
    """The file or the key is none."""


def check(path: Path, key: str | None = None) -> Json:
    """Return what a file proves; raises `NotProven` and `Unusable`."""
    try:
        with path.open("rb") as file:
            first = file.readline(LONGEST)
            head = _parsed(first)
            if head is not None and "ledger" in head:
                return _check_book(head, iter(lambda: file.readline(LONGEST), b""), key)
            content = first + file.read(LONGEST)
            found = None if file.read(1) else _parsed(content)
    except OSError as problem:
        raise Unusable(f"{path} cannot be read: {problem.strerror}.") from None
    if found is not None and isinstance(found.get("report"), dict):
        return _check_report(found, key)
    if found is None or "events" not in found:
        raise Unusable(f"{path} is neither the proof of a payment nor a book nor a report.")
    return _check_payment(found, key)


def _check_payment(proof: Json, key: str | None) -> Json:
    said, size, root = _checkpoint(proof, key)
    payment, events = proof.get("payment_id"), proof["events"]
    if not isinstance(payment, str) or not isinstance(events, list) or not events:
        raise NotProven("The proof names no payment, or holds no events.")
    shown = []
    for given in events:
        leaf, event = _entry_of(given, ("position",))
        path = _hashes(given.get("proof"))
        if payment not in (event["stream_id"], _json_in(event, "data").get("payment_id")):
            raise NotProven(f"The event at position {event['position']} is of another payment.")
        if root_of(event["position"] - 1, size, leaf, path) != root:
            raise NotProven(f"The event at position {event['position']} is not in the log.")
        shown.append({name: event[name] for name in SHOWN})
    if any(one["position"] >= other["position"] for one, other in pairwise(shown)):
        raise NotProven("The events do not stand in the order of their positions.")
    return {"payment_id": payment, **said, "events": shown}


def _check_report(file: Json, key: str | None) -> Json:
    """Compare the hash of a report's canonical JSON with the one that is signed."""
    vkey, name, text = _signed(file, "note", key)
    report = file["report"]
    digest = hashlib.sha256(_canonical(report)).hexdigest()
    if text != f"FalconPay audit report\n{name}\nsha256 {digest}\n":
        raise NotProven("The report is not the one that was signed.")
    told = {each: report.get(each) for each in ("ledger", "position", "result", "differences")}
    return {"authenticated": key is not None, "vkey": vkey, "origin": name, "sha256": digest} | told


def _check_book(head: Json, lines: Iterator[bytes], key: str | None) -> Json:
    first, last = head.get("from"), head.get("to")
    if type(first) is not int or type(last) is not int or not 1 <= first <= last + 1:
        raise Unusable("The head line of the book does not say which positions follow.")
    if head.get("checkpoint") is None:
        raise NotProven("No seal covered the book when it was written: export it again later.")
    said, size, root = _checkpoint(head, key)
    leaves, sealed = _leaves(lines, first, last), min(last, size)
    if first > sealed:
        raise NotProven(f"The seal goes up to position {size}: no event of the book is proven.")
    others = iter(_hashes(head.get("proof", [])))
    found = _part_root((0, size), (first - 1, sealed), leaves, others)
    if found != root or next(others, None) is not None:
        raise NotProven("The events of the book are not those of the log.")
    for _ in leaves:
        pass
    counts = {"proven": sealed - first + 1, "newer_than_the_seal": last - sealed}
    return {"ledger": head["ledger"], "from": first, "to": last, **said, **counts}


def _leaves(lines: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    """Yield the leaf hash of each line, which must show what its entry holds."""
    for expected in range(first, last + 1):
        given = _parsed(next(lines, b""))
        if given is None:
            raise NotProven(f"The line of position {expected} is missing, or is no JSON.")
        leaf, event = _entry_of(given, SHOWN)
        if event["position"] != expected:
            raise NotProven(f"Position {event['position']} stands where {expected} should.")
        for name in ("data", "metadata"):
            # Compared as text, since to Python 1, 1.0 and true are the same.
            if _canonical(given.get(name)) != _canonical(_json_in(event, name)):
                raise NotProven(f"{name} at position {expected} is not what the entry holds.")
        if given.get("leaf_hash") != b64encode(leaf).decode():
            raise NotProven(f"leaf_hash at position {expected} is another entry's.")
        yield leaf
    if next(lines, b"").strip():
        raise NotProven(f"There are lines behind position {last}.")


def _entry_of(given: object, names: Sequence[str]) -> tuple[bytes, Json]:
    """Return an entry's leaf hash and fields; what is said of it beside it must be the same."""
    if not isinstance(given, dict):
        raise NotProven("An event of the file is none.")
    raw = _decoded(given.get("entry"))
    event = read_entry(raw)
    for name in names:
        if type(given.get(name)) is not FIELDS[name] or given[name] != event[name]:
            raise NotProven(f"{name} at position {event['position']} is not what the entry holds.")
    return hashlib.sha256(b"\0" + raw).digest(), event


def read_entry(raw: bytes) -> Json:
    """Return an entry's fields; raises `NotProven` unless it is canonical (RFC 8785)."""
    event = _parsed(raw) or {}
    if {name: type(value) for name, value in event.items()} != FIELDS:
        raise NotProven("An entry does not hold the fields of an event, and nothing else.")
    if not all(1 <= event[name] < 2**53 for name in NUMBERS):
        raise NotProven("An entry has a number that is none of an event.")
    # Its numbers are whole and its names are ASCII, so this is the one canonical form.
    if _canonical(event) != raw:
        raise NotProven("An entry is not written in canonical JSON.")
    for name in ("data", "metadata"):
        _decoded(event[name])
    return event


def root_of(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a proof leads to, from the leaf up; none where its length is wrong."""
    if not path or not 0 <= index < size or size == 1:
        return leaf if not path and (index, size) == (0, 1) else None
    middle = _middle(0, size)
    left = index < middle
    place = (index, middle) if left else (index - middle, size - middle)
    below = root_of(*place, leaf, path[:-1])
    if below is None:
        return None
    return _node(below, path[-1]) if left else _node(path[-1], below)


def _part_root(
    span: tuple[int, int], part: tuple[int, int], leaves: Iterator[bytes], others: Iterator[bytes]
) -> bytes:
    """Return the root above a span, of which a part is known by its leaves.

    What lies outside of the part is given by hashes, in the order in which they are met.
    """
    begin, end = span
    if end <= part[0] or begin >= part[1]:
        other = next(others, None)
        if other is None:
            raise NotProven("The proof of the book is too short.")
        return other
    if end - begin == 1:
        return next(leaves)
    middle = _middle(begin, end)
    left = _part_root((begin, middle), part, leaves, others)
    return _node(left, _part_root((middle, end), part, leaves, others))


def _middle(begin: int, end: int) -> int:
    """Return where a node parts: behind the largest power of two below its number of leaves."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _checkpoint(file: Json, key: str | None) -> tuple[Json, int, bytes]:
    """Return what the signed checkpoint says to people, and the log's size and root."""
    vkey, name, text = _signed(file, "checkpoint", key)
    match = CHECKPOINT.fullmatch(text)
    if match is None:
        raise NotProven("What is signed is no checkpoint.")
    if match[1] != name:
        raise NotProven(f"The key of {name} has signed the log {match[1]}.")
    size, (root,) = int(match[2]), _hashes([match[3]])
    said = {"authenticated": key is not None, "vkey": vkey, "origin": name}
    return {**said, "size": size, "root": match[3]}, size, root


def _signed(file: Json, field: str, key: str | None) -> tuple[str, str, str]:
    """Return the key, its name, and the text that it has signed in a field of the file."""
    vkey, note = file.get("vkey") if key is None else key, file.get(field)
    if not isinstance(vkey, str) or not isinstance(note, str):
        raise NotProven("The file bears no signature, or no key.")
    try:
        return vkey, *open_note(note, vkey)
    except Unusable as unusable:
        # A key that is none is the person's fault only when the person gave it.
        raise unusable if key is not None else NotProven(str(unusable)) from None


def open_note(note: str, vkey: str) -> tuple[str, str]:
    """Return a key's name and the text that it has signed; others' signatures are ignored."""
    key = VKEY.fullmatch(vkey)
    raw = b64decode(key[3]) if key else b""
    if key is None or raw[:1] != b"\1":
        raise Unusable("The key is no Ed25519 key of the form name+id+base64.")
    name, public = key[1], raw[1:]
    key_id = hashlib.sha256(name.encode() + b"\n\1" + public).digest()[:4]
    if key_id.hex() != key[2]:
        raise Unusable("The key's id is not that of the key.")
    parts = NOTE.fullmatch(note)
    if parts is None or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise NotProven("What should be signed is no note of a text and lines of signatures.")
    for signer, encoded in re.findall(SIGNATURE, parts[2]):
        signature = _decoded(encoded) if signer == name else b""
        if signature[:4] == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], parts[1].encode())
            except InvalidSignature:
                raise NotProven("The signature is false.") from None
            return name, parts[1]
    raise NotProven(f"It is not signed by the key {vkey}.")


def _parsed(raw: bytes) -> Json | None:
    """Return a JSON object in UTF-8 whose names are all different, else nothing."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len(pairs) != len(dict(pairs)):
            raise ValueError
        return dict(pairs)

    try:
        found = json.loads(raw.decode(), object_pairs_hook=once)
        if b"\\u" in raw:
            # An escape may be half a letter, which is none and cannot be written again.
            _canonical(found)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _canonical(value: Any) -> bytes:
    """Write canonical JSON (RFC 8785): names in order, which are ASCII here, and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _json_in(event: Json, name: str) -> Json:
    found = _parsed(_decoded(event[name]))
    if found is None:
        raise NotProven(f"{name} at position {event['position']} is no JSON object.")
    return found


def _decoded(text: object) -> bytes:
    """Return what a text of base64 holds, written in the one way there is (RFC 4648)."""
    try:
        raw = b64decode(str(text), validate=True)
    except ValueError:
        raw = b""
    if not isinstance(text, str) or b64encode(raw).decode() != text:
        raise NotProven("Something is not written in base64.")
    return raw


def _hashes(found: object) -> list[bytes]:
    hashes = list(map(_decoded, found)) if isinstance(found, list) else [b""]
    if any(len(each) != 32 for each in hashes):
        raise NotProven("A proof is no list of hashes.")
    return hashes


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one file and tell what it proves; return the exit code."""
    parser = argparse.ArgumentParser(description="Check a proof, a book or a report offline.")
    parser.add_argument("file", type=Path, help="a proof, a book of ./falcon export, or a report")
    parser.add_argument("--key", metavar="VKEY", help="the log's key, from another source")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    given = parser.parse_args(arguments)
    try:
        found, code = {"ok": True, **check(given.file, given.key)}, PROVEN
    except (NotProven, Unusable, RecursionError) as fault:
        code = UNUSABLE if isinstance(fault, Unusable) else NOT_PROVEN
        found = {"ok": False, "authenticated": False, "reason": str(fault)}
        _say(sys.stderr, str(fault))
    except KeyboardInterrupt:
        return INTERRUPTED
    if given.json:
        sys.stdout.write(f"{json.dumps(found, indent=2)}\n")
    elif code == PROVEN:
        for line in _lines(found):
            _say(sys.stdout, line)
    return code


def _lines(found: Json) -> Iterator[str]:
    for name, value in found.items():
        if name == "events":
            yield from ("  ".join(str(event[each]) for each in SHOWN) for event in value)
        elif name != "ok":
            yield f"{name}: {json.dumps(value) if isinstance(value, bool) else value}"
    if not found["authenticated"]:
        yield "The key is the file's own: compare it with what you were given, or give it by --key."


def _say(out: TextIO, line: str) -> None:
    """Write a line, in which nothing that stands in a file can pass for a line of its own."""
    out.write(f"{line.encode('unicode_escape').decode()}\n")


if __name__ == "__main__":
    sys.exit(main())
