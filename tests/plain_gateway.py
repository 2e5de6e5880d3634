"""A gateway that answers one word to everything, for tests of the server and not of its routes."""

import http.client
from pathlib import Path

from infrastructure.embedded.envoy import Envoy
from infrastructure.embedded.server import EmbeddedServer, free_port

FILTERS = "type.googleapis.com/envoy.extensions.filters"
GATEWAY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": {filters}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": {filters}.http.router.v3.Router}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {{prefix: /}}
                direct_response: {{status: 200, body: {{inline_string: {answer}}}}}
"""


def plain_gateway(home: Path, answer: str = "one") -> EmbeddedServer:
    """Return a gateway of this home on a free port that it keeps."""
    configuration = home / "gateway.yaml"
    kept = home / "gateway.port"
    home.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        kept.write_text(str(free_port()))
    port = int(kept.read_text())
    configuration.write_text(GATEWAY.format(port=port, answer=answer, filters=FILTERS))
    return Envoy(home, configuration, port)


def answer_of(server: EmbeddedServer) -> str:
    """Return what a running gateway answers."""
    running = server.running()
    assert running is not None
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()
