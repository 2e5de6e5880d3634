"""Health routes of every role with an HTTP API: alive, ready, and figures."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.telemetry import metrics_page
from interfaces.http.problems import problem_response

CHECK_TIMEOUT_SECONDS = 2.0

Check = Callable[[], Awaitable[str | None]]
"""Says in a few words what is missing, without secrets, or answers None when all is well."""


async def unmet(checks: Mapping[str, Check]) -> dict[str, str]:
    """Run all checks side by side and return what is missing, by the name of the check."""

    async def run(check: Check) -> str | None:
        try:
            return await asyncio.wait_for(check(), CHECK_TIMEOUT_SECONDS)
        except TimeoutError:
            return "no answer in time"
        except Exception:  # noqa: BLE001 (a check may fail in any way; then it is not met)
            # The cause may name hosts or logins; it belongs to the log of the check.
            return "the check failed"

    answers = await asyncio.gather(*map(run, checks.values()))
    return {name: answer for name, answer in zip(checks, answers, strict=True) if answer}


def health_routes(checks: Mapping[str, Check], registry: CollectorRegistry) -> list[Route]:
    """Return `/healthz`, `/readyz` (503 while a check says what is missing) and `/metrics`."""

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(request: Request) -> Response:
        # A role that drains answers what runs, but wants no new work.
        draining = {"role": "stopping"} if getattr(request.app.state, "draining", False) else {}
        missing = draining or await unmet(checks)
        if not missing:
            return JSONResponse({"status": "ready"})
        return problem_response(
            request.scope,
            "not-ready",
            "; ".join(f"{name}: {what}" for name, what in missing.items()),
            headers={"Retry-After": "1"},
        )

    async def figures(_request: Request) -> Response:
        return Response(metrics_page(registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", figures)]
