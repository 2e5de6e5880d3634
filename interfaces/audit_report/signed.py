"""Signs a report with the key of the seals, as a note over the SHA-256 of its canonical JSON."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from infrastructure.event_log.reader import EventReader
from infrastructure.seals.keys import SealKeys
from infrastructure.seals.notes import Signer, sign_note
from infrastructure.seals.origin import seal_origin
from infrastructure.settings import Settings

HEAD = "FalconPay audit report"
"""The first line of what is signed; no checkpoint has a third line that begins with `sha256`."""

KEYS: LiteralString = "SELECT vkey FROM seal_key WHERE epoch = %s"


@dataclass(frozen=True, slots=True)
class Signed:
    """A report with its hash in hexadecimal, the note that signs it, and the key that has."""

    report: dict[str, Any]
    sha256: str
    note: str
    vkey: str

    def file(self) -> bytes:
        """Return the file of JSON, which `./falcon proof check` checks."""
        fields = {"report": self.report, "note": self.note, "vkey": self.vkey}
        return json.dumps(fields, indent=2, ensure_ascii=False).encode() + b"\n"


def report_signers(settings: Settings, ledger: psycopg.Connection[Any]) -> Sequence[Signer]:
    """Return the keys of the home that sign the ledger's seals; raises `SecretMissing`.

    They are the last one that has sealed and what a rotation has made since. A home whose keys
    have sealed nothing signs with its newest: what it reports may be just that.
    """
    epoch = EventReader(ledger).epoch()
    origin = seal_origin(settings, epoch)
    own = [Signer(origin, private) for private in SealKeys(settings.home).read()]
    known = {vkey for (vkey,) in ledger.execute(KEYS, [epoch])}
    used = [number for number, signer in enumerate(own) if signer.verifier.vkey in known]
    return own[used[-1] if used else -1 :]


def signed(report: dict[str, Any], signers: Sequence[Signer]) -> Signed:
    """Sign a report, in which numbers are whole."""
    digest = hashlib.sha256(canonical(report)).hexdigest()
    note = sign_note(f"{HEAD}\n{signers[0].name}\nsha256 {digest}\n", signers)
    return Signed(report, digest, note, signers[0].verifier.vkey)


def canonical(report: dict[str, Any]) -> bytes:
    """Return canonical JSON (RFC 8785), to which names of ASCII and whole numbers are kept."""
    text = json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()
