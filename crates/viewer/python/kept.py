"""What a reviewer typed, and where one was, is kept: steps for `browser.py`.

Each function gets a browser without memory of the others, but all use one server and one run.
"""

import itertools
import json
import os
import re
import sqlite3
import urllib.request

from playwright.sync_api import expect

DRAFTS = "Object.keys(localStorage).filter(k => k.includes('draft')).length"


class Person:
    """Somebody with a browser of their own; `tab` opens another page of it."""

    def __init__(self, browser, url, errors, **options):
        self.url, self.errors = url, errors
        options = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light", "bypass_csp": True} | options
        self.context = browser.new_context(**options)

    def tab(self, at="#/", name=None):
        page = self.context.new_page()
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.goto(f"{self.url}/{at}")
        expect(page.locator("ol.hits li, #comment, main h2").first).to_be_visible()
        if name is not None:
            give(page, name)
        return page


def give(page, name):
    page.fill("#reviewer", name)
    page.locator("#reviewer").blur()


def api(url, path):
    return json.load(urllib.request.urlopen(f"{url}/api/{path}"))


def listed(url, search="order=plan"):
    """The ids of a whole list."""
    ids = []
    for page in itertools.count():
        found = api(url, f"search?{search}&page={page}")
        if not found["rows"]:
            assert len(set(ids)) == len(ids) == found["total"]
            return ids
        ids += [row["id"] for row in found["rows"]]


def row_id(page):
    return page.locator("section > h2.soft").inner_text()


def on_row(page, row):
    """The row is displayed, not only on its way."""
    expect(page.locator("section > h2.soft")).to_have_text(row)


def reviews(url, row):
    return api(url, f"row?id={row}")["reviews"]


def press(page, keys):
    for key in keys:
        page.keyboard.press(key)


def typed_before_the_name(person, row):
    page = person.tab(f"#/row/{row}")
    page.fill("#comment", "Typed before the name.")
    page.locator("summary", has_text="Criteria").click()
    page.select_option("[data-criterion='2']", "4")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#notice")).to_contain_text("Give your name first")
    expect(page.locator("#reviewer")).to_be_focused()
    page.keyboard.type("Ann")
    # The first click after the name counts: nothing is replaced under the pointer.
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#reviews")).to_contain_text("accept by Ann: Typed before the name.")
    expect(page.locator("#notice")).to_be_empty()
    expect(page.locator("#draft")).to_be_empty()
    assert page.evaluate(DRAFTS) == 0, "a saved draft is left"
    assert reviews(person.url, row)[-1]["scores"] == {"safe": 4}


def typed_and_moved_on(person, rows):
    page = person.tab(f"#/row/{rows[0]}", "Ann")
    page.fill("#comment", "Half a thought")
    page.locator("summary", has_text="Criteria").click()
    page.select_option("[data-criterion='1']", "5")
    page.locator("#main").focus()
    page.keyboard.press("j")
    on_row(page, rows[1])
    expect(page.locator("#comment")).to_have_value("")
    expect(page.locator("#drafts")).to_have_text(" · 1 draft")
    page.keyboard.press("k")
    for again in (lambda: None, page.reload):
        again()
        on_row(page, rows[0])
        expect(page.locator("#comment")).to_have_value("Half a thought")
        expect(page.locator("[data-criterion='1']")).to_have_value("5")
        expect(page.locator("#draft")).to_contain_text("Draft, not saved yet")
    page.keyboard.press("Escape")
    item = page.locator("ol.hits li", has_text=rows[0])
    expect(item.locator(".draft")).to_be_visible()
    page.get_by_role("link", name="Reviews").click()
    expect(page.locator("#unsaved")).to_contain_text("by Ann: Half a thought")
    page.locator("#unsaved a").click()
    on_row(page, rows[0])
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#reviews")).to_contain_text("reject by Ann: Half a thought")
    expect(page.locator("#drafts")).to_be_empty()
    # A comment that is taken back is a draft too; discarded, what was saved is there again.
    page.fill("#comment", "")
    expect(page.locator("#draft")).to_contain_text("Draft")
    page.reload()
    expect(page.locator("#comment")).to_have_value("")
    page.locator("#draft").get_by_role("button", name="Discard").click()
    expect(page.locator("#comment")).to_have_value("Half a thought")
    assert page.evaluate(DRAFTS) == 0


