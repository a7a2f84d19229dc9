"""Where do the errors come from? Facets and tags that errors have more often than the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from postmortem_nb.analysis import facetvalues, found, significance
from postmortem_nb.captions import label
from postmortem_nb.charts import clock, forest
from postmortem_nb.errors import BadValue, expected
from postmortem_nb.units import numeral

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from postmortem_nb.analysis.facetvalues import Facet
    from postmortem_nb.analysis.found import Found
    from postmortem_nb.incident import Incident

    Flags = NDArray[np.bool_]

ERRORS = ("error", "critical", "alert", "emergency", "fatal")
"""Statuses of an error, of logs, spans and events."""

LEAST = 5
"""Rows that a value must have to be tested: how many of them are errors must not say whether it is,
or only what chance put on top would be tested, and corrected for far too few tests."""
LEAST_ERRORS = 3
"""Errors that a value must have to be shown."""
SHOWN = (
    "facet", "value", "errors", "others", "share_of_errors", "share_of_others", "odds_ratio",
    "q_value",
)  # fmt: skip
COLUMNS = (
    "timestamp", "facet", "value", "over_represented", "errors", "others", "errors_elsewhere",
    "others_elsewhere", "share_of_errors", "share_of_others", "odds_ratio", "odds_low",
    "odds_high", "risk_ratio", "risk_low", "risk_high", "p_value", "q_value", "unknown", "id",
    "says",
)  # fmt: skip


def over_represented(
    frame: pd.DataFrame,
    incident: Incident | None = None,
    *,
    facets: str | Sequence[str] | None = None,
    errors: str | Sequence[str] | pd.Series | None = None,
    baseline: pd.DataFrame | None = None,
) -> Found:
    """Return the facets and tags that errors have more often than other rows.

    Parameters
    ----------
    frame
        an answer of ``search_datadog_logs`` or ``search_datadog_spans`` that holds errors and
        other rows, for example of ``service:checkout``
    incident
        whose declared window is looked at; without one, or without times, the whole frame
    facets
        columns, and keys of ``tags``, to look at; all unless given, but ids, texts, columns
        that say themselves whether a row is an error (``status``, ``error.…``) and why Datadog
        kept a span (``retained_by``, …). Of an array, and
        of a key that a row has several times, each value counts
    errors
        which rows are errors: a status or several (``error`` and worse unless given), or a column
        of True and False as long as the frame
    baseline
        rows of a time without incident: the errors are then compared with its errors (what is
        different about today's errors?) instead of with the rows that are none. Without it that is
        done where the window holds errors only, with the errors before the incident

    Returns
    -------
    DataFrame
        a row a value, those over-represented first, by the lower bound of their odds ratio.

        ``facet``, ``value``
            the column or tag, and its value
        ``over_represented``
            True where q is below 0.05 and the odds ratio above 1
        ``errors``, ``others``, ``errors_elsewhere``, ``others_elsewhere``
            the four counts: rows with the value, and those of the facet without it
        ``share_of_errors``, ``share_of_others``
            parts of 1 that have the value, among rows whose value is known
        ``odds_ratio``, ``odds_low``, ``odds_high``
            with 95 % interval (Woolf 1955; ½ added where a cell is empty)
        ``risk_ratio``, ``risk_low``, ``risk_high``
            risk of an error with the value over that without, 95 % interval (Katz 1978); unknown
            where errors are compared with errors
        ``p_value``, ``q_value``
            Fisher's exact test, one-sided; corrected for the number of values tested (Benjamini
            and Hochberg): all that five rows have, those with fewer than three errors too, which
            are not listed
        ``unknown``
            rows that do not have the facet; they are counted nowhere. Tags without a value (facet
            ``tag``) and a key of ``tags`` with one value only are compared with the tagged rows
            that lack them
        ``timestamp``, ``id``
            of the first error with the value
        ``says``
            the row in words, for the timeline

    Rows are taken as independent: many rows of one user or one retry make p-values too small. A
    facet that errors have is a lead, not a cause. Raises BadValue where there are no errors, or
    nothing to compare them with.
    """
    whole = found.timed(frame)
    cases, others, against = _compared(whole, incident, errors, baseline)
    both = pd.concat([cases, others], ignore_index=True)
    is_case = np.arange(len(both)) < len(cases)
    rows = [
        row for facet in facetvalues.read(both, facets) for row in _tested(facet, is_case, both)
    ]
    table = _table(pd.DataFrame(rows, columns=[*COLUMNS[:-1]]), against)
    tested, facets_tested = len(rows), len({row[1] for row in rows})
    shown = found.Shown(
        lambda: forest.draw(_title(against), _marks(table), _when(cases), tested),
        _alt(table, against), SHOWN,
        f"{tested:,} values of {facets_tested:,} facets tested · "
        f"{len(cases):,} errors against {len(others):,} {against}",
    )  # fmt: skip
    return found.made(table, shown, whole)


_OTHERS = "other rows"
"""What errors are compared with where nothing else is named."""


def _compared(
    whole: pd.DataFrame,
    incident: Incident | None,
    errors: str | Sequence[str] | pd.Series | None,
    baseline: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the errors of the window, what they are compared with, and that in words."""
    failed, at = _failed(whole, errors), clock.seconds(whole["timestamp"])
    start, end = found.window(incident)
    inside = np.isfinite(at)
    if start is not None:
        inside &= at >= clock.epoch(start)
    if end is not None:
        inside &= at <= clock.epoch(end)
    cases = whole[failed & inside]
    if not len(cases):
        raise BadValue(
            "frame: expected errors in the incident, for example search_datadog_logs("
            "'service:checkout', …) with a status column; got none"
        )
    if baseline is not None:
        past = found.timed(baseline, "baseline")
        return cases, _some(past[_failed(past, errors)]), "errors of the baseline"
    if (~failed & inside).any():
        return cases, whole[~failed & inside], _OTHERS
    before = failed & (at < (clock.epoch(start) if start is not None else -np.inf))
    return cases, _some(whole[before]), "errors before the incident"


