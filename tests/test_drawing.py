"""Charts drawn once: a stored picture stands only where the same one would be drawn again."""

import base64
import json
import re
import subprocess
import sys

import bundlekit
import pytest

from postmortem_nb import drawing, editions, evidence
from postmortem_nb.drawing import Way
from postmortem_nb.incident import Incident

TOKEN = "ghp_" + "Ab3dEf6hIj" * 3 + "Kl9mN0"


@pytest.fixture
def ran(tmp_path):
    """Return a bundle whose metrics cell was run: its output holds the picture and what it is."""
    incident = bundlekit.bundle(tmp_path)
    put(incident)
    return incident


def put(incident, **changed):
    path = incident.path / "INC-4821.ipynb"
    stored = json.loads(path.read_text("utf-8"))
    way = Way("", "", incident.window(), tuple(incident.milestones()))
    for cell in stored["cells"]:
        name = cell["metadata"].get("postmortem", {}).get("evidence")
        if name in ("metrics", "logs", "impact"):
            drawn = drawing.draw(evidence.thaw(incident.path / "evidence", name), way)
            picture = {"image/png": base64.b64encode(drawn.png).decode()}
            cell["outputs"] = [bundlekit.data(picture | changed, postmortem=drawn.facts)]
    path.write_text(json.dumps(stored), "utf-8")


def written(incident):
    return editions.export(incident.path, "html")[0].read_text("utf-8")


def pictures(incident):
    return re.findall(r'class="pm-chart".*?src="data:image/png;base64,([^"]+)"', written(incident))


def test_an_export_after_a_run_draws_nothing_and_is_the_same(ran):
    code = (
        "import sys; from postmortem_nb.editions import export;"
        f"export({str(ran.path)!r}, 'html'); print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    stored = (ran.path / "INC-4821.html").read_bytes()
    bundlekit.save(ran)  # the same notebook, not run
    assert editions.export(ran.path, "html")[0].read_bytes() == stored


def test_a_picture_that_was_exchanged_is_drawn_anew(ran):
    sound = pictures(ran)
    put(ran, **{"image/png": bundlekit.png()})
    assert pictures(ran) == sound


def test_a_changed_timeline_is_drawn_anew(ran):
    before = pictures(ran)
    rows = ran["timeline"]
    detection = rows.index[rows["step"] == "Detection"][0]
    ran.set("time", "2025-12-04T14:41:00Z", table="timeline", row=detection)
    after = pictures(ran)
    assert len(after) == len(before)
    assert all(one != other for one, other in zip(before[1:], after[1:], strict=True))


def test_changed_evidence_is_never_shown_as_the_stored_picture(ran):
    before = pictures(ran)
    folder = ran.path / "evidence"
    other = bundlekit.metrics(lambda *_: "host:other")
    bundlekit.freeze(ran, "spare", "get_datadog_metric", other)
    (folder / "metrics.parquet").write_bytes((folder / "spare.parquet").read_bytes())
    assert pictures(ran)[-1] != before[-1]


def test_the_way_a_cell_asks_for_is_the_way_it_is_drawn(ran):
    before = pictures(ran)
    path = ran.path / "INC-4821.ipynb"
    stored = path.read_text("utf-8")
    path.write_text(stored.replace("%%datadog logs", "%%datadog logs --by host"), "utf-8")
    assert pictures(ran)[1:] != before[1:]
    path.write_text(stored.replace("%%datadog logs", "%%datadog logs --by nothing"), "utf-8")
    assert len(pictures(ran)) == len(before)
    path.write_text(stored.replace("%%datadog logs", "%%datadog logs --chart none"), "utf-8")
    assert len(pictures(ran)) == len(before) - 1
    assert "<td>words of logs host</td>" not in written(ran), "nor are its rows, as in the notebook"
    path.write_text(stored.replace("%%datadog logs", "%%datadog logs --chart table"), "utf-8")
    assert "<td>words of logs host</td>" in written(ran)
    assert re.search(r'<p class="pm-note">… and [\d,]+ more rows</p>', written(ran))


def test_no_picture_names_a_secret(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    bundlekit.freeze(
        incident, "impact", "analyze_datadog_logs", bundlekit.answer(lambda *_: f"key {TOKEN}")
    )
    frame = evidence.thaw(incident.path / "evidence", "impact")
    covered = drawing.labels(frame, lambda text: text.replace(TOKEN, "…"))
    assert TOKEN not in covered.to_csv()
    assert TOKEN not in drawing.draw(frame, Way()).alt
    plain = drawing.labels(frame, lambda text: text)
    assert plain is frame
