"""``analyze_datadog_logs``: one SELECT over logs, read before it is run, run where nothing is."""

import json
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from lying import Lying, Say, log, page

from postmortem_nb.datadog import (
    analysis,
    analyze_datadog_logs,
    duck,
    search_datadog_logs,
    sql,
    sqlrows,
)
from postmortem_nb.errors import DatadogError, QueryError

WINDOW = {"from_": "2025-12-04T14:00:00Z", "to": "2025-12-04T16:00:00Z"}
PAYLOADS = Path(__file__).parents[1].parent / "shared" / "hostile" / "payloads.json"
ROWS = [
    log(
        n,
        service="checkout" if n % 3 else "payments",
        status="error" if n % 2 else "info",
        tags=[f"env:{'prod' if n % 4 else 'staging'}", "version:2", "env:second"],
        attributes={
            "usr": {"id": f"u{n % 5}"},
            "http": {"status_code": 500 + n % 3},
            "duration": n * 1000,
            "error": {"kind": "PoolTimeout"} if n % 2 else {},
        },
    )
    for n in range(60)
]


class Datadog:
    """What stands behind the server: which endpoints there are, and what was asked of them."""

    def __init__(self):
        self.sql = Say({"errors": ["DDSQL telemetry tables are in Preview"]}, status=400)
        self.count = Say({"errors": ["Not found"]}, status=404)
        self.pages = [Say(page(ROWS[:40], "a")), Say(page(ROWS[40:]))]
        self.asked = []

    def __call__(self, heard):
        self.asked.append(heard.path)
        if "ddsql" in heard.path:
            return self.sql(heard) if callable(self.sql) else self.sql
        if "aggregate" in heard.path:
            return self.count(heard) if callable(self.count) else self.count
        return self.pages[1 if heard.json["page"].get("cursor") else 0]


@pytest.fixture
def datadog(monkeypatch):
    answers = Datadog()
    with Lying(answers) as server:
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        answers.server = server
        yield answers


@pytest.fixture
def rows():
    """Return a few rows in the locked process, with the columns of ``logs`` that tests name."""
    table = pa.table({"id": ["a", "b"], "service": ["x", "y"], "n": [1, 2]})
    with sqlrows.Rows(table, "CREATE VIEW logs AS SELECT * FROM rows") as found:
        yield found


def ask(query, **settings):
    return analyze_datadog_logs(sql_query=query, **WINDOW, **settings)


def path(frame):
    return frame.attrs["evidence"]["path"]


# ---- over rows that are pulled; expected figures are worked from ROWS


def test_a_question_of_every_kind_is_answered_over_the_rows(datadog):
    frame = ask(
        'SELECT service, count(*) AS n, count(DISTINCT "@usr.id") AS users, '
        'percentile_cont(0.5) WITHIN GROUP (ORDER BY "@duration") AS p50 '
        "FROM logs GROUP BY service ORDER BY n DESC"
    )
    assert frame["service"].tolist() == ["checkout", "payments"]
    assert frame["n"].tolist() == [40, 20]
    assert frame["users"].tolist() == [5, 5]
    durations = [n * 1000 for n in range(60) if n % 3]
    assert frame["p50"][0] == pd.Series(durations).median()
    assert path(frame) == "DuckDB over 60 log rows, all that match, pulled in 2 requests"
    assert datadog.asked.count("/api/v2/logs/events/search") == 2


def test_minutes_are_moments_in_utc(datadog):
    frame = ask(
        "SELECT date_trunc('minute', timestamp) AS minute, max(status) FROM logs GROUP BY 1"
    )
    assert str(frame["minute"].dtype) == "datetime64[us, UTC]"
    assert frame["minute"].tolist() == [pd.Timestamp("2025-12-04T14:00Z")]


def test_tags_give_env_and_version_the_first_of_each(datadog):
    frame = ask("SELECT env, version, min(id) FROM logs GROUP BY env, version ORDER BY env")
    assert frame["env"].tolist() == ["prod", "staging"]
    assert frame["version"].tolist() == ["2", "2"]


