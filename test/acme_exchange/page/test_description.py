"""`/api/docs` in a real browser."""

from collections.abc import Callable

import pytest
from playwright.async_api import expect

from test.acme_exchange.venue import running_venue

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_private_requests_are_signed_in_the_page(look: Callable):
    """One with nothing, and one with a body, which is signed as well; by the venue's time, which is not the
    machine's."""
    async with running_venue() as running:
        page = await look(f"{running.url}/api/docs")
        await page.get_by_label("Key", exact=True).fill("alice-key")
        await page.get_by_label("Secret").fill("alice-secret")
        for operation, body in (("GET /api/positions", None), ("POST /api/account/leverage", '{"leverage": 5}')):
            method, path = operation.split()
            block = page.locator(f".opblock-{method.lower()}", has=page.locator(f'[data-path="{path}"]'))
            await block.locator("button.opblock-summary-control").click()
            await block.get_by_role("button", name="Try it out").click()
            if body is not None:
                await block.locator("textarea").first.fill(body)
            await block.get_by_role("button", name="Execute").click()
            await expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
        assert running.venue.engine.account("alice").leverage == 5
        assert "alice-secret" not in await page.content()
