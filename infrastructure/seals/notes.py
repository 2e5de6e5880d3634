"""Signed notes in the form of C2SP `signed-note`, with Ed25519 keys (signature type 0x01)."""

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
KEY_ID_BYTES = 4
_SIGNATURE = re.compile("\N{EM DASH} (\\S+) ([A-Za-z0-9+/]+={0,2})\n")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteInvalid(ValueError):
    """A text is no signed note, or a signature in it is false; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key's name and its 32 public bytes."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Return the 4 bytes that name the key in a signature."""
        hashed = self.name.encode() + b"\n" + ED25519 + self.public
        return hashlib.sha256(hashed).digest()[:KEY_ID_BYTES]

    @property
    def vkey(self) -> str:
        """Return the key as others are given it: `name+id in hexadecimal+base64`."""
        return f"{self.name}+{self.key_id.hex()}+{b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under a name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        """Return the public side."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())


def parse_vkey(vkey: str) -> Verifier:
    """Return a key from its `vkey`; raises `NoteInvalid`."""
    try:
        name, key_id, encoded = vkey.split("+", 2)
        raw = b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise NoteInvalid("A key is written name+id+base64.") from None
    verifier = Verifier(name, raw[1:])
    # Whatever was written differently, by length, case or type, is not found again here.
    if len(raw) != 33 or not _is_name(name) or verifier.vkey != f"{name}+{key_id}+{encoded}":
        raise NoteInvalid("This is no Ed25519 key, or its id is another key's.")
    return verifier


def sign_note(text: str, signers: Sequence[Signer]) -> str:
    """Return a text, which ends in a newline, with a signature line of each signer."""
    lines = [
        f"\N{EM DASH} {signer.name}"
        f" {b64encode(signer.verifier.key_id + signer.private.sign(text.encode())).decode()}\n"
        for signer in signers
    ]
    return f"{text}\n{''.join(lines)}"


def text_of(note: str) -> str:
    """Return the text of a note, whoever has signed it; raises `NoteInvalid`."""
    return _parts(note)[0]


def verified_by(note: str, known: Sequence[Verifier]) -> list[Verifier]:
    """Return which of the known keys have signed a note; signatures of others are ignored.

    Raises `NoteInvalid` when none has, or when a signature that bears a known key's name and id
    is not its own.
    """
    text, signatures = _parts(note)
    found = []
    for verifier in known:
        for name, raw in signatures:
            if name == verifier.name and raw[:KEY_ID_BYTES] == verifier.key_id:
                _verify(verifier, raw[KEY_ID_BYTES:], text)
                found.append(verifier)
                break
    if not found:
        raise NoteInvalid("No key that is known has signed this.")
    return found


def _verify(verifier: Verifier, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature, text.encode())
    except InvalidSignature:
        raise NoteInvalid(f"The signature of {verifier.name} is false.") from None


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, blank, signed = note.rpartition("\n\n")
    lines = signed.splitlines(keepends=True)
    matches = [_SIGNATURE.fullmatch(line) for line in lines]
    if not blank or not lines or _CONTROL.search(note):
        raise NoteInvalid("A signed note is a text, an empty line, and lines of signatures.")
    signatures = []
    for match in matches:
        if match is None or not _is_name(match[1]):
            raise NoteInvalid("A line of the note is no signature.")
        try:
            raw = b64decode(match[2], validate=True)
        except binascii.Error:
            raise NoteInvalid("A signature is not written in base64.") from None
        if len(raw) <= KEY_ID_BYTES:
            raise NoteInvalid("A signature has nothing behind its key's id.")
        signatures.append((match[1], raw))
    return f"{text}\n", signatures


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not re.search(r"\s", name)
