"""Query cells in a running IPython: asked once, frozen, shown again, refused in one line."""

import errno
import json
import re
import types
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from IPython.testing.globalipapp import start_ipython

from postmortem_nb import Incident, evidence, magic, notebook, sandbox, session
from postmortem_nb.errors import PostmortemError, QueryError

ERRORS = """search_datadog_logs(
  query="service:{{SERVICE}} status:error",
  from="{{INCIDENT_START}}",
  to="{{INCIDENT_END}}"
)"""
WINDOW = {"start": "2025-12-04T14:02Z", "end": "2025-12-04T16:09Z"}


@pytest.fixture(scope="module")
def shell():
    ipython = start_ipython()
    ipython.run_line_magic("load_ext", "postmortem_nb")
    return ipython


@pytest.fixture
def incident(tmp_path, shell):
    made = Incident.create("INC-1", tmp_path, services=["checkout"], **WINDOW)
    shell.user_ns["incident"] = made
    return made


@pytest.fixture
def shown(monkeypatch):
    """Collect what a cell displays: data and metadata of each output."""
    found = []

    def display(data, metadata=None, **_):
        found.append((data, metadata or {}))

    class Handle:
        def display(self, data, **_):
            found.append((data, {}))

        update = display

    monkeypatch.setattr(session, "display", display)
    monkeypatch.setattr(session, "DisplayHandle", Handle)
    return found


def texts(shown):
    return "\n".join(data.get("text/plain", "") for data, _ in shown)


def test_a_cell_shows_chart_table_and_provenance(shell, incident, shown):
    shell.run_cell_magic("datadog", "errors --chart bar", ERRORS)
    frame = shell.user_ns["errors"]
    assert len(frame) == 1000
    kinds = [next(iter(data)) for data, _ in shown if "image/png" in data or "text/html" in data]
    assert kinds.count("image/png") == 1
    picture = next(meta for data, meta in shown if "image/png" in data)
    assert picture["postmortem"]["evidence"] == "errors"
    assert picture["image/png"]["alt"]
    said = texts(shown)
    more = "Ask with a higher limit= (it was 1,000) or a narrower query."
    for word in ("1,000 rows", "sandbox", "partial: limit reached", "sha256", more):
        assert word in said


def test_a_chart_that_cannot_be_drawn_as_asked_says_so(shell, incident, shown):
    shell.run_cell_magic("datadog", "errors --chart line", ERRORS)
    assert "--chart line: drawn as bars: rows are counted" in texts(shown)
    shown.clear()
    shell.run_cell_magic("datadog", "errors --chart bar", ERRORS)
    assert "drawn as" not in texts(shown)


def test_large_values_are_shown_in_full():
    """Before: 1.23457e+06 of what a metric counts or weighs."""
    page = session.table(
        pd.DataFrame({"value": pd.Series([1_234_567.25, 0.2316], dtype="Float64")})
    )
    assert ">1,234,567<" in page
    assert ">0.2316<" in page


def test_durations_of_spans_are_shown_in_words(shell, incident, shown):
    """Before: 0 days 00:00:08.146668333; the frame keeps its timedeltas."""
    window = 'from="2025-12-04T15:00Z", to="2025-12-04T15:10Z"'
    call = f'search_datadog_spans(query="service:checkout", {window}, limit=20)'
    shell.run_cell_magic("datadog", "spans", call)
    said = "".join(data.get("text/html", "") for data, _ in shown)
    assert "0 days" not in said
    assert re.search(r"\b\d[\d.]* (?:ms|s)\b", said)
    assert shell.user_ns["spans"]["duration"].dtype.kind == "m"


def test_a_second_run_asks_nobody_and_refresh_asks_again(shell, incident, shown, monkeypatch):
    shell.run_cell_magic("datadog", "errors", ERRORS)
    asked = []
    real = session.calls.ask
    monkeypatch.setattr(
        session.calls, "ask", lambda call, **more: asked.append(call) or real(call, **more)
    )
    first = shell.user_ns["errors"]
    shell.run_cell_magic("datadog", "errors", ERRORS)
    assert asked == []
    assert shell.user_ns["errors"].equals(first)
    shell.run_cell_magic("datadog", "errors --refresh", ERRORS)
    assert len(asked) == 1
    shell.run_cell_magic("datadog", "errors", ERRORS.replace("error", "warn"))
    assert len(asked) == 2, "a changed question is a new question"