def drafts_of_two_people(person, row):
    page = person.tab(f"#/row/{row}", "Ann")
    page.fill("#comment", "Ann's")
    give(page, "Bo")
    expect(page.locator("#comment")).to_have_value("")
    expect(page.locator("#draft")).to_contain_text("There is a draft by Ann too")
    page.fill("#comment", "Bo's")
    give(page, "Ann")
    expect(page.locator("#comment")).to_have_value("Ann's")
    # A name that was misspelt: what was typed under it can be used.
    page.locator("#draft").get_by_role("button", name="Use it").click()
    expect(page.locator("#comment")).to_have_value("Ann's\nBo's")
    assert page.evaluate(DRAFTS) == 1
    page.locator("#draft").get_by_role("button", name="Discard").click()
    assert page.evaluate(DRAFTS) == 0
    # Another run has the same rows, and drafts of its own.
    page.evaluate("row => localStorage.setItem(JSON.stringify(['clinstruct.draft', '/moved', row, 'Ann']), JSON.stringify({ comment: 'Elsewhere', scores: {} }))", row)
    page.reload()
    expect(page.locator("#comment")).to_have_value("")
    expect(page.locator("#drafts")).to_be_empty()
    page.get_by_role("link", name="Reviews").click()
    page.locator("summary", has_text="Drafts of other runs").click()
    expect(page.locator("#unsaved")).to_contain_text("by Ann: Elsewhere")


def queue(person, rows):
    """Reviews one conversation after the other, at random, over the ends of pages and a reload."""
    search = "order=random&seed=3&unseen=1"
    order = [r for r in listed(person.url, "order=random&seed=3")]
    done = {r for r in order for x in reviews(person.url, r) if x["reviewer"] == "Quinn"}
    assert not done
    page = person.tab(f"#/?{search}", "Quinn")
    expect(page.locator("#total")).to_have_text(f"{len(order)} conversations")
    page.locator("ol.hits a").first.click()
    seen = []
    for n in range(110):
        on_row(page, order[n])
        seen.append(row_id(page))
        # Some are passed over, and must not come again before the end.
        if n % 7:
            press(page, "a")
            expect(page.get_by_role("button", name="Accept")).to_have_attribute("aria-pressed", "true")
        if n == 60:
            page.reload()
            on_row(page, order[n])
        press(page, "j")
    assert seen == order[:110], "the queue skips or repeats rows"
    press(page, "k")
    on_row(page, order[109])
    # The list opens at the page of the row.
    press(page, ["Escape"])
    passed = len([n for n in range(109) if not n % 7])
    expect(page.locator(".bar .soft")).to_contain_text(f"page {passed // 50 + 1} of")
    expect(page.locator("#total")).to_have_text(f"{len(order) - 110 + len([n for n in range(110) if not n % 7])} conversations")
    # Each key press is a step, however fast they come.
    page.goto(f"{person.url}/#/row/{rows[0]}")
    on_row(page, rows[0])
    press(page, "jjj")
    on_row(page, rows[3])
    press(page, "kkk")
    on_row(page, rows[0])
    press(page, "k")
    expect(page.locator("#notice")).to_contain_text("first conversation")


def scrolled(person, rows):
    """Conversations open at their top, lists where they were."""
    page = person.tab()
    page.set_viewport_size({"width": 900, "height": 320})
    hit = page.locator("ol.hits a").nth(20)
    hit.scroll_into_view_if_needed()
    page.wait_for_timeout(250)
    there = page.evaluate("scrollY")
    assert there > 500
    hit.click()
    on_row(page, rows[20])
    assert page.evaluate("scrollY") == 0, "a conversation opens where the list was"
    for key in "jjk":
        page.evaluate("scrollTo(0, 250)")
        assert page.evaluate("scrollY") > 200
        before = row_id(page)
        press(page, key)
        expect(page.locator("section > h2.soft")).not_to_have_text(before)
        assert page.evaluate("scrollY") == 0, "a conversation opens where the last one was"
    # Leaving the comment does not scroll the text away.
    page.evaluate("scrollTo(0, 200)")
    page.locator("#comment").focus()
    before = page.evaluate("scrollY")
    press(page, ["Escape"])
    assert page.evaluate("scrollY") == before
    press(page, ["Escape"])
    expect(page.locator("ol.hits a[aria-current]")).to_be_in_viewport()
    page.go_back()
    on_row(page, rows[21])
    assert page.evaluate("scrollY") == 0
    for _ in range(4):
        page.go_back()
    expect(page.locator("ol.hits li")).to_have_count(50)
    page.wait_for_function(f"Math.abs(scrollY - {there}) < 2")
    page.reload()
    expect(page.locator("ol.hits li")).to_have_count(50)
    page.wait_for_function(f"Math.abs(scrollY - {there}) < 2")
    # Another page of the list opens at its top; one more filter does not move it, nor take the focus.
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".bar .soft")).to_contain_text("page 2")
    assert page.evaluate("scrollY") == 0
    page.set_viewport_size({"width": 1280, "height": 500})
    page.locator("summary", has_text="mode").click()
    box = page.get_by_label("normal", exact=False).first
    page.evaluate("scrollTo(0, 150)")
    before = page.evaluate("scrollY")
    box.focus()
    press(page, [" "])
    page.wait_for_url("**facets=mode**")
    expect(box).to_be_checked()
    expect(box).to_be_focused()
    assert page.evaluate("scrollY") == before


