"""`docs/api.md` against what the venue describes, and what it sends."""

from collections.abc import Iterator
from typing import Any, get_args

import aiohttp
from msgspec import structs

from acme_exchange.api.feeds import Channel
from test.acme_exchange.venue import Client, Listener, running_venue
from tools import write_api_page

MARKET = "BTC-PERP"


def test_the_page_is_what_the_venue_serves():
    current = write_api_page.PAGE.read_text(encoding="utf-8")
    assert current == write_api_page.page(), "python -m tools.write_api_page writes it again"


async def test_every_channel_sends_what_the_page_says():
    async with running_venue() as running, aiohttp.ClientSession() as http:
        async with http.ws_connect(running.websocket_url) as socket:
            frames = await everything_about_a_trade(
                Listener(socket, running),
                Client(http, running, "alice-key", "alice-secret"),
                Client(http, running, "bob-key", "bob-secret"),
            )
    assert {frame["channel"] for frame in frames} == set(Channel)
    for frame in frames:
        channel = Channel(frame["channel"])
        assert ("market" in frame) == channel.is_per_market
        for sent, described in parts(frame["data"], write_api_page.CHANNELS[channel][0]):
            fields = structs.fields(described)
            assert {field.encode_name for field in fields if field.required} <= sent.keys(), channel
            assert sent.keys() <= {field.encode_name for field in fields}, channel


async def everything_about_a_trade(listener: Listener, alice: Client, bob: Client) -> list[dict[str, Any]]:
    """What alice is told on every channel while she sells to bob."""
    await listener.login("alice-key", "alice-secret")
    for channel in Channel:
        await listener.send(op="subscribe", channel=channel, **({"market": MARKET} if channel.is_per_market else {}))
    frames = await listener.pending()
    await alice.place(MARKET, "sell", "0.01", 64000)
    await bob.place(MARKET, "buy", "0.01")
    return [frame for frame in [*frames, *await listener.pending()] if frame["type"] in ("partial", "update")]


def parts(data: Any, described: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    if isinstance(data, list):
        assert data
        yield from ((each, get_args(described)[0]) for each in data)
    else:
        yield data, described
