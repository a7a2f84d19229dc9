"""The sandbox's answers have the keys and types of real recorded answers.

``data/datadog-shapes.json`` is the shape of each recording, without its values; where the
recordings themselves are at hand, the shapes are checked against them. To write the file anew:
``python tests/test_sandbox_shapes.py``.
"""

import json
from pathlib import Path

import pytest

from postmortem_nb.sandbox.answers import Ask, Shelf
from postmortem_nb.sandbox.routes import answered
from postmortem_nb.sandbox.scenario import FACTS, SEED

SHAPES = Path(__file__).parent / "data" / "datadog-shapes.json"
RECORDINGS = Path(__file__).parents[1].parent / "shared" / "datadog-recordings"
FREE = {"custom", "by"}  # what stands in these is the user's own
MISSING = "?"  # at the end of a key: not every recorded row has it
BEGIN, END = (int(moment.timestamp()) for moment in (FACTS.start, FACTS.recovered))
WINDOW = {"from": str(BEGIN * 1000), "to": str(END * 1000)}
INCIDENT = f"/api/v2/incidents/{FACTS.incident_uuid}"


def shape(value):
    """Return a value's keys and types; rows of a list become one."""
    if isinstance(value, dict):
        named = {
            "*" if key.endswith("d") and key[:-1].isdigit() else key: value[key] for key in value
        }
        return {key: shape(each) for key, each in named.items() if key not in FREE}
    if isinstance(value, list):
        merged = None
        for each in value:
            merged = shape(each) if merged is None else merge(merged, shape(each))
        return [] if merged is None else [merged]
    if isinstance(value, bool) or value is None:
        return "bool" if value is not None else "null"
    return "text" if isinstance(value, str) else "number"


def merge(one, two):
    """Return a shape that covers two."""
    if isinstance(one, dict) and isinstance(two, dict):
        return _merged(one, two)
    if isinstance(one, list) and isinstance(two, list):
        return [merge(one[0], two[0])] if one and two else one or two
    if isinstance(one, str) and isinstance(two, str):
        kinds = set(one.split(" or ")) | set(two.split(" or "))
        sure = sorted(kinds - {"null"})
        return " or ".join([*sure, *({"null"} & kinds)]) if len(sure) < 2 else "anything"
    known = [side for side in (one, two) if side != "null"]
    return known[0] if len(known) == 1 else "anything"


def _merged(one, two):
    """Return the shape of two objects; keys that only one has are marked."""
    made = {}
    names = {key.rstrip(MISSING): None for key in (*one, *two)}
    for name in names:
        sides = [side.get(name, side.get(name + MISSING)) for side in (one, two)]
        known = [side for side in sides if side is not None]
        sure = all(name in side for side in (one, two))
        made[name if sure else name + MISSING] = merge(*known) if len(known) == 2 else known[0]
    return made


def differs(known, value, path="answer"):
    """Return what a value lacks of a shape, in words; null stands for anything."""
    if known in ("null", "anything") or value is None:
        return []
    if isinstance(known, dict):
        if not isinstance(value, dict):
            return [f"{path}: not an object"]
        found = []
        for key, inner in known.items():
            name = key.rstrip(MISSING)
            members = value if name == "*" else {name: value[name]} if name in value else {}
            if not members and not key.endswith(MISSING):
                found.append(f"{path}.{name} is missing")
            for own, member in members.items():
                found += differs(inner, member, f"{path}.{own}")
        return found
    if isinstance(known, list):
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        rows = value if known else []
        return [
            fault for n, row in enumerate(rows) for fault in differs(known[0], row, f"{path}[{n}]")
        ]
    kind = shape(value)
    return [] if isinstance(kind, str) and kind in known else [f"{path}: {kind}, recorded {known}"]


def search(kind):
    return {"filter": {"query": "service:checkout", **WINDOW}, "page": {"limit": 5}}, kind


def envelope(kind, **attributes):
    return {"data": {"type": kind, "attributes": attributes}}


METRIC = {"name": "a", "data_source": "metrics", "query": "avg:system.cpu.idle{*}"}
NOTEBOOK = envelope(
    "notebooks",
    name="INC-4821",
    time={"live_span": "1h"},
    cells=[
        {"type": "notebook_cells", "attributes": {"definition": {"type": "markdown", "text": "a"}}},
        {
            "type": "notebook_cells",
            "attributes": {
                "definition": {
                    "type": "timeseries",
                    "requests": [
                        {
                            "display_type": "line",
                            "q": "avg:system.load.1{*}",
                            "style": {
                                "line_type": "solid",
                                "line_width": "normal",
                                "palette": "dog_classic",
                            },
                        }
                    ],
                    "show_legend": True,
                    "yaxis": {"scale": "linear"},
                },
                "graph_size": "m",
                "split_by": {"keys": [], "tags": []},
                "time": None,
            },
        },
    ],
)
ATTACHMENT = envelope(
    "incident_attachments",
    attachment_type="postmortem",
    attachment={"title": "Postmortem", "documentUrl": "https://example.com/1"},
)
V1 = {"from": str(BEGIN), "to": str(END), "query": "avg:system.cpu.idle{*}"}
LISTED = {f"filter[{key}]": value for key, value in WINDOW.items()}
COUNTED = {"filter": WINDOW, "compute": [{"type": "timeseries", "interval": "30m"}]}
TIMES = {"from": BEGIN * 1000, "to": END * 1000}

