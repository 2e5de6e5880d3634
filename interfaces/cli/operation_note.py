"""Keeps a note of what an operator does by hand, which the ledger gets on record."""

from typing import TYPE_CHECKING

from infrastructure.settings import Settings
from interfaces.cli.failure import DEPENDENCY_MISSING, WRONG_USAGE, Failure

if TYPE_CHECKING:
    from domain.operation_events import OperationEvent


def note(settings: Settings, fact: "OperationEvent") -> None:
    """Keep a note in the home; raises `Failure` where that is not possible.

    Commands call this before they hand out what they have made, so that nothing is done without
    a trace.
    """
    from infrastructure.operation_notes import Notes

    try:
        Notes(settings).write(fact)
    except UnicodeEncodeError:
        raise Failure(
            "A name or an option that is given is no text in UTF-8, so what is done cannot be"
            " noted: write it otherwise.",
            WRONG_USAGE,
        ) from None
    except OSError as error:
        raise Failure(
            f"What is done here cannot be noted in {settings.home}: {error.strerror}. Make room"
            " there, or see to its rights, and run the same command again.",
            DEPENDENCY_MISSING,
        ) from None
