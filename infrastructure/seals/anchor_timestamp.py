"""The anchor `rfc3161`: a time-stamp authority signs when a seal was there at the latest."""

from pathlib import Path

import httpx
from cryptography import x509
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from application.anchoring import AnchorFailed
from application.sealing import Seal

TIMEOUT_SECONDS = 20
GRANTED = (0, 1)
"""The statuses of RFC 3161, section 2.4.2, with which a token comes."""


class TimestampAnchor:
    """Asks an authority over HTTP, and keeps its answer as `SIZE.tsr` beside `SIZE.checkpoint`.

    These two files are what `openssl ts -verify` takes.
    """

    kind = "rfc3161"

    def __init__(self, url: str, folder: Path, certificates: Path | None) -> None:
        """Take the authority's address, where answers are kept, and the roots to verify by."""
        self._url = url
        self._folder = folder
        self._certificates = certificates

    def publish(self, seal: Seal) -> None:
        """Have a seal stamped, unless it is already; raises `AnchorFailed`."""
        name = f"{seal.checkpoint.origin.replace('/', '-')}-{seal.checkpoint.size}"
        answer = self._folder / f"{name}.tsr"
        if answer.exists():
            return
        token = self._stamp(seal.note.encode())
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            kept = ((".checkpoint", seal.note.encode()), (".tsr", token))
            for suffix, content in kept:
                # Whoever reads the folder meanwhile finds whole files.
                draft = self._folder / f"{name}.draft"
                draft.write_bytes(content)
                draft.replace(self._folder / f"{name}{suffix}")
        except OSError as problem:
            raise AnchorFailed(f"{answer} cannot be written: {problem.strerror}.") from None

    def _stamp(self, message: bytes) -> bytes:
        request = TimestampRequestBuilder().data(message).nonce(nonce=True).build()
        try:
            asked = httpx.post(
                self._url,
                content=request.as_bytes(),
                headers={"Content-Type": "application/timestamp-query"},
                timeout=TIMEOUT_SECONDS,
            )
            asked.raise_for_status()
            answer = decode_timestamp_response(asked.content)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise AnchorFailed(
                f"The time-stamp authority does not answer ({type(fault).__name__})."
            ) from None
        except ValueError:
            raise AnchorFailed("The time-stamp authority answers something else.") from None
        if answer.status not in GRANTED:
            raise AnchorFailed(f"The time-stamp authority refuses with status {answer.status}.")
        if answer.tst_info.nonce != request.nonce:
            raise AnchorFailed("The time-stamp authority answers another request.")
        if answer.tst_info.message_imprint.message != request.message_imprint.message:
            raise AnchorFailed("The time-stamp authority stamps something else.")
        self._verify(answer, message)
        return asked.content

    def _verify(self, answer: TimeStampResponse, message: bytes) -> None:
        if self._certificates is None:
            return
        try:
            roots = x509.load_pem_x509_certificates(self._certificates.read_bytes())
        except (OSError, ValueError):
            raise AnchorFailed(
                f"{self._certificates} holds no certificates: FALCONPAY_TSA_CERTIFICATES names a"
                " PEM file."
            ) from None
        builder = VerifierBuilder()
        for root in roots:
            builder = builder.add_root_certificate(root)
        try:
            builder.build().verify_message(answer, message)
        except VerificationError:
            raise AnchorFailed("The time stamp is not signed by a known authority.") from None