# Name, the recording and the place of the exchange in it, and our own: method, path, asked.
PAIRS = (
    ("logs", "v2-get_a_list_of_logs_with_pagination", 0, "GET", "/api/v2/logs/events", LISTED),
    ("end", "v2-get_a_list_of_logs_with_pagination", 2, "GET", "/api/v2/logs/events", {}),
    ("events", "v2-get_a_list_of_events_with_pagination", 0, "GET", "/api/v2/events", LISTED),
    ("spans", "v2-get_a_list_of_spans", 0, "GET", "/api/v2/spans/events", LISTED),
    ("spans counted", "v2-aggregate_spans", 0, "POST", "/api/v2/spans/analytics/aggregate",
     envelope("aggregate_request", **COUNTED)),
    ("logs counted", "v2-aggregate_tests_events", 0, "POST", "/api/v2/logs/analytics/aggregate",
     {"filter": WINDOW, "group_by": [{"facet": "@usr.id", "limit": 5}]}),
    ("metrics v1", "v1-query_timeseries_points", 0, "GET", "/api/v1/query", V1),
    ("metrics v2", "v2-timeseries_cross_product_query", 0, "POST", "/api/v2/query/timeseries",
     envelope("timeseries_request", **TIMES, queries=[METRIC])),
    ("scalars", "v2-scalar_cross_product_query", 0, "POST", "/api/v2/query/scalar",
     envelope("scalar_request", **TIMES, queries=[{**METRIC, "aggregator": "avg"}])),
    ("monitors", "v1-monitors_search", 0, "GET", "/api/v1/monitor/search", {}),
    ("objective", "v1-get_an_slos_history", 1, "GET", f"/api/v1/slo/{FACTS.slo_id}/history",
     {"from_ts": str(BEGIN), "to_ts": str(END)}),
    ("incident", "v2-get_the_details_of_an_incident", 1, "GET", INCIDENT, {}),
    ("attachment", "v2-list_incident_attachments", 1, "POST", f"{INCIDENT}/attachments",
     ATTACHMENT),
    ("attachments", "v2-list_incident_attachments", 2, "GET", f"{INCIDENT}/attachments", {}),
    ("notebook", "v1-create_a_notebook", 0, "POST", "/api/v1/notebooks", NOTEBOOK),
    ("notebooks", "v1-get_all_notebooks_with_pagination", 0, "GET", "/api/v1/notebooks", {}),
    ("no such monitor", "v1-get_a_monitors_details_returns_monitor_not_found_error_response", 0,
     "GET", "/api/v1/monitor/12345", {}),
    ("turned window", "v2-get_a_list_of_spans_returns_unprocessable_entity_response", 0, "GET",
     "/api/v2/spans/events", {"filter[from]": "now", "filter[to]": "now-1m"}),
    ("bad cursor", "v2-search_events_returns_bad_request_response", 0, "POST",
     "/api/v2/events/search", {"filter": WINDOW, "page": {"cursor": "eyJz"}}),
)  # fmt: skip


def recorded(name, place):
    """Return status, content type and shape of one recorded answer."""
    answer = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))[place]["response"]
    body = answer["body"]
    if name == "v2-get_a_list_of_logs_with_pagination":
        for row in body["data"]:  # attributes of a log are the user's own
            row["attributes"].pop("attributes", None)
    if name == "v1-get_all_notebooks_with_pagination":
        for notebook in body["data"]:  # so are the cells of a notebook
            notebook["attributes"].pop("cells")
    return {"status": answer["status"], "type": answer["content_type"], "body": shape(body)}


@pytest.fixture(scope="module")
def shelf():
    """Return a shelf with a notebook and an attachment on it."""
    made = Shelf()
    for path, body in (("/api/v1/notebooks", NOTEBOOK), (f"{INCIDENT}/attachments", ATTACHMENT)):
        answered("POST", Ask(SEED, path, body=body, shelf=made))
    return made


@pytest.mark.parametrize(("name", "_recording", "_place", "method", "path", "asked"), PAIRS,
                         ids=[pair[0] for pair in PAIRS])  # fmt: skip
def test_an_answer_has_the_recorded_shape(shelf, name, _recording, _place, method, path, asked):
    known = json.loads(SHAPES.read_text("utf-8"))[name]
    sent = {"params": asked} if method == "GET" else {"body": asked}
    answer = answered(method, Ask(SEED, path, shelf=shelf, **sent))
    assert answer.status == known["status"]
    assert answer.kind == known["type"]
    assert differs(known["body"], answer.body) == []


def test_the_shapes_kept_here_are_those_of_the_recordings():
    """Every pair has its shape here; where the recordings are, the shapes are theirs."""
    kept = json.loads(SHAPES.read_text("utf-8"))
    assert set(kept) == {pair[0] for pair in PAIRS}
    if RECORDINGS.is_dir():
        for name, recording, place, *_ in PAIRS:
            assert kept[name] == recorded(recording, place), name


def test_a_shape_notices_what_is_missing_and_what_is_of_another_type():
    known = shape([{"a": 1, "b": [{"c": "x"}]}, {"a": 2, "b": [], "d": None}])
    assert differs(known, [{"a": 3, "b": [{"c": "y"}]}]) == []
    assert differs(known, [{"b": [{"c": 1}]}]) == [
        "answer[0].a is missing",
        "answer[0].b[0].c: number, recorded text",
    ]


if __name__ == "__main__":
    found = {name: recorded(recording, place) for name, recording, place, *_ in PAIRS}
    SHAPES.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
