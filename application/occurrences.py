"""What the ledger's own worker asks for when an occurrence is due, the same whoever asks."""

from hashlib import sha256
from uuid import uuid5

from application.commands import Submission
from application.expiry import WORKER
from domain.identifiers import ScheduleId, bits, payment_id
from domain.occurrences import RunOccurrence
from domain.schedule_events import Day


def run_of(schedule_id: ScheduleId, on: Day, attempt: int) -> Submission:
    """Return the command that tries an occurrence.

    Its stream follows from schedule, date and attempt, so that of any number of workers one runs
    it and the others get its answer; the payment follows from schedule and date, so that there is
    one at most, however often it was tried.
    """
    schedule = bits(schedule_id)
    name = f"run {on} {attempt}"
    payment = payment_id(uuid5(schedule, f"pay {on}"))
    fingerprint = sha256(f"{name} {schedule_id}".encode()).hexdigest()
    command = RunOccurrence(schedule_id, payment, on, attempt)
    return Submission(command, WORKER, uuid5(schedule, name), fingerprint)