def _some(rows: pd.DataFrame) -> pd.DataFrame:
    if not len(rows):
        raise BadValue(
            "frame: expected rows that are no errors, or errors before the incident, to compare "
            "with, for example the query 'service:checkout' without status:error; got errors only"
        )
    return rows


def _failed(frame: pd.DataFrame, errors: str | Sequence[str] | pd.Series | None) -> Flags:
    """Return which rows are errors."""
    if isinstance(errors, (pd.Series, np.ndarray)):
        if len(errors) != len(frame) or not pd.api.types.is_bool_dtype(errors):
            raise BadValue(
                expected(
                    "errors", f"a column of {len(frame):,} True or False",
                    example="frame['http.status_code'] >= 500",
                    came=f"{len(errors):,} of {errors.dtype}",
                )
            )  # fmt: skip
        return _aligned(errors, frame.index).fillna(value=False).to_numpy(dtype=bool)
    if "status" not in frame.columns:
        raise BadValue(
            "errors: expected a status column in the frame or errors=frame['…'] >= 500, for "
            "example; got neither"
        )
    wanted = ERRORS if errors is None else (errors,) if isinstance(errors, str) else errors
    known = {str(one).lower() for one in wanted}
    flags: Flags = frame["status"].astype("string").str.lower().isin(known).to_numpy(dtype=bool)
    return flags


def _aligned(errors: pd.Series | Flags, index: pd.Index) -> pd.Series:
    """Return flags in the order of the rows: by their index, as ``frame[errors]`` takes them."""
    flags = pd.Series(errors)
    is_other_order = (
        isinstance(errors, pd.Series) and index.is_unique and flags.index.is_unique
        and len(flags.index.union(index)) == len(index)
    )  # fmt: skip
    return flags.reindex(index) if is_other_order else flags


