"""The container's API described as OpenAPI: every answer with its status, headers, shape and examples, and no other."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from engines.server.errors import Error
from engines.server.refused import Unserved

Header = dict[str, object]
Responses = dict[int | str, dict[str, Any]]
"""Answers by their status, as FastAPI takes them."""

_INVENTED = {"HTTPValidationError", "ValidationError"}
"""What FastAPI describes as the answer to a wrong parameter; containers answer in their own form."""
OTHER_METHODS = "HEAD and OPTIONS"
_REQUEST_ID = "b0c7f5c6-6a3f-4f8c-9d55-0c3a1be3cb9f"


class DescribedAPI(FastAPI):
    """An application whose OpenAPI document holds what its routes declare, and nothing that is invented for them.

    Of what is got, the head alone can be asked for, and of every path what it allows. Any request may be refused by its
    connection.
    """

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            own = _without_inventions(super().openapi())
            self.openapi_schema = _with_connections(_with_other_methods(own))
        return self.openapi_schema


def _without_inventions(document: dict[str, Any]) -> dict[str, Any]:
    for operation in (one for path in document["paths"].values() for one in path.values()):
        answers = operation["responses"]
        operation["responses"] = {status: told for status, told in answers.items() if not _is_invented(told)}
    shapes = document["components"]["schemas"]
    document["components"]["schemas"] = {name: shape for name, shape in shapes.items() if name not in _INVENTED}
    return document


def _with_other_methods(document: dict[str, Any]) -> dict[str, Any]:
    declared = (tag for path in document["paths"].values() for one in path.values() for tag in one.get("tags", ()))
    document["tags"] = [{"name": tag} for tag in (*dict.fromkeys(declared), OTHER_METHODS)]  # in this order on the page
    for path, operations in document["paths"].items():
        parameters = [one for one in next(iter(operations.values())).get("parameters", ()) if one["in"] == "path"]
        shared = {"tags": [OTHER_METHODS], **({"parameters": parameters} if parameters else {})}
        if got := operations.get("get"):
            answers = {
                status: {name: part for name, part in told.items() if name != "content"}
                for status, told in got["responses"].items()
            }
            operations["head"] = shared | {"summary": f"The head of {path}", "responses": answers}
        allowed = answer("What may be asked.", headers={"Allow": header("The methods.")})
        anything = [one | {"schema": {"type": "string"}} for one in parameters]  # it is answered for any value
        operations["options"] = (
            shared
            | ({"parameters": anything} if anything else {})
            | {"summary": f"What {path} allows", "responses": {"204": allowed}}
        )
    return document


def _with_connections(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with what a connection answers by itself, in every operation."""
    components, names = document["components"], {each: f"#/components/responses/{each.code}" for each in Unserved}
    components["responses"] = {each.code: _unserved(each) for each in Unserved}
    components["schemas"].setdefault("Error", _schema_of_error())
    for operations in document["paths"].values():
        for method, operation in operations.items():
            answers = operation["responses"]
            for each, name in names.items():
                own = answers.get(str(each.status))
                if method == "head":
                    answers[str(each.status)] = {"description": _either(own, each), **_own_headers(own)}
                else:
                    answers[str(each.status)] = _joined(own, each) if own else {"$ref": name}
            operation["responses"] = dict(sorted(answers.items()))
    return document


def _schema_of_error() -> dict[str, Any]:
    return TypeAdapter(Error).json_schema()


def _unserved(each: Unserved) -> dict[str, Any]:
    told = errors({each.code: each.meaning})
    content = told["content"]["application/json"]
    content["schema"] = {"$ref": "#/components/schemas/Error"} | content["schema"]
    return {"description": told["description"], "content": {"application/json": content}}


def _joined(own: dict[str, Any], each: Unserved) -> dict[str, Any]:
    """An answer of an operation that its connection may give, too: then without the operation's headers."""
    other = _unserved(each)["content"]["application/json"]
    content = own["content"]["application/json"]
    examples = content.get("examples") or {"answer": {"value": content["example"]}}
    both = {"schema": {"anyOf": [content["schema"], other["schema"]]}, "examples": examples | other["examples"]}
    told = {"description": _either(own, each), "content": {"application/json": both}}
    return {**told, **_own_headers(own)}


def _own_headers(own: dict[str, Any] | None) -> dict[str, Any]:
    headers = {name: header | {"required": False} for name, header in (own or {}).get("headers", {}).items()}
    return {"headers": headers} if headers else {}


def _either(own: dict[str, Any] | None, each: Unserved) -> str:
    return "\n".join([*([own["description"]] if own else ()), f"- `{each.code}`: {each.meaning}"])


def _is_invented(answer: Mapping[str, Mapping[str, Any]]) -> bool:
    shape = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    return shape.rpartition("/")[2] in _INVENTED


def header(description: str, **schema: object) -> Header:
    """A header that is always there, a string unless its ``schema`` says otherwise."""
    return {"description": description, "required": True, "schema": {"type": "string"} | schema}


RETRY_AFTER: Mapping[str, Header] = {
    "Retry-After": {
        "description": "After so many seconds work may be taken in again, where that is known.",
        "required": False,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    }
}


def answer(
    description: str,
    shape: type | None = None,
    *,
    example: object = None,
    headers: Mapping[str, Header] | None = None,
    narrowed: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """An answer in JSON of this ``shape``, ``narrowed`` by more of JSON Schema; without a shape it has no body."""
    told: dict[str, Any] = {"description": description}
    if shape is not None:
        content = {"schema": dict(narrowed or {})} | ({"example": example} if example is not None else {})
        told |= {"model": shape, "content": {"application/json": content}}
    return told | ({"headers": dict(headers)} if headers else {})


def errors(
    meanings: Mapping[str, str], shape: type = Error, *, headers: Mapping[str, Header] | None = None, **first: str
) -> dict[str, Any]:
    """Refusals that travel with one status: each code and what it means; ``first`` is what else the body holds."""
    told = answer(
        "\n".join(f"- `{code}`: {meaning}" for code, meaning in meanings.items()),
        shape,
        headers=headers,
        narrowed={"properties": {"code": {"enum": [str(code) for code in meanings]}}},
    )
    told["content"]["application/json"]["examples"] = {
        str(code): {"value": {**first, "code": str(code), "message": meaning, "requestId": _REQUEST_ID}}
        for code, meaning in meanings.items()
    }
    return told


def page(description: str) -> dict[str, Any]:
    """An answer for people, in HTML."""
    return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}