def test_an_attribute_without_quotes_is_understood(datadog):
    frame = ask("SELECT error.kind, count(id) AS n FROM logs GROUP BY error.kind ORDER BY n, 1")
    assert frame["error.kind"].fillna("-").tolist() == ["PoolTimeout", "-"] or set(
        frame["error.kind"].fillna("-")
    ) == {"PoolTimeout", "-"}
    assert frame["n"].tolist() == [30, 30]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("count(id)", 60),
        ('count(DISTINCT "@usr.id")', 5),
        ('sum("@duration")', sum(n * 1000 for n in range(60))),
        ('max("@duration") / 1000.0', 59.0),
        ("count(id) FILTER (WHERE status = 'error')", 30),
        ("sum(CASE WHEN status = 'error' THEN 1 ELSE 0 END)", 30),
        ('approx_percentile("@duration", 1)', 59_000),
        ("min(split_part(message, ' ', 2))", "0"),
        ("count(CASE WHEN timestamp > '2025-12-04T14:00:30Z' THEN 1 END)", 30),
        ("count(CASE WHEN timestamp > TIMESTAMP '2025-12-04 14:00:30.5' THEN 1 END)", 29),
        ("count(id) - 60", 0),
        ("'text'", "text"),
        ("1.5 + 1", 2.5),
        ("true", True),
    ],
)
def test_an_expression_has_its_value(datadog, expression, value):
    assert ask(f"SELECT {expression} AS x FROM logs LIMIT 1")["x"][0] == value


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (r"service LIKE 'check\_ut'", 0),
        ("service LIKE 'check_ut'", 40),
        (r"service NOT LIKE 'check\_ut'", 60),
        ("service LIKE 'check!_ut' ESCAPE '!'", 0),
        ("service LIKE '%' || 'eck' || '%'", 40),
    ],
)
def test_a_backslash_makes_a_wildcard_plain(datadog, condition, found):
    """As in PostgreSQL, whose dialect it is; before: a backslash was one to DuckDB."""
    frame = ask(f"SELECT count(*) AS n FROM logs WHERE {condition}")
    assert frame["n"].tolist() == [found]


def test_a_column_declared_without_its_sign_is_the_attribute(datadog):
    """Before: Referenced column "error.kind" not found … Candidate bindings: "__count"."""
    for name in ('"error.kind"', 'logs."error.kind" AS "error.kind"'):
        frame = ask(
            f"SELECT {name}, count(*) AS n FROM logs GROUP BY 1 ORDER BY n",
            extra_columns=["error.kind"],
        )
        assert list(frame.columns) == ["error.kind", "n"]
        assert frame["error.kind"].isna().tolist() == [True, False]
    inner = "SELECT upper(service) AS duration FROM logs"
    frame = ask(f"SELECT DISTINCT duration FROM ({inner}) x", extra_columns=["duration"])
    assert sorted(frame["duration"]) == ["CHECKOUT", "PAYMENTS"]


def test_a_column_that_is_not_there_is_told_with_those_that_are(datadog):
    for query in ("SELECT team FROM logs", "SELECT l.team, count(*) FROM logs l GROUP BY 1"):
        with pytest.raises(
            QueryError, match="there is no column 'team'; there are timestamp"
        ) as it:
            ask(query)
        assert '"@team"' in str(it.value)
        assert "list_contains(tags" in str(it.value)


@pytest.mark.parametrize("kind", ["", "varchar"])
def test_an_attribute_that_no_log_has_is_told(datadog, kind):
    frame = ask(
        "SELECT count(*) FROM logs WHERE \"@usr.ip\" = '1'",
        extra_columns=[{"name": "@usr.ip", "type": kind}],
    )
    said = ["no log that matches has @usr.ip; tags are in the column tags"]
    assert frame.attrs["evidence"]["warnings"] == said
    assert not ask('SELECT max("@usr.id") FROM logs').attrs["evidence"]["warnings"]


def test_declared_types_are_taken(datadog):
    columns = [
        {"name": "@http.status_code", "type": "varchar"},
        {"name": "duration", "type": "bigint"},
    ]
    frame = ask(
        'SELECT max("@http.status_code") AS code, max("@duration") AS d FROM logs',
        extra_columns=columns,
    )
    assert frame["code"][0] == "502"
    assert frame["d"][0] == 59_000


def test_all_columns_are_the_usual_ones_and_those_declared(datadog):
    frame = ask("SELECT * FROM logs", limit=3, extra_columns=["@usr.id"])
    assert list(frame) == [*sql.CORE, "@usr.id"]
    assert len(frame) == 3
    assert frame.attrs["evidence"]["partial"] == "limit reached"


