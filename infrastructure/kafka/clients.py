"""Clients of the broker with the settings that all of ours share, their logs among our own."""

import logging
import re
import time
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

LARGEST_RECORD_BYTES = 4_000_000
"""Room for the largest command's event, whose body is at most 1 MiB."""

REPEATED_AFTER_SECONDS = 30.0

_NUMBERS = re.compile(r"\d+")


class _SaidOnce(logging.Filter):
    """Lets a line through once in a while: a client without its broker says it ten times a second.

    Lines that differ only in numbers are the same.
    """

    def __init__(self) -> None:
        """Begin with nothing said."""
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line = _NUMBERS.sub("", record.getMessage())
        if _EXPECTED in line:
            return False
        now = time.monotonic()
        if now < self._said.get(line, 0.0):
            return False
        if len(self._said) > 1_000:
            self._said.clear()
        self._said[line] = now + REPEATED_AFTER_SECONDS
        return True


_EXPECTED = "enable.gapless.guarantee is experimental"
_LOGGER = logging.getLogger("falconpay.kafka")
_LOGGER.addFilter(_SaidOnce())


def _settings(bootstrap: str) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "falconpay",
        # A broker that is started again is found within a second.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        "socket.connection.setup.timeout.ms": 5_000,
        "log.connection.close": False,
    }


def new_admin(bootstrap: str) -> AdminClient:
    """Return a client that makes and describes topics."""
    return AdminClient(_settings(bootstrap), logger=_LOGGER)


def new_producer(bootstrap: str, on_delivery: Any) -> Producer:
    """Return an idempotent producer that keeps the order and tries for ever.

    `on_delivery(error, message)` is called from `poll` for each record, in order. An error means
    that the producer is of no more use.
    """
    return Producer(
        {
            **_settings(bootstrap),
            "enable.idempotence": True,
            "acks": "all",
            # Records never expire, so none is dropped while the broker is away.
            "message.timeout.ms": 0,
            "enable.gapless.guarantee": True,
            "linger.ms": 5,
            "message.max.bytes": LARGEST_RECORD_BYTES,
            "queue.buffering.max.messages": 20_000,
            "queue.buffering.max.kbytes": 65_536,
            # A topic that is deleted is noticed soon after its metadata are asked for.
            "topic.metadata.refresh.interval.ms": 5_000,
            "topic.metadata.propagation.max.ms": 5_000,
            "on_delivery": on_delivery,
        },
        logger=_LOGGER,
    )


def new_consumer(bootstrap: str) -> Consumer:
    """Return a consumer that is told where to read and commits nothing to the broker.

    An offset that is not there is an error, never a silent jump.
    """
    return Consumer(
        {
            **_settings(bootstrap),
            # librdkafka asks for the name of a group, although none is joined.
            "group.id": "falconpay",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 500,
            "fetch.min.bytes": 1,
            "fetch.message.max.bytes": 4_194_304,
            "fetch.error.backoff.ms": 100,
            # A full queue otherwise pauses reading for a second, longer than it lasts.
            "fetch.queue.backoff.ms": 10,
            "queued.min.messages": 20_000,
            "queued.max.messages.kbytes": 32_768,
            "topic.metadata.refresh.interval.ms": 5_000,
        },
        logger=_LOGGER,
    )
