"""The command that ends what has run out is the same whoever gives it, and whenever."""

from datetime import UTC, datetime, timedelta, timezone

from application.expiry import expiry_of
from domain.holds import ExpirePayment
from tests.given import payment_named

PAYMENT = payment_named(1)
END = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_the_same_payment_and_end_are_the_same_command() -> None:
    """However the end is written, so that a second worker gets the first one's answer."""
    first = expiry_of(PAYMENT, END)
    assert first.command == ExpirePayment(PAYMENT)
    assert expiry_of(PAYMENT, END.astimezone(timezone(timedelta(hours=2)))) == first


def test_another_payment_or_end_is_another_command() -> None:
    """A hold that was extended runs out once more, whatever was asked about its first end."""
    streams = {
        expiry_of(payment_named(number), END + timedelta(microseconds=late)).stream
        for number in (1, 2)
        for late in (0, 1)
    }
    assert len(streams) == 4


def test_it_is_given_by_the_system() -> None:
    """Nobody else may end a payment so, not even an operator."""
    caller = expiry_of(PAYMENT, END).caller
    assert (caller.subject, caller.client_id) == ("payments", "falconpay")
    assert caller.system