def searched(person):
    """Search, filters, order and row survive a reload, back and forward, and other pages."""
    page = person.tab(name="Ann")
    page.fill("#q", "pain")
    page.wait_for_url("**q=pain")
    press(page, ["Escape"])
    expect(page.locator("#q")).to_have_value("pain")
    page.get_by_label("Order").select_option("random")
    page.locator("summary", has_text="mode").click()
    page.get_by_label("normal", exact=False).first.check()
    expect(page.get_by_label("Order")).to_have_value("random")
    page.wait_for_url("**facets=mode**")
    address = page.url
    expect(page.locator("ol.hits li").first).to_be_visible()
    search = "q=pain&order=random&seed=1&facets=mode%3Anormal"
    found = listed(person.url, search)
    assert 3 < len(found) < len(listed(person.url))
    total = f"{len(found)} conversations"
    expect(page.locator("#total")).to_have_text(total)
    page.locator("ol.hits a").first.click()
    on_row(page, found[0])
    press(page, "j")
    on_row(page, found[1])
    page.reload()
    on_row(page, found[1])
    expect(page.locator("#q")).to_have_value("pain")
    press(page, "j")
    on_row(page, found[2])
    for where in ("Reviews", "Run"):
        page.get_by_role("link", name=where).click()
        expect(page.locator("main h2").first).to_have_text(where)
        page.reload()
        expect(page.locator("main h2").first).to_have_text(where)
    page.get_by_role("link", name="Conversations", exact=True).click()
    expect(page.locator("#total")).to_have_text(total)
    assert page.url == address
    for back, there in ((page.go_back, "Run"), (page.go_back, "Reviews")):
        back()
        expect(page.locator("main h2").first).to_have_text(there)
    page.go_back()
    on_row(page, found[2])
    page.go_back()
    on_row(page, found[1])
    page.go_forward()
    on_row(page, found[2])
    press(page, ["Escape"])
    expect(page.locator("#total")).to_have_text(total)
    expect(page.locator("#q")).to_have_value("pain")
    # A word that is typed is one step of the history.
    page.goto(f"{person.url}/#/")
    expect(page.locator("#q")).to_have_value("")
    page.locator("#q").press_sequentially("fever", delay=200)
    page.wait_for_url("**q=fever")
    page.go_back()
    expect(page.locator("#q")).to_have_value("")
    # A page that is no longer there.
    page.goto(f"{person.url}/#/?page=4000")
    expect(page.locator("ol.hits li").first).to_be_visible()
    # An answer that comes late does not take the place of a later one.
    page.goto(f"{person.url}/#/")
    page.route("**/api/search?q=late*", lambda r: (page.wait_for_timeout(600), r.continue_()))
    page.fill("#q", "late")
    page.wait_for_url("**q=late")
    page.fill("#q", "pain")
    page.wait_for_url("**q=pain")
    pain = f"{len(listed(person.url, 'q=pain'))} conversations"
    expect(page.locator("#total")).to_have_text(pain)
    page.wait_for_timeout(800)
    expect(page.locator("#total")).to_have_text(pain)


def banner(person, row):
    page = person.tab(f"#/row/{row}")
    expect(page.locator("#banner")).to_contain_text("rehearsal")
    press(page, "u")
    expect(page.locator("#notice")).to_contain_text("name first")
    give(page, "Ann")
    expect(page.locator("#notice")).to_be_empty()
    press(page, "u")
    expect(page.locator("#reviews")).to_contain_text("unsure by Ann")
    for at in ("#/agreement", "#/run", "#/"):
        expect(page.locator("#banner")).to_be_visible()
        expect(page.locator("#banner")).to_contain_text("rehearsal")
        page.goto(f"{person.url}/{at}")


