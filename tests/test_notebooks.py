"""The notebooks run from top to bottom without an account: the tour, and a new bundle's own."""

import json
import re
import shutil
import textwrap
from pathlib import Path

import nbformat
import pytest

from postmortem_nb import Incident, notebook, schema

TOUR = Path(__file__).parents[1] / "notebooks" / "tour.ipynb"


def outputs(path, kind):
    """Return the cells' outputs of one MIME type."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [
        "".join(output["data"][kind])
        for cell in cells
        for output in cell.get("outputs", ())
        if kind in output.get("data", {})
    ]


def streams(path):
    """Return what the cells printed."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "".join(
        "".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", ())
    )


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    path = tmp_path_factory.mktemp("tour") / "tour.ipynb"
    shutil.copy(TOUR, path)
    notebook.execute(path)
    return path


def test_the_tour_draws_its_charts(tour):
    assert len(outputs(tour, "image/png")) == 7


def test_the_tour_says_what_changed(tour):
    shown = "".join(outputs(tour, "text/html"))
    assert "impact start" in shown
    assert "PoolTimeout" in shown
    assert "values of" in shown
    assert "v2.48.0" in shown


def test_the_tour_doubts_no_words_of_our_own(tour):
    """Before: “59%” of what `add_to_timeline` had written about a facet."""
    assert "warning [prose]" not in streams(tour)


def test_the_tour_says_that_it_is_the_sandbox(tour):
    assert sum("sandbox" in shown for shown in outputs(tour, "text/html")) >= 3


def test_the_tour_tries_a_monitor(tour):
    (shown,) = (each for each in outputs(tour, "text/html") if "First alarm" in each)
    assert "2025-12-04 14:08 UTC" in shown
    assert "11 minutes 40 seconds earlier" in shown
    told = "".join(outputs(tour, "text/plain"))
    assert "Back-test of the monitor" in told  # what the picture shows, in words


def test_the_tour_shows_a_refusal_in_one_line(tour):
    assert "severity: expected" in streams(tour)


def test_the_tour_writes_its_document(tour):
    assert any(line.endswith(".html") for line in streams(tour).splitlines())


def test_the_tour_is_committed_without_outputs():
    cells = json.loads(TOUR.read_text("utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_the_cells_of_the_readme_s_five_minutes_run_as_they_stand(tmp_path):
    facts = {"services": ["checkout"], "start": "2025-12-04T14:02Z", "end": "2025-12-04T16:09Z"}
    incident = Incident.create("INC-4821", tmp_path, **facts)
    readme = (TOUR.parents[1] / "README.md").read_text("utf-8")
    steps = readme.partition("## Five minutes")[2].partition("\n5. ")[0]
    cells = [
        textwrap.dedent(each)
        for each in re.findall(r" ```(?:python)?\n(.+?) +```(?:\n|$)", steps, re.DOTALL)
    ]
    assert len(cells) == 3
    opened = "%load_ext postmortem_nb\nfrom postmortem_nb import Incident"
    first = f"{opened}\nincident = Incident.open({str(incident.path)!r})"
    made = [nbformat.v4.new_code_cell(each) for each in (first, *cells)]
    path = incident.path / "own.ipynb"
    path.write_text(json.dumps(nbformat.v4.new_notebook(cells=made)))
    notebook.execute(path)
    assert incident["timeline"]["finding"].str.contains("version").any()


def test_a_new_bundle_runs_top_to_bottom_while_nothing_is_known(tmp_path):
    path = notebook.write(Incident.create("INC-1", tmp_path))
    notebook.execute(path)
    assert streams(path)
    said = [shown for shown in outputs(path, "text/html") if "Not asked yet" in shown]
    assert len(said) == 5
    assert not json.loads(path.read_text("utf-8"))["metadata"].get("widgets")


def test_a_bundle_with_a_window_asks_the_five_queries(tmp_path):
    facts = {"services": ["checkout"], "start": "2025-12-04T14:02Z", "end": "2025-12-04T16:09Z"}
    incident = Incident.create("INC-2", tmp_path, **facts)
    path = notebook.write(incident)
    notebook.execute(path)
    frozen = {found.stem for found in (incident.path / "evidence").glob("*.parquet")}
    assert frozen == {query.name for query in schema.shipped().queries()}
    assert len(outputs(path, "image/png")) >= 4


def test_every_section_of_the_template_has_its_form_and_every_query_its_cell():
    template = schema.shipped()
    cells = notebook.build(template)["cells"]
    facts = [cell["metadata"]["postmortem"] for cell in cells]
    forms = [fact["section"] for fact in facts if fact["role"] == "form"]
    assert forms == [section.title for section in template.sections]
    asked = [fact["evidence"] for fact in facts if fact["role"] == "query"]
    assert asked == [query.name for query in template.queries()]
    assert len({cell["id"] for cell in cells}) == len(cells)