def test_results_without_a_name_are_called_what_was_written(datadog):
    assert list(ask('SELECT count(id), max("@duration") FROM logs')) == [
        "count(id)",
        'max("@duration")',
    ]


def test_results_of_any_expression_are_called_what_was_written(datadog):
    words = (
        'SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY "@duration"), message || id FROM logs'
    )
    assert list(ask(f"{words} GROUP BY 2 LIMIT 1")) == [
        'percentile_cont(0.5) WITHIN GROUP (ORDER BY "@duration")',
        "message || id",
    ]


def test_a_length_of_time_and_a_moment_outside_the_calendar(datadog):
    frame = ask(
        "SELECT max(timestamp) - min(timestamp) AS span, interval '1 month' AS months, "
        "'infinity'::timestamp AS never, timestamp '9999-12-31 23:59:59' AS late, "
        "timestamp '99999-01-01' AS later, '-infinity'::date AS day, date '2025-12-04' AS today "
        "FROM logs"
    )
    pulled = search_datadog_logs("*", **WINDOW)["timestamp"]
    assert frame["span"][0] == pulled.max() - pulled.min()
    assert frame["months"][0] == "1 months 0 days 0 seconds"
    assert frame[["never", "later", "day"]].isna().all(axis=None)
    assert frame["late"][0].isoformat() == "9999-12-31T23:59:59+00:00"
    assert frame["today"][0].isoformat() == "2025-12-04T00:00:00+00:00"


def test_two_results_of_one_name_are_told_apart(datadog):
    assert list(ask("SELECT id AS a, service AS a FROM logs LIMIT 1")) == ["a", "a_2"]


def test_a_failure_on_the_way_marks_the_answer(datadog):
    datadog.pages[1] = Say(b"", status=422)
    frame = ask("SELECT count(id) AS n FROM logs")
    assert frame["n"][0] == 40
    assert frame.attrs["evidence"]["partial"] == "HTTP 422 on page 2"
    assert "not all that match" in path(frame)


def test_a_failure_before_any_row_raises(datadog):
    datadog.pages[0] = Say({"errors": ["bad query"]}, status=400)
    with pytest.raises(DatadogError, match="bad query"):
        ask("SELECT count(id) FROM logs")


def test_common_tables_unions_and_subqueries_run(datadog):
    frame = ask(
        "WITH e AS (SELECT service FROM logs WHERE status = 'error') "
        "SELECT service, count(*) AS n FROM (SELECT * FROM e UNION ALL SELECT * FROM e) t "
        "GROUP BY service HAVING count(*) > 1 ORDER BY 2"
    )
    assert frame["n"].tolist() == [20, 40]


def test_a_group_of_attributes_is_named(datadog):
    with pytest.raises(QueryError, match=r'"@error" is a group of attributes: @error.kind'):
        ask('SELECT "@error" FROM logs')


# ---- by counting


def counted(heard):
    """Answer the aggregate endpoint over ROWS: total, or by the facets and the interval asked."""
    body = heard.json
    facets = [group["facet"] for group in body.get("group_by", [])]
    groups = {}
    for row in ROWS:
        attributes = row["attributes"]
        tags = dict(reversed([tag.split(":") for tag in attributes["tags"]]))
        values = {**tags, **{k: attributes[k] for k in ("service", "status")}}
        values |= {"@error.kind": attributes["attributes"]["error"].get("kind")}
        key = tuple(values.get(name) for name in facets)
        if None not in key:
            groups.setdefault(key, []).append(attributes["timestamp"])
    timed = body["compute"][0]["type"] == "timeseries"
    buckets = []
    for key, stamps in groups.items():
        value = len(stamps)
        if timed:
            minutes = sorted({stamp[:16] for stamp in stamps})
            value = [
                {"time": f"{m}:00.000Z", "value": sum(s[:16] == m for s in stamps)} for m in minutes
            ]
        buckets.append({"by": dict(zip(facets, key, strict=True)), "computes": {"c0": value}})
    return Say({"data": {"buckets": buckets}, "meta": {"status": "done"}})


