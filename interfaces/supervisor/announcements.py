"""Tells whoever typed `up` how far the start is: on the terminal, or to the waiting `--detach`."""

import contextlib
import json
import os
import sys
from typing import Literal

Kind = Literal["progress", "ready", "failed"]


class Announcements:
    """Sentences for the person at the terminal, which no log keeps: one may hold a token."""

    def __init__(self, pipe: int | None) -> None:
        """Take the writing end of the pipe that `--detach` reads, or None for the terminal."""
        self._pipe = pipe

    def say(self, kind: Kind, text: str) -> None:
        """Pass a sentence on; `ready` and `failed` are the last."""
        # Whoever waited may have gone; the system goes on without being heard.
        with contextlib.suppress(BrokenPipeError):
            if self._pipe is not None:
                os.write(self._pipe, json.dumps([kind, text]).encode() + b"\n")
            else:
                stream = sys.stderr if kind == "failed" else sys.stdout
                stream.write(f"{text}\n")
                stream.flush()
        if kind != "progress" and self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


def parse(line: bytes) -> tuple[Kind, str]:
    """Return what a line of the pipe says."""
    kind, text = json.loads(line)
    return kind, text
