"""Describes the REST interface in OpenAPI 3.1, out of what it is made of: the table of routes, the models that validate
requests, and the structures that answers are written from."""

import re
from collections.abc import Iterable, Iterator
from types import GenericAlias, NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from pydantic.json_schema import models_json_schema

from acme_exchange.api.authentication import OWN_PREFIX
from acme_exchange.api.routes import Paged, Route
from acme_exchange.api.wire import requests
from acme_exchange.api.wire.answers import Failure
from acme_exchange.engine.model.specification import DEFAULT_PRICE_BAND
from acme_exchange.engine.model.standing import MAINTENANCE
from acme_exchange.engine.rules.checks import MAX_OPEN_ORDERS

VERSION = "3.1.0"
PRICE_BAND = f"{DEFAULT_PRICE_BAND:.0%}"
MAINTENANCE_PERCENT = f"{MAINTENANCE:.0%}"
REFERENCE = "#/components/schemas/{name}"
REQUEST_REFERENCE = "#/components/schemas/{model}"
DECIMAL = {"type": "string", "format": "decimal"}
PATH_PARAMETERS = {
    "market": ({"type": "string", "minLength": 1}, "a market's name, such as BTC-PERP"),
    "future": ({"type": "string", "minLength": 1}, "a future's name, such as BTC-PERP"),
    "order_id": ({"type": "integer", "minimum": 1}, "the id that the venue gave the order"),
    "client_id": ({"type": "string", "minLength": 1, "maxLength": 64}, "the id that the client gave the order"),
}
OPENING = (
    "A perpetual-futures exchange. Every number in an answer is exact; in a request's body a number may also be "
    "written as a string, and `null` stands for what is left out."
)
SIGNATURE = {
    "key": ("KEY", "the API key"),
    "timestamp": ("TS", "milliseconds since the epoch"),
    "signature": (
        "SIGN",
        "hex HMAC-SHA256, keyed with the API secret, of the timestamp, the method, the path with its query, and the "
        "body",
    ),
}
RULES = f"""Orders match by price, then by time. An order that would match its own account's resting order cancels that
first. Reduce-only orders are cut to the position they reduce, also while they rest. An account has at most
{MAX_OPEN_ORDERS:,} open orders in a market: one more is refused, `Too many open orders`.

Around the mark of each market is a price band, {PRICE_BAND} by default. A buy above it, or a sell below it, is refused,
`Price is beyond the price band`; a market order trades up to it and no further, and what is left of it is cancelled.

An account is required to have its initial margin, which is 1/leverage of the notional at the mark of positions and open
orders together, and beside that what its resting orders would lose against the mark, were all filled at once. `free` is
what it is worth beyond this requirement. An order that raises the requirement, or that would lose against the mark at
once, is refused, `Account does not have enough margin for order.`, if the account is not worth that much. One that only
shrinks a position needs no margin. But no order may leave its account with less than nothing, at the mark or at the
index: a limit order that could is refused, and a market order that shrinks a position trades up to there and no
further. An order that raises the requirement needs the maintenance margin at the index, too. Orders that mark or index
have left behind, and that would lose at once more than their account is worth, are cancelled.

Under the maintenance margin of {MAINTENANCE_PERCENT} of notional at the mark, or when it is worth less than nothing at
the index, an account is liquidated: its orders are cancelled, its positions closed at the market, the largest first,
within the price band and never beyond the bankruptcy price, at which nothing would be left. What the book does not
take, the house takes over at the mark that brought the liquidation about, or at the index where that is worse for the
account. What a gap cost beyond the account's money, the house bears: no account ends below zero. Positions in a halted
market wait until it is open again.

A size or price that was reckoned with doubles, and is off the increment for that alone, is taken as it was meant:
`0.30000000000000004` is 0.3. Any other one is refused: `Size too small`, `Invalid price`. A market that takes no orders
is refused with its reason: it is a spot market, disabled, expired, or has no price yet.

Trades and fills come newest first, `limit` of them. Where a period is asked for, a page does not end within a moment:
all that happened in the microsecond of its last entry comes with it, so that the next page, asked for from that time
on, leads on. `minId` leaves out those with a lower id.

What is due by the clock happens before any request that comes later: who holds a position at the hour pays its funding,
or receives it, and nobody trades in a future that has expired.
"""
FAILURES = {
    "400": "a parameter is missing or does not fit, or the venue's rules forbid it",
    "401": "not logged in",
    "403": "a read-only key on a write",
    "404": "what is asked for does not exist",
    "413": "the body is larger than 64 KiB",
    "429": "more requests than allowed; nothing was changed",
    "500": "an unexpected error; the outcome of a write is unknown",
}


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """The description as JSON data."""
    routes = tuple(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(f"/api{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": VERSION,
        "info": {"title": "Acme", "version": "1", "description": f"{OPENING}\n\n{RULES}"},
        "paths": paths,
        "components": {
            "schemas": _answer_schemas(routes) | _request_schemas(routes),
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": f"{OWN_PREFIX}-{suffix}", "description": text}
                for name, (suffix, text) in SIGNATURE.items()
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.handler.__doc__,
        "tags": ["private" if route.private else "public"],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {"200": _success(route)} | {status: _failure(status) for status in _failure_statuses(route)},
    }
    if route.private:
        operation["security"] = [{name: [] for name in SIGNATURE}]
    if route.writes and route.parameters is not requests.NoParameters:
        schema = {"$ref": REFERENCE.format(name=route.parameters.__name__)}
        required = any(field.is_required() for field in route.parameters.model_fields.values())
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    return operation


def _operation_id(route: Route) -> str:
    return route.handler.__name__ + ("_by_client_id" if "{client_id}" in route.path else "")


def _path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema, text = PATH_PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "schema": schema, "description": text}


def _query_parameters(route: Route) -> Iterator[dict[str, Any]]:
    if route.writes:
        return
    schema = route.parameters.model_json_schema()
    for name, described in schema.get("properties", {}).items():
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        yield parameter | {"schema": _as_text(described)}


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """A query is text: nothing is `null` there, and a number and a string that holds it are the same."""
    constraints = {key: value for key, value in schema.items() if key not in ("anyOf", "title") and value is not None}
    if "anyOf" in schema:
        constraints |= _as_text(schema["anyOf"][0])
    return constraints


def _failure_statuses(route: Route) -> Iterator[str]:
    if route.private or route.path.count("{") or route.parameters is not requests.NoParameters:
        yield from ("400", "404")
    if route.private:
        yield "401"
    if route.writes:
        yield "403"
    yield "413"
    if route.counts != "nothing":
        yield "429"
    yield "500"


def _failure(status: str) -> dict[str, Any]:
    described = {"description": FAILURES[status], "content": _json({"$ref": REFERENCE.format(name=Failure.__name__)})}
    if status == "429":
        text = "seconds until one more request is allowed"
        described["headers"] = {"Retry-After": {"description": text, "schema": {"type": "string"}}}
    return described


def _success(route: Route) -> dict[str, Any]:
    ((result,), _) = msgspec.json.schema_components([_result_type(route)], ref_template=REFERENCE)
    properties = {"success": {"const": True}, "result": _with_numbers(result)}
    if get_origin(get_type_hints(route.handler)["return"]) is Paged:
        properties["hasMoreData"] = {"type": "boolean"}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"description": "done", "content": _json(schema)}


def _result_type(route: Route) -> Any:
    """What the handler is annotated to return; an iterator or a page arrives as a list."""
    annotated = get_type_hints(route.handler, include_extras=True)["return"]
    if get_origin(annotated) in (Iterator, Paged):
        return GenericAlias(list, get_args(annotated)[:1])
    return NoneType if annotated is None else annotated


def _answer_schemas(routes: Iterable[Route]) -> dict[str, Any]:
    types = [Failure, *map(_result_type, routes)]
    _, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    schemas: dict[str, Any] = _with_numbers(components)
    return schemas


def _request_schemas(routes: Iterable[Route]) -> dict[str, Any]:
    models = {route.parameters for route in routes if route.writes and route.parameters is not requests.NoParameters}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, described = models_json_schema([(model, "validation") for model in ordered], ref_template=REQUEST_REFERENCE)
    schemas: dict[str, Any] = described["$defs"]
    return schemas


def _with_numbers(schema: Any) -> Any:
    """Exact decimals, which leave as JSON numbers."""
    if schema == DECIMAL:
        return {"type": "number"}
    if isinstance(schema, dict):
        return {key: _with_numbers(value) for key, value in schema.items()}
    return [_with_numbers(value) for value in schema] if isinstance(schema, list) else schema


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