KIND = [{"name": "@error.kind", "type": "varchar"}]
COUNTS = [
    "SELECT count(*) FROM logs",
    "SELECT count(*) AS n, count(*) * 2 AS twice FROM logs",
    "SELECT service, count(*) AS n FROM logs GROUP BY service ORDER BY n DESC LIMIT 1",
    "SELECT service, status, count(*) FROM logs GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT count(*) FROM logs WHERE status = 'error' AND service = 'checkout'",
    "SELECT count(DISTINCT service), count(*) FROM logs",
    "SELECT date_trunc('minute', timestamp) AS m, count(*) FROM logs GROUP BY m",
    "SELECT date_trunc('hour', timestamp), status, count(*) FROM logs GROUP BY 1, 2 ORDER BY 2",
    'SELECT "@error.kind", count(*) AS n FROM logs GROUP BY 1 ORDER BY 1',
]


@pytest.mark.parametrize("query", COUNTS)
def test_counting_and_pulling_give_the_same(datadog, query):
    pulled = ask(query, extra_columns=KIND)
    assert "DuckDB" in path(pulled)
    datadog.count = counted
    frame = ask(query, extra_columns=KIND)
    assert path(frame) == "Datadog counted all 60 logs that match"
    pd.testing.assert_frame_equal(frame, pulled)


@pytest.mark.parametrize(
    "query",
    [
        'SELECT max("@duration") FROM logs',
        "SELECT service FROM logs",
        "SELECT message, count(*) FROM logs GROUP BY 1",
        "SELECT timestamp, count(*) FROM logs GROUP BY 1",
        "SELECT count(*) OVER () FROM logs",
        "SELECT count(*) FROM logs a JOIN logs b ON true",
        'SELECT "@usr.id", count(*) FROM logs GROUP BY 1',
    ],
)
def test_what_counting_cannot_answer_is_pulled(datadog, query):
    datadog.count = counted
    assert "DuckDB" in path(ask(query, limit=10_000))
    assert not any("aggregate" in asked for asked in datadog.asked)


def test_a_filtered_count_is_counted_too(datadog):
    datadog.count = counted
    words = "SELECT count(*) FILTER (WHERE status = 'error') AS n, count(*) AS m FROM logs"
    frame = ask(words)
    rows = search_datadog_logs("*", **WINDOW)
    assert "Datadog counted" in path(frame)
    assert frame["n"].tolist() == [int((rows["status"] == "error").sum())]
    assert frame["m"].tolist() == [len(rows)]


def test_counts_that_do_not_add_up_are_not_used(datadog):
    def wrong(heard):
        answer = counted(heard)
        if "group_by" in heard.json:
            answer.body["data"]["buckets"][0]["computes"]["c0"] += 1
        return answer

    datadog.count = wrong
    frame = ask("SELECT service, count(*) AS n FROM logs GROUP BY service ORDER BY n")
    assert frame["n"].tolist() == [20, 40]
    assert "DuckDB" in path(frame)


def test_a_count_that_timed_out_is_not_used(datadog):
    def late(heard):
        answer = counted(heard)
        answer.body["meta"]["status"] = "timeout"
        return answer

    datadog.count = late
    assert "DuckDB" in path(ask("SELECT count(*) FROM logs"))


# ---- by Datadog's own SQL


def ddsql(columns, **more):
    attributes = {"state": "completed", "columns": columns, "warnings": [], **more}
    return {"data": {"id": "q", "type": "ddsql_query_response", "attributes": attributes}}


def test_where_there_is_ddsql_it_answers(datadog):
    columns = [
        {"name": "c1", "type": "VARCHAR", "values": ["checkout", None]},
        {"name": "c2", "type": "BIGINT", "values": [40, 20]},
        {"name": "c3", "type": "DECIMAL", "values": [1, 2.5]},
        {"name": "c4", "type": "TIMESTAMP", "values": [1764856800000, None]},
    ]
    datadog.sql = Say(ddsql(columns))
    frame = ask(
        "SELECT service, count(*) AS n, count(*) / 2 AS half, max(timestamp) AS last "
        "FROM logs GROUP BY service",
        filter="service:it's",
    )
    assert list(frame) == ["service", "n", "half", "last"]
    assert frame["n"].tolist() == [40, 20]
    assert frame["last"][0] == pd.Timestamp("2025-12-04T14:00Z")
    assert path(frame) == "Datadog's own SQL (DDSQL)"
    sent = datadog.server.heard[0].json["data"]["attributes"]
    assert sent["row_limit"] == 10_000
    assert sent["time"] == {"from_timestamp": 1764856800000, "to_timestamp": 1764864000000}
    assert sent["query"] == (
        "SELECT service, COUNT(*) AS n, CAST(COUNT(*) AS DECIMAL) / 2 AS half, "
        "MAX(timestamp) AS last FROM "
        'logs_source AS "logs" GROUP BY service'
    ).replace(
        "logs_source",
        '(SELECT c0 AS "service", c1 AS "timestamp" FROM dd.logs('
        "columns => ARRAY['service', 'timestamp'], filter => 'service:it''s', storage => 'hot') "
        "AS (c0 VARCHAR, c1 TIMESTAMP))",
    ).replace('AS "logs"', "AS logs")


