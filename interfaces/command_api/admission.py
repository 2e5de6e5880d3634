"""Refuses commands at once while those before them wait too long, for the price of one answer."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from application.commands import Overloaded
from interfaces.command_api.outcomes import problem_of
from interfaces.http.metrics import HttpMetrics
from interfaces.http.middleware import completed, identify
from interfaces.http.problems import response_to

PATIENCE_SECONDS = 0.3
"""How long a new command may have to wait behind a crowd: as long as the oldest one has waited,
or as the crowd takes at the rate of the last moment. The event loop comes to nothing at once
then, which adds as much again, so that all of it stays below a second."""

WINDOW_SECONDS = 0.2
"""How long answers are counted to know their rate, while there is a crowd all the time."""

SPARED = 256
"""So many commands may be under way however long they take: a pause of the database is waited
out, and refused is only what would queue behind a crowd."""


LedgerOf = Callable[[Scope], str]
"""Says for which ledger a request is, as far as that costs next to nothing; else empty."""


class _Crowd:
    """The commands under way in one ledger: another one's trouble makes no crowd here."""

    def __init__(self, spared: int) -> None:
        self._spared = spared
        self.under_way: OrderedDict[int, float] = OrderedDict()
        self.answered = 0
        self._window = 0.0
        self._rate = 0.0

    def too_many(self, now: float) -> bool:
        count = len(self.under_way)
        if count < self._spared:
            # Answers to fewer tell what was asked for, not what can be done.
            self._window, self.answered, self._rate = now, 0, 0.0
            return False
        if now - self._window > WINDOW_SECONDS:
            self._rate = self.answered / (now - self._window)
            self._window, self.answered = now, 0
        oldest = next(iter(self.under_way.values()), now)
        return now - oldest > PATIENCE_SECONDS or count > PATIENCE_SECONDS * self._rate > 0


class Admission:
    """The outermost layer of POST: no token, no body and no log line is paid for a refusal."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: HttpMetrics,
        spared: int = SPARED,
        monotonic: Callable[[], float] = time.monotonic,
        ledger_of: LedgerOf = lambda _scope: "",
    ) -> None:
        """Wrap an application, and take where refusals are counted and what tells ledgers apart."""
        self._app = app
        self._metrics = metrics
        self._monotonic = monotonic
        self._ledger_of = ledger_of
        self._crowds: defaultdict[str, _Crowd] = defaultdict(lambda: _Crowd(spared))
        self._number = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        now = self._monotonic()
        crowd = self._crowds[self._ledger_of(scope)]
        if crowd.too_many(now):
            await self._refuse(scope, receive, send)
            return
        self._number = number = self._number + 1
        crowd.under_way[number] = now
        try:
            await self._app(scope, receive, send)
        finally:
            del crowd.under_way[number]
            crowd.answered += 1

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = response_to(scope, problem_of(Overloaded()))
        response.raw_headers = completed(response.raw_headers, identify(scope))
        self._metrics.observe("POST", "refused", response.status_code, 0.0)
        await response(scope, receive, send)


def admit(app: FastAPI, metrics: HttpMetrics, ledger_of: LedgerOf) -> None:
    """Put the layer around an application whose middleware is complete."""
    assert app.middleware_stack is not None, "shortcuts have been taken before"
    app.middleware_stack = Admission(app.middleware_stack, metrics, ledger_of=ledger_of)
