"""The query API describes itself: a complete document, a page for people, health and figures."""

from collections.abc import Iterator

import jsonschema
import pytest

from interfaces.gateway.exposed import EXPOSED, QUERY
from tests.query_book import ALICE, write_book
from tests.query_system import QuerySystem, query_system
from tests.servers import PostgresHome

SIZES = "/v1/audit/consistency"
SEALS = "/v1/audit/seals"
FOR_ANY_TOKEN = {
    *("/v1/projections", SIZES, SEALS, f"{SEALS}/latest", "/v1/audit/key", "/v1/audit/keys"),
}
NOT_SEALED_YET = {
    *(f"{SEALS}/latest", "/v1/audit/key", "/v1/audit/payments/{payment_id}/proof"),
}


@pytest.fixture(scope="module")
def system(
    postgres: PostgresHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[QuerySystem]:
    with query_system(postgres, tmp_path_factory.mktemp("home")) as running:
        write_book(running)
        yield running


def test_the_document_has_what_the_gateway_shows(system: QuerySystem) -> None:
    document = system.documented.document
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {e.path for e in EXPOSED if e.service == QUERY}
    names = [item["get"]["operationId"] for item in document["paths"].values()]
    assert len(set(names)) == len(names)
    assert {"/v1/approvals", "/v1/wallets/{wallet_id}/holds"} <= set(document["paths"])


def test_its_schemas_are_schemas_and_its_examples_are_of_them(system: QuerySystem) -> None:
    document = system.documented.document
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, item in document["paths"].items():
        operation = item["get"]
        content = operation["responses"]["200"]["content"]
        if "text/event-stream" not in content:
            answer = content["application/json"]
            system.documented.validator(answer["schema"]["$ref"]).validate(answer["example"])
        for parameter in operation["parameters"]:
            jsonschema.Draft202012Validator.check_schema(parameter["schema"])
            if parameter["in"] == "query":
                assert parameter["description"]
                assert parameter["required"] is (
                    path == SIZES and parameter["name"] in {"from", "to"}
                )


def test_every_problem_is_documented_where_it_can_come(system: QuerySystem) -> None:
    for path, item in system.documented.document["paths"].items():
        expected = {"200", "400", "401", "422", "500", "503"}
        if "{" in path:
            expected.add("404")
        if path not in FOR_ANY_TOKEN:
            expected.add("403")
        if path in NOT_SEALED_YET:
            expected.add("409")
        if path == "/v1/stream":
            expected.add("429")
        if "ETag" in item["get"]["responses"]["200"]["headers"]:
            expected.add("304")
        assert set(item["get"]["responses"]) == expected, path


def test_defaults_are_documented_and_null_is_not(system: QuerySystem) -> None:
    for item in system.documented.document["paths"].values():
        for parameter in item["get"]["parameters"]:
            assert "null" not in str(parameter["schema"])
            if parameter["name"] == "limit":
                assert parameter["schema"]["default"] == 50
                assert parameter["schema"]["maximum"] == 200


def test_the_reference_page_needs_nothing_from_elsewhere(system: QuerySystem) -> None:
    page = system.client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_health_and_figures(system: QuerySystem) -> None:
    assert system.client.get("/healthz").json() == {"status": "alive"}
    assert system.client.get("/readyz").json() == {"status": "ready"}
    system.found("/v1/wallets", ALICE, "read")
    figures = system.client.get("/metrics").text
    assert 'falconpay_http_requests_total{method="GET",route="/v1/wallets",status="200"}' in figures


def test_answers_are_not_kept_by_anybody(system: QuerySystem) -> None:
    response = system.ask("/v1/wallets", ALICE, "read")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
