"""What a file of bank transactions is made of, whatever its profile."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol


class FileUnfit(ValueError):
    """A file is not what its profile says; the message is one sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction; money in minor units, an amount above zero comes into the account.

    `key` is the transaction's own number in the file, `kind` names the system wallet on the
    other side, `balance` is the account's after it by the file's own account, where it has one.
    """

    line: int
    key: str
    account: str
    day: date
    amount: int
    currency: str
    kind: str
    description: str | None = None
    metadata: Mapping[str, str] | None = None
    balance: int | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no transaction of the profile, with the reason as one sentence."""

    line: int
    reason: str


class Profile(Protocol):
    """How one kind of file is read."""

    @property
    def name(self) -> str:
        """The profile's permanent name, a part of every key derived from its rows."""
        ...

    @property
    def encoding(self) -> str:
        """The encoding of the file's text."""
        ...

    @property
    def rounding(self) -> int:
        """By how many minor units the file's balances may be off for each row."""
        ...

    def rows(self, lines: Iterable[str]) -> Iterator[Row | BadLine]:
        """Yield each line after the header as a row or as what is wrong with it.

        Raises `FileUnfit` when the header is not the profile's.
        """
        ...
