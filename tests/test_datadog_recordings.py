"""Recorded answers, and what becomes of them when they are damaged, through the three ways of SQL.

Where the recordings are not at hand, answers of the same shapes stand in for them.
"""

import json
import random
from pathlib import Path

import pytest
from lying import Lying, Say, log, page

from postmortem_nb.datadog import analyze_datadog_logs
from postmortem_nb.errors import PostmortemError

RECORDED = Path(__file__).parents[1].parent / "shared" / "datadog-recordings"
WINDOW = {"from_": "2025-12-04T14:00:00Z", "to": "2025-12-04T16:00:00Z"}
OWN = [
    page([log(1), log(2, attributes={"http": {"status_code": 500}, "duration": 2.5})]),
    {"data": []},
    {"data": {"buckets": [{"by": {"service": "a"}, "computes": {"c0": 3}}]}},
    {"data": {"buckets": [{"by": {}, "computes": {"c0": [{"time": "2025-12-04", "value": 1}]}}]}},
    {
        "data": {
            "type": "ddsql_query_response",
            "attributes": {
                "state": "completed",
                "columns": [{"name": "n", "type": "BIGINT", "values": [3]}],
                "warnings": [],
            },
        }
    },
    {"errors": [{"title": "Generic Error", "detail": "no"}]},
]
ODD = (None, True, -1, 1.5, 10**30, "", "\udc00", "now", [], [[]], {}, {"a": {"b": []}}, "x" * 5000)
COUNTS = (
    "SELECT count(*) AS n FROM logs",
    "SELECT service, count(*) AS n FROM logs GROUP BY service",
    "SELECT date_trunc('minute', timestamp) AS m, count(*) AS n FROM logs GROUP BY 1",
)
OVER_ROWS = (
    "SELECT * FROM logs",
    'SELECT "@http.status_code", "@duration", env, trace_id FROM logs',
    "SELECT service, max(timestamp) FROM logs WHERE status <> 'ok' GROUP BY 1 ORDER BY 2",
)


def answers():
    """Return every recorded answer, and those of ours."""
    files = sorted(RECORDED.glob("*.json")) if RECORDED.is_dir() else []
    recorded = (json.loads(path.read_text("utf-8")) for path in files)
    return [*OWN, *(entry["response"]["body"] for entries in recorded for entry in entries)]


def damaged(found, dice):
    """Return an answer in which one value, somewhere, is another, gone, or there twice."""
    copied = json.loads(json.dumps(found))
    at = copied
    for _ in range(dice.randint(0, 9)):
        inner = list(at.values() if isinstance(at, dict) else at)
        deeper = [value for value in inner if isinstance(value, (dict, list)) and value]
        if not deeper or dice.random() < 0.2:
            break
        at = dice.choice(deeper)
    key = dice.choice([*at]) if isinstance(at, dict) else dice.randrange(len(at))
    way = dice.randrange(4)
    if way == 0:
        del at[key]
    elif way == 1 and isinstance(at, list):
        at.append(at[key])
    else:
        at[key] = dice.choice(ODD)
    return copied


def rows(found):
    """Return how many rows an answer of a search holds."""
    data = found.get("data") if isinstance(found, dict) else None
    return len(data) if isinstance(data, list) else 0


@pytest.fixture
def by(monkeypatch):
    """Return a function that asks where only one endpoint answers, with this."""
    servers = []

    def ask(word, found, query):
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        nothing = Say({"errors": ["Not found"]}, status=404)
        server = Lying(lambda heard: Say(body) if word in heard.path else nothing)
        servers.append(server)
        monkeypatch.setenv("POSTMORTEM_DATADOG_URL", server.url)
        try:
            return analyze_datadog_logs(sql_query=query, **WINDOW)
        except PostmortemError:
            return None

    yield ask
    for server in servers:
        server.__exit__()


@pytest.mark.parametrize("seed", range(4))
def test_answers_of_any_kind_are_read_or_refused_by_ddsql_and_by_counting(by, seed):
    dice = random.Random(seed)  # noqa: S311
    for found in answers():
        answer = damaged(found, dice) if seed and found else found
        by("ddsql", answer, COUNTS[0])
        by("aggregate", answer, dice.choice(COUNTS))


@pytest.mark.parametrize("seed", range(2))
def test_answers_of_any_kind_are_read_or_refused_as_rows_and_none_is_invented(by, seed):
    dice = random.Random(seed)  # noqa: S311
    for found in answers():
        answer = damaged(found, dice) if seed and rows(found) else found
        frame = by("logs/events", answer, dice.choice(OVER_ROWS)) if rows(answer) else None
        assert frame is None or len(frame) <= rows(answer)
