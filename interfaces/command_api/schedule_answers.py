"""Renders schedules as the answers to commands show them."""

from application.commands import Answer, RecordedAnswer
from domain.events import RequestAccepted
from domain.identifiers import ScheduleId, schedule_id
from domain.money import Currencies
from domain.schedule_events import ScheduleCreated, ScheduleStanding
from interfaces.command_api.payment_answers import Document


class ScheduleAnswers:
    """Schedules as they began, and as they stand after a later command."""

    def __init__(self, currencies: Currencies) -> None:
        """Take the currencies and assets of the ledger."""
        self._currencies = currencies

    def begun(self, event: ScheduleCreated, answer: Answer) -> Document:
        """Return a schedule that has just been made."""
        name = schedule_id(answer.stream)
        document = self._schedule(name, event, event.standing)
        return {**document, "created_at": answer.recorded_at, "position": answer.position}

    def went_on(self, event: RequestAccepted, opening: RecordedAnswer, answer: Answer) -> Document:
        """Return a schedule as it stood after a command."""
        began, standing = opening.event, event.schedule_standing
        assert isinstance(began, ScheduleCreated), "a schedule begins with this"
        assert event.schedule_id is not None, "an answer about a schedule names it"
        assert standing is not None, "an answer about a schedule tells how it stands"
        document = self._schedule(event.schedule_id, began, standing)
        return {**document, "created_at": opening.recorded_at, "position": answer.position}

    def _schedule(
        self, name: ScheduleId, began: ScheduleCreated, standing: ScheduleStanding
    ) -> Document:
        document: Document = {
            "schedule_id": name,
            "status": standing.status,
            "next_on": standing.next_on,
            "starts_on": began.starts_on,
            "if_missed": began.if_missed,
            "done": standing.done,
            "transfer": self._transfer(began),
        }
        optional = {
            "retry_on": standing.retry_on,
            "recurrence": began.recurrence,
            "until": began.until,
            "count": began.count,
        }
        return document | {name: each for name, each in optional.items() if each is not None}

    def _transfer(self, began: ScheduleCreated) -> Document:
        document: Document = {
            "source_wallet_id": began.source_wallet_id,
            "destination_wallet_id": began.destination_wallet_id,
            "amount": self._currencies.format(began.amount, began.currency),
            "currency": began.currency,
        }
        texts = {
            "description": began.description,
            "reference": began.reference,
            "metadata": began.metadata,
            "effective_at": began.effective_at,
        }
        return document | {name: each for name, each in texts.items() if each is not None}
