"""A threshold in its query's own unit: ``800 ms`` of a metric in seconds is 0.8.

A unit that cannot be matched with what the query measures is refused: a threshold that is off by a
thousand would make a back-test say the opposite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from postmortem_nb import units
from postmortem_nb.datadog import expression
from postmortem_nb.datadog.expression import Arithmetic, Number
from postmortem_nb.errors import QueryError, shown

if TYPE_CHECKING:
    import pandas as pd

    from postmortem_nb.monitors.reading import Monitor

HUNDRED = 100.0


def own(monitor: Monitor, frame: pd.DataFrame) -> tuple[float, float | None]:
    """Return threshold and recovery in the query's own unit, which its answer names.

    Raises QueryError where the unit that was written does not fit.
    """
    factor = _factor(monitor, frame) if monitor.unit else 1.0
    return monitor.limit * factor, None if monitor.recovery is None else monitor.recovery * factor


def warning(monitor: Monitor, frame: pd.DataFrame) -> float | None:
    """Return the warning threshold in the query's own unit, as `own` does."""
    if monitor.warning is None:
        return None
    return monitor.warning * (_factor(monitor, frame) if monitor.unit else 1.0)


def unit(monitor: Monitor, frame: pd.DataFrame | None) -> str:
    """Return what a monitor's value is measured in, as charts name it; empty where unknown."""
    if isinstance(monitor.node, Arithmetic):
        if not _is_share(monitor.node):
            return ""
        return "percent" if _is_in_percent(monitor) else "fraction" if monitor.unit == "%" else ""
    known = set() if frame is None else {str(each) for each in frame["unit"].dropna().unique()}
    return known.pop() if len(known) == 1 else ""


def _is_in_percent(monitor: Monitor) -> bool:
    parts = expression.factors(monitor.node)
    return any(isinstance(part, Number) and part.value == HUNDRED for part in parts)


def _factor(monitor: Monitor, frame: pd.DataFrame) -> float:
    """Return what one of the written unit is in the query's own."""
    if monitor.unit == "%" and isinstance(monitor.node, Arithmetic):
        if _is_share(monitor.node):
            return 1.0 if _is_in_percent(monitor) else 1 / HUNDRED
        raise _unfit(monitor, "a sum or product")
    wanted = units.read(monitor.unit)
    known = sorted({str(unit) for unit in frame["unit"].dropna().unique()})
    if wanted.family == "things" and not wanted.per and monitor.unit != "%":
        if all(units.read(each).family == "things" for each in known):
            return 1.0  # "100 errors": what is counted, not a measure
        raise _unfit(monitor, " and ".join(known))
    if isinstance(monitor.node, Arithmetic) or len(known) != 1:
        raise _unfit(monitor, " and ".join(known))
    has = units.read(known[0])
    if (has.family, has.per) != (wanted.family, wanted.per):
        raise _unfit(monitor, known[0])
    if has.family == "things" and has.name != wanted.name:
        raise _unfit(monitor, known[0])
    return wanted.factor / has.factor


def _is_share(node: Arithmetic) -> bool:
    """Return whether a tree is one query over another, times a number or not."""
    if node.sign == "/":
        return not any(isinstance(side, Number) for side in (node.left, node.right))
    sides = (node.left, node.right)
    inner = [side for side in sides if isinstance(side, Arithmetic)]
    return node.sign == "*" and len(inner) == 1 and _is_share(inner[0])


def _unfit(monitor: Monitor, has: str) -> QueryError:
    measured = f"its query measures {shown(has)}" if has else "Datadog names no unit for its query"
    return QueryError(
        f"threshold: {monitor.limit:g} {monitor.unit}: {measured}; write the number in the query's "
        "own unit, for example '> 5'"
    )
