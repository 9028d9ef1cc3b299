"""`docs/api.md` against the venue's OpenAPI description."""
from tools import write_api_page


def test_the_page_is_what_the_venue_serves():
    current = write_api_page.PAGE.read_text(encoding="utf-8")
    assert current == write_api_page.page(), "python -m tools.write_api_page writes it again"
