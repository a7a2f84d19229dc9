"""Monitors that count logs: read from their query, asked by the minute, and made points of.

``logs("service:web status:error").index("*").rollup("count").last("5m") > 100``. A minute without
logs counts 0, as Datadog treats an empty evaluation of a count. Counts by group, and of anything
but logs, are refused: their answers would be cut at 10,000 rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    import pandas as pd

SQL = "SELECT date_trunc('minute', timestamp) AS minute, count(*) AS value FROM logs GROUP BY 1"
"""What is asked of the logs that match; the search itself is an argument."""

ROWS = 10_000
"""Rows of an answer: minutes that can be asked for at once."""

_LOGS = re.compile(r"\s*logs\s*\(")
_WHOLE = re.compile(
    r"\s*logs\s*\(\s*\"(?P<search>(?:[^\"\\]|\\.)*)\"\s*\)"
    r"(?:\s*\.\s*index\(\s*\"(?P<indexes>[\w*.,\s-]*)\"\s*\))?"
    r"\s*\.\s*rollup\(\s*\"(?P<how>\w+)\"[^)]*\)"
    r"(?P<by>\s*\.\s*by\([^)]*\))?"
    r"\s*\.\s*last\(\s*\"(?P<span>\d{1,5}[mhdw])\"\s*\)"
    r"\s*(?P<sign>>=|<=|>|<)\s*(?P<limit>\d+(?:\.\d+)?)\s*",
    re.DOTALL,
)
_EXAMPLE = 'logs("service:web status:error").index("*").rollup("count").last("5m") > 100'


@dataclass(frozen=True, slots=True)
class Search:
    """Which logs are counted: Datadog's search, and the indexes that are looked in."""

    text: str
    indexes: tuple[str, ...] = ("*",)

    def arguments(self) -> dict[str, Any]:
        """Return what is asked, without the window."""
        return {"sql_query": SQL, "filter": self.text, "indexes": list(self.indexes)}

    def written(self) -> str:
        """Return it as a monitor writes it, up to the window."""
        escaped = re.sub(r'(["\\])', r"\\\1", self.text)
        return f'logs("{escaped}").index("{",".join(self.indexes)}").rollup("count")'


def is_one(words: str) -> bool:
    """Return whether a query is one of logs."""
    return _LOGS.match(words) is not None


def read(words: str) -> tuple[Search, str, str, float]:
    """Return search, window, sign and threshold of a monitor that counts logs.

    Raises QueryError for one that cannot be read or not be tried.
    """
    found = _WHOLE.fullmatch(words)
    if found is None:
        raise QueryError(expected("query", "a count of logs", example=_EXAMPLE, came=words))
    if found["how"] != "count" or found["by"]:
        what = "logs by group" if found["by"] else f"the {found['how']} of logs"
        raise QueryError(f"it cannot be back-tested: it counts {what}, and only one count is tried")
    search = re.sub(r"\\(.)", r"\1", found["search"], flags=re.DOTALL).strip() or "*"
    indexes = tuple(each.strip() for each in (found["indexes"] or "*").split(",") if each.strip())
    made = Search(search, indexes or ("*",))
    return made, found["span"], found["sign"], float(found["limit"])


def points(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the points of an answer to `SQL`, as a metric has them, under a query's name."""
    pandas = import_module("pandas")
    made: pd.DataFrame = pandas.DataFrame(
        {
            "timestamp": pandas.to_datetime(frame["minute"], utc=True),
            "query": pandas.array([name] * len(frame), dtype="string"),
            "series": pandas.array(["*"] * len(frame), dtype="string"),
            "value": frame["value"].astype("Float64"),
            "unit": pandas.array([None] * len(frame), dtype="string"),
        }
    )
    made.attrs = frame.attrs
    return made
