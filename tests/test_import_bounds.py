"""A lower bound that an export computed is imported as nothing: nobody typed it."""

from test_coverage import END, HALF, MINUTE, START, ask

from postmortem_nb import Incident, document
from postmortem_nb.importing.markdown import from_markdown


def test_what_an_export_computed_as_the_least_is_no_typed_figure(tmp_path):
    made = Incident.create("INC-1", tmp_path, start=START, end=END)
    made.add("timeline", step="Acknowledgment", time=START + 15 * MINUTE, on_call="Bob")
    ask(made, HALF)
    written = tmp_path / "INC-1.md"
    written.write_text(document.markdown(made), encoding="utf-8")
    assert "- Engineering hours spent: 0.7 hours *(computed: at least" in written.read_text("utf-8")
    again, notes = from_markdown(written, "INC-2", tmp_path)
    assert [note for note in notes if "the folder is" not in note] == []
    stated = again.values("incident")[0]
    for name in ("affected_total", "failed_requests", "engineering_hours", "budget_consumed"):
        assert stated.get(name) is None