def test_a_running_query_is_asked_for_until_it_is_done(datadog):
    def answer(heard):
        if "fetch" not in heard.path:
            return Say(ddsql([], state="running", query_id="q7"))
        assert heard.json["data"]["attributes"] == {"query_id": "q7"}
        return Say(ddsql([{"name": "n", "type": "BIGINT", "values": [1]}]))

    datadog.sql = answer
    assert ask("SELECT count(*) AS n FROM logs")["n"].tolist() == [1]


def test_that_it_lacks_ddsql_is_remembered(datadog):
    ask("SELECT count(id) FROM logs")
    ask("SELECT count(id) FROM logs")
    assert datadog.asked.count("/api/v2/ddsql/query/tabular") == 1


def test_a_result_cut_by_ddsql_without_a_word_is_partial(datadog):
    rows = [str(n) for n in range(6)]
    datadog.sql = Say(ddsql([{"name": "id", "type": "VARCHAR", "values": rows}]))
    frame = ask("SELECT id FROM logs", limit=5)
    assert len(frame) == 5
    assert frame.attrs["evidence"]["partial"] == "limit reached"


BIGINT = {"name": "n", "type": "BIGINT", "values": [1]}
ODD = [
    ddsql([None]),
    ddsql(["n"]),
    ddsql({"n": [1]}),
    ddsql([{**BIGINT, "values": None}]),
    ddsql([{**BIGINT, "values": ["x"]}]),
    ddsql([{**BIGINT, "values": [10**30]}]),
    ddsql([{**BIGINT, "type": "VARCHAR"}]),
    ddsql([{**BIGINT, "type": []}]),
    ddsql([{**BIGINT, "type": "TIMESTAMP", "values": [1e300]}]),
    ddsql([BIGINT, {**BIGINT, "values": [1, 2]}]),
    ddsql([BIGINT], state="failed"),
    ddsql([BIGINT], state=None),
    ddsql([BIGINT], warnings=["the result may be incomplete"]),
]


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_a_ddsql_answer_that_does_not_fit_itself_is_not_used(datadog, odd):
    datadog.sql = Say(odd)
    frame = ask("SELECT count(*) AS n FROM logs")
    assert frame["n"].tolist() == [60]
    assert "DDSQL" not in path(frame)


# ---- what is refused, and what cannot be done

OWN = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM rows",
    "SELECT * FROM main.logs",
    "SELECT * FROM other",
    "SELECT * INTO x FROM logs",
    "SELECT * FROM logs FOR UPDATE",
    "DROP TABLE logs",
    "DELETE FROM logs",
    "UPDATE logs SET id = 'x'",
    "INSERT INTO logs VALUES (1)",
    "CREATE TABLE x AS SELECT * FROM logs",
    "COPY logs TO '/tmp/x'",
    "ATTACH '/tmp/x' AS z",
    "PRAGMA database_list",
    "SET enable_external_access = true",
    "INSTALL httpfs",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE logs",
    "WITH x AS (DELETE FROM logs RETURNING *) SELECT * FROM x",
    "EXPLAIN SELECT 1",
    "CALL pragma_version()",
    "SELECT $1",
    "SELECT :name FROM logs",
    "",
    "not sql",
    "SELECT" + "(" * 3000,
]


def shared_payloads():
    """Return the SQL among the hostile texts, where those are at hand."""
    if not PAYLOADS.is_file():
        return []
    found = json.loads(PAYLOADS.read_text("utf-8"))
    return [entry["payload"] for entry in found if entry["id"].startswith("sql-")]


