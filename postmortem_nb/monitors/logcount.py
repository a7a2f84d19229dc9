"""Monitors that count logs: read from their query, asked by the minute, and made points of.

``logs("service:web status:error").index("*").rollup("count").last("5m") > 100``. A minute without
logs counts 0, as Datadog treats an empty evaluation of a count. With ``.by("host,env")`` each group
counts alone; an answer of more than 10,000 rows is cut, and says so. What counts anything but logs
is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb.errors import QueryError, expected

if TYPE_CHECKING:
    import pandas as pd

SQL = "SELECT date_trunc('minute', timestamp) AS minute, {}count(*) AS value FROM logs GROUP BY {}"
"""What is asked of the logs that match; the search itself is an argument."""

MOST_KEYS = 4
"""Facets that Datadog groups by at most."""

CANNOT = "it cannot be back-tested"
"""How the reason begins for a kind of monitor that cannot be tried."""

ROWS = 10_000
"""Rows of an answer: minutes that can be asked for at once."""

_LOGS = re.compile(r"\s*logs\s*\(")
_KEYS = r"\"[\w@./:*-]+(?:\s*,\s*[\w@./:*-]+)*\""
_WHOLE = re.compile(
    r"\s*logs\s*\(\s*\"(?P<search>(?:[^\"\\]|\\.)*)\"\s*\)"
    r"(?:\s*\.\s*index\(\s*\"(?P<indexes>[\w*.,\s-]*)\"\s*\))?"
    r"\s*\.\s*rollup\(\s*\"(?P<how>\w+)\"[^)]*\)"
    rf"(?:\s*\.\s*by\(\s*(?P<by>{_KEYS}(?:\s*,\s*{_KEYS})*)\s*\))?"
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
    by: tuple[str, ...] = ()

    def arguments(self) -> dict[str, Any]:
        """Return what is asked, without the window."""
        keys = "".join(f'"{key}" AS key{place}, ' for place, key in enumerate(self.by))
        columns = ", ".join(str(place) for place in range(1, len(self.by) + 2))
        asked = SQL.format(keys, columns)
        found: dict[str, Any] = {"sql_query": asked, "filter": self.text}
        if self.by:
            found["extra_columns"] = [key for key in self.by if key.startswith("@")]
        return found | {"indexes": list(self.indexes)}

    def written(self) -> str:
        """Return it as a monitor writes it, up to the window."""
        escaped = re.sub(r'(["\\])', r"\\\1", self.text)
        by = f'.by("{",".join(self.by)}")' if self.by else ""
        return f'logs("{escaped}").index("{",".join(self.indexes)}").rollup("count"){by}'


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
    if found["how"] != "count":
        what = f"the {found['how']} of logs"
        raise QueryError(f"{CANNOT}: it takes {what}, and only counts are tried")
    by = tuple(re.findall(r'[^\s",]+', found["by"] or ""))
    if len(by) > MOST_KEYS:
        raise QueryError(f"query: expected up to {MOST_KEYS} facets to group by; got {len(by)}")
    search = re.sub(r"\\(.)", r"\1", found["search"], flags=re.DOTALL).strip() or "*"
    indexes = tuple(each.strip() for each in (found["indexes"] or "*").split(",") if each.strip())
    made = Search(search, indexes or ("*",), by)
    return made, found["span"], found["sign"], float(found["limit"])


def points(frame: pd.DataFrame, name: str, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the points of an answer to `SQL`, as a metric has them, under a query's name.

    Logs without a facet that is grouped by belong to no group, as in Datadog.
    """
    pandas = import_module("pandas")
    names = [f"key{place}" for place in range(len(by))]
    frame = frame.dropna(subset=names) if names else frame
    parts = [[f"{key}:{each}" for each in frame[col]] for key, col in zip(by, names, strict=True)]
    series = [",".join(tags) for tags in zip(*parts, strict=True)] if by else ["*"] * len(frame)
    made: pd.DataFrame = pandas.DataFrame(
        {
            "timestamp": pandas.to_datetime(frame["minute"], utc=True),
            "query": pandas.array([name] * len(frame), dtype="string"),
            "series": pandas.array(series, dtype="string"),
            "value": frame["value"].astype("Float64"),
            "unit": pandas.array([None] * len(frame), dtype="string"),
        }
    )
    made.attrs = frame.attrs
    return made
