"""The gateway's one OpenAPI document, and that it says what the gateway lets through."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from domain.money import Currencies
from infrastructure.secrets import Secrets
from infrastructure.settings import read_settings
from interfaces.command_api import app as command_app
from interfaces.gateway.exposed import EXPOSED
from interfaces.identity_api import app as identity_app
from interfaces.identity_api.union import union
from interfaces.query_api import app as query_app

Document = dict[str, Any]


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Document]:
    """Give the documents of the three APIs, each built as its role builds it."""
    settings = read_settings({"FALCONPAY_HOME": str(tmp_path_factory.mktemp("home"))})
    logins = ("COMMAND", "QUERY", "AUDIT", "ACCESSLOG")
    secrets = Secrets(settings.home, {f"FALCONPAY_SECRET_DB_{login}": "x" for login in logins})
    return {
        "command": command_app.create_app(settings, secrets, Currencies({})).openapi(),
        "query": query_app.create_app(settings, secrets).openapi(),
        "identity": identity_app.create_app(settings, CollectorRegistry()).openapi(),
    }


class DocumentHandler(BaseHTTPRequestHandler):
    """Serves the documents by name."""

    server: "DocumentServer"

    def do_GET(self) -> None:
        document = self.server.documents.get(self.path[1:])
        self.send_response(200 if document is not None else 500)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *args: object) -> None:
        """Stay silent."""


class DocumentServer(ThreadingHTTPServer):
    """Stands where the services are."""

    def __init__(self, documents: dict[str, Document]) -> None:
        super().__init__(("127.0.0.1", 0), DocumentHandler)
        self.documents = documents

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"


@pytest.fixture(scope="module")
def server(documents: dict[str, Document]) -> Iterator[DocumentServer]:
    started = DocumentServer(documents)
    threading.Thread(target=started.serve_forever, args=(0.05,), daemon=True).start()
    yield started
    started.shutdown()
    started.server_close()


def joined(server: DocumentServer, *names: str) -> Document:
    urls = {name: server.url(name) for name in names}
    return asyncio.run(union(server.documents["identity"], urls))


def operations(document: Document) -> set[tuple[str, str]]:
    return {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in {"get", "put", "post", "delete", "patch"}
    }


def test_the_document_lists_what_the_gateway_lets_through(server: DocumentServer) -> None:
    """A new route of a service that nobody exposed is found here, and the other way round."""
    told = operations(joined(server, "command", "query"))
    pages = {"/docs", "/docs/*", "/openapi.json"}
    assert told == {(entry.method, entry.path) for entry in EXPOSED if entry.path not in pages}


def test_a_path_of_two_services_keeps_the_operations_of_both(
    server: DocumentServer, documents: dict[str, Document]
) -> None:
    wallets = joined(server, "command", "query")["paths"]["/v1/wallets"]
    assert {"get", "post"} <= wallets.keys()
    assert documents["query"]["paths"]["/v1/wallets"].keys() >= {"get"}


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str):
                yield item
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_leads_to_what_it_meant(
    server: DocumentServer, documents: dict[str, Document]
) -> None:
    """Two services may use one name for two things, so each name is put behind its service's."""
    document = joined(server, "command", "query")
    found = set(references(document))
    assert len(found) > 10
    for reference in found:
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind], reference
    for service in ("command", "query"):
        for name in documents[service]["components"]["schemas"]:
            assert service.capitalize() + name in document["components"]["schemas"]


@pytest.mark.parametrize("broken", [None, [], "x"], ids=str)
def test_a_service_without_a_document_is_left_out(
    documents: dict[str, Document], broken: object
) -> None:
    """The others can still be read."""
    server = DocumentServer({**documents, "query": broken})  # type: ignore[dict-item]  # Broken.
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        told = operations(joined(server, "command", "query"))
    finally:
        server.shutdown()
        server.server_close()
    assert ("POST", "/v1/transfers") in told
    assert ("GET", "/v1/payments") not in told
