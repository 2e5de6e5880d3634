"""Logs and metrics of every role: JSON lines without secrets, and one registry a process."""

import logging
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import msgspec
import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from infrastructure.gathered_lines import GatheredLines
from infrastructure.rotating_file import RotatingFile

REDACTED = "[redacted]"
# Names of fields that hold secrets, what people own or what they write.
_SECRET_FIELD = re.compile(
    r"token|secret|password|authorization|cookie|private|credential|api_?key"
    r"|^(name|email|phone|iban|description|reference|metadata|reason)$"
    r"|^(amount\w*|posted|held|available)$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]{4,}(\.[\w-]*)*"  # A JWT or a part of one.
    r"|(?<=://)[^/\s@]+@"  # The login in a URL.
    r"|(?<=password=)\S+"
)
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


def valid_traceparent(header: str) -> str | None:
    """Return the header as version 00 when it is valid after W3C Trace Context level 1, or None.

    A later version is read as far as version 00 goes, as section 3.2.2 of the standard asks.
    """
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more):
        return None
    if not trace_id.strip("0") or not parent_id.strip("0"):
        return None
    return f"00-{trace_id}-{parent_id}-{int(flags, 16) & 1:02x}"


@lru_cache(maxsize=1024)
def _secret(field: str) -> bool:
    return _SECRET_FIELD.search(field) is not None


def _clean(value: object, depth: int = 0) -> object:
    if isinstance(value, str):
        return _SECRET_TEXT.sub(REDACTED, value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if depth > 4:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if _secret(str(key)) else _clean(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item, depth + 1) for item in value]
    return _SECRET_TEXT.sub(REDACTED, str(value))


def redact(_logger: object, _method: str, event: structlog.typing.EventDict) -> dict[str, Any]:
    """Take secrets and people's own words out of a log entry, whoever wrote it."""
    return {key: REDACTED if _secret(key) else _clean(value) for key, value in event.items()}


def access_logger() -> structlog.typing.FilteringBoundLogger:
    """Return the logger of requests answered, which passes nothing through but what is needed.

    Its fields are the code's own, but for `request_id` and `method`, which clients choose.
    """
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        None, [_request_line], logger_factory_args=("access",)
    )
    return logger


def _request_line(
    _logger: object, level: str, event: structlog.typing.EventDict
) -> tuple[tuple[bytes], dict[str, Any]]:
    event["request_id"] = _SECRET_TEXT.sub(REDACTED, event["request_id"])
    event["method"] = _SECRET_TEXT.sub(REDACTED, event["method"])
    event["level"] = level
    event["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return (_encode(event),), {}


def _encode(event: structlog.typing.EventDict, **_options: object) -> bytes:
    return msgspec.json.encode(event)


def configure_logging(role: str, home: Path | None, level: str = "info") -> None:
    """Send all logs of this process, libraries included, as JSON lines to `logs/ROLE.jsonl`.

    Without a home they go to stderr. Call it once, before the first line is logged.
    """
    stream: IO[bytes] | RotatingFile = sys.stderr.buffer
    busy: IO[bytes] | GatheredLines = sys.stderr.buffer
    if home is not None:
        stream = RotatingFile(home / "logs" / f"{role}.jsonl")
        busy = GatheredLines(stream)

    def logger(*name: str) -> structlog.BytesLogger:
        # The access log has a line a request; everything else is rare and written at once.
        return structlog.BytesLogger(busy if name == ("access",) else stream)  # type: ignore[arg-type]  # Both write and flush.

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, redact, structlog.processors.JSONRenderer(serializer=_encode)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=logger,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_LibraryHandler()], level=max(number, logging.INFO), force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


class _LibraryHandler(logging.Handler):
    """Hands what libraries log through the standard library to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        logger.log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


def new_registry() -> CollectorRegistry:
    """Return the registry of a process, with the process's own figures in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def metrics_page(registry: CollectorRegistry) -> bytes:
    """Return the figures in Prometheus's text format.

    Where `PROMETHEUS_MULTIPROC_DIR` is set they are those of all processes that share it.
    """
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # Untyped in its library.
    return generate_latest(registry)
