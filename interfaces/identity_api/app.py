"""Composition root of the identity API."""

import asyncio
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from infrastructure.secrets import Secrets
from infrastructure.settings import Settings
from infrastructure.telemetry import new_registry
from infrastructure.tokens.signing_keys import SigningKeys
from interfaces.http.application import new_application
from interfaces.http.serve import serve
from interfaces.identity_api.union import union

DESCRIPTION = "The public keys with which access tokens are verified."


def create_app(settings: Settings, registry: CollectorRegistry) -> FastAPI:
    """Return the application; keys are made at once where the home has none."""
    keys = SigningKeys(settings.home)
    keys.ensure()

    async def published() -> str | None:
        return None if (await asyncio.to_thread(keys.jwks))["keys"] else "no keys are published"

    app = new_application(
        title="FalconPay identity",
        description=DESCRIPTION,
        registry=registry,
        checks={"keys": published},
    )
    urls = {
        "command": f"http://{settings.command_host}:{settings.command_port}/openapi.json",
        "query": f"http://{settings.query_host}:{settings.query_port}/openapi.json",
    }

    @app.get("/.well-known/jwks.json", tags=["keys"], summary="Public keys (RFC 7517)")
    def jwks() -> dict[str, Any]:
        """Keys stay until the last token signed with them has ended."""
        return keys.jwks()

    @app.get("/openapi/all.json", include_in_schema=False)
    async def openapi_of_all() -> dict[str, Any]:
        return await union(app.openapi(), urls)

    return app


def run(settings: Settings, secrets: Secrets) -> None:  # noqa: ARG001 (all roles are run alike)
    """Serve until SIGTERM."""
    serve(create_app(settings, new_registry()), settings.host, settings.identity_port)