def _tested(facet: Facet, is_case: Flags, rows: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield the columns of each value of a facet that has enough rows, all but p and words."""
    known = facet.known
    cases, controls = int((known & is_case).sum()), int((known & ~is_case).sum())
    if not controls:
        return  # only errors have it: it says that a row is one
    of_case = is_case[facet.places]
    errors = np.bincount(facet.codes[of_case], minlength=len(facet.names))
    others = np.bincount(facet.codes[~of_case], minlength=len(facet.names))
    both = errors + others
    tested = np.flatnonzero((both >= LEAST) & (both < cases + controls))
    order = tested[np.argsort(-both[tested], kind="stable")][: facetvalues.MOST]
    at = clock.seconds(rows["timestamp"])
    for code in order:
        when, number = pd.NaT, pd.NA
        if errors[code] >= LEAST_ERRORS:
            here = facet.places[(facet.codes == code) & of_case]
            first = here[np.argmin(np.nan_to_num(at[here], nan=np.inf))]
            when = rows["timestamp"].iloc[first]
            number = rows["id"].iloc[first] if "id" in rows.columns else pd.NA
        yield (
            when, facet.name, facet.names[code], False,
            int(errors[code]), int(others[code]), cases - int(errors[code]),
            controls - int(others[code]), errors[code] / cases, others[code] / controls,
            *[np.nan] * 8, int((~known).sum()), number,
        )  # fmt: skip


def _table(rows: pd.DataFrame, against: str) -> pd.DataFrame:
    """Return the rows with their effects, p-values and words, the strongest first."""
    cells = [
        rows[name].to_numpy(dtype=np.float64)
        for name in ("errors", "others", "errors_elsewhere", "others_elsewhere")
    ]
    odds, risk = significance.odds_ratio(*cells), significance.risk_ratio(*cells)
    p = significance.overrepresented(*cells)
    rows = rows.assign(
        odds_ratio=odds.ratio, odds_low=odds.low, odds_high=odds.high, p_value=p,
        q_value=significance.adjusted(p),
    )  # fmt: skip
    if against == _OTHERS:
        rows = rows.assign(risk_ratio=risk.ratio, risk_low=risk.low, risk_high=risk.high)
    tested = len(rows)
    rows = rows[rows["errors"] >= LEAST_ERRORS]
    over = (rows["q_value"] < significance.SIGNIFICANT) & (rows["odds_ratio"] > 1)
    rows["over_represented"] = over.astype(bool)
    order = np.lexsort((-rows["odds_low"].to_numpy(dtype=np.float64), ~over.to_numpy(dtype=bool)))
    rows = rows.iloc[order].reset_index(drop=True)
    rows["says"] = [_says(row, against, tested) for row in found.records(rows)]
    rows["timestamp"] = pd.to_datetime(rows["timestamp"], utc=True).astype("datetime64[us, UTC]")
    return rows.astype(dict.fromkeys(("facet", "value", "id", "says"), "string"))


def _says(row: dict[str, Any], against: str, tested: int) -> str:
    """Return a row in words; an interval above 1 that many tests explain is said to be chance."""
    name = f"{label(row['facet'], 60)} {label(row['value'], 100)}"
    return (
        f"{name}: {_share(row['share_of_errors'])} of the errors, "
        f"{_share(row['share_of_others'])} of the "
        f"{against}, an odds ratio of {numeral(row['odds_ratio'], 3)} ("
        f"{numeral(row['odds_low'], 3)} to {numeral(row['odds_high'], 3)})"
        + ("" if row["over_represented"] or row["odds_ratio"] <= 1 else _chance(row, tested))
    )


def _chance(row: dict[str, Any], tested: int) -> str:
    return f"; no more than chance among {tested:,} values (q {numeral(row['q_value'], 2)})"


def _share(part: float) -> str:
    """Return a share as a reader takes it; what is not 0 or all is not called so."""
    whole = f"{part:.0%}"
    if part in (0, 1) or whole not in ("0%", "1%", "99%", "100%"):
        return whole
    return f"{part:.1%}" if 0.0005 <= part < 0.9995 else "< 0.1%" if part < 0.5 else "> 99.9%"


def _title(against: str) -> str:
    return f"What errors have more often than {against}"


def _when(cases: pd.DataFrame) -> str:
    """Return when the errors came, and whether they are the sandbox's."""
    at = clock.seconds(cases["timestamp"])
    span = clock.spell(clock.Span(float(np.floor(at.min())), float(np.ceil(at.max()))))
    sandbox = (cases.attrs.get("evidence") or {}).get("sandbox")
    return f"errors {span} · sandbox data" if sandbox else f"errors {span}"


def _marks(table: pd.DataFrame) -> list[forest.Mark]:
    return [
        forest.Mark(
            f"{found.covered(row['facet'])}: {found.covered(row['value'])}",
            row["odds_ratio"], row["odds_low"], row["odds_high"],
            f"{_share(row['share_of_errors'])} / {_share(row['share_of_others'])}",
            sure=bool(row["over_represented"]),
        )
        for row in found.records(table.head(forest.MOST))
    ]  # fmt: skip


def _alt(table: pd.DataFrame, against: str) -> str:
    over = table[table["over_represented"]]
    said = "; ".join(found.covered(one) for one in over["says"][:5])
    return (
        f"Odds ratios with 95 % intervals, errors against {against}. {said or 'None stands out.'}"
    )
