"""One question, three ways: by Datadog's SQL, by its counts, over rows that are pulled.

The sandbox has no DDSQL, so one that goes by its public reference stands in: it refuses what the
reference does not have, and runs the rest over the sandbox's logs in a database of the test's own.
"""

import itertools
import re
import urllib.request

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lying import Lying, Say
from sqlglot import exp

from postmortem_nb import sandbox
from postmortem_nb.datadog import analyze_datadog_logs, search_datadog_logs

WINDOW = {"from_": "2025-12-04T14:18:00Z", "to": "2025-12-04T14:24:00Z"}
EXTRA = [
    {"name": "@http.status_code", "type": "bigint"},
    {"name": "@error.kind", "type": "varchar"},
    {"name": "@duration", "type": "float64"},
]
CORE = ("timestamp", "host", "source", "service", "status", "message", "trace_id", "id")
FUNCTIONS = re.compile(
    "MIN|MAX|COUNT|SUM|AVG|CEIL|FLOOR|ROUND|LOWER|UPPER|ABS|COALESCE|CAST|LENGTH|TRIM|REPLACE"
    "|SUBSTRING|STRPOS|SPLIT_PART|EXTRACT|DATE_TRUNC|REGEXP_LIKE"
)
LISTED = r"dd\.logs\(columns => ARRAY\[(.*?)\], filter => '\*', storage => 'hot'\) AS \((.*?)\)\)"


