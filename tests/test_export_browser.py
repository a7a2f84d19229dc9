"""The page in a real browser, opened from disk: it runs nothing, asks for nothing, reads well."""

import json
import re

import bundlekit
import hostile
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

from postmortem_nb import editions, pdf, text
from postmortem_nb.incident import Incident

pytestmark = pytest.mark.browser

HOOK = "window.__ran = []; window.__x = id => window.__ran.push(String(id)); window.alert = __x;"
TOUCH = """() => {
  for (const each of document.querySelectorAll('*')) {
    for (const kind of ['mouseover', 'mouseenter', 'focus', 'pointerdown', 'toggle'])
      each.dispatchEvent(new Event(kind, {bubbles: true}));
    if (each.focus) each.focus();
    if (each.matches('summary, b, button, label')) each.click();
  }
  return window.__ran.length;
}"""
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n')


class Visit:
    """A page opened from a file with every request counted and stopped."""

    def __init__(self, browser, path, **settings):
        self.context = browser.new_context(**settings)
        self.page = self.context.new_page()
        self.requests, self.complaints = [], []
        self.page.add_init_script(HOOK)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route("**/*", self._asked)
        self.path = path.as_uri()
        self.page.goto(self.path)

    def _asked(self, route):
        if route.request.url == self.path:
            route.continue_()
        else:
            self.requests.append(route.request.url)
            route.abort()

    def ran(self):
        """Return how many scripts ran, after everything was touched."""
        return self.page.evaluate(TOUCH)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    """Return the page of a filled bundle."""
    own = [
        bundlekit.markdown_cell("## What partners saw\n\n| a | b |\n|---|--:|\n| x | 1 |"),
        bundlekit.code_cell(
            "frame",
            bundlekit.data({"text/html": "<table><tr><th></th><th>a</th></tr></table>"}),
            bundlekit.data({"image/png": bundlekit.png()}, alt="errors by region"),
        ),
    ]
    folder = tmp_path_factory.mktemp("document")
    return editions.export(bundlekit.bundle(folder, own=own).path, "html")[0]


def test_a_long_text_has_the_width_and_the_name_of_a_host_stays_whole(browser, tmp_path):
    incident = bundlekit.bundle(tmp_path)
    incident.set("what_happened", "The pool of connections ran dry. " * 40)
    said = {"host": "checkout-us-05", "message": "m " * 30, "tags": "kube_cluster:eu, " * 20}
    bundlekit.freeze(
        incident, "logs", "search_datadog_logs", bundlekit.logs(lambda _, name: said.get(name, "x"))
    )
    path = incident.path / f"{incident.path.name}.ipynb"
    cells = path.read_text("utf-8").replace("%%datadog logs", "%%datadog logs --chart table")
    path.write_text(cells, "utf-8")
    shown = editions.export(incident.path, "html")[0]
    with Visit(browser, shown, viewport={"width": 1024, "height": 900}) as visit:
        happened = visit.page.locator(".pm-summary dd").first
        assert happened.bounding_box()["width"] > 500, "beside it there was half a page of nothing"
        visit.page.emulate_media(media="print")
        assert happened.bounding_box()["width"] > 500
        visit.page.emulate_media(media="screen")
        host = visit.page.get_by_role("cell", name="checkout-us-05").first
        assert host.bounding_box()["width"] > 80, "its letters stood below each other"


def hostile_documents(folder):
    """Yield pages in which hostile texts stand in every place, each text in several."""
    texts = list(hostile.TEXTS.values())
    for number in range(4):
        count = iter(range(number * 97, 10**6))
        own = []
        for typed in map(text.clean, texts[number::4]):
            outputs = [bundlekit.data({kind: typed}) for kind in ("text/html", "text/markdown")]
            own += [bundlekit.markdown_cell(typed), bundlekit.code_cell(typed, *outputs)]
        place = folder / str(number)
        place.mkdir()
        incident = bundlekit.bundle(
            place,
            lambda *_, count=count: texts[next(count) % len(texts)][:1900] or "x",
            own=own,
        )
        yield editions.export(incident.path, "html", code=True)[0]


def test_hostile_texts_run_nothing_and_fetch_nothing_with_the_policy_and_without(browser, tmp_path):
    for path in hostile_documents(tmp_path):
        bare = path.with_name("bare.html")
        bare.write_text(POLICY.sub("", path.read_text("utf-8"), count=1), "utf-8")
        assert "Content-Security-Policy" not in bare.read_text("utf-8")
        for opened in (path, bare):
            with Visit(browser, opened) as visit:
                assert visit.ran() == 0
                assert visit.requests == []
                assert visit.page.locator("figure img").count() >= 3


