"""Export: every form, exact, whole or not at all, by command, nbconvert and JupyterLab alike."""

import html as htmllib
import json
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree as ET

import bundlekit
import hostile
import jsonschema
import mistune
import nbformat
import pytest
from nbconvert.nbconvertapp import NbConvertApp

from postmortem_nb import (
    document,
    editions,
    export,
    formtext,
    notebook,
    pdf,
    schema,
    stillsvg,
    text,
)
from postmortem_nb.errors import BundleError, ExportError
from postmortem_nb.incident import Incident


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Return the folder of a filled bundle with an own cell that holds a picture."""
    own = [
        bundlekit.markdown_cell("### Own words\n\nAbout $12,000 and $50,000."),
        bundlekit.code_cell("x", bundlekit.data({"image/png": bundlekit.png()}, alt="two lines")),
    ]
    return bundlekit.bundle(tmp_path_factory.mktemp("export"), own=own).path


# -- the command's way -----------------------------------------------------------------------------


def test_an_export_says_which_characters_its_pictures_lack(tmp_path):
    incident = bundlekit.bundle(tmp_path, lambda *_: "\U00012003\U00012004")
    told = []
    for _ in range(2):
        editions.export(incident.path, "html", told=told.append)
    (said,) = [line for line in told if "no font" in line]
    assert "draws \U00012003\U00012004: charts show boxes" in said


@pytest.mark.parametrize(("to", "suffix"), [("html", "html"), ("markdown", "md"), ("json", "json")])
def test_each_form_stands_beside_the_notebook(bundle, to, suffix):
    written = editions.export(bundle, to)
    assert written[0] == bundle / f"INC-4821.{suffix}"
    assert all(path.is_file() for path in written)


def test_out_is_exactly_that_file(bundle, tmp_path):
    target = tmp_path / "deep" / "any.name"
    assert editions.export(bundle, "html", out=target) == [target]
    assert [path.name for path in target.parent.iterdir()] == ["any.name"]


def test_a_notebook_is_as_good_as_its_folder(bundle, tmp_path):
    by_folder, by_file = tmp_path / "a.html", tmp_path / "b.html"
    editions.export(bundle, "html", out=by_folder)
    editions.export(bundle / "INC-4821.ipynb", "html", out=str(by_file))
    assert by_folder.read_bytes() == by_file.read_bytes()


def test_a_bundle_that_was_renamed_exports(bundle, tmp_path):
    moved = tmp_path / "copy of INC (2)"
    subprocess.run(["cp", "-r", bundle, moved], check=True)
    written = editions.export(moved, "markdown")
    assert written[0].parent == moved
    assert "](INC-4821_files/" in written[0].read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"to": "htm"}, "did you mean 'html'?"),
        ({"to": "docx"}, "one of html, markdown, pdf, json"),
        ({"to": "html", "audience": "everyone"}, "one of internal, public"),
    ],
)
def test_unknown_words_are_refused_in_one_line(bundle, tmp_path, words, expected):
    with pytest.raises(ExportError, match=re.escape(expected)) as refused:
        editions.export(bundle, out=tmp_path / "x", **words)
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["nothing", "empty", "file.txt", "a\0b", "x" * 5000])
def test_what_cannot_be_exported_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises((ExportError, BundleError)) as refused:
        editions.export(Path(f"{tmp_path}/{name}"), "html")
    assert "\n" not in str(refused.value)


def test_a_disk_that_refuses_leaves_what_stood_there(bundle, tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(ExportError, match="expected a file, not a folder"):
        editions.export(bundle, "html", out=taken)
    assert list(tmp_path.iterdir()) == [taken]


def test_the_dataset_is_never_changed(bundle):
    before = {p: p.read_bytes() for p in bundle.rglob("*") if p.suffix in (".jsonl", ".ipynb")}
    before |= {p: p.read_bytes() for p in (bundle / "evidence").iterdir()}
    for to in ("html", "markdown", "json"):
        editions.export(bundle, to)
    assert {path: path.read_bytes() for path in before} == before


# -- exact -----------------------------------------------------------------------------------------


EXPORT = """
import sys
from postmortem_nb.editions import export
for to in ("html", "markdown", "json"):
    export(sys.argv[1], to, out=f"{sys.argv[2]}/x.{to}")
