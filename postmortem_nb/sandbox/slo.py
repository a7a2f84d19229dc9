"""The shop's one objective: 99.5 % of checkout requests succeed over 30 days, by metric."""

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
_EPOCHS = (0, 10**11)


def objective() -> dict[str, Any]:
    """Return the objective as its endpoints have it."""
    return {
        "id": FACTS.slo_id,
        "name": "Checkout availability",
        "description": "Checkout requests that do not fail, of all.",
        "tags": ["env:prod", "service:checkout", "team:checkout"],
        "monitor_tags": [],
        "thresholds": [_threshold(FACTS.slo_timeframe, FACTS.slo_target)],
        "type": "metric",
        "type_id": 1,
        "timeframe": FACTS.slo_timeframe,
        "target_threshold": FACTS.slo_target,
        "warning_threshold": WARNING,
        "query": {"numerator": GOOD, "denominator": HITS},
        "creator": {"name": ON_CALL.name, "handle": ON_CALL.email, "email": ON_CALL.email},
        "created_at": _MADE,
        "modified_at": _MADE,
    }


def _threshold(timeframe: str, target: float) -> dict[str, Any]:
    return {
        "timeframe": timeframe,
        "target": target,
        "target_display": f"{target:g}",
        "warning": WARNING,
        "warning_display": f"{WARNING:g}",
    }


def every(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/slo``, by ids, a word of the name, or a tag."""
    found = objective()
    ids = ask.params.get("ids")
    query = ask.params.get("query", "").lower()
    tag = ask.params.get("tags_query", "")
    fits = (not ids or found["id"] in ids.split(",")) and query in found["name"].lower()
    chosen = [found] if fits and (not tag or tag in found["tags"]) else []
    page = {"total_count": 1, "total_filtered_count": len(chosen)}
    return Answer({"data": chosen, "errors": [], "metadata": {"page": page}})


def one(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/slo/{id}``."""
    _known(ask)
    return Answer({"data": objective(), "errors": []})


def _known(ask: Ask) -> None:
    if ask.parts["id"] != FACTS.slo_id:
        raise Refused(404, f"SLO with id {ask.parts['id']} not found")


def history(ask: Ask) -> Answer:
    """Answer ``GET /api/v1/slo/{id}/history``: good and all requests in a window of seconds.

    The budget is that of the window asked for; with ``target`` under the name ``custom``.
    """
    _known(ask)
    span = (ask.number("from_ts", -1, _EPOCHS), ask.number("to_ts", -1, _EPOCHS))
    over = grid(span, None, partial=True)
    bad, valid = (_values(ask.seed, query, over) for query in (ERRORS, HITS))
    good = valid - bad
    total = float(valid.sum())
    status = 100.0 * float(good.sum()) / total if total else None
    thresholds = {FACTS.slo_timeframe: _threshold(FACTS.slo_timeframe, FACTS.slo_target)}
    if "target" in ask.params:
        thresholds = {"custom": _threshold("custom", _target(ask.params["target"]))}
    return Answer(
        {
            "data": {
                "from_ts": span[0],
                "to_ts": span[1],
                "type": "metric",
                "type_id": 1,
                "thresholds": thresholds,
                "group_by": [],
                "slo": objective(),
                "series": _series(over, span, good, valid),
                "overall": _overall(status, thresholds),
            },
            "errors": None,
        }
    )


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


def _overall(status: float | None, thresholds: dict[str, Any]) -> dict[str, Any]:
    """Return the status of the window and what is left of its budget, in percent."""
    shared = {
        "name": "Checkout availability",
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
    state = "breached" if status < target else "warning" if status < WARNING else "ok"
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
