"""A process that lives and answers nobody any more is told from one that does, and from a pause."""

import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from interfaces.supervisor.pulse import ASK_EVERY_SECONDS, LONGEST_STEP_SECONDS, QUESTION, Pulse
from tests.fan_out import until

TICK = 0.1


class Patient:
    """A process that is asked, which answers when the test wants it, and the time that passes."""

    def __init__(self) -> None:
        """Listen, as a process does that has come up."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.now = 1000.0
        self.pulse = Pulse("127.0.0.1", self.listener.getsockname()[1], lambda: self.now)
        self.connection: socket.socket | None = None

    def look(self, seconds: float, step: float = TICK) -> float:
        """Let so many seconds pass, looking every `step` of them, and return the silence."""
        silence = 0.0
        for _ in range(round(seconds / step)):
            self.now += step
            silence = self.pulse.silence()
        return silence

    def answer(self) -> None:
        """Take the question that has been asked and answer it, until the next one is asked."""
        if self.connection is None:
            self.listener.settimeout(5)
            self.connection, _ = self.listener.accept()
            self.connection.settimeout(5)
        assert self.connection.recv(len(QUESTION), socket.MSG_WAITALL) == QUESTION
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        until(self._asked_again, 5)

    def _asked_again(self) -> bool:
        assert self.connection is not None
        self.look(TICK)
        return bool(select.select([self.connection], [], [], 0)[0])

    def hang_up(self) -> None:
        """Lose the connection, as by the end of the process."""
        assert self.connection is not None
        self.connection.close()
        self.connection = None

    def close(self) -> None:
        """Free what the test has used."""
        self.pulse.forget()
        self.listener.close()
        with contextlib.suppress(AssertionError):
            self.hang_up()


@pytest.fixture
def patient() -> Iterator[Patient]:
    found = Patient()
    yield found
    found.close()


def test_silence_begins_with_the_first_answer(patient: Patient) -> None:
    """A process may take its time to start; from then on it has to answer."""
    assert patient.look(100) == 0
    patient.answer()
    assert patient.look(20) == pytest.approx(20 + ASK_EVERY_SECONDS, abs=0.5)


def test_whoever_answers_is_never_silent_for_long(patient: Patient) -> None:
    """Each answer begins the count anew, over one connection all the time."""
    patient.look(TICK)
    for _ in range(5):
        patient.answer()
        assert patient.look(1) < ASK_EVERY_SECONDS + 1.5
    patient.listener.settimeout(0)
    with pytest.raises(BlockingIOError):
        patient.listener.accept()


def test_time_in_which_nobody_has_looked_does_not_count(patient: Patient) -> None:
    """When everything has stood still for an hour, nobody has been silent for an hour."""
    patient.look(TICK)
    patient.answer()
    before = patient.look(5)
    assert before > 5
    assert patient.look(3600, step=3600) <= before + LONGEST_STEP_SECONDS


def test_a_lost_connection_is_made_anew(patient: Patient) -> None:
    """A connection may end for its own reasons; the process is asked over another one."""
    patient.look(TICK)
    patient.answer()
    patient.hang_up()
    assert patient.look(5) > 5
    patient.answer()
    assert patient.look(1) < ASK_EVERY_SECONDS + 1.5


def test_nobody_listens_any_more(patient: Patient) -> None:
    """Who takes no connection any more, though it lives, is silent as well."""
    patient.look(TICK)
    patient.answer()
    patient.listener.close()
    patient.hang_up()
    assert patient.look(20) > 20


def test_another_process_begins_with_its_own_first_answer(patient: Patient) -> None:
    """What was known of the one before counts no more."""
    patient.look(TICK)
    patient.answer()
    assert patient.look(20) > 15
    patient.hang_up()
    patient.pulse.forget()
    assert patient.look(20) == 0
