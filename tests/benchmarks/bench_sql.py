"""SQL over log rows in the locked-down process, against pandas on the same frame.

    python tests/benchmarks/bench_sql.py [--rows 1000000] [--rounds 7]

Both sides answer the same five questions, in turn, in one run; the answers are compared. Printed
are medians of wall time once the rows are handed over, and what handing them over takes. The goals:
each question at least twice as fast, all together 2.5 times, and ten times the rows at most eleven
times the time.
"""

import argparse
import math
import statistics
import time

import numpy as np
import pandas as pd
import pyarrow as pa

from postmortem_nb.datadog import duck, sql, sqlrows

SERVICES = ["checkout", "payments", "cart", "search", "shipping", "auth", "inventory", "web"]


def frame(rows):
    """Return log rows as ``search_datadog_logs`` gives them."""
    chance = np.random.default_rng(7)
    services = np.array(SERVICES, dtype=object)[chance.integers(0, 8, rows)]
    statuses = np.array(["info", "warn", "error"], dtype=object)[
        chance.choice(3, rows, p=[0.8, 0.1, 0.1])
    ]
    users = chance.integers(0, 200_000, rows)
    paths = chance.integers(0, 10**7, rows)
    times = 1764856800000 + np.sort(chance.integers(0, 7_200_000, rows))
    text = pd.StringDtype("pyarrow")
    return pd.DataFrame(
        {
            "timestamp": pd.to_datetime(times, unit="ms", utc=True).as_unit("us"),
            "service": pd.Series(services, dtype=text),
            "status": pd.Series(statuses, dtype=text),
            "message": pd.Series(
                [f'203.0.113.7 - - "GET /api/v1/cart/{n}/items HTTP/1.1" 200' for n in paths],
                dtype=text,
            ),
            "@usr.id": pd.Series([f"u-{n}" for n in users], dtype=text),
            "@duration": pd.Series(chance.lognormal(17, 1, rows).astype("i8"), dtype="Int64"),
        }
    )


def percentiles(rows):
    found = rows.groupby("service")["@duration"].quantile([0.5, 0.95, 0.99])
    return found.to_numpy("f8").reshape(-1, 3).tolist()


def minutes(rows):
    errors = rows[rows["status"] == "error"]
    return errors.groupby(errors["timestamp"].dt.floor("min")).size().tolist()


PERCENTILES = """SELECT service,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY "@duration") AS p0,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY "@duration") AS p1,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY "@duration") AS p2
    FROM logs GROUP BY 1 ORDER BY 1"""
MINUTES = """SELECT date_trunc('minute', timestamp) AS m, count(*) AS n FROM logs
    WHERE status = 'error' GROUP BY 1 ORDER BY 1"""
QUESTIONS = {
    "group by two": (
        "SELECT service, status, count(*) AS n FROM logs GROUP BY 1, 2 ORDER BY 1, 2",
        lambda rows: rows.groupby(["service", "status"]).size().tolist(),
        lambda found: found["n"].to_pylist(),
    ),
    "percentiles by service": (
        PERCENTILES,
        percentiles,
        lambda found: list(
            zip(*(found[f"p{n}"].cast(pa.float64()).to_pylist() for n in range(3)), strict=True)
        ),
    ),
    "errors a minute": (
        MINUTES,
        minutes,
        lambda found: found["n"].to_pylist(),
    ),
    "like": (
        "SELECT count(*) AS n FROM logs WHERE message LIKE '%cart/77%items%'",
        lambda rows: [int(rows["message"].str.contains("cart/77.*items").sum())],
        lambda found: found["n"].to_pylist(),
    ),
    "count distinct": (
        'SELECT service, count(DISTINCT "@usr.id") AS n FROM logs GROUP BY 1 ORDER BY 1',
        lambda rows: rows.groupby("service")["@usr.id"].nunique().tolist(),
        lambda found: found["n"].to_pylist(),
    ),
}


def table(rows):
    """Return a frame as the table that is handed to the process."""
    columns = dict(rows.items())
    arrow = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
    at = arrow.schema.get_field_index("timestamp")
    return arrow.set_column(at, "timestamp", arrow["timestamp"].cast(pa.timestamp("us")))


def timed(run):
    begun = time.perf_counter()
    answer = run()
    return time.perf_counter() - begun, answer


def alike(left, right):
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(alike, left, right))
    return math.isclose(left, right, rel_tol=1e-9)


def asked(rows, rounds, *, pandas=True):
    """Return the median seconds of each question, of pandas and of ours."""
    times = {name: ([], []) for name in QUESTIONS}
    names = [f'"{name}"' for name in rows]
    view = f"CREATE VIEW logs AS SELECT {', '.join(names)} FROM rows"
    handed, found = timed(lambda: sqlrows.Rows(table(rows), view, distinct=["@usr.id"]))
    with found:
        first, _ = timed(lambda: found.ask("SELECT count(*) FROM logs", limit=1))
        for number in range(rounds + 1):
            for name, (query, by_pandas, read) in QUESTIONS.items():
                plan = sql.plan(query)
                words = duck.written(plan.tree, found.codes)
                ours, answer = timed(lambda words=words: found.ask(words, limit=10_000))
                if pandas:
                    theirs, expected = timed(lambda f=by_pandas: f(rows))
                    assert alike(read(answer), expected), name
                    times[name][0].extend([theirs] if number else [])
                times[name][1].extend([ours] if number else [])
    middle = {
        name: tuple(statistics.median(side) if side else math.nan for side in sides)
        for name, sides in times.items()
    }
    return middle, handed, first


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rows = frame(options.rows)
    print(f"{options.rows:,} log rows, {rows.memory_usage(deep=True).sum() >> 20} MiB as a frame")
    times, handed, first = asked(rows, options.rounds)
    tenth, _, _ = asked(rows.iloc[: options.rows // 10], options.rounds, pandas=False)
    print(f"  handed over in {handed * 1000:.0f} ms, process ready after {first * 1000:.0f} ms")
    ratios = []
    for name, (theirs, ours) in times.items():
        ratios.append(theirs / ours)
        growth = ours / tenth[name][1]
        verdict = "met" if ratios[-1] >= 2 and growth <= 11 else "MISSED"
        print(
            f"  {name:<24} pandas {theirs * 1000:7.1f} ms   ours {ours * 1000:7.1f} ms   "
            f"{ratios[-1]:5.2f}× (at least 2)   10× rows {growth:4.1f}× (at most 11)   {verdict}"
        )
    mean = statistics.geometric_mean(ratios)
    print(f"  geometric mean {mean:.2f}× (at least 2.5: {'met' if mean >= 2.5 else 'MISSED'})")


if __name__ == "__main__":
    main()
