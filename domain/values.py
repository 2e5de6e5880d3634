"""Dataclasses of what passes in great numbers, made at a third of what frozen ones cost."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

__all__ = ["dataclass"]

Value = TypeVar("Value")

if TYPE_CHECKING:
    # To the type checker nothing is special here: it finds each change of what is frozen.
    from dataclasses import dataclass
else:

    def dataclass(
        *, frozen: bool, slots: bool, kw_only: bool = False
    ) -> Callable[[type[Value]], type[Value]]:
        """Make a dataclass that compares and hashes as a frozen one does.

        Nothing keeps its fields at run time: a frozen dataclass sets each of its fields by a call,
        60 ns a field, and a transfer sets 150 of them.
        """
        assert frozen, "only what never changes may be hashed"
        return dataclasses.dataclass(slots=slots, kw_only=kw_only, unsafe_hash=True)
