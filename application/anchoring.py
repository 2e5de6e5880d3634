"""Anchors: other places to which seals are written, so that nobody rewrites the log alone."""

from typing import Protocol

from application.sealing import Seal


class AnchorFailed(Exception):
    """A place did not take a seal; the message is a sentence with the remedy."""


class Anchor(Protocol):
    """A place that others watch, or that cannot be changed by whoever changes the database."""

    kind: str

    def publish(self, seal: Seal) -> None:
        """Write a seal there, once however often it is called; raises `AnchorFailed`.

        It may take half a minute, and not every seal comes to it: only the latest.
        """