def test_the_same_watch_sees_a_page_that_is_not_safe(browser, tmp_path):
    """A positive control: texts put into a page as they are do run and do ask."""
    ran = asked = 0
    every = [*hostile.OWN.values(), *list(hostile.TEXTS.values())[len(hostile.OWN) :: 3]]
    for number, typed in enumerate(every):
        path = tmp_path / f"{number}.html"
        path.write_text(f"<!DOCTYPE html><p>{text.clean(typed)}</p>", "utf-8")
        with Visit(browser, path) as visit:
            try:
                ran += visit.ran() > 0
            except Error:  # it led the browser away from under the watch
                ran += 1
            asked += bool(visit.requests)
    assert ran >= (4 if len(hostile.TEXTS) == len(hostile.OWN) else 12)
    assert asked >= 1


def test_it_asks_for_nothing_and_complains_of_nothing(browser, document):
    with Visit(browser, document) as visit:
        visit.ran()
        assert visit.requests == []
        assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_everybody_can_read_it(browser, document, scheme, width):
    settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    with Visit(browser, document, **settings) as visit:
        found = Axe().run(visit.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []


ARABIC = "تراجع الفريق إلى الإصدار السابق ثم راقب الطوابير."
LINES = """text => {
  const found = document.evaluate(`//dd/span[contains(., "${text}")]`, document, null, 9, null);
  const span = found.singleNodeValue, all = document.createRange();
  all.selectNodeContents(span);
  const column = span.parentElement.getBoundingClientRect();
  return [...all.getClientRects()].filter(each => each.width).map(each =>
      [Math.round(each.left - column.left), Math.round(column.right - each.right)]);
}"""


def test_a_line_in_arabic_begins_at_the_right(browser, tmp_path):
    """In the summary, as its readers expect; one in English below it at the left."""
    incident = bundlekit.bundle(tmp_path)
    incident.set("what_we_did", f"{ARABIC}\nRolled back.")
    page = editions.export(incident.path, "html")[0]
    with Visit(browser, page, viewport={"width": 1280, "height": 900}) as visit:
        first, *_, last = visit.page.evaluate(LINES, ARABIC)
    assert first[1] <= 1 < first[0]
    assert last[0] <= 1 < last[1]


TURNED = "invert(0.93) hue-rotate(180deg)"
FILTERS = """() => Object.fromEntries([...document.querySelectorAll('figure img')]
    .map(each => [each.alt.slice(0, 20), getComputedStyle(each).filter]))"""


@pytest.mark.parametrize(("scheme", "shown"), [("light", "none"), ("dark", TURNED)])
def test_charts_and_no_others_are_dark_in_a_dark_page(browser, tmp_path, scheme, shown):
    """A chart that an author's cell asked us for is one of ours, a picture of their own is not."""
    drawn = bundlekit.data({"image/png": bundlekit.png()}, postmortem={"alt": "Change points"})
    painted = bundlekit.data({"image/png": bundlekit.png(3)}, alt="A whiteboard")
    incident = bundlekit.bundle(tmp_path, own=[bundlekit.code_cell("frame", drawn, painted)])
    page = editions.export(incident.path, "html")[0]
    with Visit(browser, page, color_scheme=scheme) as visit:
        found = visit.page.evaluate(FILTERS)
        assert found.pop("A whiteboard") == "none"
        assert len(found) > 2
        assert set(found.values()) == {shown}
        visit.page.emulate_media(media="print", color_scheme=scheme)
        assert set(visit.page.evaluate(FILTERS).values()) == {"none"}


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1600])
def test_nothing_is_wider_than_the_screen(browser, document, width):
    with Visit(browser, document, viewport={"width": width, "height": 900}) as visit:
        inner, outer = visit.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
    assert inner <= outer


def test_hostile_texts_do_not_break_the_layout(browser, tmp_path):
    incident = bundlekit.bundle(tmp_path, lambda *_: "A" * 1500)
    path = editions.export(incident.path, "html")[0]
    for width in (390, 1280):
        with Visit(browser, path, viewport={"width": width, "height": 900}) as visit:
            inner, outer = visit.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
        assert inner <= outer