heavy = ("nbconvert", "nbformat", "ipywidgets", "IPython", "jupyter_core")
print([name for name in heavy if name in sys.modules])
"""


def test_the_same_bundle_is_the_same_bytes(bundle, tmp_path):
    """Under another time zone, language, hash seed and folder, and without nbconvert."""
    made = []
    for number, (zone, seed, language) in enumerate(
        [("UTC", "1", "C"), ("Pacific/Chatham", "2", "de_DE.UTF-8"), ("America/Lima", "3", "C")]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        settings = {"TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": language, "LANG": language}
        done = subprocess.run(
            [sys.executable, "-c", EXPORT, bundle, folder],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "[]"
        made.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.*")})
    assert len(made[0]) >= 7
    assert made[0] == made[1] == made[2]


def test_the_digest_follows_the_content(bundle, tmp_path):
    def digest():
        written = editions.export(bundle, "json", out=tmp_path / "x.json")
        return json.loads(written[0].read_text("utf-8"))["digest"]

    incident = Incident.open(bundle)
    before, old = digest(), incident.value("patterns")
    incident.set("patterns", "Another text.")
    assert digest() != before
    incident.set("patterns", old)
    assert digest() == before


# -- Markdown --------------------------------------------------------------------------------------


def test_a_new_bundle_with_blanks_is_its_template(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    notebook.write(incident)
    written = editions.export(incident.path, "markdown", blanks=True)
    lines = written[0].read_text("utf-8").split("\n")
    template = (Path(__file__).parent / "data" / "incident-postmortem-template.md").read_text(
        "utf-8"
    )
    expected = template.split("\n")
    assert len(written) == 1
    assert len(lines) == len(expected)
    head = next(n for n, line in enumerate(expected) if line.startswith("## "))
    assert lines[head:] == expected[head:]
    assert [n for n in range(head) if lines[n] != expected[n]] == [
        n for n, line in enumerate(expected) if line.startswith("- Incident ID:")
    ]


def test_markdown_ships_its_pictures(bundle, tmp_path):
    written = editions.export(bundle, "markdown", out=tmp_path / "report.md")
    source = written[0].read_text("utf-8")
    shown = re.findall(r"!\[[^\n]*?\]\((\S+)\)", source)
    assert len(shown) >= 5
    assert {tmp_path / name for name in shown} == set(written[1:])
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written[1:])
    assert "data:" not in source


def test_markdown_says_first_what_a_reader_has_to_know(bundle, tmp_path):
    source = editions.export(bundle, "markdown", out=tmp_path / "x.md")[0].read_text("utf-8")
    head = source[source.index("# Incident Postmortem") : source.index("**Metadata**")]
    assert "> Draft: not finished." in head
    assert "> Made from the sandbox, not from a Datadog account" in head
    assert source.rstrip().split("\n")[-1].startswith("*Content digest: sha256 ")


def test_own_cells_stand_in_their_place_in_markdown(bundle, tmp_path):
    source = editions.export(bundle, "markdown", out=tmp_path / "x.md")[0].read_text("utf-8")
    places = [source.index(each) for each in ("## Impact", "### Own words", "## What Went Well")]
    assert places == sorted(places)
    assert r"About \$12,000 and \$50,000." in source
    assert "![two lines](x_files/cell-1.png)" in source


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"text/markdown": "### Note\n\n**b** | <b>"}, "### Note\n\n**b** \\| &lt;b>"),
        ({"text/html": "<p>one <b>two</b></p><div>a</div><ul><li>x</ul>"}, "one two\n\na\n\n- x"),
        (
            {
                "text/html": "<table><thead><tr><th></th><th colspan=2>a|b</th></tr></thead>"
                "<tr><th rowspan=2>r</th><td>1<br>2</td><td>3</td></tr><tr><td>4</td></tr></table>",
                "text/plain": "   a ... b",
            },
            "|  | a\\|b |  |\n| --- | --- | --- |\n| r | 1<br>2 | 3 |\n|  | 4 |  |",
        ),
        ({"text/html": "<script>x()</script>", "text/plain": "Figure()"}, "```\nFigure()\n```"),
        ({"text/html": "<p>a</p><script>x()</script>"}, "a\n\n*Parts of this output that need"),
        ({"text/html": "<details><summary>more</summary>inner</details>"}, "more\n\ninner"),
        (
            {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"},
            "![Picture made by a cell of the author’s own](INC-4821_files/cell-1.svg)",
        ),
        ({"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}, "*An interactive output"),
    ],
)
def test_an_output_stands_in_markdown_as_on_the_page(tmp_path, output, expected):
    named = {"text/plain": "<IPython.core.display.HTML object>"}
    own = [bundlekit.code_cell("x", bundlekit.data(named | output))]
    made = bundlekit.bundle(tmp_path, own=own)
    source = editions.export(made.path, "markdown")[0].read_text("utf-8")
    own_part = source[source.index("- Executive involvement") : source.index("## What Went Well")]
    assert f"\n\n{expected}" in own_part


def test_a_drawing_goes_into_a_file_without_what_acts():
    said = (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x.io/svg.dtd">'
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        ' width="9" onload="x()"><style>*{stroke-linejoin:round}</style>'
        '<style>@import "http://x.io"</style><script>x()</script><a href="http://x.io">a</a>'
        '<image href="http://x.io/a.png"/><foreignObject><p>b</p></foreignObject>'
        '<g clip-path="url(#c)"><path d="M0 0" style="fill:url(http://x.io/#p)"/>'
        '<use xlink:href="#d"/><use xlink:href="http://x.io/#d"/><text>words</text>'
        '<animate attributeName="href" to="javascript:x()"/></g></svg>'
    )
    made = stillsvg.still(said).decode()
    for gone in ("x.io", "x()", "script", "<a", "image", "foreignObject", "animate", "DOCTYPE"):
        assert gone not in made
    for kept in ("words", 'clip-path="url(#c)"', 'd="M0 0"', 'href="#d"', "stroke-linejoin"):
        assert kept in made
    for other in ("", "no", "<svg>", "<!DOCTYPE s [<!ENTITY a 'b'>]><svg/>", "<html/>", "<svg" * 9):
        assert stillsvg.still(other) is None


def test_hostile_drawings_are_files_that_do_nothing():
    for each in hostile.texts().values():
        made = stillsvg.still(f'<svg xmlns="{stillsvg.SVG}">{each}</svg>')
        for part in ET.fromstring(made).iter() if made else ():  # noqa: S314 - made here
            assert part.tag.removeprefix(f"{{{stillsvg.SVG}}}") in stillsvg.DRAWN
            for name, value in part.attrib.items():
                assert not name.startswith("on")
                assert not name.endswith("href") or value.startswith("#")


RENDERERS = {
    "plain": mistune.create_markdown(escape=False),
    "rich": mistune.create_markdown(
        escape=False,
        plugins=["table", "url", "footnotes", "def_list", "math", "abbr", "superscript", "ruby"],
    ),
}
PROSE = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em"),
    *("strong", "a", "img", "br", "hr", "table", "thead", "tbody", "tr", "th", "td"),
}


def harm(made):
    """Return what of rendered Markdown is more than prose, links to the web and our pictures."""
    found = []
    for each in hostile.elements(made):
        safe = {
            "href": lambda value: value.startswith(("http://", "https://", "mailto:")),
            "src": lambda value: value.startswith("x_files/"),
            "alt": lambda _: True,
            "start": str.isdigit,
            "style": lambda value: value.startswith("text-align:"),
        }
        found += [each.tag] * (each.tag not in PROSE)
        found += [
            f"{each.tag} {name}={value[:50]}"
            for name, value in each.attrib.items()
            if name not in safe or not safe[name](value)
        ]
    return found


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("half", [0, 1])
def test_hostile_texts_stay_texts_in_markdown_rendered_with_raw_html(tmp_path, renderer, half):
    texts = list(hostile.TEXTS.values())[half::2]
    count = iter(range(10**6))
    own = [bundlekit.markdown_cell(text.clean(each)) for each in texts]
    incident = bundlekit.bundle(
        tmp_path, lambda *_: texts[next(count) % len(texts)][:1900] or "x", own=own
    )
    source = editions.export(incident.path, "markdown", out=tmp_path / "x.md")[0].read_text("utf-8")
    body = source.split("\n---\n", 1)[1]
    made = str(RENDERERS[renderer](body))
    assert harm(made) == []


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_title_stays_text_for_a_renderer_that_knows_no_front_matter(tmp_path, renderer):
    incident = Incident.create("INC-8", tmp_path)
    for title in hostile.TEXTS.values():
        incident.set("title", title)
        front = document.markdown(incident).partition("\n# ")[0]
        assert harm(str(RENDERERS[renderer](front))) == []


# -- JSON ------------------------------------------------------------------------------------------


def test_the_dataset_fits_its_published_schema(bundle, tmp_path):
    written = editions.export(bundle, "json", out=tmp_path / "x.json")
    whole = json.loads(written[0].read_text("utf-8"))
    stored = resources.files("postmortem_nb") / "templates" / "dataset.schema.json"
    shape = json.loads(stored.read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(shape)
    validator.check_schema(shape)
    validator.validate(whole)
    incident = Incident.open(bundle)
    assert set(whole["tables"]) | {"incident"} == set(schema.shipped().tables)
    assert whole["facts"]["title"] == incident.value("title")
    assert len(whole["tables"]["timeline"]) == len(incident.values("timeline"))
    assert [each["name"] for each in whole["evidence"]] == ["impact", "logs", "metrics"]
    assert whole["measures"]["duration"]["value"] == incident.measures()["duration"].value
    assert not validator.is_valid({**whole, "digest": "x"})


def test_a_missing_value_is_null_and_never_nothing(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    whole = json.loads(editions.export(incident.path, "json")[0].read_text("utf-8"))
    assert whole["facts"]["revenue_loss"] is None
    assert whole["measures"]["duration"]["value"] is None
    assert whole["measures"]["duration"]["missing"]


# -- without the bundle ----------------------------------------------------------------------------


def test_a_notebook_alone_exports_from_what_it_holds(bundle, tmp_path):
    stored = json.loads((bundle / "INC-4821.ipynb").read_text("utf-8"))
    incident, told = Incident.open(bundle), {}
    for cell in stored["cells"]:
        facts = cell["metadata"].get("postmortem", {})
        if facts.get("role") == "form":
            told[facts["section"]] = cell["outputs"] = saved_form(incident, facts["section"])
    # a form in a cell of the author's own says nothing twice
    stored["cells"].append(bundlekit.code_cell("again", *told["Action Items"]))
    alone = tmp_path / "alone.ipynb"
    alone.write_text(json.dumps(stored), "utf-8")
    html = editions.export(alone, "html")[0].read_text("utf-8")
    markdown = editions.export(alone, "markdown")[0].read_text("utf-8")
    read = " ".join(text.html(htmllib.unescape(re.sub("<[^>]+>", " ", html))).split())
    for made in (read, markdown):
        assert "Made from the notebook alone" in made
        assert "Own words" in made
        assert made.count("words of actions description") == len(incident["actions"])
        assert "words of timeline finding" in made
        assert str(incident.value("title")) in made
        assert "Run all cells" not in made
        assert "from the dataset" not in made
        assert "interactive output" not in made
    assert "### Executive Summary" in markdown
    assert "<th>Definition</th>" in html
    with pytest.raises(ExportError, match="no dataset"):
        editions.export(alone, "json")


def saved_form(incident, title):
    """Return what a form leaves in the notebook: its view and its finished text."""
    data, metadata = formtext.Finished(incident, incident.template.section(title)).output()
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/html": ""}
    form = bundlekit.data(view, postmortem={"form": title})
    return [form, bundlekit.data(data, **metadata)]


# -- nbconvert and JupyterLab ----------------------------------------------------------------------


def test_nbconvert_writes_the_same_page(bundle, tmp_path):
    ours = editions.export(bundle, "html", out=tmp_path / "ours.html")[0].read_text("utf-8")
    made, found = export.PostmortemExporter().from_filename(str(bundle / "INC-4821.ipynb"))
    assert made == ours
    assert found["output_extension"] == ".html"


def test_save_and_export_as_hands_over_a_notebook_and_its_folder(bundle):
    node = nbformat.read(bundle / "INC-4821.ipynb", as_version=4)
    resources_of_lab = {"metadata": {"name": "INC-4821", "path": str(bundle)}, "config_dir": "x"}
    made, found = export.PostmortemMarkdownExporter().from_notebook_node(node, resources_of_lab)
    assert made.startswith("---\ntitle: ")
    assert "INC-4821_files/drawn-timeline.png" in found["outputs"]
    shown = [each.export_from_notebook for each in (export.PostmortemExporter, type(found))[:1]]
    assert shown == ["Postmortem (HTML)"]


def test_nbconvert_s_own_switches_work(bundle):
    chosen = export.PostmortemExporter(code=True, blanks=True)
    made, _ = chosen.from_filename(str(bundle / "INC-4821.ipynb"))
    assert "search_datadog_logs(" in htmllib.unescape(made)
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print(6 * 7)")])
    runs = export.PostmortemExporter()
    runs.register_preprocessor("nbconvert.preprocessors.ExecutePreprocessor", enabled=True)
    ran, _ = runs.from_notebook_node(node, {"metadata": {"name": "x", "path": "."}})
    assert '<pre class="pm-output">42</pre>' in ran


@pytest.mark.parametrize("content", ["", "{", "[]", '{"worksheets": []}'])
def test_nbconvert_refuses_what_is_no_notebook_in_one_line(tmp_path, content):
    path = tmp_path / "x.ipynb"
    path.write_text(content)
    with pytest.raises(ExportError, match=r"^x: ") as refused:
        export.PostmortemExporter().from_filename(str(path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("place", ["else/x", "INC-8/x", "INC-8/below/x"])
def test_pictures_lie_beside_the_document_wherever_nbconvert_writes_it(tmp_path, place):
    incident = Incident.create(
        "INC-8", tmp_path, start="2025-12-04T14:02Z", end="2025-12-04T15:00Z"
    )
    out = tmp_path / place
    out.parent.mkdir(exist_ok=True)
    words = ["--to", "postmortem-markdown", str(notebook.write(incident)), "--output", str(out)]
    command = NbConvertApp()
    command.initialize(words)
    command.start()
    written = out.with_suffix(".md").read_text("utf-8")
    pictures = re.findall(r"\]\((\S+\.png)\)", written)
    assert pictures == ["x_files/drawn-timeline.png"]
    assert (out.parent / pictures[0]).is_file()


# -- PDF -------------------------------------------------------------------------------------------


def test_the_command_of_nbconvert_refuses_without_a_traceback(tmp_path):
    path = tmp_path / "broken.ipynb"
    path.write_text('{"cells": [1', "utf-8")
    words = ["-m", "nbconvert", "--to", "postmortem", str(path)]
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    said = [line for line in done.stderr.splitlines() if not line.startswith("[NbConvertApp]")]
    assert len(said) == 1
    assert said[0].startswith("broken: not a notebook: ")


def test_without_a_printer_it_says_what_to_install(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pdf, "BROWSERS", ("chromium",))
    if pdf.util.find_spec("weasyprint") is None:
        with pytest.raises(ExportError, match="pip install weasyprint"):
            editions.export(bundle, "pdf", out=tmp_path / "x.pdf")
        assert list(tmp_path.iterdir()) == []


def test_a_browser_that_does_not_print_is_one_line(bundle, tmp_path, monkeypatch):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(pdf, "BROWSERS", (str(broken),))
    with pytest.raises(ExportError, match="chromium did not print"):
        editions.export(bundle, "pdf", out=tmp_path / "x.pdf")


def test_the_clock_is_taken_out_of_a_pdf():
    made = b"/CreationDate (D:20261124031839+00'00') /ModDate (D:20261124031839+00'00')>>"
    later = made.replace(b"20261124031839", b"20270101000000")
    assert pdf.exact(made) == pdf.exact(later)
    assert len(pdf.exact(made)) == len(made)
