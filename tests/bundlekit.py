"""Bundles for the tests of the document: every blank filled, evidence frozen, a notebook beside.

What is written is chosen by the caller, so that a hostile text can stand in every place at once.
"""

import base64
import io

import pandas as pd
from matplotlib.figure import Figure

from postmortem_nb import evidence, notebook
from postmortem_nb.incident import Incident

START = "2025-12-04T14:02:00Z"
END = "2025-12-04T16:09:00Z"
TEXTUAL = ("prose", "line", "link", "query")
PLAIN = {
    "count": 4821,
    "percent": 3.25,
    "money": 12500.5,
    "minutes": 127,
    "yesno": True,
    "date": "2025-12-19",
}


def value(column, said):
    """Return a value that fits a column; a textual one is ``said(table, name)``."""
    if column.kind in TEXTUAL:
        return said(column.table, column.name)
    if column.kind == "names":
        return [said(column.table, column.name)]
    if column.kind == "choice":
        return column.options[0]
    return START if column.kind == "time" else PLAIN[column.kind]


def fill(incident, said):
    """Fill every blank of an incident: single facts, and a row in each group of every table."""
    for column in incident.template.tables["incident"]:
        if not column.derived and column.name != "incident_id":
            incident.set(column.name, value(column, said))
    for table, columns in incident.template.tables.items():
        for group in incident.template.groups(table) if table != "incident" else ():
            asked = {part.name for part in group.parts if hasattr(part, "kind")}
            row = {c.name: value(c, said) for c in columns if c.name in asked}
            if group.preset in row:
                del row[group.preset]  # the template's own words
            incident.add(table, **{**row, **dict(group.keys)})


def freeze(incident, name, function, frame, **facts):
    """Freeze a frame as the answer of a function."""
    record = {
        "name": name,
        "function": function,
        "call": f'{function}(query="service:checkout")',
        "arguments": {},
        "question": "0" * 64,
        "from": START,
        "to": END,
        "site": "datadoghq.com",
        "sandbox": True,
        "fetched_at": "2025-12-05T09:11:04Z",
        "rows": len(frame),
        "complete": True,
        "partial": "",
        "warnings": [],
        "path": "",
        "link": "https://app.datadoghq.com/logs",
    }
    evidence.freeze(incident.path / "evidence", name, frame, {**record, **facts})


def logs(said, rows=60):
    """Return log lines whose every text is ``said``."""
    times = pd.date_range(START, END, periods=rows).as_unit("us")
    return pd.DataFrame(
        {
            "timestamp": times,
            "status": said("logs", "status"),
            "service": said("logs", "service"),
            "host": said("logs", "host"),
            "message": said("logs", "message"),
            "tags": [[said("logs", "tags")]] * rows,
            "id": [f"AwAAAY{n}" for n in range(rows)],
            "error.stack": said("logs", "stack"),
        }
    )


def answer(said):
    """Return the answer of an SQL question: one text column, one of figures, hostile names too."""
    return pd.DataFrame(
        {
            said("sql", "alias"): pd.array([said("sql", "value"), "eu-west"], dtype="string"),
            "failed": pd.array([84_000, 12_412], dtype="Int64"),
        }
    )


def metrics(said):
    """Return a tidy frame of two series whose tags are ``said``."""
    times = pd.date_range(START, END, freq="1min").as_unit("us")
    frames = [
        pd.DataFrame(
            {
                "timestamp": times,
                "query": "avg:trace.checkout.request.duration{*} by {host}",
                "series": series,
                "value": pd.array([level + n % 7 for n in range(len(times))], dtype="Float64"),
                "unit": "second",
            }
        )
        for series, level in ((said("metric", "tag"), 2.0), ("host:a", 1.0))
    ]
    return pd.concat(frames, ignore_index=True).astype({"query": "string", "series": "string"})


def png(width=2, height=1):
    """Return a small picture as base64, as a notebook stores it."""
    figure = Figure(figsize=(width, height))
    figure.subplots().plot([1, 3, 2])
    raw = io.BytesIO()
    figure.savefig(raw, format="png", metadata={"Software": None})
    return base64.b64encode(raw.getvalue()).decode()


def markdown_cell(source, **more):
    return {"cell_type": "markdown", "id": "own", "metadata": {}, "source": source, **more}


def code_cell(source, *outputs, **metadata):
    return {
        "cell_type": "code",
        "id": "own",
        "metadata": metadata,
        "execution_count": 1,
        "source": source,
        "outputs": list(outputs),
    }


def data(bundle, **metadata):
    return {"output_type": "display_data", "metadata": metadata, "data": bundle}


def bundle(folder, said=None, *, own=(), frozen=True, state=None):
    """Return a filled incident in ``folder``; ``own`` cells stand before "What Went Well"."""
    words = said or (lambda table, name: f"words of {table} {name}")
    incident = Incident.create("INC-4821", folder, title="Checkout errors", start=START, end=END)
    fill(incident, words)
    if state:
        incident.set("state", state)
    if frozen:
        freeze(incident, "logs", "search_datadog_logs", logs(words))
        freeze(incident, "impact", "analyze_datadog_logs", answer(words))
        freeze(incident, "metrics", "get_datadog_metric", metrics(words))
    save(incident, own)
    return incident


def save(incident, own=()):
    """Write the incident's notebook with cells of the author's own."""
    built = notebook.build(incident.template)
    ids = [cell["id"] for cell in built["cells"]]
    at = ids.index("heading-what-went-well")
    built["cells"][at:at] = [{**cell, "id": f"own-{n}"} for n, cell in enumerate(own)]
    notebook.save(incident.path / f"{incident.path.name}.ipynb", built)
