"""The "New postmortem" tile: the server's half by itself, then the whole in a real JupyterLab."""

import json
import re
from importlib import resources

import bundlekit
import lab
import pytest
from playwright.sync_api import expect

from postmortem_nb import Incident, launcher
from postmortem_nb.errors import PostmortemError


def test_it_makes_the_bundle_that_was_asked_for(tmp_path):
    asked = {"id": "INC-9", "service": "checkout, payments", "severity": "SEV-2", "folder": "work"}
    asked["title"] = "Checkout errors"
    (tmp_path / "work").mkdir()
    path = launcher.create(tmp_path, {**asked, "start": "2025-12-04 14:02"})
    assert path == "work/INC-9/INC-9.ipynb"
    incident = Incident.open(tmp_path / path)
    assert incident.value("services") == ["checkout", "payments"]
    assert incident.value("severity") == "SEV-2"
    assert incident.value("title") == "Checkout errors"
    assert incident.window()[0].isoformat() == "2025-12-04T14:02:00+00:00"


@pytest.mark.parametrize("folder", ["work/INC-8", "work/INC-8/evidence"])
def test_an_incident_begun_while_another_is_open_stands_beside_it(tmp_path, folder):
    """Before: in its folder, for the file browser shows that of the open notebook."""
    (Incident.create("INC-8", tmp_path / "work").path / "evidence").mkdir(exist_ok=True)
    assert launcher.create(tmp_path, {"id": "INC-9", "folder": folder}) == "work/INC-9/INC-9.ipynb"
    inside = launcher.create(tmp_path / "work" / "INC-8", {"id": "INC-9"})
    assert inside == "INC-9/INC-9.ipynb"


@pytest.mark.parametrize(
    "asked",
    [
        {"id": "../INC-9"},
        {"id": ""},
        {"id": "INC-9", "folder": ".."},
        {"id": "INC-9", "folder": "/etc"},
        {"id": "INC-9", "severity": "high"},
        {"id": "INC-9", "start": "soon"},
    ],
)
def test_it_refuses_in_one_line_and_writes_nothing(tmp_path, asked):
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(PostmortemError) as refused:
        launcher.create(root, asked)
    assert len(str(refused.value).splitlines()) == 1
    assert not any(root.iterdir())
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


@pytest.mark.browser
def test_the_tile_asks_and_opens_the_notebook(jupyter):
    page = jupyter.browser.new_page()
    try:
        page.goto(f"{jupyter.url}/lab?token={lab.TOKEN}&reset")
        page.locator(".jp-LauncherCard", has_text="New Postmortem").first.click()
        page.get_by_label("Incident id").fill("../evil")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("alert")).to_contain_text("INC-4821")
        page.get_by_label("Incident id").fill("INC-9")
        page.get_by_label("Title").fill("Checkout errors")
        page.get_by_label("Severity").select_option("SEV-2")
        page.get_by_label("Impact start").fill("2025-12-04 14:02")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("tab", name="INC-9.ipynb")).to_be_visible()
        made = Incident.open(jupyter.root / "INC-9")
        assert [made.value(name) for name in ("title", "severity")] == ["Checkout errors", "SEV-2"]
        page.get_by_role("menuitem", name="File", exact=True).click()
        page.locator(".lm-Menu-item", has_text=re.compile(r"^New\s*$")).hover()
        entry = page.locator(".lm-Menu-item", has_text=re.compile(r"^Postmortem\s*$"))
        expect(entry).to_be_visible()
    finally:
        page.close()
        for session in jupyter.ask("/api/sessions"):
            jupyter.ask(f"/api/sessions/{session['id']}", method="DELETE")


CHART = {
    "cell_type": "code",
    "id": "chart",
    "metadata": {},
    "execution_count": 1,
    "source": "%%datadog errors",
    "outputs": [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": bundlekit.png()}},
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/html": '<div class="pm-below-chart ">1 row</div>'},
        },
    ],
}


@pytest.mark.browser
@pytest.mark.parametrize(("dark", "shown"), [(False, "none"), (True, "invert")])
def test_charts_follow_the_theme_where_no_form_is_on_the_page(jupyter, dark, shown):
    """A notebook that is opened to be read, or that asks and has no form."""
    path = jupyter.notebook(f"read-{shown}.ipynb", ["1"])
    stored = json.loads((jupyter.root / path).read_text())
    stored["cells"].append(CHART)
    (jupyter.root / path).write_text(json.dumps(stored))
    with jupyter.open(path, dark=dark) as notebook:
        picture = notebook.page.locator(".jp-RenderedImage img")
        expect(picture).to_have_css("filter", re.compile(shown))


def test_the_extension_turns_charts_as_the_forms_do():
    turn = re.compile(r"filter: ?(invert\([\d.]+\) hue-rotate\(180deg\))")
    package = resources.files("postmortem_nb")
    files = (
        package / "forms.css",
        package / "labextension" / "static" / "remoteEntry.js",
        package / "templates" / "html" / "page.css",
    )
    assert len({turn.search(file.read_text())[1] for file in files}) == 1
