"""Builds the FastAPI application of a role, with everything that all APIs have in common."""

from collections.abc import Mapping

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import Lifespan

from interfaces.http.docs import docs_routes
from interfaces.http.handlers import install_handlers
from interfaces.http.health import Check, health_routes
from interfaces.http.metrics import HttpMetrics
from interfaces.http.middleware import Edge

API_VERSION = "1"


def new_application(
    *,
    title: str,
    description: str,
    registry: CollectorRegistry,
    checks: Mapping[str, Check],
    lifespan: Lifespan[FastAPI] | None = None,
) -> FastAPI:
    """Return an application that answers problems, health, figures and docs, without routes yet.

    `checks` decide `/readyz`. OpenAPI 3.1 is at `/openapi.json`. Routes are tried in order: insert
    a hot one at the front of `app.router.routes`.
    """
    app = FastAPI(
        title=title,
        description=description,
        version=API_VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        # Its own tracing is off; asking whether it is on costs time at every request.
        telemetry={"tracing": False, "metrics": False},
    )
    install_handlers(app)
    app.state.metrics = HttpMetrics(registry)
    app.add_middleware(Edge, metrics=app.state.metrics)
    app.router.routes.extend([*health_routes(checks, registry), *docs_routes()])
    return app
