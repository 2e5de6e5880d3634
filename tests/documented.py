"""Holds each answer of an API against the OpenAPI document that the API itself serves."""

import re
from typing import Any

import httpx
import jsonschema


class Documented:
    """Checks that answers are as the document says: path, status, headers and body."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._operations = {
            re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", path) + "$"): item["get"]
            for path, item in document["paths"].items()
        }
        self._validators: dict[str, jsonschema.Draft202012Validator] = {}

    def check(self, response: httpx.Response) -> None:
        """Fail unless the answer is documented."""
        operation = self._operation(response.url.path)
        if operation is None:
            return
        status = str(response.status_code)
        assert status in operation["responses"], f"{status} is not documented for {response.url}"
        documented = operation["responses"][status]
        if status == "304":
            assert response.content == b""
            return
        media_type = response.headers["content-type"].split(";")[0]
        assert media_type in documented["content"]
        if status == "200":
            assert response.headers["ledger-position"].isdecimal()
        schema = documented["content"][media_type]["schema"]
        if "$ref" in schema:
            self.validator(schema["$ref"]).validate(response.json())

    def validator(self, reference: str) -> jsonschema.Draft202012Validator:
        """Return what validates against one schema of the document."""
        if reference not in self._validators:
            schema = {"$ref": reference, "components": self.document["components"]}
            self._validators[reference] = jsonschema.Draft202012Validator(
                schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
            )
        return self._validators[reference]

    def _operation(self, path: str) -> dict[str, Any] | None:
        for pattern, operation in self._operations.items():
            if pattern.match(path):
                return dict(operation)
        return None