def keys_and_clicks(person, rows):
    """What is typed is no command, and one press is one review."""
    row = rows[0]
    page = person.tab(f"#/row/{row}", "Kim")
    page.locator("#comment").press_sequentially("jar, curt? 1/2")
    expect(page.locator("#comment")).to_have_value("jar, curt? 1/2")
    on_row(page, row)
    mine = lambda: [r for r in reviews(person.url, row) if r["reviewer"] == "Kim"]
    assert mine() == []
    # Twice in a row, and a key that is held down.
    page.route("**/api/review", lambda r: (page.wait_for_timeout(300), r.continue_()))
    page.evaluate("() => { const b = document.querySelector('.accept'); b.click(); b.click(); }")
    # What is typed while it is being saved stays.
    page.fill("#comment", "More")
    expect(page.locator("#reviews")).to_contain_text("accept by Kim: jar, curt? 1/2")
    expect(page.locator("#comment")).to_have_value("More")
    expect(page.locator("#draft")).to_contain_text("Draft")
    page.unroute("**/api/review")
    press(page, ["Escape"])
    page.keyboard.down("r")
    page.keyboard.down("r")
    page.keyboard.down("r")
    page.keyboard.up("r")
    expect(page.locator("#reviews")).to_contain_text("reject by Kim: More")
    assert len(mine()) == 2, mine()
    # A key that is pressed while the next conversation is on its way is for neither.
    page.route("**/api/row?*", lambda r: (page.wait_for_timeout(400), r.continue_()))
    press(page, "ju")
    page.wait_for_url(f"**/row/{rows[1]}")
    press(page, "u3c")
    assert row_id(page) == row
    assert page.evaluate("() => document.activeElement.matches('body, #main')"), "a key went to the conversation that was left"
    on_row(page, rows[1])
    page.unroute("**/api/row?*")
    assert len(mine()) == 2, mine()
    assert not [r for r in reviews(person.url, rows[1]) if r["reviewer"] == "Kim"]
    # Nobody answers.
    page.route("**/api/review", lambda r: r.abort())
    page.fill("#comment", "Not lost")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#notice")).to_contain_text("Not saved")
    expect(page.locator("#comment")).to_have_value("Not lost")
    page.unroute("**/api/review")
    page.reload()
    expect(page.locator("#comment")).to_have_value("Not lost")
    page.locator("#draft").get_by_role("button", name="Discard").click()
    # Who goes on at once does not leave a review behind that was not saved,
    page.route("**/api/review", lambda r: (page.wait_for_timeout(300), r.abort()))
    press(page, "aj")
    expect(page.locator("#notice")).to_contain_text("Not saved")
    on_row(page, rows[1])
    press(page, "a")
    page.get_by_role("link", name="← list").click()
    expect(page.locator("#notice")).to_contain_text(f"The review of {rows[1]} was not saved")
    page.get_by_role("link", name="Back to it").click()
    on_row(page, rows[1])
    # and one that is slow is saved before the next conversation comes.
    page.unroute("**/api/review")
    page.route("**/api/review", lambda r: (page.wait_for_timeout(300), r.continue_()))
    press(page, "aj")
    on_row(page, rows[2])
    assert [r["decision"] for r in reviews(person.url, rows[1]) if r["reviewer"] == "Kim"] == ["accept"]
    # A page that is closed while it saves has saved, and leaves no draft behind.
    page.unroute("**/api/review")
    page.fill("#comment", "Closed at once")
    page.evaluate("() => { document.querySelector('.reject').click(); location.reload(); }")
    expect(page.locator("#reviews")).to_contain_text("reject by Kim: Closed at once")
    expect(page.locator("#draft")).to_be_empty()
    assert page.evaluate(DRAFTS) == 0


def two_tabs(person, row):
    first, second = person.tab(f"#/row/{row}", "Tess"), person.tab(f"#/row/{row}")
    expect(second.locator("#reviewer")).to_have_value("Tess")
    first.fill("#comment", "From the first tab")
    first.locator("#main").focus()
    expect(second.locator("#comment")).to_have_value("From the first tab")
    expect(second.locator("#drafts")).to_have_text(" · 1 draft")
    second.get_by_role("button", name="Accept").click()
    expect(second.locator("#reviews")).to_contain_text("accept by Tess")
    expect(first.locator("#reviews")).to_contain_text("accept by Tess: From the first tab")
    expect(first.locator("#draft")).to_be_empty()
    expect(first.get_by_role("button", name="Accept")).to_have_attribute("aria-pressed", "true")


