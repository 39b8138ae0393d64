"""Uses the viewer as a person does, in a browser without a window.

Usage: browser.py SERVE RUN AXE PICTURES, where SERVE starts the example `view` of the crate, RUN is a folder of a
run of 50 conversations at least, AXE the file axe.min.js and PICTURES a folder for screenshots.
"""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import unquote

from playwright.sync_api import expect, sync_playwright

import kept

SERVE, RUN, AXE, PICTURES = shlex.split(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]).read_text(), Path(sys.argv[4])
PLANTED = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


def copied(to):
    """The run with a script in one answer, so that the folder itself is only read."""
    for kind in ("conversations", "rejected", "annotations", "raw"):
        shutil.copytree(RUN / kind, to / kind)
    for name in ("run.sqlite", "summary.json"):
        shutil.copy(RUN / name, to / name)
    file = sorted((to / "conversations").glob("*.jsonl"))[0]
    first, *rest = file.read_text().splitlines()
    row = json.loads(first)
    row["messages"][1]["content"] = f"Zanzibarword. {PLANTED} Rest."
    file.write_text("\n".join([json.dumps(row, ensure_ascii=False), *rest]) + "\n")
    return row["id"]


def no_serious(page, what):
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    bad = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in ("serious", "critical")]
    if bad:
        sys.exit(f"{what}: axe finds {bad}")


def picture(page, name):
    page.screenshot(path=PICTURES / f"{name}.png")


def use(page, url, planted, errors):
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.on("request", lambda r: errors.append(f"asks {r.url}") if not r.url.startswith((url, "data:")) else None)
    # Load.
    page.goto(url)
    expect(page.locator("ol.hits li")).to_have_count(50)
    expect(page.locator("#banner")).to_contain_text("rehearsal")
    no_serious(page, "list")
    picture(page, "list")
    # Search.
    page.fill("#q", "zanzibarword")
    expect(page.locator("#total")).to_have_text("1 conversations")
    # Open: what a model wrote is text.
    page.locator("ol.hits a").click()
    expect(page.locator("article.assistant .said").first).to_contain_text(PLANTED)
    assert page.title() == "clinstruct viewer", "a planted script ran"
    assert page.locator(".said script, .said img").count() == 0
    expect(page.locator("aside")).to_contain_text("Patient")
    page.locator("article.assistant details summary").first.click()
    expect(page.locator("article pre")).to_be_visible()
    no_serious(page, "conversation")
    # Filter.
    page.goto(f"{url}/#/")
    page.fill("#q", "")
    expect(page.locator("ol.hits li")).to_have_count(50)
    page.locator("summary", has_text="mode").click()
    page.get_by_label("emergency", exact=False).first.check()
    expect(page.locator("#total")).not_to_contain_text("39,")
    assert "facets=mode" in page.url
    # Review by mouse: without a name it is not saved.
    page.goto(f"{url}/#/row/{planted}")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#notice")).to_contain_text("name first")
    page.fill("#reviewer", "Ann")
    page.locator("#reviewer").blur()
    page.fill("#comment", "Good, but <b>short</b>.")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#reviews")).to_contain_text("accept by Ann: Good, but <b>short</b>.")
    # Reload: it is still there, and so is the place.
    page.reload()
    expect(page.locator("#reviews")).to_contain_text("accept by Ann")
    expect(page.get_by_role("button", name="Accept")).to_have_attribute("aria-pressed", "true")
    picture(page, "conversation")


def keyboard(page, url):
    """The same without a mouse."""
    page.goto(url)
    expect(page.locator("ol.hits li")).to_have_count(50)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.locator("#main").focus()
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("child")
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    expect(page.locator("#q")).to_have_value("child")
    page.wait_for_url("**q=child**")
    expect(page.locator("ol.hits li").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("article.turn").first).to_be_visible()
    first = page.url
    page.keyboard.press("j")
    page.wait_for_function("first => location.href !== first", arg=first)
    # The address is there before the conversation is.
    kept.on_row(page, unquote(page.url.split("#/row/")[1].split("?")[0]))
    expect(page.locator("article.turn").first).to_be_visible()
    page.keyboard.press("3")
    expect(page.locator("[data-criterion='3']")).to_be_focused()
    page.keyboard.press("5")
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.locator("#comment")).to_be_focused()
    page.keyboard.type("by keys")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("#reviews")).to_contain_text("reject by Ann: by keys")
    page.keyboard.press("k")
    page.wait_for_url(first)
    kept.on_row(page, unquote(first.split("#/row/")[1].split("?")[0]))
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("ol.hits li").first).to_be_visible()
    page.goto(f"{url}/#/agreement")
    expect(page.locator("main")).to_contain_text("Ann")
    no_serious(page, "reviews")
    page.goto(f"{url}/#/run")
    expect(page.locator("main")).to_contain_text("conversations done")
    no_serious(page, "run")
    picture(page, "run")


def small_and_dark(browser, url, planted):
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark", bypass_csp=True)
    for name, path in (("list", "#/"), ("conversation", f"#/row/{planted}")):
        page.goto(f"{url}/{path}")
        expect(page.locator("ol.hits li, article.turn").first).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, f"{name} is {wide} wide on a telephone"
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(n) for n in dark[4:-1].split(",")) < 60, f"{name} is not dark: {dark}"
        no_serious(page, f"{name}, dark and small")
        picture(page, f"{name}-dark-small")
        page.reload()
    page.locator("#theme").click()
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(int(n) for n in light[4:-1].split(",")) > 200, light
    no_serious(page, "light")
    page.close()


def main():
    if not CHROMIUM:
        sys.exit("no Chromium is on the PATH: apt-get install chromium")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        planted = copied(run)
        start = time.monotonic()
        server = subprocess.Popen([*SERVE, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().strip()
            ready = time.monotonic() - start
            errors = []
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True, color_scheme="light")
                use(page, url, planted, errors)
                keyboard(page, url)
                small_and_dark(browser, url, planted)
                kept.all_of_it(browser, url, run, errors, no_serious)
                times = page.evaluate("""async () => { const all = [];
                    for (const q of ['pain', 'fever child', '"blood pressure"', 'a', '']) { const start = performance.now();
                        await (await fetch('/api/search?q=' + encodeURIComponent(q))).json(); all.push(performance.now() - start); }
                    return all; }""")
                browser.close()
            if errors:
                sys.exit(f"errors in the page: {errors}")
        finally:
            server.stdin.close()
            server.wait(timeout=20)
    told = ", ".join(f"{t:.0f}" for t in times)
    print(f"viewer in {CHROMIUM}: all steps pass; ready after {ready:.1f} s, searches took {told} ms")


main()
