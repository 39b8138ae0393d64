"""Makes the pictures of the guide from a run.

Usage: pictures.py REPORT VIEWER_URL FOLDER, where REPORT is the report.html of a full run, VIEWER_URL the address at
which `clinstruct serve` shows the same run, and FOLDER where the pictures go: docs/guide/src/pictures.

Needs Playwright, Pillow and a Chromium on the PATH.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
# Name of the picture, and what of the report it shows.
REPORT = {
    "result": "#result",
    "flow": "#flow figure",
    "coverage": "#coverage figure >> nth=1",
    "patients": "#patients figure >> nth=0",
    "countries": "#patients figure >> nth=1",
    "lengths": "#texts figure >> nth=2",
    "repairs": "#checks figure >> nth=-1",
}
WIDTH = 900


def save(png, path, width=WIDTH):
    """As a picture of a palette of 8 bits, no wider than `width`."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.LANCZOS)
    # By coverage: few strong colours beside much white keep their hue.
    image = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    image.save(path, optimize=True)
    print(f"{path.name}: {image.width} by {image.height}, {path.stat().st_size // 1000} kB")


def report(browser, file, folder):
    page = browser.new_page(viewport={"width": 960, "height": 900}, color_scheme="light", device_scale_factor=1.5)
    page.goto(file.resolve().as_uri())
    # The contents stay at the top of the window, over what is taken.
    page.add_style_tag(content="nav { display: none } figure, section { padding: .5rem }")
    for name, what in REPORT.items():
        save(page.locator(what).screenshot(), folder / f"{name}.png")
    page.close()


def viewer(browser, url, folder):
    page = browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme="light")
    page.goto(url)
    expect(page.locator("ol.hits li").first).to_be_visible()
    page.fill("#q", "fever child")
    expect(page.locator("#total")).not_to_contain_text("39")
    save(page.screenshot(), folder / "viewer-list.png")
    page.locator("ol.hits a").first.click()
    expect(page.locator("article.turn").first).to_be_visible()
    save(page.screenshot(), folder / "viewer-conversation.png")
    link = page.url
    page.close()
    phone = browser.new_page(viewport={"width": 390, "height": 780}, color_scheme="dark")
    phone.goto(link)
    expect(phone.locator("article.turn").first).to_be_visible()
    save(phone.screenshot(), folder / "viewer-phone.png")
    phone.close()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    if not CHROMIUM:
        sys.exit("no Chromium is on the PATH")
    file, url, folder = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        report(browser, file, folder)
        viewer(browser, url, folder)
        browser.close()


main()