def rewrite(run, row, change):
    """Writes a file of the run as a rebuild does; gives what brings it back."""
    for file in sorted((run / "conversations").glob("*.jsonl")):
        text = file.read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        if any(line["id"] == row for line in lines):
            break
    for line in lines:
        if line["id"] == row:
            line["messages"][-1]["content"] = change(line["messages"][-1]["content"])

    def put(content):
        partial = file.with_suffix(".partial")
        partial.write_text(content)
        os.replace(partial, file)

    put("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return lambda: put(text)


def rebuilt_meanwhile(person, run, row, no_serious):
    page = person.tab(f"#/row/{row}", "Rae")
    page.fill("#comment", "About the first text")
    back = rewrite(run, row, lambda text: f"{text} Rewritten-since.")
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#notice")).to_contain_text("Not saved: this conversation has another text")
    expect(page.locator("#comment")).to_have_value("About the first text")
    expect(page.locator("article.assistant .said").last).not_to_contain_text("Rewritten-since")
    assert not [r for r in reviews(person.url, row) if r["reviewer"] == "Rae"]
    no_serious(page, "a conversation that was rebuilt")
    page.get_by_role("button", name="Show the current text").click()
    expect(page.locator("article.assistant .said").last).to_contain_text("Rewritten-since")
    expect(page.locator("#comment")).to_have_value("About the first text")
    expect(page.locator("#draft")).to_contain_text("Draft on an earlier text")
    expect(page.locator("#notice")).to_be_empty()
    page.get_by_role("button", name="Accept").click()
    expect(page.locator("#reviews")).to_contain_text("accept by Rae: About the first text")
    # The old text again: the review is of another one, and the row is to be reviewed.
    back()
    page.reload()
    expect(page.locator("#reviews")).to_contain_text("accept by Rae (of an earlier text)")
    expect(page.get_by_role("button", name="Accept")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#comment")).to_have_value("")
    page.goto(f"{person.url}/#/agreement")
    expect(page.locator("tr", has_text="of an earlier text")).to_contain_text("1")
    expect(page.locator("tr", has_text="Rae")).to_have_count(0)
    no_serious(page, "reviews of an earlier text")
    # A page that is looked at again notices a rebuild before anything is typed.
    page.goto(f"{person.url}/#/row/{row}")
    on_row(page, row)
    again = rewrite(run, row, lambda text: f"{text} Rewritten-since.")
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#notice")).to_contain_text("another text")
    page.get_by_role("button", name="Show the current text").click()
    expect(page.get_by_role("button", name="Accept")).to_have_attribute("aria-pressed", "true")
    again()


def confirmed_in_one_action(person, run, rows, no_serious):
    """Reviews that an earlier version saved."""
    with sqlite3.connect(run / "viewer" / "reviews.sqlite") as file:
        for row in rows[:2]:
            file.execute("INSERT INTO review (id, reviewer, decision, comment, scores, at) VALUES (?, 'Old', 'accept', '', '{}', 1700000000)", [row])
    file.close()
    before = api(person.url, "agreement")
    assert before["texts"]["unknown"] == 2
    page = person.tab("#/agreement")
    expect(page.locator("tr", has_text="text unknown")).to_contain_text("2")
    expect(page.locator("main")).not_to_contain_text("null")
    no_serious(page, "reviews of unknown texts")
    # A rebuild after the page was displayed is noticed.
    back = rewrite(run, rows[0], lambda text: f"{text} Rewritten.")
    page.get_by_role("button", name="Confirm these 2 reviews").click()
    expect(page.locator("#notice")).to_contain_text("Not confirmed")
    back()
    page.reload()
    page.get_by_role("button", name="Confirm these 2 reviews").click()
    expect(page.locator("#notice")).to_have_text("2 reviews confirmed.")
    # By its name: rows that Ann read as well add a line of the pair "Ann and Old".
    expect(page.get_by_role("row", name=re.compile("^Old "))).to_contain_text("2")
    expect(page.locator("#unknown")).to_have_count(0)
    after = api(person.url, "agreement")
    assert after["texts"]["unknown"] == 0 and after["texts"]["current"] == before["texts"]["current"] + 2
    page.goto(f"{person.url}/#/row/{rows[0]}")
    expect(page.locator("#reviews")).to_contain_text("accept by Old")


def all_of_it(browser, url, run, errors, no_serious):
    rows = listed(url)
    steps = [
        lambda p: typed_before_the_name(p, rows[1]),
        lambda p: typed_and_moved_on(p, rows[2:4]),
        lambda p: drafts_of_two_people(p, rows[4]),
        lambda p: queue(p, rows),
        lambda p: scrolled(p, rows),
        searched,
        lambda p: banner(p, rows[5]),
        lambda p: keys_and_clicks(p, rows[6:9]),
        lambda p: two_tabs(p, rows[14]),
        lambda p: rebuilt_meanwhile(p, run, rows[9], no_serious),
        lambda p: confirmed_in_one_action(p, run, rows[10:12], no_serious),
    ]
    for step in steps:
        person = Person(browser, url, errors)
        step(person)
        person.context.close()
    return len(steps)
