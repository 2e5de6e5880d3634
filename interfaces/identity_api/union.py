"""One OpenAPI document for the gateway, put together from those of the services behind it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

TIMEOUT_SECONDS = 2.0


async def union(own: dict[str, Any], urls: Mapping[str, str]) -> dict[str, Any]:
    """Return `own` together with the documents behind the URLs; who does not answer is left out.

    Names of schemas are put behind their service's, since two services may use one name.
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
    """Put the service's name before each schema, where it is defined and where it is meant."""
    prefix = '"#/components/schemas/'
    renamed: dict[str, Any] = json.loads(json.dumps(document).replace(prefix, prefix + service))
    components = renamed.get("components", {})
    if "schemas" in components:
        schemas = components["schemas"]
        components["schemas"] = {service + name: schema for name, schema in schemas.items()}
    return renamed
