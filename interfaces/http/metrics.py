"""Counts and times requests by route template, so that ids in paths make no new series."""

from prometheus_client import CollectorRegistry, Counter, Histogram

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class HttpMetrics:
    """The HTTP figures of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the figures."""
        self._requests = Counter(
            "falconpay_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "falconpay_http_request_duration_seconds",
            "Time from request to answer",
            ["method", "route"],
            registry=registry,
            buckets=_BUCKETS,
        )
        # Looking a labelled child up costs more than counting.
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        key = (method, route, status)
        children = self._children.get(key)
        if children is None:
            shown = method if method in _METHODS else "other"
            children = (
                self._requests.labels(shown, route, str(status)),
                self._seconds.labels(shown, route),
            )
            if shown == method:
                self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)
