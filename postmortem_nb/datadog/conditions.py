"""A condition on metrics as Datadog writes it: ``avg(last_5m):sum:x{*}.as_rate() > 5``.

A monitor alerts while its condition holds; a time slice is good while its condition, which has no
window, holds. Source: https://docs.datadoghq.com/monitors/types/metric/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from postmortem_nb.datadog import expression
from postmortem_nb.errors import QueryError, expected, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from postmortem_nb.datadog.expression import Node

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

OPERATORS = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}

_HEAD = re.compile(
    r"\s*(?:(?P<change>(?:pct_)?change)\s*\(\s*)?"
    r"(?P<how>avg|sum|min|max)\s*\(\s*last_(?P<span>\d{1,5}[mhdw])\s*\)\s*"
    r"(?(change),\s*(?:last_(?P<shift>\d{1,5}[mhdw])|(?P<ago>\d{1,5}[mhdw])_ago)\s*\)\s*):",
    re.IGNORECASE,
)
_END = re.compile(r"\s*(?P<sign>>=|<=|==|!=|>|<)\s*(?P<limit>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*$")
_MEASURED = re.compile(r"\s*(?:>=|<=|>|<)\s*[-+]?[\d.,]+\s*[A-Za-zµ%/]+\s*$")
"""A limit with a unit, which Datadog reads as little as we do."""
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class Condition:
    """What is measured, over which window (none: each interval alone), and the limit."""

    node: Node
    source: str
    aggregation: str
    window: timedelta | None
    sign: str
    limit: float
    change: str = ""
    """``change`` or ``pct_change``: what is compared is how it differs from ``shift`` before."""
    shift: timedelta = timedelta()


def has_window(words: str) -> bool:
    """Return whether a text begins as a monitor does: ``avg(last_5m):``."""
    return _HEAD.match(words) is not None


def read(words: str) -> Condition:
    """Return a condition. Raises QueryError, in one line, for what is none."""
    head = _HEAD.match(words)
    body = words[head.end() :] if head else words
    shift = (head["shift"] or head["ago"]) if head else None
    node, end = expression.parse(body)
    found = _END.fullmatch(body[end:])
    if found is None:
        if _MEASURED.fullmatch(body[end:]):
            raise QueryError(
                "query: expected a limit in the query's own unit, without naming it, for example "
                f"'> 2500'; got {shown(body[end:].strip())}"
            )
        raise QueryError(
            expected("query", "a condition at its end", example="> 5", came=body[end:])
        )
    if found["sign"] not in OPERATORS:
        raise QueryError(f"query: expected >, >=, < or <=; got {found['sign']}")
    return Condition(
        node,
        " ".join(body[:end].split()),
        head["how"].lower() if head else "",
        span(head["span"].lower()) if head else None,
        found["sign"],
        _number(found["limit"]),
        (head["change"] or "").lower() if head else "",
        span(shift.lower()) if shift else timedelta(),
    )


def holds(sign: str, row: Floats, limit: float) -> Flags:
    """Return where values are on the side of the limit that a sign names; NaN is nowhere."""
    with np.errstate(invalid="ignore"):
        found: Flags = OPERATORS[sign](row, limit)
    return found


def span(words: str) -> timedelta:
    """Return a window as Datadog writes it: ``5m``, ``4h``."""
    return timedelta(**{_UNITS[words[-1]]: int(words[:-1])})


def _number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        raise QueryError(
            f"threshold: expected a number, for example 5; got {shown(words)}"
        ) from None
