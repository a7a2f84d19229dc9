"""The page: what it holds, what it may never hold, and that nothing written is lost."""

import copy
import itertools
import json
import re
from collections import Counter
from functools import lru_cache

import bundlekit
import filled
import hostile
import html5lib
import pandas as pd
import pytest

from postmortem_nb import (
    cells,
    drawntimeline,
    editions,
    ipynb,
    page,
    pageparts,
    schema,
    sources,
    text,
    times,
    values,
)
from postmortem_nb.errors import ExportError
from postmortem_nb.incident import Incident
from postmortem_nb.page import Style

FORBIDDEN = {
    *("script", "link", "base", "iframe", "object", "embed", "form", "template", "noscript"),
    *("math", "foreignobject", "animate", "set", "input", "button", "video", "audio"),
}
ATTRIBUTES = {
    *("id", "class", "href", "src", "alt", "rel", "role", "tabindex", "scope", "lang", "dir"),
    *("aria-label", "content", "charset", "name", "http-equiv", "start", "colspan", "rowspan"),
    *("viewbox", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "width", "height"),
    "text-anchor",
}
NAMES = {"viewport", "color-scheme", "referrer"}


def rendered(path, **style):
    return page.render(sources.find(path), Style(**style))


@lru_cache(maxsize=2)
def parsed(html):
    """Return a page as a parser that did not write it sees it; not to be changed."""
    return html5lib.parse(html, namespaceHTMLElements=False)


def elements(html):
    """Return (tag, attributes) of every element."""
    return [
        (each.tag.split("}")[-1].lower(), {str(k).lower(): v for k, v in each.attrib.items()})
        for each in parsed(html).iter()
        if isinstance(each.tag, str)
    ]


def words(html):
    """Return all the text of a page with single spaces, styles left out."""
    tree = copy.deepcopy(parsed(html))
    for each in tree.iter("style"):
        each.text = ""
    return " ".join("".join(tree.itertext()).split())


