"""Takes pictures of the page for the documents: the real demo runs, and is looked at in a real browser."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

PICTURES = Path(__file__).parents[1] / "docs" / "images"
ADDRESS = re.compile(r"http://\S+#code=\S+")
COLOURS = 256
SETTLED_MILLISECONDS = 2_000
QUOTED_MILLISECONDS = 60_000
SIZES = {"wide": (1440, 1080), "narrow": (390, 844)}
PICTURED = (("wide", "dark"), ("narrow", "light"))
SHARPNESS = 2
"""How many times as large they are taken as they are kept: so that thin lines and small print stay clear."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs the demo and keeps pictures of its page in docs/images.")
    parser.add_argument("--seconds", type=int, default=240, help="of trading before (default: %(default)s)")
    seconds = parser.parse_args().seconds
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no Chromium; install it, such as by apt-get install chromium.")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "acme_bot", "demo", "--seed", "7", "--folder", f"{folder}/demo"]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            address = next(found[0] for line in demo.stdout if (found := ADDRESS.search(line)))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                width, height = SIZES["wide"]
                page = browser.new_page(
                    viewport={"width": width, "height": height}, device_scale_factor=SHARPNESS, color_scheme="dark"
                )
                page.goto(address)
                expect(page.locator("#panel-positions tbody tr")).to_have_count(1, timeout=180_000)
                time.sleep(seconds)
                take(page)
                browser.close()
        finally:
            demo.terminate()
            demo.communicate()


def take(page: Page) -> None:
    PICTURES.mkdir(exist_ok=True)
    page.get_by_role("tab", name="Fills").click()
    for size, theme in PICTURED:
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(SETTLED_MILLISECONDS)
        # A bot that has just been filled has no quotes for a moment.
        expect(page.locator("[data-mine]")).not_to_have_count(0, timeout=QUOTED_MILLISECONDS)
        keep(page.screenshot(full_page=size == "narrow"), PICTURES / f"page-{size}.png")


def keep(picture: bytes, path: Path) -> None:
    image = Image.open(BytesIO(picture)).convert("RGB")
    smaller = image.resize((image.width // SHARPNESS, image.height // SHARPNESS), Image.Resampling.LANCZOS)
    smaller.quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
