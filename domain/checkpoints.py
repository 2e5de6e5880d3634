"""Checkpoints: what a seal says of a log, in the text form of C2SP `tlog-checkpoint`."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

_TEXT = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", re.ASCII)


class CheckpointInvalid(ValueError):
    """A text is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log's name, how many entries it has, and the root of its tree."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return what a text says, which must be exactly what `text` writes.

    Lines of an extension are refused: no log of ours has any. Raises `CheckpointInvalid`.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise CheckpointInvalid("Expected three lines: origin, size, and root in base64.")
    checkpoint = Checkpoint(match[1], int(match[2]), b64decode(match[3], validate=True))
    if checkpoint.text() != text:
        raise CheckpointInvalid("The root is not written as base64 writes it.")
    return checkpoint