def test_with_an_account_a_frozen_answer_of_the_sandbox_says_how_to_ask_it(
    shell, incident, shown, monkeypatch
):
    shell.run_cell_magic("datadog", "errors", ERRORS)
    assert "--refresh to ask" not in texts(shown)
    shown.clear()
    for name in ("DD_API_KEY", "DD_APP_KEY"):
        monkeypatch.setenv(name, "0123456789abcdef")
    shell.run_cell_magic("datadog", "errors", ERRORS)  # it stays: nobody is asked
    assert "is the sandbox's, made up. Run the cell with --refresh to ask" in texts(shown)


def test_a_part_does_not_take_the_place_of_the_whole(shell, incident, shown, monkeypatch):
    """Datadog fails midway, or the cell is stopped: what was frozen in whole stays."""
    whole = ERRORS.replace("\n)", ",\n  limit=50000\n)")
    shell.run_cell_magic("datadog", "errors", whole)
    rows = len(shell.user_ns["errors"])
    real = session.calls.ask

    def broken(call, **more):
        frame = real(call, **more)
        part = frame.head(20)
        failed = {"complete": False, "partial": "HTTP 503 on page 3", "rows": 20}
        part.attrs["evidence"] = frame.attrs["evidence"] | failed
        return part

    monkeypatch.setattr(session.calls, "ask", broken)
    shown.clear()
    shell.run_cell_magic("datadog", "errors --refresh", whole)
    assert "Only a part came this time: 20 rows, HTTP 503 on page 3." in texts(shown)
    assert len(shell.user_ns["errors"]) == rows
    record = json.loads((incident.path / "evidence" / "errors.json").read_text("utf-8"))
    assert (record["complete"], record["rows"]) == (True, rows)
    shell.run_cell_magic("datadog", "errors", whole.replace("error", "warn"))
    assert len(shell.user_ns["errors"]) == 20, "a part is kept where there is nothing better"


def test_two_cells_that_ask_under_one_name_are_told(shell, incident, shown, monkeypatch):
    """A copied cell: the second question's answer would stand below the first in the document."""
    warnings = ERRORS.replace("error", "warn")

    def said(cell, call, name="errors"):
        shown.clear()
        parent = {"metadata": {"cellId": cell}}
        monkeypatch.setattr(shell, "get_parent", lambda: parent, raising=False)
        shell.run_cell_magic("datadog", name, call)
        return "Another cell asks something else under the name" in texts(shown)

    magic.register(shell)
    assert not said("one", ERRORS)
    assert not said("one", warnings), "an edited cell is no other"
    assert not said("two", warnings), "the same question has the same answer"
    assert said("three", ERRORS)
    assert not said("three", ERRORS, "failures")


def test_the_frozen_record_says_what_was_asked(shell, incident, shown):
    shell.run_cell_magic("datadog", "errors --chart none", ERRORS)
    record = json.loads((incident.path / "evidence" / "errors.json").read_text("utf-8"))
    assert record["from"] == "2025-12-04T14:02:00Z"
    assert record["sandbox"] is True
    assert evidence.thaw(incident.path / "evidence", "errors").attrs["evidence"]["rows"] == 1000


def test_a_service_of_hostile_name_finds_itself_or_nothing(shell, incident, shown):
    incident.set("services", ["a) OR (service:*"])
    shell.run_cell_magic("datadog", "errors", ERRORS)
    assert len(shell.user_ns["errors"]) == 0


def test_an_export_says_that_the_notebook_is_not_saved(shell, incident, monkeypatch, shown):
    """Before: the document lacked the newest cells, without a word."""
    path = notebook.write(incident)
    monkeypatch.setattr(magic, "_RAN", {})

    def says(cell, source):
        shown.clear()
        magic._note(types.SimpleNamespace(cell_id=cell, raw_cell=source))
        shell.run_line_magic("postmortem", "export --to json")
        return "save it (Ctrl+S)" in texts(shown)

    assert not says("new", "x"), "no server says which notebook it is"
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert says("new", "x")
    cell = json.loads(path.read_text("utf-8"))["cells"][1]
    assert not says(cell["id"], "".join(cell["source"]))
    assert says(cell["id"], "edited")
    path.write_text("{", "utf-8")
    assert not magic._is_unsaved(incident.path)


def test_only_what_is_missing_is_asked_for(shell, tmp_path, shown):
    """Before: the services and both times, whatever was filled already."""
    shell.user_ns["incident"] = Incident.create(
        "INC-2", tmp_path, services=["checkout"], start="2025-12-04T14:02Z"
    )
    shell.run_cell_magic("datadog", "errors", ERRORS)
    assert "Fill the time of 'Full Recovery' in the timeline, then run" in texts(shown)
    assert "services" not in texts(shown)


