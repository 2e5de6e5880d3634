"""One OpenAPI document for the gateway, put together from those of the services behind it."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

TIMEOUT_SECONDS = 2.0
# Security schemes are meant by name, not by reference, and are the same everywhere.
_REFERENCE = re.compile(r'("#/components/[a-zA-Z]+/)')


async def union(own: dict[str, Any], urls: Mapping[str, str]) -> dict[str, Any]:
    """Return `own` together with the documents behind the URLs; who does not answer is left out.

    Components are named after their service, since two services may use one name.
    """
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        documents = await asyncio.gather(*(_fetch(client, url) for url in urls.values()))
    paths: dict[str, dict[str, Any]] = {path: dict(item) for path, item in own["paths"].items()}
    components: dict[str, dict[str, Any]] = _components(own)
    for service, document in zip(urls, documents, strict=True):
        renamed = _renamed(document, service.capitalize())
        for path, item in renamed.get("paths", {}).items():
            paths.setdefault(path, {}).update(item)
        for kind, members in _components(renamed).items():
            components.setdefault(kind, {}).update(members)
    info = {**own["info"], "title": "FalconPay", "description": "Commands, queries and identity."}
    return {"openapi": own["openapi"], "info": info, "paths": paths, "components": components}


async def _fetch(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    try:
        response = await client.get(url)
        response.raise_for_status()
        document = response.json()
    except (httpx.HTTPError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _components(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {kind: dict(members) for kind, members in document.get("components", {}).items()}


def _renamed(document: dict[str, Any], service: str) -> dict[str, Any]:
    """Put the service's name before each component, where it is defined and where it is meant."""
    text = _REFERENCE.sub(rf"\1{service}", json.dumps(document))
    renamed: dict[str, Any] = json.loads(text)
    components = _components(renamed)
    for kind in components.keys() - {"securitySchemes"}:
        members = components[kind]
        components[kind] = {service + name: member for name, member in members.items()}
    return {**renamed, "components": components}
