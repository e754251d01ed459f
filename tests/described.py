"""Real answers held to the OpenAPI document of the application that gave them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

_OF_HTTP = {"content-length", "content-type", "date", "connection", "transfer-encoding", "server"}
"""What every answer has by HTTP itself; the tests' server adds its name, ours does not."""


class Description:
    """An OpenAPI document, and what has been seen of it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.seen: set[tuple[str, str, int, str | None]] = set()

    def check(self, response: httpx.Response) -> httpx.Response:
        """Hold an answer to what is written of it: its status, its headers, its type, its shape."""
        path, operation = self.operation(response.request)
        status = response.status_code
        where = f"{response.request.method} {response.request.url.path}: {status} {response.text[:300]}"
        assert str(status) in operation["responses"], where
        told = self.resolved(operation["responses"][str(status)])
        headers = told.get("headers", {})
        there = response.headers.keys() - _OF_HTTP
        assert there <= {name.lower() for name in headers}, where
        assert there >= {name.lower() for name, header in headers.items() if header["required"]}, where
        for name, header in headers.items():
            if name in response.headers:
                self.hold(response.headers[name], header["schema"])
        code = None
        if "content" in told:
            media_type = response.headers["content-type"].partition(";")[0]
            assert media_type in told["content"], where
            if media_type == "application/json":
                body = response.json()
                self.hold(body, told["content"][media_type]["schema"])
                code = body.get("code")
        else:
            assert response.content == b"", where
        self.seen.add((response.request.method, path, status, code))
        return response

    def resolved(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """An answer, which may be one that many operations share."""
        name = told.get("$ref", "").rpartition("/")[2]
        shared: Mapping[str, Any] = self.document["components"]["responses"][name] if name else told
        return shared

    def operation(self, request: httpx.Request) -> tuple[str, Mapping[str, Any]]:
        """The operation that a request asks for, with its path as it is written there."""
        for path, operations in self.document["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            if re.fullmatch(pattern, request.url.path) and request.method.lower() in operations:
                return path, operations[request.method.lower()]
        raise AssertionError(f"{request.method} {request.url.path} is not described")

    def hold(self, value: object, schema: Mapping[str, Any]) -> None:
        """Raise unless a value has a shape of this document."""
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)

    @property
    def promised(self) -> set[tuple[str, str, int, str | None]]:
        """Every status of every operation, with each code that it may have."""
        return {
            (method.upper(), path, int(status), code)
            for path, method, operation in self.operations()
            for status, told in operation["responses"].items()
            for code in (_codes(self.resolved(told)) if method != "head" else [None])
        }

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Each path, method and operation."""
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                yield path, method, operation

    def examples(self) -> Iterator[tuple[object, Mapping[str, Any]]]:
        """Each example of a body or a parameter, with the schema it is an example of."""
        for _, _, operation in self.operations():
            for parameter in operation.get("parameters", ()):
                for example in parameter["schema"].get("examples", ()):
                    yield example, parameter["schema"]
            for told in map(self.resolved, operation["responses"].values()):
                for content in told.get("content", {}).values():
                    for example in content.get("examples", {}).values():
                        yield example["value"], content["schema"]
                    if "example" in content:
                        yield content["example"], content["schema"]


def _codes(told: Mapping[str, Any]) -> list[str | None]:
    schema = told.get("content", {}).get("application/json", {}).get("schema", {})
    ways = schema.get("anyOf", [schema])
    return [code for way in ways for code in way.get("properties", {}).get("code", {}).get("enum", [None])]