def test_each_line_of_a_value_has_its_own_direction(browser, tmp_path):
    """A first line in Arabic turned all lines: “# Heading” read “Heading #”."""
    incident = bundlekit.bundle(tmp_path)
    incident.set("what_we_did", "الخدمة توقفت\n# Heading one\n1. a")
    script = """() => {
      const all = [...document.querySelectorAll('.pm-value')];
      const value = all.find(e => e.innerText.includes('# H'));
      const text = value.firstChild, at = text.data.indexOf('#'), range = document.createRange();
      const left = place => (range.setStart(text, place), range.setEnd(text, place + 1),
        range.getBoundingClientRect().left);
      return [left(0), left(3), left(at), left(at + 2)];
    }"""
    with Visit(browser, editions.export(incident.path, "html")[0]) as visit:
        first, fourth, mark, letter = visit.page.evaluate(script)
    assert first > fourth  # Arabic, from the right
    assert mark < letter


def test_a_wide_table_says_on_a_phone_that_it_scrolls(browser, tmp_path):
    path = editions.export(bundlekit.bundle(tmp_path).path, "html")[0]
    script = """() => [...document.querySelectorAll('.pm-wide')].filter(e => e.checkVisibility())
      .map(e => [e.scrollWidth > e.clientWidth, getComputedStyle(e, '::before').content])"""
    with Visit(browser, path, viewport={"width": 400, "height": 900}) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        frames = visit.page.evaluate(script)
    assert [scrolls for scrolls, hint in frames if "Scrolls sideways" in hint]
    assert all("Scrolls sideways" in hint for scrolls, hint in frames if scrolls)


@pytest.mark.parametrize("width", [400, 1280])
def test_a_frame_of_many_columns_scrolls_before_its_words_fall_apart(browser, tmp_path, width):
    """Before: its ids stood upright, a letter a line, and forty rows took fifteen screens."""
    row = ["2025-12-04 14:00", "AQ000001", "checkout-eu-01", "no connection to payments"] * 4
    shown = pd.DataFrame([row]).to_html()
    own = [bundlekit.code_cell("logs", bundlekit.data({"text/html": shown}))]
    path = editions.export(bundlekit.bundle(tmp_path, own=own).path, "html")[0]
    lines = """() => [...document.querySelectorAll('.pm-kept .pm-tight td')].map(cell => {
      const words = document.createRange();
      words.selectNodeContents(cell);
      return new Set([...words.getClientRects()].map(rect => rect.top)).size;
    })"""
    with Visit(browser, path, viewport={"width": width, "height": 900}) as visit:
        found = visit.page.evaluate(lines)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert len(found) == 1 + 16  # the corner above the index, which is empty
    assert found[2::4] == [1] * 4
    assert max(found) <= 4


def test_on_paper_a_heading_stays_with_what_follows_and_no_figure_with_the_next(browser, document):
    """A caption tied to what follows made one block of all figures, and a page with a heading."""
    script = """() => ['h2', 'h3', 'figcaption'].map(name => {
      const style = getComputedStyle(document.querySelector(name));
      return [style.breakBefore, style.breakAfter];
    })"""
    with Visit(browser, document) as visit:
        visit.page.emulate_media(media="print")
        found = visit.page.evaluate(script)
    assert found == [["auto", "avoid"], ["auto", "avoid"], ["avoid", "auto"]]


def test_on_paper_frames_are_whole_and_no_row_of_a_table_stands_alone(browser, document):
    """Before: the right side of each frame was cut, and one row stood below a head on its page."""
    script = """() => [...document.querySelectorAll('table:has(tbody tr:nth-child(2)) tbody')].map(
      body => [getComputedStyle(body.firstElementChild).breakAfter,
               getComputedStyle(body.lastElementChild).breakBefore])"""
    with Visit(browser, document, viewport={"width": 665, "height": 971}) as visit:
        visit.page.emulate_media(media="print")
        framed = visit.page.locator("figure").first.bounding_box()
        assert framed["x"] + framed["width"] <= 664
        rows = visit.page.evaluate(script)
    assert rows
    assert all(each == ["avoid", "avoid"] for each in rows)


