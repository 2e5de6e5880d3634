"""What operators have done outside the ledger, to be put on record in it."""

from dataclasses import dataclass

from domain.operation_events import OperationEvent


@dataclass(frozen=True, slots=True)
class RecordOperation:
    """Record what has been done; nobody is asked whether it may be."""

    fact: OperationEvent
