"""All forms of the template, filled, in a real JupyterLab, against the same inputs as ipywidgets.

Printed: models, frames and bytes that reach the browser, time from running the cell to the last
input drawn, script time of the page, and how long an edit takes from typed to acknowledged on disk.
Both sides alternate in one session; medians (minima) of the rounds.
"""

import base64
import json
import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import answers
import lab as jupyter

from postmortem_nb import sections
from postmortem_nb.incident import Incident

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
EDITS = 30
SETUP = """
import json, ipywidgets as w
from IPython.display import display
from postmortem_nb import forms
incident = __import__("postmortem_nb").Incident.open({path!r})
fields = json.load(open({fields!r}))
titles = [section.title for section in incident.template.sections]
before = len(w.widget._instances)
"""
EAGER = """
for title, blanks in fields:
    inputs = []
    for kind, label, value in blanks:
        long, chosen = kind in ("prose", "query"), kind in ("yesno", "choice")
        make = w.Textarea if long else w.Dropdown if chosen else w.Text
        more = {"options": [value, "-"]} if chosen else {}
        inputs.append(make(description=label, value=value, **more))
    display(w.VBox([w.Label(title), *inputs]))
"""
OURS = """
for title in titles:
    display(incident.form(title))
"""
WHOLE = "display(incident.form())"
COUNT = "print('models', len(w.widget._instances) - before)"
DRAWN = """([names, wanted]) => new Promise(done => {
    const began = performance.now();
    const lists = names.map(name => document.getElementsByClassName(name));  // live, cheap to ask
    const look = () => {
        const found = lists.reduce((sum, list) => sum + list.length, 0);
        if (found >= wanted) requestAnimationFrame(() => done(performance.now() - began));
        else setTimeout(look, 5);
    };
    window.jupyterapp.commands.execute('notebook:run-cell-and-select-next');
    look();
})"""
TYPED = """n => new Promise(done => {
    const form = document.querySelector('.pm-form[aria-label="Incident Overview"]');
    const input = form.querySelector('.pm-kind-count input');
    const watch = new MutationObserver(() => {
        watch.disconnect();
        done(performance.now() - began);
    });
    watch.observe(form, { attributes: true, attributeFilter: ['data-answered'] });
    input.value = String(n);
    const began = performance.now();
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new Event('change', { bubbles: true }));
})"""


def inputs_of(incident):
    """Return every input of every form with its text: what both sides draw."""
    found = []
    for section in incident.template.sections:
        mine = [
            (blank.kind, blank.label, str(incident.value(name) or ""))
            for name, blank in sections.facts(section).items()
            if not blank.derived
        ]
        for group in sections.groups(section):
            for row in filter(group.holds, incident.values(group.table)):
                mine += [
                    (blank.kind, blank.label, str(row[blank.name] or ""))
                    for blank in sections.fields(group)
                ]
        found.append((section.title, mine))
    return found


def shown(lab, code, selector, wanted, *, setup):
    """Run one side once; return what it cost."""
    lab.notebook("bench.ipynb", ["# Forms", setup, code, COUNT])
    with lab.open("bench.ipynb", height=1000) as notebook:
        page = notebook.page
        for _ in range(2):
            notebook.command("notebook:run-cell-and-select-next")
        page.wait_for_timeout(1000)
        frames = []
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.webSocketFrameReceived", lambda e: frames.append(size(e["response"])))
        session.send("Performance.enable")
        began = script(session)
        took = page.evaluate(DRAWN, [selector, wanted])
        page.wait_for_timeout(1500)
        cost = {"ms": took, "cpu": script(session) - began, "frames": len(frames)}
        cost["kB"] = sum(size for _, size in frames) / 1000
        cost["comm kB"] = sum(size for comm, size in frames if comm) / 1000
        notebook.command("notebook:run-cell-and-select-next")
        told = page.locator("pre").filter(has_text=re.compile(r"^models \d")).last
        cost["models"] = int(told.inner_text().split()[1])
        return cost


def size(frame):
    """Return whether a frame is a widget's, and its bytes."""
    data = frame["payloadData"]
    raw = base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
    kind = re.search(rb'"msg_type": ?"(\w+)"', raw)  # the header stands first, its parent's later
    return bool(kind) and kind[1].startswith(b"comm_"), len(raw)


def script(session):
    """Return the seconds of the page's main thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(each["value"] for each in metrics if each["name"] == "TaskDuration")


def edits(lab, setup, form):
    """Return milliseconds from typed to acknowledged, idle and while a cell runs."""
    busy = "import os, time\nwhile not os.path.exists('enough'): time.sleep(0.05)"
    lab.notebook("edits.ipynb", [setup, form, busy])
    with lab.open("edits.ipynb") as notebook:
        for _ in range(2):
            notebook.command("notebook:run-cell-and-select-next")
        notebook.form("Incident Overview")
        notebook.page.wait_for_timeout(1000)
        idle = [paced(notebook, n) for n in range(EDITS)]
        run = "() => { window.jupyterapp.commands.execute('notebook:run-cell-and-select-next') }"
        notebook.page.evaluate(run)
        notebook.page.wait_for_timeout(500)
        running = [paced(notebook, 100 + n) for n in range(EDITS)]
        (lab.root / "enough").touch()
        return idle, running


def paced(notebook, n):
    """Make one edit, at a person's pace."""
    took = notebook.page.evaluate(TYPED, n)
    time.sleep(0.3)
    return took


def middle(costs, name):
    """Return median (minimum) of one cost."""
    values = [cost[name] for cost in costs]
    return f"{statistics.median(values):,.2f} ({min(values):,.2f})"


def main():
    """Run both sides and print the table."""
    with tempfile.TemporaryDirectory() as folder, jupyter.running(Path(folder)) as lab:
        incident = Incident.create("INC-1", lab.root)
        answers.fill(incident)
        found = inputs_of(incident)
        (lab.root / "fields.json").write_text(json.dumps(found))
        count = sum(len(mine) for _, mine in found)
        setup = SETUP.format(path=str(incident.path), fields=str(lab.root / "fields.json"))
        sides = {
            "eager ipywidgets": (EAGER, ["widget-text", "widget-textarea", "widget-dropdown"]),
            "a form a section": (OURS, ["pm-control"]),
            "one form of all": (WHOLE, ["pm-control"]),
        }
        costs = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, (code, selector) in sides.items():
                costs[name].append(shown(lab, code, selector, count, setup=setup))
        print(f"{count} inputs, {ROUNDS} rounds, load {os.getloadavg()[0]:.1f}")
        for name, mine in costs.items():
            print(name, {key: middle(mine, key) for key in mine[0]})
        eager = statistics.median(cost["ms"] for cost in costs.pop("eager ipywidgets"))
        for name, mine in costs.items():
            ratio = eager / statistics.median(cost["ms"] for cost in mine)
            print(f"{name}: shown in 1/{ratio:.1f} of the time (goal 1/8)")
        for form in ("incident.form('Incident Overview')", "incident.form()"):
            idle, running = edits(lab, setup, form)
            for name, mine in (("idle", idle), ("while a cell runs", running)):
                took = f"median {statistics.median(mine):.0f} ms, max {max(mine):.0f} ms"
                print(f"edit in {form}, {name}: {took}")


if __name__ == "__main__":
    main()
