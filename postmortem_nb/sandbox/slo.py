"""The shop's objectives over 30 days, one of each kind.

By metric: 99.5 % of checkout requests succeed. By time slice: in 99 % of minutes no more than 5 %
of them fail.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from postmortem_nb.errors import QueryError, shown
from postmortem_nb.sandbox import metric
from postmortem_nb.sandbox.answers import Answer, Ask, Refused
from postmortem_nb.sandbox.evaluate import Grid, grid
from postmortem_nb.sandbox.functions import Evaluation
from postmortem_nb.sandbox.scenario import FACTS, ON_CALL

HITS = "sum:trace.checkout.request.hits{env:prod}.as_count()"
ERRORS = "sum:trace.checkout.request.errors{env:prod}.as_count()"
GOOD = f"{HITS} - {ERRORS}"
WARNING = 99.7
_MADE = 1741685400
SLICE_TARGET = FACTS.minutes_slo_target
MOST_FAILED = 0.05
"""Share of a minute's requests that may fail before the minute counts as bad."""
_EPOCHS = (0, 10**11)


def objective() -> dict[str, Any]:
    """Return the objective by metric as its endpoints have it."""
    return _described(
        FACTS.slo_id,
        "Checkout availability",
        "Checkout requests that do not fail, of all.",
        (FACTS.slo_target, WARNING),
    ) | {"type": "metric", "type_id": 1, "query": {"numerator": GOOD, "denominator": HITS}}


def slices() -> dict[str, Any]:
    """Return the objective by time slice as its endpoints have it."""
    condition = {
        "comparator": "<=",
        "threshold": MOST_FAILED,
        "query_interval_seconds": 60,
        "query": {
            "formulas": [{"formula": "query1 / query2"}],
            "queries": [
                {"name": name, "data_source": "metrics", "query": query}
                for name, query in (("query1", ERRORS), ("query2", HITS))
            ],
        },
    }
    return _described(
        FACTS.minutes_slo_id,
        "Checkout good minutes",
        "Minutes in which no more than 5 % of checkout requests fail.",
        (SLICE_TARGET, SLICE_WARNING),
    ) | {
        "type": "time_slice",
        "type_id": 2,
        "sli_specification": {"time_slice": condition},
    }


SLICE_WARNING = 99.3


def _described(slo_id: str, name: str, about: str, levels: tuple[float, float]) -> dict[str, Any]:
    """Return what objectives of every type have."""
    return {
        "id": slo_id,
        "name": name,
        "description": about,
        "tags": ["env:prod", "service:checkout", "team:checkout"],
        "monitor_tags": [],
        "thresholds": [_threshold(FACTS.slo_timeframe, *levels)],
        "timeframe": FACTS.slo_timeframe,
        "target_threshold": levels[0],
        "warning_threshold": levels[1],
        "creator": {"name": ON_CALL.name, "handle": ON_CALL.email, "email": ON_CALL.email},
        "created_at": _MADE,
        "modified_at": _MADE,
    }


def _threshold(timeframe: str, target: float, warning: float = WARNING) -> dict[str, Any]:
    return {
        "timeframe": timeframe,
        "target": target,
        "target_display": f"{target:g}",
        "warning": warning,
        "warning_display": f"{warning:g}",
    }


