"""The reference page of an API, served from this machine alone under a strict policy."""

import json
from pathlib import Path

import fastapi_offline
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

ASSETS = Path(fastapi_offline.__file__).parent / "static"
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none';"
        " form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>FalconPay API reference</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon.png">
</head>
<body>
<div id="reference"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_OPTIONS = {
    "url": "/openapi.json",
    "dom_id": "#reference",
    "deepLinking": True,
    # The public validator would be asked over the internet.
    "validatorUrl": None,
}
_SCRIPT = f"SwaggerUIBundle({json.dumps(_OPTIONS)});\n"


async def _page(_request: Request) -> Response:
    return HTMLResponse(_PAGE, headers=PAGE_HEADERS)


async def _script(_request: Request) -> Response:
    return Response(_SCRIPT, media_type="text/javascript")


def docs_routes() -> list[BaseRoute]:
    """Return `/docs` and what it loads; the page shows `/openapi.json` of the same host."""
    return [
        Route("/docs", _page),
        Route("/docs/start.js", _script),
        Mount("/docs/assets", StaticFiles(directory=ASSETS)),
    ]