def test_what_is_not_known_yet_is_said_not_raised(shell, tmp_path, shown):
    shell.user_ns["incident"] = Incident.create("INC-2", tmp_path)
    shell.user_ns.pop("errors", None)
    shell.run_cell_magic("datadog", "errors", ERRORS)
    assert "Not asked yet" in texts(shown)
    assert "{{SERVICE}}" in texts(shown)
    assert "errors" not in shell.user_ns


def test_loading_again_says_nothing(shell, capsys):
    shell.run_cell("%load_ext postmortem_nb")
    capsys.readouterr()
    for _ in range(2):
        assert shell.run_cell("%load_ext postmortem_nb").success
    assert capsys.readouterr().out == ""
    assert shell.find_cell_magic("datadog") is not None


def test_amounts_in_a_frame_are_no_formula(shell, monkeypatch):
    """JupyterLab typesets what stands between two dollar signs, in any output that lets it."""
    monkeypatch.setattr(shell.display_formatter, "active_types", ["text/plain", "text/html"])
    frame = pd.DataFrame({"message": ["charged $5, then $6 more", "<b>"]})
    shown, _ = shell.display_formatter.format(frame)
    assert "charged $5, then $6 more" in shown["text/html"]
    assert "&lt;b&gt;" in shown["text/html"]
    assert re.search(r'<table[^>]* class="[^"]*\bmathjax_ignore\b', shown["text/html"])
    assert pd.get_option("display.html.use_mathjax"), "a reader's own options stay as they are"
    with pd.option_context("display.notebook_repr_html", False):
        assert "text/html" not in shell.display_formatter.format(frame)[0]


@pytest.mark.parametrize(
    ("name", "why"), [("incident", "the incident itself"), ("for", "a word of Python")]
)
def test_a_name_that_is_taken_says_so(name, why):
    with pytest.raises(QueryError, match=f"{name} is {why}; give the answer another name"):
        session.check_name(name)


def test_one_more_is_one():
    frame = pd.DataFrame([range(session.COLUMNS_SHOWN + 1)] * 3)
    assert "<p>… and 1 more row and 1 more column</p>" in session.table(frame, 2)
    assert "<p>… and 2 more rows and 1 more column</p>" in session.table(frame, 1)


@pytest.mark.parametrize("name", ["incident", "class", "a-b", "../x", "x" * 61])
def test_a_name_that_cannot_be_a_variable_is_refused(shell, incident, name):
    with pytest.raises(QueryError, match="%%datadog"):
        shell.run_cell_magic("datadog", f'"{name}"', ERRORS)


@pytest.mark.parametrize("line", ["errors --chart pie", "errors --colour red", "a b c"])
def test_wrong_options_are_one_line(shell, incident, line):
    with pytest.raises(QueryError) as refused:
        shell.run_cell_magic("datadog", line, ERRORS)
    assert len(str(refused.value).splitlines()) == 1


def test_a_quote_that_is_not_closed_is_one_line(shell, incident):
    says = r"^%%datadog: expected words with every quote closed, for example .*; got 'a \"x'$"
    with pytest.raises(QueryError, match=says):
        shell.run_cell_magic("datadog", 'a "x', ERRORS)
    with pytest.raises(QueryError, match=r"^%postmortem: expected words with every quote closed"):
        shell.run_line_magic("postmortem", 'check "x')


def test_a_grouping_that_the_answer_lacks_is_refused(shell, incident):
    with pytest.raises(PostmortemError, match="nowhere"):
        shell.run_cell_magic("datadog", "errors --by nowhere", ERRORS)


def test_no_server_is_said_plainly(shell, incident, monkeypatch):
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", "http://127.0.0.1:9")
    with pytest.raises(PostmortemError) as failed:
        shell.run_cell_magic("datadog", "errors", ERRORS)
    said = str(failed.value)
    assert "127.0.0.1" in said
    assert "no connection" in said
    assert len(said.splitlines()) <= 6


def test_hostile_text_in_a_row_stays_text(shell, incident, shown, monkeypatch):
    shell.run_cell_magic("datadog", "errors", ERRORS)
    frame = shell.user_ns["errors"].copy()
    frame.loc[0, "message"] = "<img src=x onerror=alert(1)> $a$ `b`"
    page = session.table(frame)
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_the_line_magic_runs_the_command_on_this_bundle(shell, incident, capsys):
    shell.run_line_magic("postmortem", "check --format json")
    found = json.loads(capsys.readouterr().out)
    assert {finding["code"] for finding in found}


def test_an_answer_that_cannot_be_frozen_is_shown_and_says_so(shell, incident, shown, monkeypatch):
    """In a read-only folder, on a full disk; before: minutes of waiting ended in an error alone."""

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(evidence.onestep, "write", refuse)
    shell.user_ns.pop("errors", None)
    shell.run_cell_magic("datadog", "errors", ERRORS)
    assert len(shell.user_ns["errors"]) > 3
    said = texts(shown)
    assert "Not frozen: evidence 'errors' is not saved: Read-only file system." in said
    assert "rows" in said
    assert not list((incident.path / "evidence").glob("*.parquet"))