@pytest.mark.parametrize("query", OWN)
def test_anything_but_one_select_over_logs_is_refused_in_one_line(query):
    with pytest.raises(QueryError) as caught:
        sql.plan(query)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("query", shared_payloads() or OWN[:3])
def test_hostile_sql_is_refused_or_comes_to_nothing(rows, query):
    begun = time.monotonic()
    try:
        said = str(rows.ask(sql.plan(query).query, limit=10).to_pylist())
    except QueryError as error:
        said = str(error)
    assert time.monotonic() - begun < 6
    assert "root:" not in said
    assert rows.ask("SELECT count(*) AS n FROM logs", limit=1)["n"].to_pylist() == [2]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT content FROM read_blob('/proc/self/environ')",
        "COPY (SELECT 1) TO '/tmp/postmortem-nb-escape'",
        "ATTACH '/tmp/postmortem-nb-escape.db' AS z",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "PRAGMA enable_logging",
        "EXPORT DATABASE '/tmp/postmortem-nb-escape'",
        "SELECT getenv('PATH')",
        "SELECT * FROM table",
        "DROP VIEW logs",
        "CREATE TABLE x (n int)",
        "SELECT 1; DROP VIEW logs",
    ],
)
def test_the_process_itself_can_do_none_of_this(rows, query):
    """Past the parser: what reaches DuckDB finds no file, network, extension or setting."""
    with pytest.raises(QueryError):
        rows.ask(query, limit=10)
    assert not list(Path(tempfile.gettempdir()).glob("postmortem-nb-escape*"))
    assert rows.ask("SELECT count(*) AS n FROM logs", limit=1)["n"].to_pylist() == [2]


def test_the_process_has_no_environment_and_no_open_file_but_the_rows(rows, monkeypatch):
    monkeypatch.setenv("DD_API_KEY", "canary-canary-canary")
    rows.ask("SELECT 1", limit=1)
    home = Path(f"/proc/{rows._child.process.pid}")
    assert home.is_dir()
    assert b"canary" not in (home / "environ").read_bytes()
    targets = [str(entry.readlink()) for entry in (home / "fd").iterdir()]
    outside = [t for t in targets if t.startswith("/") and not t.startswith(("/dev/null",))]
    assert [t for t in outside if "(deleted)" not in t] == []


def test_the_process_starts_while_datadog_answers(datadog, monkeypatch):
    """It loads DuckDB for a fifth of a second: time in which the answer is under way."""
    order = []
    spawned, counts = sqlrows._spawned, analysis.counted.counts
    monkeypatch.setattr(sqlrows, "_spawned", lambda rows: order.append("begun") or spawned(rows))
    monkeypatch.setattr(analysis.counted, "counts", lambda *a: order.append("asked") or counts(*a))
    ask("SELECT service, count(*) FROM logs GROUP BY service")
    assert order == ["begun", "asked"]


def test_a_process_that_was_begun_ends_with_the_question(datadog, monkeypatch):
    begun = []
    spawned = sqlrows._spawned

    def kept(rows):
        begun.append(spawned(rows))
        return begun[-1]

    monkeypatch.setattr(sqlrows, "_spawned", kept)
    monkeypatch.setattr(analysis.counted, "counts", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask("SELECT service, count(*) FROM logs GROUP BY service")
    assert [process.poll() is not None for process in begun] == [True]


def test_rows_without_room_in_memory_lie_on_disk(monkeypatch):
    monkeypatch.setattr(sqlrows, "_free", lambda _: 0)
    view = "CREATE VIEW logs AS SELECT * FROM rows"
    with closing(sqlrows.Child()) as child, sqlrows.Rows(MANY, view, child=child) as rows:
        assert rows.ask("SELECT count(*) AS n FROM logs", limit=1)["n"].to_pylist() == [12_000]
        assert rows._child is not child


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM range(1000000000) a, range(1000000000) b",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    ],
)
def test_what_never_ends_is_ended(rows, monkeypatch, query):
    monkeypatch.setattr(sqlrows, "LONGEST", 1.0)
    begun = time.monotonic()
    with pytest.raises(QueryError, match=r"stopped after 1 seconds|Out of Memory"):
        rows.ask(query, limit=1)
    assert time.monotonic() - begun < 4
    monkeypatch.setattr(sqlrows, "LONGEST", 20.0)
    assert rows.ask("SELECT count(*) AS n FROM logs", limit=1)["n"].to_pylist() == [2]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT repeat('a', 2000000000)",
        "SELECT list(range) FROM range(300000000)",
        "SELECT repeat('a', 80000000) FROM logs",
    ],
)
def test_what_takes_too_much_memory_is_refused(rows, query):
    with pytest.raises(QueryError, match=r"Memory|memory|larger than"):
        rows.ask(query, limit=10)