def every(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/slo``, by ids, a word of the name, or a tag."""
    ids = ask.params.get("ids")
    query = ask.params.get("query", "").lower()
    tag = ask.params.get("tags_query", "")
    chosen = [
        each
        for each in (objective(), slices())
        if (not ids or each["id"] in ids.split(","))
        and query in each["name"].lower()
        and (not tag or tag in each["tags"])
    ]
    page = {"total_count": 2, "total_filtered_count": len(chosen)}
    return Answer({"data": chosen, "errors": [], "metadata": {"page": page}})


def one(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/slo/{id}``."""
    return Answer({"data": _known(ask), "errors": []})


def _known(ask: Ask) -> dict[str, Any]:
    found = next((each for each in (objective(), slices()) if each["id"] == ask.parts["id"]), None)
    if found is None:
        raise Refused(404, f"SLO with id {ask.parts['id']} not found")
    return found


def history(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/slo/{id}/history``: good and all requests in a window of seconds.

    The budget is that of the window asked for; with ``target`` under the name ``custom``.
    """
    known = _known(ask)
    span = (ask.number("from_ts", -1, _EPOCHS), ask.number("to_ts", -1, _EPOCHS))
    thresholds = {each["timeframe"]: each for each in known["thresholds"]}
    if "target" in ask.params:
        thresholds = {"custom": _threshold("custom", _target(ask.params["target"]))}
    told = _by_minutes if known["type"] == "time_slice" else _by_requests
    status, more = told(ask.seed, span)
    data = {
        "from_ts": span[0],
        "to_ts": span[1],
        "type": known["type"],
        "type_id": known["type_id"],
        "thresholds": thresholds,
        "group_by": [],
        "slo": known,
        "overall": _overall(known["name"], status, thresholds) | more.pop("overall", {}),
    }
    return Answer({"data": data | more, "errors": None})


def _by_requests(seed: int, span: tuple[int, int]) -> tuple[float | None, dict[str, Any]]:
    """Return the status of a window, and the series of good and all requests in it."""
    over = grid(span, None, partial=True)
    bad, valid = (_values(seed, query, over) for query in (ERRORS, HITS))
    good, total = valid - bad, float(valid.sum())
    status = 100.0 * float(good.sum()) / total if total else None
    return status, {"series": _series(over, span, good, valid)}


def _by_minutes(seed: int, span: tuple[int, int]) -> tuple[float | None, dict[str, Any]]:
    """Return the status of a window by its minutes, and when it changed: 0 up, 1 down, 2 no data.

    A minute without data counts as up, as Datadog counts it for time slices.
    """
    first, last = -(-span[0] // 60) * 60, span[1] // 60 * 60
    if first >= last:
        return None, {"overall": {"history": []}}
    over = Grid(first, 60, (last - first) // 60, first, last)
    bad, valid = (_values(seed, query, over) for query in (ERRORS, HITS))
    share = np.divide(bad, valid, out=np.zeros_like(bad), where=valid > 0)
    states = np.where(valid <= 0, 2, np.where(share > MOST_FAILED, 1, 0))
    if not (valid > 0).any():
        return None, {"overall": {"history": [[float(span[0]), 2]]}}
    changes = np.flatnonzero(np.diff(states, prepend=-1))
    history = [[float(max(over.seconds[n], span[0])), int(states[n])] for n in changes]
    status = 100.0 * float((states != 1).mean())
    return status, {"overall": {"history": history}}


def _target(text: str) -> float:
    try:
        target = float(text)
    except ValueError:
        target = 0.0
    if not 0 < target < 100:
        raise QueryError(f"target: expected a percentage between 0 and 100; got {shown(text)}")
    return target


@lru_cache(maxsize=16)
def _values(seed: int, query: str, over: Grid) -> np.ndarray[Any, Any]:
    """Return a query's counts a bucket, zero where nothing was reported."""
    found = Evaluation(seed, over, {}).value(metric.formula(query))
    if isinstance(found, float) or not found:
        return np.zeros(over.count)
    return np.nan_to_num(found[0].values)


def _overall(name: str, status: float | None, thresholds: dict[str, Any]) -> dict[str, Any]:
    """Return the status of the window and what is left of its budget, in percent."""
    shared = {
        "name": name,
        "span_precision": 3,
        "precision": dict.fromkeys(thresholds, 3),
        "corrections": [],
    }
    if status is None:
        said = "The denominator of the SLO is zero in this window"
        fault = {"error_type": "ZERO_VALUED_DENOMINATOR", "error_message": said}
        empty = {"sli_value": None, "uptime": None, "errors": [fault], "state": "no_data"}
        return shared | empty
    target = next(iter(thresholds.values()))["target"]
    warning = next(iter(thresholds.values()))["warning"]
    state = "breached" if status < target else "warning" if status < warning else "ok"
    budget = {
        name: 100.0 * (status - each["target"]) / (100.0 - each["target"])
        for name, each in thresholds.items()
    }
    known = {"sli_value": status, "uptime": status, "errors": [], "state": state}
    return shared | known | {"error_budget_remaining": budget}


def _series(
    over: Grid, span: tuple[int, int], good: np.ndarray[Any, Any], valid: np.ndarray[Any, Any]
) -> dict[str, Any]:
    return {
        "timing": "0.021",
        "res_type": "time_series",
        "resp_version": 2,
        "query": f"{GOOD}, {HITS}",
        "from_date": span[0] * 1000,
        "to_date": span[1] * 1000,
        "message": "",
        "interval": over.interval,
        "times": (over.seconds * 1000.0).tolist(),
        "numerator": _side(good, GOOD, 0),
        "denominator": _side(valid, HITS, 1),
        "numerator_query": GOOD,
        "denominator_query": HITS,
        "bad_series_query": ERRORS,
        "graph_query": f"{GOOD}, {ERRORS}",
    }


def _side(values: np.ndarray[Any, Any], query: str, index: int) -> dict[str, Any]:
    return {
        "values": values.tolist(),
        "sum": float(values.sum()),
        "count": len(values),
        "metadata": {
            "unit": None,
            "query_index": index,
            "aggr": "sum",
            "metric": "trace.checkout.request.hits",
            "tag_set": [],
            "expression": query,
            "scope": "env:prod",
        },
    }
