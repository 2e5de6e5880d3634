"""A small service behind the gateway: checks tokens as every service does, then says what came.

Run as `python -m tests.tools.echo_service command|query`. A body `{"seconds": N}` makes it answer
late; `{"die": FILE}` makes it note the request in a file and end before it has answered.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.settings import read_settings
from infrastructure.telemetry import configure_logging, new_registry
from infrastructure.tokens.verify import token_verifier
from interfaces.http.application import new_application
from interfaces.http.auth import Authenticator
from interfaces.http.bodies import read_body
from interfaces.http.serve import serve

SETTINGS = read_settings()
AUTHENTICATOR = Authenticator(token_verifier(SETTINGS, {SETTINGS.ledger}))


async def echo(request: Request) -> Response:
    """Say which service was reached, how, and with what."""
    caller = await AUTHENTICATOR.caller(request.scope)
    body = await read_body(request.scope, request.receive)
    asked = json.loads(body) if 0 < len(body) < 1000 else {}
    if "die" in asked:
        _die(Path(asked["die"]))
    await asyncio.sleep(asked.get("seconds", 0))
    said = {
        "service": sys.argv[1],
        "pid": os.getpid(),
        "method": request.method,
        "path": request.scope["raw_path"].decode(),
        "query": request.url.query,
        "caller": caller.sub,
        "headers": _told(request),
        "body_bytes": len(body),
    }
    return JSONResponse(said)


def _told(request: Request) -> list[tuple[str, str]]:
    """Return the headers but the token: its signature may spell any word that tests look for."""
    return [header for header in request.headers.items() if header[0] != "authorization"]


def _die(note: Path) -> None:
    with note.open("a") as file:
        file.write(f"{os.getpid()}\n")
    os._exit(9)


def main() -> None:
    """Serve in the place of the command or the query API, sharing the port with others."""
    configure_logging(f"echo-{sys.argv[1]}", SETTINGS.home)
    app = new_application(
        title="Echo",
        description="Says what came.",
        registry=new_registry(),
        checks={"tokens": AUTHENTICATOR.ready},
    )
    methods = ["GET", "POST", "PUT", "DELETE"]
    app.router.routes.append(Route("/v1/{rest:path}", echo, methods=methods))
    port = {"command": SETTINGS.command_port, "query": SETTINGS.query_port}[sys.argv[1]]
    serve(app, SETTINGS.host, port, reuse_port=True)


if __name__ == "__main__":
    main()