def test_rows_of_any_text_stay_what_they_are():
    texts = ["", "'", '"', "\0", "\n", "\N{DUCK}", "a" * 100_000]
    with sqlrows.Rows(pa.table({"t": texts}), "CREATE VIEW logs AS SELECT * FROM rows") as rows:
        assert rows.ask("SELECT t FROM logs", limit=10)["t"].to_pylist() == texts


# ---- codes beside texts

MANY = pa.table(
    {
        "id": [str(n) for n in range(12_000)],
        "service": [[None, "a", "b'", "", "\N{DUCK}"][n % 5] for n in range(12_000)],
        "status": [["info", "error"][n % 7 == 0] for n in range(12_000)],
        "user": [f"u{n % 4_000}" if n % 3 else None for n in range(12_000)],
        "n": list(range(12_000)),
    }
)
BY_CODE = [
    "SELECT service, status, count(*) AS n FROM logs GROUP BY 1, 2 ORDER BY 1 NULLS LAST, 2",
    "SELECT service AS s, count(*) FROM logs GROUP BY service HAVING service <> 'a' ORDER BY s",
    "SELECT upper(service) AS s, max(service) AS m FROM logs GROUP BY service ORDER BY m, s",
    "SELECT l.service, count(DISTINCT l.user) AS n FROM logs l GROUP BY l.service ORDER BY 2, 1",
    'SELECT count(DISTINCT service) AS a, count(DISTINCT "user") AS b FROM logs',
    "SELECT count(DISTINCT \"user\") FILTER (WHERE status = 'error') AS n FROM logs",
    "SELECT status, count(*) AS n FROM logs WHERE service = 'b''' GROUP BY status ORDER BY status",
    "SELECT service IS NULL AS none, count(*) AS n FROM logs GROUP BY 1 ORDER BY 1",
    """SELECT status, percentile_cont(0.5) WITHIN GROUP (ORDER BY n) AS p50,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY n) AS p90,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY n DESC) AS d FROM logs GROUP BY 1 ORDER BY 1""",
    """SELECT s, sum(c) AS n FROM (SELECT service AS s, status, count(*) AS c FROM logs
    GROUP BY service, status) t GROUP BY s ORDER BY s NULLS FIRST""",
    """WITH e AS (SELECT service FROM logs WHERE status = 'error')
    SELECT service, count(DISTINCT service) AS n FROM e GROUP BY service ORDER BY 1""",
    """SELECT service, row_number() OVER (ORDER BY service) AS r
    FROM logs GROUP BY service ORDER BY 2""",
    """SELECT a.service, count(*) AS n FROM logs a JOIN logs b ON a.id = b.id
    GROUP BY 1 ORDER BY 1""",
    "SELECT DISTINCT service FROM logs ORDER BY service",
]


@pytest.fixture(scope="module")
def many():
    """Return twelve thousand rows with codes beside their texts, and the same without any."""
    names = ", ".join(f'"{name}"' for name in MANY.column_names)
    view = f"CREATE VIEW logs AS SELECT {names} FROM rows"
    with sqlrows.Rows(MANY, view, distinct=["user", "service"]) as coded:
        assert coded.codes.counted == {"user", "service"}
        assert set(coded.codes.kinds) == {"service", "status"}
        yield coded


@pytest.mark.parametrize("query", BY_CODE)
def test_codes_change_nothing_but_the_time(many, query):
    tree = sql.plan(query).tree
    plain = many.ask(duck.written(tree), limit=100)
    coded = many.ask(duck.written(tree, many.codes), limit=100)
    assert coded.to_pylist() == plain.to_pylist()
    assert coded.column_names == plain.column_names


def test_codes_are_made_use_of(many):
    written = [duck.written(sql.plan(query).tree, many.codes) for query in BY_CODE]
    assert sum('"service#"' in words or '"user#"' in words for words in written) == 7
