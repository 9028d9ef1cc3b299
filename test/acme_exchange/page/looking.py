"""What a browser's page says of itself while a test looks at it."""

from playwright.async_api import ConsoleMessage, Page, Request

PATIENCE_MILLISECONDS = 20_000
MAY_BE_REFUSED = ("/page/session", "/page/api/orders")


class Looker:
    """A page, and what went wrong in it: errors in its console, and requests to anybody but the venue.

    :ivar complaints: a text each.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        # That a venue refuses what somebody asks of it, or has ended, is told in the console whatever the page does.
        is_refusal = "status of 40" in message.text and message.location["url"].endswith(MAY_BE_REFUSED)
        if message.type in ("error", "warning") and not is_refusal and "ERR_CONNECTION_REFUSED" not in message.text:
            self.complaints.append(f"{message.text} {message.location['url']}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            self.complaints.append(f"asked {request.url}")