def harm(html):
    """Return what of a page is not on the list of what it may hold."""
    found = []
    for tag, attributes in elements(html):
        if tag in FORBIDDEN:
            found.append(tag)
        for name, value in attributes.items():
            safe = {
                "src": value.startswith("data:image/"),
                "href": value.startswith(("http://", "https://", "mailto:", "#")),
                "name": tag == "meta" and value in NAMES,
                "http-equiv": value == "Content-Security-Policy",
                "id": re.fullmatch(r"[\w-]+", value) is not None,
                "class": all(word.startswith("pm-") or word == "num" for word in value.split()),
            }.get(name, name in ATTRIBUTES)
            if not safe:
                found.append(f"{tag} {name}={value[:60]}")
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a page in which every blank is filled and evidence is frozen."""
    return rendered(bundlekit.bundle(tmp_path_factory.mktemp("whole")).path)


# -- what it is ------------------------------------------------------------------------------------


def test_it_is_valid_html(whole):
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(whole)
    # html5lib's table of attributes is older than SVG in HTML; any real error has a code of its own
    assert not [code for _, code, _ in parser.errors]


def test_the_policy_is_first_and_names_the_style(whole):
    head = whole[whole.index("<head>") : whole.index("</head>")]
    assert head.startswith('<head>\n<meta http-equiv="Content-Security-Policy"')
    assert "default-src 'none'" in head
    assert "script" not in head
    style = whole[whole.index("<style>") + 7 : whole.index("</style>")]
    assert page._hash(style) in head


def test_it_holds_only_what_it_may(whole):
    assert harm(whole) == []


def test_headings_never_skip_a_level(whole):
    levels = [int(tag[1]) for tag, _ in elements(whole) if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_link_inside_leads_somewhere(whole):
    found = elements(whole)
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert not [name for name, count in Counter(ids).items() if count > 1]
    inside = {a["href"][1:] for _, a in found if a.get("href", "").startswith("#")}
    assert inside
    assert inside <= set(ids)


def test_every_picture_has_a_text(whole):
    pictures = [attributes for tag, attributes in elements(whole) if tag == "img"]
    assert len(pictures) == 3
    assert all(len(each["alt"]) > 10 for each in pictures)


def test_it_opens_with_title_summary_and_figures(whole):
    order = ["<h1>", "Executive Summary", "Quick Stats", "Severity Classification", "Timeline of"]
    body = whole[whole.index('class="pm-head"') :]
    contents = body.index("</nav>")
    places = [body.index(order[0])] + [body.index(f">{each}", contents) for each in order[1:]]
    assert places == sorted(places)


def test_nothing_filled_is_left_out(tmp_path):
    incident = Incident.create("INC-7", tmp_path)
    shown = filled.fill(incident)
    said = words(rendered(incident.path))
    assert len(shown) > 250
    assert [each for each in shown if each not in said] == []


def test_every_filled_value_stands_with_blanks_shown_too(tmp_path):
    incident = Incident.create("INC-7", tmp_path)
    shown = filled.fill(incident)
    said = words(rendered(incident.path, blanks=True))
    assert [each for each in shown if each not in said] == []


def test_a_template_of_a_team_is_shown_in_full(tmp_path):
    own = tmp_path / "ours.md"
    own.write_text(
        "# Our review\n\n- Id: {line incident_id}\n- Mood: {line mood}\n\n## What\n\n"
        "<!-- rows risks (level=High): 1 blank -->\n- **{line name}** by {names who}\n"
        "<!-- end -->\n\n### Figures\n\n| A | B |\n|---|---|\n| Cost | {money cost} EUR |\n"
        "## Events\n\n<!-- rows timeline (phase=All, step=Event): 1 blank -->\n"
        "**{time time}** {prose note}\n<!-- end -->\n",
        "utf-8",
    )
    incident = Incident.create("INC-9", tmp_path, template=own)
    incident.set("mood", "calm")
    incident.set("cost", 12500)
    incident.add("risks", level="High", name="No pool limit", who=["Ana", "Bo"])
    incident.add("timeline", step="Event", time="2025-12-04T14:02:00Z", note="It began")
    html = rendered(incident.path)
    said = words(html)
    for expected in ("Our review", "calm", "12,500", "EUR", "No pool limit", "Ana, Bo", "It began"):
        assert expected in said
    assert harm(html) == []


def test_empty_blanks_and_sections_are_left_out_or_shown(tmp_path):
    incident = Incident.create("INC-8", tmp_path)
    incident.set("what_happened", "Checkout failed.")
    short, full = rendered(incident.path), rendered(incident.path, blanks=True)
    assert "Checkout failed." in short
    assert "Lessons Learned" not in words(short)
    assert "_____" not in words(short)
    assert "Lessons Learned" in words(full)
    assert "_____" in words(full)


def test_a_document_with_nothing_in_it_says_so(tmp_path):
    """Before: two rules with nothing between them, as if a part of the page had been lost."""
    incident = Incident.create("INC-8", tmp_path)
    assert "Nothing is filled in yet." in words(rendered(incident.path))
    incident.set("what_happened", "Checkout failed.")
    assert "Nothing is filled in yet." not in words(rendered(incident.path))


def test_the_timeline_says_day_and_zone_once_and_always(whole):
    said = words(whole)
    assert "2025-12-04 14:02 UTC" in said  # read aloud and copied in full
    assert whole.count('class="pm-day"') == 1  # seen where the day begins


def test_the_day_stands_at_the_first_row_shown_and_where_it_changes(tmp_path):
    incident = Incident.create("INC-8", tmp_path)
    for step, time in (
        ("Incident Start", "2025-12-04T14:02Z"),
        ("Detection", "2025-12-04T14:20Z"),
        ("Detection", "2025-12-04T14:28Z"),
        ("Key Discovery", "2025-12-04T13:52Z"),
        ("Investigation Begins", "2025-12-05T00:10Z"),
        ("Full Recovery", "2025-12-05T01:00Z"),
    ):
        incident.add("timeline", step=step, time=time)
    html = rendered(incident.path)
    shown = re.findall(r'class="pm-(day|quiet)">(2025-12-0\d) </span>(\d\d:\d\d)', html)
    assert [(day, clock) for seen, day, clock in shown if seen == "day"] == [
        ("2025-12-04", "14:02"),
        ("2025-12-05", "00:10"),
    ]
    assert {"Detection 1", "Detection 2"} <= set(re.findall("<h4>(Detection[^<]*)</h4>", html))
    assert "<h4>Incident Start</h4>" in html


# -- what is unfinished, approved, made up ---------------------------------------------------------


def test_a_draft_says_what_is_missing_and_links_to_it(tmp_path):
    incident = Incident.create("INC-8", tmp_path, start=bundlekit.START)
    incident.set("what_happened", "Checkout failed.")
    html = rendered(incident.path)
    assert "Draft: not finished." in words(html)
    assert "blanks are empty" in words(html)
    assert 'href="#executive-summary' in html


def test_what_is_open_names_its_row_once(tmp_path):
    """Before: “Approvals › Author: Author: …”."""
    incident = Incident.create("INC-8", tmp_path, start=bundlekit.START, author="Mira")
    row = incident.add("approvals", role="Author", name="Jon", date="2026-11-29", done=True)
    html = words(rendered(incident.path))
    assert incident["approvals"].loc[row, "name"] == "Jon"
    assert "Approvals › Author: 'Jon' signed as author" in html
    assert "Author: Author:" not in html


def test_what_is_open_about_evidence_links_to_its_note(tmp_path):
    incident = bundlekit.bundle(tmp_path, frozen=False)
    bundlekit.freeze(
        incident,
        "logs",
        "search_datadog_logs",
        bundlekit.logs(lambda *_: "x"),
        complete=False,
        partial="limit reached",
    )
    html = page.render(sources.find(incident.path))
    assert '<a href="#evidence-1">Evidence › logs</a>: Partial: limit reached.' in html
    assert 'id="evidence-1"' in html


def test_computed_figures_say_what_they_are(whole):
    said = words(whole).split("How these figures are defined")[1]
    assert "recovered − start: length of the impact" in said
    assert "(n = 1)" in said


def test_the_foot_names_the_digest_that_approvals_are_bound_to(tmp_path):
    incident = bundlekit.bundle(tmp_path, frozen=False)
    row = incident.values("approvals")[0]["row"]
    incident.set("done", True, table="approvals", row=row)
    html = page.render(sources.find(incident.path))
    bound = re.search(r"Approvals are bound to the text: .*?sha256 ([0-9a-f]{64})", html)[1]
    assert f"(content {bound[:12]})" in html
    incident.set("what_happened", "Another text.")
    later = page.render(sources.find(incident.path))
    assert bound[:12] in later
    assert bound not in later


def test_a_number_stays_with_its_unit_and_an_address_breaks_where_it_may():
    shown = values.html("prose", "28 % in 1.5 s, 3 of 4 %x; https://a.b/c")
    assert shown == (
        '<span class="pm-value"><span class="pm-one">28 %</span> in <span class="pm-one">1.5 s'
        "</span>, 3 of 4 %x; https://a.b/c</span>"
    )
    clock = values.html("prose", "from 14:02 to 16:09 UTC")
    assert 'to <span class="pm-one">16:09 UTC</span></span>' in clock
    link = values.html("link", "https://a.b/c?d=e&f")
    assert '">https://<wbr>a<wbr>.b/<wbr>c?<wbr>d=<wbr>e&amp;<wbr>f</a>' in link


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\r 10%|#    |\r 50%|##   |\r100%|#####|\n", "100%|#####|"),
        ("a\n 10%\r 50%\r100% done\r\nb", "a\n100% done\nb"),
        ("reading 12 of 300\rdone", "doneing 12 of 300"),
        ("reading 12 of 300\r\x1b[Kdone", "done"),
        ("\x1b[31m 10%\x1b[0m\r\x1b[32m100%\x1b[0m", "100%"),
        ("1 %\b\b\b25 %\b\b\b\b100 %", "100 %"),
        ("one\r\ntwo\r\r\n", "one\ntwo"),
        ("x\r" * 200_000 + "\b" * 200_000, "x"),
    ],
)
def test_a_progress_bar_is_shown_as_it_stood_at_last(printed, shown):
    """As JupyterLab and a terminal show it; before: every state of it, one behind another."""
    assert cells.plain(printed).rstrip("\n") == shown


def test_sandbox_evidence_is_said_plainly(whole, tmp_path):
    assert "Made from the sandbox, not from a Datadog account" in words(whole)
    incident = Incident.create("INC-8", tmp_path)
    assert "sandbox" not in words(rendered(incident.path))


def approve(incident, role="Author"):
    frame = incident["approvals"]
    rows = frame.index[frame["role"] == role]
    row = rows[0] if len(rows) else incident.add("approvals", role=role)
    incident.set("name", "Ana", table="approvals", row=row)
    incident.set("date", "2025-12-08", table="approvals", row=row)
    incident.set("done", True, table="approvals", row=row)
    return row


def test_an_approval_is_bound_to_what_was_approved(tmp_path):
    incident = Incident.create("INC-8", tmp_path)
    incident.set("what_happened", "Checkout failed.")
    approve(incident)
    assert "Approved by Ana (Author) on 2025-12-08; the text is unchanged" in words(
        rendered(incident.path)
    )
    incident.set("what_happened", "Checkout failed for an hour.")
    assert "Changed since approved by Ana (Author) on 2025-12-08" in words(rendered(incident.path))
    incident.set("what_happened", "Checkout failed.")
    assert "the text is unchanged since" in words(rendered(incident.path))


def test_the_markdown_says_too_what_was_approved(tmp_path):
    incident = Incident.create("INC-8", tmp_path)
    incident.set("what_happened", "Checkout failed.")

    def said(**style):
        written = editions.export(incident.path, "markdown", out=tmp_path / "x.md", **style)[0]
        return [line for line in written.read_text("utf-8").split("\n") if "pproved by" in line]

    assert said() == []
    approve(incident)
    (line,) = said()
    assert line.startswith("> Approved by Ana (Author) on 2025-12-08; the text is unchanged since")
    incident.set("what_happened", "Checkout failed for an hour.")
    (line,) = said()
    assert line.startswith("> Changed since approved by Ana (Author) on 2025-12-08 (content then")
    assert said(blanks=True) == said(audience="public") == []


def test_an_approval_outlives_what_goes_on_changing(tmp_path):
    incident = Incident.create("INC-8", tmp_path)
    row = incident.add("actions", horizon="Immediate", priority="P0", title="Limit retries")
    approve(incident)
    incident.set("status", "Complete", table="actions", row=row)
    incident.set("state", "Approved")
    said = words(rendered(incident.path))
    assert "the text is unchanged since" in said
    assert "not finished" not in said
    incident.remove("actions", row)
    assert "Changed since approved by Ana" in words(rendered(incident.path))


# -- evidence --------------------------------------------------------------------------------------


def test_every_figure_carries_where_it_comes_from(whole):
    said = words(whole)
    for number in (1, 2, 3):
        assert f"Figure {number}. " in said
        assert f'id="evidence-{number}"' in whole
    digests = re.findall(r"<dt>SHA-256</dt><dd>([0-9a-f]{64})</dd>", whole)
    assert len(set(digests)) == 3
    assert "asked 2025-12-05 09:11:04 UTC" in said
    assert "https://app.datadoghq.com/logs" in said


def test_a_figure_in_words_has_its_answer_among_the_evidence_though_no_cell_draws_it(tmp_path):
    incident = Incident.create("INC-9", tmp_path, start=bundlekit.START, end=bundlekit.END)
    asked = {"sql_query": "SELECT count(*) FROM logs", "filter": "status:error"}
    frame = pd.DataFrame({"count(*)": pd.array([31], dtype="Int64")})
    bundlekit.freeze(incident, "tally", "analyze_datadog_logs", frame, arguments=asked)
    html = rendered(incident.path)
    assert "evidence: tally" in words(html)
    assert "Evidence 1: Tally" in words(html)


def test_partial_evidence_is_marked_where_it_is_shown(tmp_path):
    incident = bundlekit.bundle(tmp_path, frozen=False)
    frame = bundlekit.logs(lambda *_: "x")
    facts = {"complete": False, "partial": "HTTP 503 on page 3"}
    bundlekit.freeze(incident, "logs", "search_datadog_logs", frame, **facts)
    html = rendered(incident.path)
    assert '<span class="pm-partial">partial: HTTP 503 on page 3</span>' in html


@pytest.mark.parametrize("field", [None, "rows", "warnings", "from", "complete", "arguments"])
def test_a_damaged_record_ends_no_export(tmp_path, field):
    """All of its fields gone, or one of another type: it is told where the figure stands."""
    incident = bundlekit.bundle(tmp_path)
    path = incident.path / "evidence" / "metrics.json"
    record = json.loads(path.read_bytes())
    path.write_text(json.dumps(record | {field: {"a": [1]} if field != "arguments" else 5}))
    if field is None:
        path.write_text("{}")
    said = words(rendered(incident.path))
    told = "changed since it was frozen" if field is None else f"{field}: expected"
    assert told in said
    markdown = editions.FORMATS["markdown"].write
    files = markdown(sources.find(incident.path), Style(), "x.md")
    assert told in next(iter(files.values())).decode()
    found = incident.check()
    messages = set(found[found["where"] == "Evidence › metrics"]["message"])
    problem = "its digest differs" if field is None else f"Its record is damaged: {told}"
    assert any(problem in message for message in messages)


def test_evidence_that_was_changed_or_lost_is_said_and_never_an_error(tmp_path):
    incident = bundlekit.bundle(tmp_path)
    stored = incident.path / "evidence" / "impact.parquet"
    other = incident.path / "evidence" / "logs.parquet"
    (incident.path / "evidence" / "metrics.parquet").write_bytes(b"PAR1 broken")
    stored.write_bytes(other.read_bytes())
    said = words(rendered(incident.path))
    assert "changed since it was frozen" in said
    assert said.count("Figure ") >= 3


def test_a_question_that_was_not_asked_shows_itself(tmp_path):
    incident = bundlekit.bundle(tmp_path, frozen=False)
    said = words(rendered(incident.path))
    assert "Not asked yet:analyze_datadog_logs(" in said


def test_code_is_hidden_unless_asked_for(tmp_path):
    own = [bundlekit.code_cell("print(41 + 1)", {"output_type": "stream", "text": "42"})]
    incident = bundlekit.bundle(tmp_path, own=own)
    hidden, shown = rendered(incident.path), rendered(incident.path, code=True)
    assert "41 + 1" not in hidden
    assert "print(41 + 1)" in words(shown)
    assert "42" in words(hidden)


# -- the author's own cells ------------------------------------------------------------------------


def test_own_cells_stand_where_the_notebook_has_them(tmp_path):
    own = [bundlekit.markdown_cell("## What partners saw\n\nNothing.")]
    html = rendered(bundlekit.bundle(tmp_path, own=own).path)
    said = words(html[html.index("<main") :])
    order = ["Operational Impact", "What partners saw", "What Went Well"]
    assert [said.index(each) for each in order] == sorted(said.index(each) for each in order)
    assert re.search(r'<h2 id="own-1">What partners saw</h2>', html)
    assert '<a href="#own-1">What partners saw</a>' in html


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a **b** `c`", "<p>a <strong>b</strong> <code>c</code></p>"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>"),
        ("&lt;b&gt; &copy;", "<p>&lt;b&gt; ©</p>"),
        ("lost $12,000 and $50,000", "<p>lost $12,000 and $50,000</p>"),
        ("- [x] told", "<li>☑ told</li>"),
        ("[a](https://a.b)", '<a href="https://a.b">a</a>'),
        ("[a](javascript:alert(1))", "<p>a (javascript:alert(1))</p>"),
        ("a<br>b", "<p>a<br>b</p>"),
        ("![chart](http://evil.invalid/x.png)", "[Picture not included: chart http://evil"),
        ("| a |\n|--:|\n| 1 |", '<td class="num">1</td>'),
    ],
)
def test_markdown_of_the_author(source, expected):
    assert expected in cells.fragment(source)


def test_pictures_of_the_author_are_kept_from_the_notebook_alone():
    raw = bundlekit.png()
    kept = cells.fragment("![a](attachment:p.png)", {"p.png": {"image/png": raw}})
    assert kept.startswith('<p><img src="data:image/png;base64,')
    forged = cells.fragment("![a](attachment:p.png)", {"p.png": {"image/png": "PHN2Zz4="}})
    assert "<img" not in forged


def output(bundle, **metadata):
    stored = {"cells": [bundlekit.code_cell("x", bundlekit.data(bundle, **metadata))]}
    return cells.outputs(ipynb.cells(stored)[0])


def test_a_table_wider_than_paper_is_set_in_small_print(tmp_path):
    """Paper does not scroll: whatever stands beyond its edge would be lost."""
    wide = pd.DataFrame({f"column_{number}": [number] for number in range(30)}).to_html()
    narrow = pd.DataFrame({"a": ["a text of several words that wraps " * 9], "b": [1]}).to_html()
    word = pd.DataFrame({"a": ["x" * 200]}).to_html()
    head = " | ".join(f"column_{number}" for number in range(30))
    own = [bundlekit.markdown_cell(f"| {head} |\n{'|---' * 30}|")]
    own += [bundlekit.code_cell("x", bundlekit.data({"text/html": each})) for each in (wide, word)]
    small = rendered(bundlekit.bundle(tmp_path, own=own).path)
    assert small.count('<div class="pm-wide pm-tight"') == 3
    assert "pm-tight" not in pageparts.tight(output({"text/html": narrow}))


def test_outputs_are_shown_still():
    table = "<table><tr><th></th><th>a</th></tr><tr><td colspan=2>1</td></tr></table>"
    shown = output({"text/html": table, "text/plain": "a\n1"})
    assert '<td colspan="2">1</td>' in shown
    assert "text/plain" not in shown
    assert "<th></th>" not in shown  # a header without words is none
    assert 'alt="errors by region"' in output(
        {"image/png": bundlekit.png()}, alt="errors by region"
    )
    assert output({"text/plain": "42"}) == '<pre class="pm-output">42</pre>'


def test_a_form_and_its_text_are_left_to_their_chapter():
    marked = {"section": "", "text": "0123456789ab"}
    assert output({"text/html": "<p>all of it</p>"}, postmortem=marked) == ""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}
    assert output({**view, "text/html": ""}, postmortem={"form": ""}) == ""


@pytest.mark.parametrize(
    "bundle",
    [
        {"application/javascript": "alert(1)"},
        {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}},
        {"application/vnd.plotly.v1+json": {"data": [{"y": [1]}]}},
        {"text/vnd.mermaid": "graph TD; A-->B"},
        {"text/html": "<script>alert(1)</script>"},
        {"text/html": "<iframe src='http://evil.invalid'></iframe>"},
    ],
)
def test_what_only_lives_with_scripts_is_replaced_by_a_note(bundle):
    shown = output(bundle)
    assert "An interactive output is not part of the document" in shown
    assert "alert" not in shown


def test_an_html_output_says_what_was_taken_out():
    shown = output({"text/html": "<p>Total: 3</p><img src=x onerror=alert(1)>"})
    assert "<p>Total: 3</p>" in shown
    assert "left out" in shown
    assert "onerror" not in shown


def test_an_svg_is_a_picture_and_cannot_act():
    shown = output({"image/svg+xml": "<svg onload='alert(1)'></svg>"})
    assert shown.startswith('<figure><img src="data:image/svg+xml;base64,')
    assert "onload" not in shown


def test_broken_cells_break_nothing(tmp_path):
    broken = [
        None,
        7,
        {"cell_type": "markdown"},
        {"cell_type": "markdown", "source": 7, "metadata": []},
        {"cell_type": "code", "source": ["a", 1], "outputs": {"x": 1}, "metadata": None},
        {"cell_type": "code", "source": "x", "outputs": [None, {"output_type": "display_data"}]},
        {"cell_type": "code", "source": "x", "outputs": [{"data": {"text/plain": [1, None]}}]},
        {"cell_type": "code", "source": "x", "outputs": [{"data": {"image/png": "no base64"}}]},
        {"cell_type": "code", "source": "x", "outputs": [{"output_type": "error"}]},
        {"cell_type": "markdown", "source": ">" * 5000 + "deep", "metadata": {"tags": "x"}},
        {"cell_type": "markdown", "source": "x", "attachments": [1]},
    ]
    incident = Incident.create("INC-8", tmp_path)
    source = sources.of({"cells": broken}, incident.path, "INC-8")
    assert harm(page.render(source)) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"worksheets": []}', b"\xff\xfe", b"[" * 100_000, b'{"cells": 1}'],
)
def test_what_is_no_notebook_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(ExportError, match=r"^x\.ipynb: ") as refused:
        rendered(path)
    assert "\n" not in str(refused.value)


# -- hostile texts ---------------------------------------------------------------------------------


def scattered(step):
    """Return what puts another hostile text into each place, beginning at ``step``."""
    texts = list(hostile.TEXTS.values())
    count = iter(range(step, 10**6))

    def said(_table, _name):
        return texts[next(count) % len(texts)][:1900] or "x"

    return said


@pytest.mark.parametrize("step", range(0, 1000, 250))
def test_hostile_texts_stay_texts_wherever_they_stand(tmp_path, step):
    incident = bundlekit.bundle(tmp_path, scattered(step))
    assert harm(rendered(incident.path)) == []
    assert harm(rendered(incident.path, blanks=True, code=True)) == []


@pytest.mark.parametrize("name", hostile.OWN)
def test_a_hostile_text_reads_as_it_was_typed(tmp_path, name):
    typed = hostile.OWN[name]
    own = [bundlekit.markdown_cell(text.clean(typed)), bundlekit.code_cell(text.clean(typed))]
    incident = Incident.create("INC-8", tmp_path)
    bundlekit.fill(incident, lambda *_: typed)
    bundlekit.save(incident, own)
    html = rendered(incident.path)
    shown = " ".join(text.visible(typed).split())
    assert words(html).count(shown) > 140
    assert harm(html) == []


def test_hostile_cells_and_outputs_stay_texts(tmp_path):
    own = []
    for typed in map(text.clean, hostile.TEXTS.values()):
        kinds = ("text/html", "text/markdown", "text/plain", "text/latex", "image/svg+xml")
        outputs = [bundlekit.data({kind: typed}, alt=typed) for kind in kinds]
        printed = {"output_type": "stream", "name": typed, "text": typed}
        failed = {"output_type": "error", "ename": typed, "evalue": typed, "traceback": [typed]}
        own += [
            bundlekit.markdown_cell(typed, attachments={typed: {"image/png": typed}}),
            bundlekit.code_cell(typed, *outputs, printed, failed, tags=[typed]),
        ]
    incident = bundlekit.bundle(tmp_path, own=own)
    assert harm(rendered(incident.path, code=True)) == []


# -- the drawn timeline ----------------------------------------------------------------------------


def steps(*moments):
    return [drawntimeline.Step(times.parse(at), phase, name) for at, phase, name in moments]


def test_marks_stand_to_scale():
    found = steps(
        ("2025-12-04T14:00Z", "A", "first"),
        ("2025-12-04T15:00Z", "A", "middle"),
        ("2025-12-04T16:00Z", "B", "last"),
    )
    svg = drawntimeline.draw(found, (None, None))
    marks = [float(x) for x in re.findall(r'<circle class="[\w-]+" cx="([\d.]+)"', svg)]
    assert len(marks) == 3
    assert marks[1] - marks[0] == pytest.approx(marks[2] - marks[1], abs=0.2)
    assert harm(svg) == []


@pytest.mark.parametrize(
    ("detected", "name"), [("17:55", "Detection"), ("10:05", "Detection"), ("13:00", "D" * 200)]
)
def test_no_label_of_the_drawing_leaves_it(detected, name):
    """A phase that lasts nearly as long as the drawing has its name inside its bar."""
    found = steps(
        ("2025-12-04T10:00Z", "Detection", "Incident Start"),
        (f"2025-12-04T{detected}Z", "Detection", name),
        (f"2025-12-04T{detected}Z", "Mitigation", "Mitigation Deployed"),
        ("2025-12-04T18:00Z", "Mitigation", "Full Recovery"),
    )
    svg = drawntimeline.draw(found, (None, None))
    labels = re.findall(
        r'<text class="pm-svg-(\w+)" x="([\d.]+)"( text-anchor="end")? y="[\d.]+">([^<]+)', svg
    )
    assert sum("hour" in shown for *_, shown in labels) >= 1
    for style, x, before, shown in labels:
        width = len(shown) * 6.6 * (1.08 if style in ("strong", "inside") else 1)
        left = float(x) - width if before else float(x)
        assert left >= 0, shown
        assert left + width <= drawntimeline.WIDTH, shown


def test_an_impact_over_days_names_them():
    found = steps(("2025-12-04T10:00Z", "A", "a"), ("2025-12-06T10:20Z", "A", "b"))
    svg = drawntimeline.draw(found, (found[0].time, found[1].time))
    assert "Impact 4 Dec 10:00–6 Dec 10:20, 48 hours 20 minutes" in svg


def test_a_single_moment_has_no_scale():
    assert drawntimeline.draw(steps(("2025-12-04T14:00Z", "A", "only")), (None, None)) == ""


@pytest.mark.parametrize(("last", "step"), [("14:00:30", 60), ("20:00", 3600), ("23:59", 10_800)])
def test_the_axis_has_a_readable_number_of_marks(last, step):
    scale = drawntimeline._scale(
        times.parse("2025-12-04T14:00Z"), times.parse(f"2025-12-04T{last}Z")
    )
    marks = list(drawntimeline._marks(scale))
    assert len(marks) <= drawntimeline.MOST_MARKS + 1
    assert all(mark.timestamp() % 60 == 0 for mark in marks)
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(marks)} <= {step, 7200}


def test_every_step_of_the_shipped_template_has_its_phase_drawn():
    groups = schema.shipped().groups("timeline")
    rows = [
        {"time": times.parse(f"2025-12-04T{10 + n // 6}:{n % 6}0Z"), **dict(group.keys)}
        for n, group in enumerate(groups)
    ]
    svg = drawntimeline.draw(drawntimeline.steps(rows), (None, None))
    for group in groups:
        assert dict(group.keys)["step"] in svg


def test_what_happened_before_the_detection_begins_no_investigation():
    """The deployment from the evidence stands at its own time, before anybody looked for it."""
    told = (
        ("14:02", "Detection", "Incident Start", ""),
        ("14:19", "Detection", "Detection", ""),
        ("14:25", "Investigation", "Investigation Begins", ""),
        ("13:58", "Investigation", "Key Discovery", "Deploy of checkout finished"),
        ("14:47", "Investigation", "Key Discovery", "the pool is full"),
    )
    rows = [
        {"time": times.parse(f"2025-12-04T{at}Z"), "phase": phase, "step": step, "finding": found}
        for at, phase, step, found in told
    ]
    svg = drawntimeline.draw(drawntimeline.steps(rows), (None, None))
    assert re.findall(r"pm-svg-(?:strong|inside)[^>]*>([^<]*)<", svg) == [
        "Before the detection",
        "Detection · 17 minutes",
        "Investigation · 22 minutes",
    ]
    assert "13:58  Key Discovery 1: Deploy of checkout finished" in svg
    assert svg.count("<rect") == 2