@pytest.mark.parametrize("word", [".", "INC-1", "INC-1.ipynb", "../INC-1"])
def test_the_line_magic_takes_the_bundle_as_a_terminal_does(
    shell, incident, capsys, monkeypatch, word
):
    """Before: “expected no word more, for example 'postmortem check INC-4821 …'; got '.'”."""
    monkeypatch.chdir(incident.path)
    notebook.write(incident)
    shell.run_line_magic("postmortem", f"check {word} --format json")
    assert json.loads(capsys.readouterr().out)


def test_the_line_magic_takes_another_bundle(shell, incident, capsys, tmp_path):
    other = Incident.create("INC-2", tmp_path)
    shell.run_line_magic("postmortem", f"export '{other.path}' --to json")
    assert capsys.readouterr().out.strip() == str(other.path / "INC-2.json")
    with pytest.raises(PostmortemError, match="expected no word more"):
        shell.run_line_magic("postmortem", "check nothing")


def test_what_a_command_says_in_a_cell_is_no_alarm(shell, incident, capsys):
    """What goes beside the result in a terminal is red in JupyterLab, as errors are."""
    shell.run_line_magic("postmortem", "publish")
    told = capsys.readouterr()
    assert "that is the sandbox" in told.out
    assert told.err == ""


def test_the_line_magic_names_the_bundle_only_where_a_command_takes_one(shell, incident, capsys):
    shell.run_line_magic("postmortem", "sandbox --help")
    assert "postmortem sandbox" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "says"),
    [("", "usage: postmortem "), ("export --help", "--audience"), ("--version", "postmortem-nb ")],
)
def test_help_ends_a_cell_without_ending_the_notebook(shell, incident, capsys, line, says):
    shell.run_line_magic("postmortem", line)
    assert says in capsys.readouterr().out


def test_the_sandbox_is_this_machine_only():
    assert sandbox.running().url.startswith("http://127.0.0.1:")


def progress(shown):
    return [data["text/html"] for data, _ in shown if "<progress" in data.get("text/html", "")]


def test_a_pull_shows_a_bar_with_rows_rate_and_what_it_waits_for(shown):
    told = session._Told(session.DisplayHandle(), 5000)
    told(rows=1000, rate=123.4)
    told(rows=2000, rate=123.4)  # at once after the other: left out
    told(rows=2000, waiting="3 s, the rate limit is used up")
    first, second = progress(shown)
    assert 'max="5000" value="1000"' in first
    assert "1,000 rows, 123 a second" in first
    assert "2,000 rows – waiting: 3 s, the rate limit is used up" in second


def test_a_pull_of_unknown_length_has_a_bar_without_an_end(shown):
    session._Told(session.DisplayHandle(), 0)(rows=7)
    assert "max=" not in progress(shown)[0]


def test_an_answer_links_to_the_same_view_and_says_what_would_find_something(shown):
    address = "https://app.datadoghq.eu/logs?query=a&from_ts=1"
    record = {"rows": 0, "link": address, "advice": ["use @ <b>"], "complete": True}
    frame = pd.DataFrame({"message": pd.array([], "string")})
    frame.attrs["evidence"] = record
    session.show(frame, incident=None, options=session.Options())
    html = "".join(data.get("text/html", "") for data, _ in shown)
    assert f'<a href="{address.replace("&", "&amp;")}" target="_blank"' in html
    assert "Found nothing: use @ &lt;b&gt;" in html
    record["link"] = "javascript:alert(1)"
    session.show(frame, incident=None, options=session.Options())
    assert "javascript" not in "".join(data.get("text/html", "") for data, _ in shown)


def test_what_is_not_frozen_is_warned_of_when_the_notebook_is_opened(shell, tmp_path, monkeypatch):
    start = datetime.now(UTC) - timedelta(days=10)
    ended = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    made = Incident.create("INC-9", tmp_path, services=["checkout"], **ended)
    assert magic.expiring({"incident": made}) == []  # no account: the sandbox keeps everything
    monkeypatch.setenv("DD_API_KEY", "0123456789abcdef0123456789abcdef")
    said = magic.expiring({"incident": made})
    assert any(line.startswith("logs: not frozen; its data begin to vanish on") for line in said)
    monkeypatch.chdir(tmp_path)
    assert magic.expiring({}) == []
    (tmp_path / "incident.jsonl").write_text("no log\n")
    assert magic.expiring({}) == []
