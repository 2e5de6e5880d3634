"""The job that puts on record what operators have done by hand."""

from datetime import datetime
from hashlib import sha256

from application.backlog import Execute
from application.commands import Answer, Submission
from domain.identifiers import key_stream
from domain.operations import RecordOperation
from domain.wallets import Caller
from infrastructure.operation_notes import Note, Notes

ISSUER, CLIENT = "home", "falcon"
"""Whose keys the notes' names are, and through which client it was done."""


class Operations:
    """Carries notes into the ledger by commands derived from them, so that each is there once."""

    name = "operations"

    def __init__(self, execute: Execute, notes: Notes, ledger: str) -> None:
        """Take what executes a batch and raises what is not answered, and the notes."""
        self._execute = execute
        self._notes = notes
        self._ledger = ledger

    def run_once(self, now: datetime) -> int:  # noqa: ARG002 - what was done is due at any time
        """Record what waits; a note goes only after the ledger has answered."""
        waiting = list(self._notes.waiting())
        if not waiting:
            return 0
        outcomes = self._execute([self._submission(note) for note in waiting])
        done = 0
        for note, outcome in zip(waiting, outcomes, strict=True):
            assert isinstance(outcome, Answer), "a fact that was read is recorded"
            self._notes.carried(note)
            done += not outcome.replayed
        return done

    def _submission(self, note: Note) -> Submission:
        return Submission(
            RecordOperation(note.fact),
            Caller(note.by, CLIENT, operate=True),
            key_stream(self._ledger, ISSUER, CLIENT, str(note.name)),
            sha256(str(note.name).encode()).hexdigest(),
        )