def test_on_paper_the_widest_table_and_the_longest_drawing_end_on_the_sheet(browser, tmp_path):
    heads = "".join(f"<th>column_{number}</th>" for number in range(30))
    cells = "".join(f"<td>{number}</td>" for number in range(30))
    wide = f"<table><thead><tr>{heads}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    own = [bundlekit.code_cell("x", bundlekit.data({"text/html": wide}))]
    incident = bundlekit.bundle(tmp_path, own=own)
    for number in range(60):
        when = f"2025-12-04T1{4 + number // 30}:{number % 30:02}Z"
        incident.add("timeline", phase="Investigation", step="Key Discovery", time=when)
    path = editions.export(incident.path, "html")[0]
    width, height = 665, 971  # what the margins leave of A4, in pixels
    with Visit(browser, path, viewport={"width": width, "height": height}) as visit:
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
        assert visit.page.locator(".pm-drawn").bounding_box()["height"] < height - 100


def test_a_document_without_sections_has_no_contents(browser, tmp_path):
    path = editions.export(Incident.create("INC-1", tmp_path).path, "html")[0]
    with Visit(browser, path) as visit:
        assert not visit.page.locator(".pm-contents").is_visible()


def test_charts_show_without_scripts(browser, document):
    with Visit(browser, document, java_script_enabled=False) as visit:
        pictures = visit.page.locator("figure img")
        assert pictures.count() == 4
        for number in range(pictures.count()):
            box = pictures.nth(number).bounding_box()
            assert box["width"] > 100
            assert box["height"] > 40
        assert visit.page.locator("svg.pm-svg circle").count() >= 10


def test_the_contents_stay_in_view_on_a_wide_screen_and_fold_on_a_phone(browser, document):
    calm = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
    with Visit(browser, document, **calm) as visit:
        link = visit.page.locator(".pm-aside a", has_text="References")
        link.click()
        assert link.is_visible()
        assert link.bounding_box()["y"] < 900
        assert visit.page.evaluate("scrollY") > 2000
        assert visit.page.locator("nav details").is_hidden()
    with Visit(browser, document, viewport={"width": 390, "height": 900}) as visit:
        assert visit.page.locator(".pm-aside").is_hidden()
        visit.page.locator("nav summary").click()
        assert visit.page.locator("nav details a").first.is_visible()


def test_the_pdf_is_whole_tagged_outlined_and_the_same_twice(document):
    page = document.read_text("utf-8")
    made = pdf.render(page)
    assert made.startswith(b"%PDF-")
    for present in (b"/Outlines", b"/StructTreeRoot", b"/Lang"):
        assert present in made
    for absent in (b"/JavaScript", b"/JS ", b"/Launch", b"/EmbeddedFile", b"/OpenAction"):
        assert absent not in made
    assert made.count(b"/Type /Page\n") + made.count(b"/Type /Page ") >= 5
    assert pdf.render(page) == made


def test_a_page_on_paper_asks_for_no_file(tmp_path):
    secret = tmp_path / "canary.txt"
    secret.write_text("CANARY-4821")
    own = [
        bundlekit.markdown_cell(f"![x]({secret.as_uri()}) <iframe src='{secret.as_uri()}'>"),
        bundlekit.code_cell("x", bundlekit.data({"text/html": f"<embed src='{secret.as_uri()}'>"})),
    ]
    incident = bundlekit.bundle(tmp_path, own=own, frozen=False)
    made = editions.export(incident.path, "pdf")[0].read_bytes()
    assert b"CANARY" not in made


def test_what_is_written_is_what_is_read(browser, tmp_path):
    """Every text of the small collection is on the screen as it was typed, controls as symbols."""
    texts = {name: text.visible(typed) for name, typed in hostile.OWN.items()}
    own = [bundlekit.code_cell("x", {"output_type": "stream", "text": t}) for t in texts.values()]
    path = editions.export(bundlekit.bundle(tmp_path, own=own).path, "html")[0]
    with Visit(browser, path) as visit:
        shown = json.loads(
            visit.page.evaluate(
                "JSON.stringify([...document.querySelectorAll('.pm-output')].map(e => e.innerText))"
            )
        )
    wanted = [value.strip("\n") for value in texts.values()]
    assert [each.strip("\n") for each in shown] == [each or " " for each in wanted]


def test_the_numbers_that_a_browser_gives_its_nodes_leave_no_trace():
    made = b"/ID (node00000691)>> /Headers [(node00000691)] /ID (node00000700)>>"
    again = b"/ID (node00000692)>> /Headers [(node00000692)] /ID (node00000704)>>"
    assert pdf.exact(made) == pdf.exact(again)
    assert pdf.exact(made).count(b"(node00000000)") == 2
    assert len(pdf.exact(made)) == len(made)
