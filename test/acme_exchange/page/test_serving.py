"""What the venue sends to browsers, and to which it does not."""

import aiohttp
import pytest

from test.acme_exchange.venue import RunningVenue


async def test_scripts_run_from_the_venue_alone(http: aiohttp.ClientSession, running: RunningVenue):
    async with http.get(running.url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()

    assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "<script>" not in page and "style=" not in page


async def test_the_chart_library_comes_from_its_package(http: aiohttp.ClientSession, running: RunningVenue):
    async with http.get(f"{running.url}/page/static/lightweight-charts.js") as answer:
        assert answer.status == 200 and answer.content_type == "text/javascript"
        assert "TradingView Lightweight Charts" in await answer.text()


@pytest.mark.parametrize("name", ["..%2finterface.py", "%2e%2e/interface.py", "interface.py", "none.js"])
async def test_no_other_file_is_to_be_had(http: aiohttp.ClientSession, running: RunningVenue, name: str):
    async with http.get(f"{running.url}/page/static/{name}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "["])
@pytest.mark.parametrize("path", ["/", "/page/static/main.js", "/page/session", "/page/api/markets"])
async def test_another_name_for_this_machine_opens_nothing(
    http: aiohttp.ClientSession, running: RunningVenue, host: str, path: str
):
    async with http.get(running.url + path, headers={"Host": host}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:8600", "192.168.1.7:8600", "[::1]:8600"])
async def test_an_address_of_this_machine_does(http: aiohttp.ClientSession, running: RunningVenue, host: str):
    async with http.get(f"{running.url}/page/session", headers={"Host": host}) as answer:
        assert answer.status == 200


FOREIGN = ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"})


@pytest.mark.parametrize("headers", [*FOREIGN, {"Sec-Fetch-Site": "same-site"}])
async def test_another_sites_page_reads_nothing(http: aiohttp.ClientSession, running: RunningVenue, headers: dict):
    async with http.get(f"{running.url}/page/api/markets", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("headers", [*FOREIGN, {}, {"Origin": "http://127.0.0.1:1"}])
async def test_another_sites_page_changes_nothing(http: aiohttp.ClientSession, running: RunningVenue, headers: dict):
    async with http.post(f"{running.url}/page/session", json={"code": "x"}, headers=headers) as answer:
        assert answer.status == 403
    async with http.delete(f"{running.url}/page/api/orders", headers=headers) as answer:
        assert answer.status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect(f"{running.url}/page/ws", headers=headers)
