"""Writes docs/api.md out of the venue's OpenAPI description."""
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acme_exchange.api.openapi import describe
from acme_exchange.api.routes import ROUTES

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
OPENING = """# The REST API, as the venue serves it

Made from the venue's OpenAPI description by `python -m tools.write_api_page`; a test fails when it is out of date.
A running venue serves the description at `/api/openapi.json`, and a page to read it and to try out what is public at
`/api/docs`.

An answer is `{"success": true, "result": …}`, or `{"success": false, "error": …}` with a status of 400 or above. One
that comes in pages also has `hasMoreData`. Private requests are signed. What is in *italics* may be left out.
"""


def page() -> str:
    description = describe(ROUTES)
    return "\n".join([
        OPENING, "## Signing", "", "| header | what it holds |", "| --- | --- |", *_headers(description), "",
        "## Public requests", "", *_requests(description, "public"), "",
        "## Private requests", "", *_requests(description, "private"), "",
        "## Failures", "", "| status | what it means |", "| --- | --- |", *_failures(description), "",
        "## Values", "", *_values(description),
    ])


def _headers(description: dict[str, Any]) -> Iterator[str]:
    for scheme in description["components"]["securitySchemes"].values():
        yield f"| `{scheme['name']}` | {scheme['description']} |"


def _requests(description: dict[str, Any], tag: str) -> Iterator[str]:
    yield from ("| request | what it does | parameters | result |", "| --- | --- | --- | --- |")
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if tag in operation["tags"]:
                result = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["result"]
                summary, parameters = " ".join(operation["summary"].split()), ", ".join(_parameters(operation))
                yield f"| `{method.upper()} {path}` | {summary} | {parameters} | {_type(result)} |"


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    for parameter in operation["parameters"]:
        if parameter["in"] == "query":
            yield _name(parameter["name"], parameter["required"])
    if "requestBody" in operation:
        yield f"body: {_type(operation['requestBody']['content']['application/json']['schema'])}"


def _failures(description: dict[str, Any]) -> Iterator[str]:
    found = {
        status: answer["description"] for operations in description["paths"].values()
        for operation in operations.values() for status, answer in operation["responses"].items() if status != "200"
    }
    for status in sorted(found):
        yield f"| {status} | {found[status]} |"


def _values(description: dict[str, Any]) -> Iterator[str]:
    for name, schema in sorted(description["components"]["schemas"].items()):
        yield from (f"### {name}", "", "| field | type |", "| --- | --- |")
        for field, described in schema["properties"].items():
            yield f"| {_name(field, field in schema.get('required', ()))} | {_type(described)} |"
        yield ""


def _name(name: str, required: bool) -> str:
    return f"`{name}`" if required else f"*`{name}`*"


def _type(schema: dict[str, Any]) -> str:
    """How a reader calls what a schema describes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{str(schema['const']).lower()}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    return schema.get("type", "anything")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
