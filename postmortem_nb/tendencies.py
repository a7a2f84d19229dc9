"""What an archive says over time: durations with their spread, incidents a month, work done.

Everything is counted out: how many incidents a figure stands on, how many are unknown and so left
out. Too few to say are listed instead. No arrow, no "improved": see `distributions`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pandas as pd

from postmortem_nb import distributions
from postmortem_nb.metrics import SPANS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MEASURES: Mapping[str, tuple[str, str]] = {
    "time_to_detect": ("MTTD", "time to detect"),
    "time_to_acknowledge": ("MTTA", "time to acknowledge"),
    "time_to_mitigate": ("MTTM", "time to mitigate"),
    "duration": ("MTTR", "time to recover"),
}
"""Column of `Archive.incidents` → the name that a mean over incidents goes by, and its meaning."""

STRATA: Mapping[str, str] = {"severity": "severity", "detection": "detected by"}
"""Columns by which incidents are told apart: kinds of incidents, not better and worse ones."""

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, repr=False)
class Trends:
    """What an archive says over time.

    ``measures``: a row for each measure, over all incidents and in each stratum. Columns:
    ``measure`` (MTTD, MTTA, MTTM, MTTR), ``by`` ("all", "severity", "detection"), ``stratum``,
    ``n``, ``unknown`` (left out: no time, or an end before its beginning), ``mean``, ``median``,
    ``q1``, ``q3``, ``p90``, ``mean_low``, ``mean_high``, ``median_low``, ``median_high`` (minutes,
    Float64; `distributions.Spread`), ``definition``.

    ``few``: the incidents behind each row with too few for a spread: ``measure``, ``by``,
    ``stratum``, ``incident``, ``minutes``.

    ``months``: every calendar month (UTC) from the first incident to the last: ``month``
    (``2025-12``), ``incidents``, ``low``, ``high`` (exact 95 % Poisson interval of its mean).

    ``rate``: ``incidents``, ``months``, ``a_month``, ``low``, ``high``, ``undated``.

    ``actions``: ``actions``, ``done``, ``open``, ``overdue``, ``undated``, ``unowned``,
    ``done_percent`` of all (missing without any), pooled and not averaged over incidents.

    ``repeats``: ``incidents`` with a named contributing factor, ``repeated``: those of them that
    share one with an earlier incident, ``percent``. ``factors``: ``factor``, ``incidents`` (list).
    """

    measures: pd.DataFrame
    few: pd.DataFrame
    months: pd.DataFrame
    rate: dict[str, Any]
    actions: dict[str, Any]
    repeats: dict[str, Any]
    factors: pd.DataFrame

    def __repr__(self) -> str:
        """Return what ``postmortem trends`` prints, as a notebook shows it."""
        return str(import_module("postmortem_nb.archivepages").trends(self).rstrip())


def of(
    incidents: pd.DataFrame,
    actions: pd.DataFrame,
    factors: Sequence[tuple[str, list[str]]],
) -> Trends:
    """Return the trends of `Archive.incidents`, `Archive.actions` and the factors, oldest first."""
    groups = list(_groups(incidents))
    repeated, shared = _repeats(factors)
    return Trends(
        measures=_measures(groups),
        few=_few(groups),
        months=_months(incidents),
        rate=_rate(incidents),
        actions=_completion(actions),
        repeats=repeated,
        factors=shared,
    )


Group = tuple[str, str, pd.DataFrame]


def _groups(incidents: pd.DataFrame) -> Iterator[Group]:
    """Yield how incidents are told apart, in which stratum, and which these are."""
    yield "all", "all", incidents
    for column in STRATA:
        named = incidents[column].fillna(UNKNOWN)
        if set(named) == {UNKNOWN}:
            continue  # nothing tells them apart
        for stratum in sorted(named.unique(), key=lambda name: (name == UNKNOWN, name)):
            yield column, str(stratum), incidents[named == stratum]


def _measures(groups: Iterable[Group]) -> pd.DataFrame:
    said = {span.name: span for span in SPANS}
    rows = []
    for by, stratum, incidents in groups:
        for column, (name, meaning) in MEASURES.items():
            known = incidents[column].dropna()
            span = said[column]
            rows.append(
                {
                    "measure": name,
                    "by": by,
                    "stratum": stratum,
                    **asdict(distributions.spread(known.tolist())),
                    "unknown": len(incidents) - len(known),
                    "definition": f"{meaning}: {span.until} − {span.since}",
                }
            )
    texts = ("measure", "by", "stratum", "definition")
    frame = pd.DataFrame(rows, columns=list(_SPREAD))
    types = {n: "string" if n in texts else _SPREAD[n] for n in _SPREAD}
    return frame.astype(types)


_SPREAD = {
    **dict.fromkeys(("measure", "by", "stratum"), "string"),
    **dict.fromkeys(("n", "unknown"), "Int64"),
    **dict.fromkeys(("mean", "median", "q1", "q3", "p90"), "Float64"),
    **dict.fromkeys(("mean_low", "mean_high", "median_low", "median_high"), "Float64"),
    "definition": "string",
}


def _few(groups: Iterable[Group]) -> pd.DataFrame:
    """Return the incidents of each row that has some, but too few for a spread."""
    rows: list[dict[str, Any]] = []
    for by, stratum, incidents in groups:
        for column, (name, _) in MEASURES.items():
            known = incidents.dropna(subset=[column])
            if len(known) < distributions.FEW:
                place = {"measure": name, "by": by, "stratum": stratum}
                pairs = zip(known["incident"], known[column], strict=True)
                rows += [{**place, "incident": each, "minutes": value} for each, value in pairs]
    texts = ("measure", "by", "stratum", "incident")
    frame = pd.DataFrame(rows, columns=[*texts, "minutes"])
    return frame.astype(dict.fromkeys(texts, "string") | {"minutes": "Float64"})


def _months(incidents: pd.DataFrame) -> pd.DataFrame:
    days = incidents["date"].dropna()
    months = days.dt.to_period("M")
    every = list(pd.period_range(months.min(), months.max(), freq="M")) if len(days) else []
    counts = [int((months == month).sum()) for month in every]
    bounds = [distributions.poisson(count) for count in counts]
    return pd.DataFrame(
        {
            "month": pd.array([str(month) for month in every], dtype="string"),
            "incidents": pd.array(counts, dtype="Int64"),
            "low": pd.array([low for low, _ in bounds], dtype="Float64"),
            "high": pd.array([high for _, high in bounds], dtype="Float64"),
        }
    )


def _rate(incidents: pd.DataFrame) -> dict[str, Any]:
    """Return incidents a calendar month, over whole months from the first incident to the last."""
    months = incidents["date"].dropna().dt.to_period("M")
    undated = len(incidents) - len(months)
    if not len(months):
        unknown = dict.fromkeys(("a_month", "low", "high"))
        return {"incidents": 0, "months": 0, **unknown, "undated": undated}
    span = (months.max() - months.min()).n + 1
    low, high = distributions.poisson(len(months))
    return {
        "incidents": len(months),
        "months": span,
        "a_month": len(months) / span,
        "low": low / span,
        "high": high / span,
        "undated": undated,
    }


def _completion(actions: pd.DataFrame) -> dict[str, Any]:
    done = int(actions["done"].sum())
    left = actions[~actions["done"]]
    return {
        "actions": len(actions),
        "done": done,
        "open": len(left),
        "overdue": int((left["late_days"] > 0).sum()),
        "undated": int(left["due"].isna().sum()),
        "unowned": int(left["owner"].isna().sum()),
        "done_percent": 100 * done / len(actions) if len(actions) else None,
    }


def _repeats(
    incidents: Sequence[tuple[str, list[str]]],
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return how many incidents share a factor with an earlier one, and the shared factors."""
    named = [(incident, names) for incident, names in incidents if names]
    holders: dict[str, list[str]] = defaultdict(list)
    spelt: dict[str, str] = {}
    repeated = 0
    for incident, names in named:
        keys = {key(name): name for name in names}
        repeated += any(each in holders for each in keys)
        for each, name in keys.items():
            holders[each].append(incident)
            spelt.setdefault(each, name)
    shared = [(spelt[each], ids) for each, ids in holders.items() if len(ids) > 1]
    shared.sort(key=lambda pair: (-len(pair[1]), pair[0]))
    percent = 100 * repeated / len(named) if named else None
    frame = pd.DataFrame(shared, columns=["factor", "incidents"]).astype({"factor": "string"})
    return {"incidents": len(named), "repeated": repeated, "percent": percent}, frame


def key(name: str) -> str:
    """Return a factor's name as it is compared: case, spaces and punctuation do not count."""
    letters = "".join(char if char.isalnum() else " " for char in name.casefold())
    return " ".join(letters.split()) or name


def stretches(few: pd.DataFrame) -> list[tuple[tuple[str, str, str], list[tuple[str, float]]]]:
    """Return the listed incidents of each measure and stratum, in order, with their minutes."""
    rows = few.to_dict("records")
    found = []
    for place, several in groupby(
        rows, key=lambda row: (row["measure"], row["by"], row["stratum"])
    ):
        found.append((place, [(row["incident"], float(row["minutes"])) for row in several]))
    return found
