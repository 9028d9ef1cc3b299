"""Writes docs/api.md out of the venue's OpenAPI description, and of what its WebSocket sends."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from acme_exchange.api.clients import MOST_AN_ADDRESS, MOST_CONNECTIONS
from acme_exchange.api.connection import ANSWER_SECONDS, BODY_SECONDS, HEAD_SECONDS, IDLE_SECONDS
from acme_exchange.api.feeds import Channel
from acme_exchange.api.frame_meter import LARGEST_FRAME_BYTES
from acme_exchange.api.openapi import REFERENCE, RULES, describe
from acme_exchange.api.published_book import DEPTH
from acme_exchange.api.rate_limits import FILES, FLOOD, ORDERS, REQUESTS, STRANGERS
from acme_exchange.api.routes import ROUTES
from acme_exchange.api.session import MOST_SUBSCRIPTIONS, SILENCE_MICROSECONDS
from acme_exchange.api.strangers import MESSAGES_A_SECOND, MESSAGES_AT_ONCE
from acme_exchange.api.wire import account_data, answers, market_data
from acme_exchange.api.wire.frames import GOING_AWAY

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
OPENING = """# The API, as the venue serves it

Made from the venue's own descriptions by `python -m tools.write_api_page`; a test fails when it is out of date. A
running venue serves that of its REST API at `/api/openapi.json`, and a page to read it and to try it out at
`/api/docs`, which signs private requests in the browser with the key that is entered there.

An answer is `{"success": true, "result": …}`, or `{"success": false, "error": …}` with a status of 400 or above. An
answer that comes in pages also has `hasMoreData`. Private requests are signed. Fields in *italics* are optional.
"""
LIMITS = f"""| what is counted | limit a second | past it |
| --- | --- | --- |
| requests of a key; public ones of an address | {REQUESTS.limit} | 429, and `Retry-After` in seconds |
| placing and modifying orders, of an account | {ORDERS.limit} | likewise |
| what an address is refused without a valid key: other paths and methods, false signatures, log-ins, `/admin` \
| {STRANGERS.limit} | likewise |
| what an address gets without a key beside the API, such as a page's files | {FILES.limit} | likewise |
| messages over WebSockets that have not logged in, of an address | {MESSAGES_A_SECOND}, \
and {MESSAGES_AT_ONCE} at once | the next is read later |
| cancelling, signed | none | |

Past {FLOOD} times a limit the connection is closed. A request that is refused has changed nothing.

A connection has {HEAD_SECONDS:.0f} s for the head of a request, {BODY_SECONDS:.0f} s for its body,
{ANSWER_SECONDS:.0f} s to read an answer, and {IDLE_SECONDS:.0f} s between two requests. An address may have
{MOST_AN_ADDRESS} connections, and the venue {MOST_CONNECTIONS}, or fewer where the system allows it fewer open files.
When there is no room for one more, the one that has been there longest of those that have asked nothing yet is
closed; never one that has shown a valid key. A frame of a client's may have {LARGEST_FRAME_BYTES // 1024} KiB, and a
client that does not read what it has asked for is not asked what else it wants.
"""
SECURITY = """What the dialect does not protect, and what to do about it:

- **A signed request can be sent again** by whoever sees it on its way, for as long as its timestamp is within 5 s.
  Send a `clientId` with every order: the venue accepts each once, for ever. Use TLS (`--tls-cert`) wherever others
  can listen.
- **The subaccount is not signed.** Whoever can change a request on its way can direct it to another subaccount of the
  same account. Use TLS, or give each subaccount a key of its own.
- **Answers and frames are not signed.** Only TLS tells who sends them.
- **A WebSocket's log-in** can likewise be repeated within 5 s, and then reads the account's private channels. It cannot
  trade.
"""
STREAM = f"""The WebSocket is at `/ws/`. Clients send JSON objects:

| `op` | beside it | what follows |
| --- | --- | --- |
| `subscribe` | `channel`; `market`, where the channel is one of a market | `subscribed`, then what the channel sends |
| `unsubscribe` | the same | `unsubscribed`, and nothing more of it |
| `login` | `args`: `key`, `time` in milliseconds, `sign`, *`subaccount`* | nothing; `error` when it fails |
| `ping` | | `pong` |