class ByTheBook:
    """DDSQL as its reference has it, over a frame of logs; ``asked`` are the queries it ran."""

    def __init__(self, rows):
        self.rows, self.asked = rows, []

    def __call__(self, heard):
        attributes = heard.json["data"]["attributes"]
        said = self.refusal(attributes["query"])
        if said:
            return Say({"errors": [{"title": "Invalid query", "detail": said}]}, status=400)
        self.asked.append(attributes["query"])
        columns = self.run(attributes["query"], attributes["row_limit"])
        found = {"state": "completed", "columns": columns, "warnings": []}
        return Say({"data": {"id": "q", "type": "ddsql_query_response", "attributes": found}})

    def refusal(self, query):
        """Return what the reference does not have in a query, or nothing."""
        tree = sqlglot.parse_one(re.sub(LISTED, "rows)", query), read="postgres")
        for select in tree.find_all(exp.Select):
            names = {e.alias for e in select.expressions if isinstance(e, exp.Alias)}
            for clause in ("where", "group", "having"):
                part = select.args.get(clause)
                used = {c.name for c in part.find_all(exp.Column)} if part else set()
                if used & names - {*CORE}:
                    return f"Column '{min(used & names)}' cannot be resolved"
            keys = [*(select.args["group"].expressions if select.args.get("group") else [])]
            order = select.args.get("order")
            keys += [key.this for key in order.expressions] if order else []
            if any(isinstance(key, exp.Literal) for key in keys):
                return "a key is a constant"
        if tree.find(exp.Filter, exp.WithinGroup, exp.CTE):
            return "mismatched input"
        bare = re.sub(r"'[^']*'|\"[^\"]*\"|dd\.logs\(.*?\)", "", query)
        odd = [name for name in re.findall(r"\b([A-Z_]+)\(", bare) if not FUNCTIONS.fullmatch(name)]
        return f"Function {odd[0]} not registered" if odd else ""

    def run(self, query, limit):
        def listed(found):
            names = re.findall(r"'(.*?)'", found[1])
            kinds = re.findall(r"c\d+ (\w+)", found[2])
            cells = (
                f'CAST("{name}" AS {kind.replace("DECIMAL", "DOUBLE")}) AS c{at}'
                for at, (name, kind) in enumerate(zip(names, kinds, strict=True))
            )
            return f"(SELECT {', '.join(cells)} FROM rows))"

        plain = re.sub(LISTED, listed, query).replace("AS DECIMAL", "AS DOUBLE")
        database = duckdb.connect(":memory:")
        database.execute("SET default_null_order = 'nulls_last'")
        database.execute("CREATE MACRO regexp_like(t, p) AS regexp_matches(t, p)")
        database.register("rows", self.rows)
        found = pa.table(database.sql(f"SELECT * FROM ({plain}) LIMIT {limit}"))
        return [self.column(name, found[name]) for name in found.column_names]

    @staticmethod
    def column(name, values):
        kind = str(values.type)
        if kind.startswith("timestamp"):
            whole = [
                None if v is None else int(pd.Timestamp(v).value // 10**6)
                for v in values.to_pylist()
            ]
            return {"name": name, "type": "TIMESTAMP", "values": whole}
        listed = [float(v) if type(v).__name__ == "Decimal" else v for v in values.to_pylist()]
        if kind.startswith("decimal128(38, 0"):
            return {"name": name, "type": "BIGINT", "values": [v and int(v) for v in listed]}
        types = {"string": "VARCHAR", "int64": "BIGINT", "int32": "BIGINT", "bool": "BOOLEAN"}
        return {"name": name, "type": types.get(kind, "DECIMAL"), "values": listed}


def forwarded(heard):
    """Return the sandbox's answer to a request."""
    url = sandbox.running().url + heard.path
    asked = urllib.request.Request(url, heard.body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(asked) as answer:  # noqa: S310
        return Say(answer.read())


@pytest.fixture(scope="module")
def ways():
    """Return the three ways: each a server that has one of them, and the DDSQL of the first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("POSTMORTEM_DATADOG_URL", raising=False)
        fields = [each["name"] for each in EXTRA]
        rows = search_datadog_logs("*", **WINDOW, extra_fields=fields, limit=5000)
    columns = {name: rows[name] for name in CORE if name in rows}
    columns["timestamp"] = rows["timestamp"].dt.tz_localize(None)
    columns |= {name: rows[name.removeprefix("@")] for name in fields}
    book = ByTheBook(pd.DataFrame(columns))

    def only(word):
        def answer(heard):
            if "ddsql" in heard.path:
                return book(heard) if word == "ddsql" else Say({"errors": ["no"]}, status=404)
            if "aggregate" in heard.path and word != "aggregate":
                return Say({"errors": ["no"]}, status=404)
            return forwarded(heard)

        return answer

    servers = {word: Lying(only(word)) for word in ("ddsql", "aggregate", "rows")}
    yield servers, book
    for server in servers.values():
        server.__exit__()


KEYS = {
    "service": "service",
    "status": "status",
    "host": "host",
    "minute": "date_trunc('minute', timestamp)",
    "hour": "date_trunc('hour', timestamp)",
    "kind": '"@error.kind"',
    "code": '"@http.status_code"',
    "loud": "upper(service)",
    "first": "regexp_like(host, '1$')",
}
FIGURES = (
    "count(*)",
    "count(DISTINCT host)",
    'count("@error.kind")',
    "count(*) FILTER (WHERE status = 'error')",
    'max("@duration")',
    'avg("@http.status_code")',
    "min(timestamp)",
    "count(*) / 7",
    'percentile_cont(0.9) WITHIN GROUP (ORDER BY "@duration")',
)
WHERE = (
    "",
    "status = 'error'",
    "service IN ('checkout', 'payments')",
    '"@http.status_code" >= 500',
)


@st.composite
def questions(draw):
    """Return a SELECT: keys by name, by place or written out, figures, a limit that cuts no tie."""
    keys = draw(st.lists(st.sampled_from([*KEYS]), unique=True, max_size=2))
    figures = draw(st.lists(st.sampled_from(FIGURES), min_size=1, max_size=2, unique=True))
    results = [f"{KEYS[key]} AS {key}_key" for key in keys]
    results += [f"{figure} AS figure_{at}" for at, figure in enumerate(figures)]
    ways = [(f"{key}_key", str(at), KEYS[key]) for at, key in enumerate(keys, 1)]
    words = f"SELECT {', '.join(results)} FROM logs"
    if where := draw(st.sampled_from(WHERE)):
        words += f" WHERE {where}"
    if keys:
        words += " GROUP BY " + ", ".join(draw(st.sampled_from(way)) for way in ways)
    if draw(st.booleans()):
        words += f" HAVING {draw(st.sampled_from(('figure_0', figures[0])))} IS NOT NULL"
    order = [draw(st.sampled_from(("figure_0", str(len(keys) + 1)))), *(way[0] for way in ways)]
    words += " ORDER BY " + ", ".join(
        f"{key} {draw(st.sampled_from(('ASC', 'DESC')))}" for key in order
    )
    return words + draw(st.sampled_from(("", " LIMIT 3")))


def asked(servers, query):
    """Return the answers of the three ways, and the ways that they went."""
    found, paths = {}, {}
    for word, server in servers.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("POSTMORTEM_DATADOG_URL", server.url)
            frame = analyze_datadog_logs(sql_query=query, extra_columns=EXTRA, **WINDOW)
        assert frame.attrs["evidence"]["complete"]
        paths[word] = frame.attrs["evidence"]["path"]
        found[word] = frame
    return found, paths


def same(found):
    for one, other in itertools.pairwise(found.values()):
        pd.testing.assert_frame_equal(one, other, check_exact=False, rtol=1e-9)


@given(query=questions())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_each_way_gives_the_same_answer(ways, query):
    found, _ = asked(ways[0], query)
    same(found)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT service AS s, count(*) AS n FROM logs GROUP BY s ORDER BY n DESC, 1",
        "SELECT date_trunc('minute', timestamp) AS m, count(*) FROM logs GROUP BY 1 ORDER BY 2, m",
        "SELECT upper(status) AS status, count(*) FROM logs GROUP BY status ORDER BY status DESC",
        "SELECT service AS a, a || '!' AS b, count(*) FROM logs WHERE b LIKE 'c%' GROUP BY b, a",
        "SELECT service, count(*) / 7 AS n FROM logs GROUP BY service HAVING n > 1 ORDER BY 2",
    ],
)
def test_names_and_places_of_results_are_written_out_for_ddsql(ways, query):
    servers, book = ways
    before = len(book.asked)
    found, paths = asked(servers, query)
    assert paths["ddsql"] == "Datadog's own SQL (DDSQL)"
    assert len(book.asked) == before + 1
    assert "DuckDB" in paths["rows"]
    assert "counted" in paths["aggregate"]
    same(found)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DISTINCT service FROM logs ORDER BY 1",
        "SELECT extract(dow FROM timestamp) AS day, count(*) FROM logs GROUP BY 1 ORDER BY 1",
        "SELECT env, count(*) FROM logs GROUP BY env ORDER BY env",
        "SELECT 5 AS five, count(*) FROM logs GROUP BY 1",
    ],
)
def test_what_ddsql_may_read_otherwise_goes_another_way(ways, query):
    servers, book = ways
    before = len(book.asked)
    found, paths = asked(servers, query)
    assert "DDSQL" not in paths["ddsql"]
    assert len(book.asked) == before
    same(found)


def test_where_nulls_stand_in_a_falling_order_is_told_to_ddsql(ways):
    servers, book = ways
    query = 'SELECT "@error.kind" AS kind FROM logs GROUP BY kind ORDER BY kind DESC LIMIT 1'
    found, paths = asked(servers, query)
    assert book.asked[-1].endswith('ORDER BY "@error.kind" DESC NULLS FIRST LIMIT 1')
    assert paths["ddsql"] == "Datadog's own SQL (DDSQL)"
    assert found["rows"]["kind"].isna().tolist() == [True]
    same(found)