`sign` is the hex HMAC-SHA256, keyed with the API secret, of the time and `websocket_login`. A connection has at most
{MOST_SUBSCRIPTIONS} subscriptions, and is closed when its client sends nothing for
{SILENCE_MICROSECONDS // 1_000_000} s.

What the venue sends is a [Frame](#frame). Its `type` is `subscribed`, `unsubscribed`, `partial` (a full state),
`update`, `error` or `info` (with `code` and `msg`), or `pong`. The `info` of code {GOING_AWAY} says that the venue
ends: connect again.
"""
ORDER = f"""\
Frames of one channel and market come in their order. Between channels there is none: a fill can come before the
answer to the request that placed its order.

`checksum` is the CRC-32 of the book's best {DEPTH} levels, their numbers joined with `:`, as Python's `str(float(x))`
writes them: price and size of the best bid, of the best ask, of the second bid, and so on; where one side is shorter,
its numbers are left out. A client whose book is another one unsubscribes and subscribes again.
"""
# What a channel's frames hold, and when they come.
CHANNELS: dict[Channel, tuple[Any, str]] = {
    Channel.ORDER_BOOK: (
        market_data.BookFrame,
        f"a `partial` with the best {DEPTH} levels a side; then the levels that changed, at most twenty times a "
        "second, those that are gone with a size of 0",
    ),
    Channel.TRADES: (list[market_data.Trade], "with every match"),
    Channel.TICKER: (market_data.Ticker, "at once, with every change, at most twenty times a second, and every second"),
    Channel.MARKETS: (
        market_data.MarketsFrame,
        "a `partial` with every market; then those that changed, within a second",
    ),
    Channel.FUNDING: (market_data.Funding, "at once, and every second; futures only"),
    Channel.ORDERS: (account_data.Order, "with every change of an order's status, and every fill"),
    Channel.FILLS: (account_data.Fill, "with every fill"),
    Channel.POSITIONS: (account_data.Position, "after every fill, funding payment and liquidation"),
    Channel.BALANCES: (account_data.Balance, "after every change of `total` or `free`"),
}


def page() -> str:
    description = describe(ROUTES)
    return "\n".join([OPENING, *_rest(description), *_stream(description)])


def _rest(description: dict[str, Any]) -> Iterator[str]:
    yield from ("## Rules", "", RULES)
    yield from ("## Signing", "", "| header | what it holds |", "| --- | --- |", *_headers(description), "")
    yield from ("## Public requests", "", *_requests(description, "public"), "")
    yield from ("## Private requests", "", *_requests(description, "private"), "")
    yield from ("## Failures", "", "| status | what it means |", "| --- | --- |", *_failures(description), "")
    yield from ("## Limits", "", LIMITS)
    yield from ("## What is not protected", "", SECURITY)


def _stream(description: dict[str, Any]) -> Iterator[str]:
    sent, streamed = msgspec.json.schema_components(
        [*(CHANNELS[channel][0] for channel in Channel), answers.Frame], ref_template=REFERENCE
    )
    yield from ("## Channels", "", STREAM)
    yield from (
        "| channel | private | of a market | data | when |",
        "| --- | --- | --- | --- | --- |",
        *_channels(sent),
    )
    yield from ("", ORDER)
    yield from ("## Values", "", *_values(streamed | description["components"]["schemas"]))


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
        status: answer["description"]
        for operations in description["paths"].values()
        for operation in operations.values()
        for status, answer in operation["responses"].items()
        if status != "200"
    }
    for status in sorted(found):
        yield f"| {status} | {found[status]} |"


def _channels(sent: Iterable[dict[str, Any]]) -> Iterator[str]:
    for channel, schema in zip(Channel, sent):
        private, of_a_market = ("yes" if fact else "no" for fact in (channel.is_private, channel.is_per_market))
        yield f"| `{channel}` | {private} | {of_a_market} | {_type(schema)} | {CHANNELS[channel][1]} |"


def _values(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
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
    if schema.get("format") == "decimal":
        return "number"
    if "prefixItems" in schema:
        return f"[{', '.join(map(_type, schema['prefixItems']))}]"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}, by name"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    return schema.get("type", "anything")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
