"""What a document costs, beside stock nbconvert on the same notebook: CPU, bytes, whole processes.

The notebook has 20 charts, 40 Markdown cells and 10 tables besides the template's own cells. Once
with the pictures that its cells drew (as it is after a run), once with every chart drawn anew. Both
sides alternate in one run; printed are medians. Exit 1 where a goal is missed.
"""

import base64
import gc
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import bundlekit
import pandas as pd
import planted
from nbconvert import HTMLExporter

from postmortem_nb import drawing, editions, evidence, export, masking, pdf, redaction, sources
from postmortem_nb.people import people

CHARTS, TEXTS, TABLES = 20, 40, 10
ROUNDS = 7
PROCESSES = 5
PROSE = (
    "The error rate of **checkout** rose while `payments` was healthy; see [a](https://a.b). " * 6
)


def cpu(work):
    gc.collect()
    begun = time.process_time()
    work()
    return time.process_time() - begun


def process(words):
    """Return the CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


def both(left, right, rounds, measure=cpu):
    """Return the medians of two ways, taken in turns after one turn that counts for nothing."""
    pairs = [(measure(left), measure(right)) for _ in range(rounds + 1)][1:]
    return [statistics.median(side) for side in zip(*pairs, strict=True)]


def line(job, against, *, ours, theirs, goal, unit="CPU ms", scale=1e3):
    ratio = ours / theirs
    print(
        f"{job}: {ours * scale:,.0f} {unit}, {against}: {theirs * scale:,.0f}, "
        f"{ratio:.2f}× (goal {goal}×)"
    )
    return ratio <= goal


def notebook(folder):
    """Make the bundle and return the path of its notebook, no picture in it yet."""
    frame = pd.DataFrame({"region": ["eu", "us"] * 10, "failed": range(20)})
    table = bundlekit.data({"text/html": frame.to_html(), "text/plain": frame.to_string()})
    own = [bundlekit.markdown_cell(f"### Note {n}\n\n{PROSE}\n\n- a\n- b") for n in range(TEXTS)]
    own += [bundlekit.code_cell("frame.head(20)", table) for _ in range(TABLES)]
    incident = bundlekit.bundle(folder, own=own, frozen=False)
    path = incident.path / "INC-4821.ipynb"
    stored = json.loads(path.read_text("utf-8"))
    for number in range(CHARTS):
        name = f"chart{number}"
        made = bundlekit.metrics(lambda *_, n=number: f"host:{n}")
        bundlekit.freeze(incident, name, "get_datadog_metric", made)
        cell = bundlekit.code_cell(f'%%datadog {name}\nget_datadog_metric(queries=["avg:x{{*}}"])')
        cell["metadata"] = {"postmortem": {"role": "query", "evidence": name}}
        stored["cells"].append({**cell, "id": name})
    path.write_text(json.dumps(stored), "utf-8")
    return path


def run(path):
    """Put into each query cell the picture that running it leaves, with the note of what it is."""
    incident = sources.find(path).incident
    stored = json.loads(path.read_text("utf-8"))
    way = drawing.Way("", "", incident.window(), tuple(incident.milestones()))
    for cell in stored["cells"]:
        name = cell["metadata"].get("postmortem", {}).get("evidence", "")
        if name.startswith("chart"):
            drawn = drawing.draw(evidence.thaw(incident.path / "evidence", name), way)
            picture = base64.b64encode(drawn.png).decode()
            cell["outputs"] = [bundlekit.data({"image/png": picture}, postmortem=drawn.facts)]
    path.write_text(json.dumps(stored), "utf-8")


def in_process(path, job):
    """The exporter against nbconvert's, both warm, in one process."""
    made = {}

    def ours():
        made["ours"], _ = export.PostmortemExporter().from_filename(str(path))

    def theirs():
        made["theirs"], _ = HTMLExporter().from_filename(str(path))

    left, right = both(ours, theirs, ROUNDS)
    sizes = {name: len(text.encode()) for name, text in made.items()}
    print(f"  notebook {path.stat().st_size / 1e6:.2f} MB; {job}")
    return left, right, sizes


FIRST = """
import sys, time
from {module} import {name} as Exporter
exporter = Exporter()
begun = time.process_time()
exporter.from_filename(sys.argv[1])
print(time.process_time() - begun)
"""


def first(path, module, name):
    """Return the CPU seconds of the first export of a process, imports left out."""
    code = FIRST.format(module=module, name=name)
    done = subprocess.run(
        [sys.executable, "-c", code, path], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def pages(folder):
    path = notebook(folder)
    left, right, _ = in_process(path, "every chart drawn anew")
    print(f"  drawn anew: {left * 1e3:,.0f} CPU ms, of stock {left / right:.2f}×")
    run(path)
    left, right, sizes = in_process(path, "pictures as the cells drew them")
    again = line("HTML, exporter, warm", "stock HTMLExporter", ours=left, theirs=right, goal=0.25)
    ours = ("postmortem_nb.export", "PostmortemExporter")
    stock = ("nbconvert", "HTMLExporter")
    pairs = [(first(path, *ours), first(path, *stock)) for _ in range(PROCESSES)]
    left, right = (statistics.median(side) for side in zip(*pairs, strict=True))
    share = left / right
    print(f"  first of a process: {left * 1e3:,.0f} CPU ms of {right * 1e3:,.0f}, {share:.2f}×")
    bytes_good = line(
        "bytes",
        "stock",
        ours=sizes["ours"],
        theirs=sizes["theirs"],
        goal=0.85,
        unit="kB",
        scale=1e-3,
    )
    return again and bytes_good, path


def processes(path):
    """`postmortem export` against `jupyter nbconvert --to html`."""
    code = f"from postmortem_nb.editions import export; export({str(path)!r}, 'html')"
    jupyter = shutil.which("jupyter", path=str(Path(sys.executable).parent)) or "jupyter"
    stock = [jupyter, "nbconvert", "--to", "html", "--output", "stock", str(path)]
    left, right = both([sys.executable, "-c", code], stock, PROCESSES, process)
    return line("whole process", "jupyter nbconvert", ours=left, theirs=right, goal=0.5)


def printing(path):
    """The PDF against a browser's print of the finished page."""
    page = editions.export(path, "html")[0].read_text("utf-8")
    if pdf.find() is None:
        print("PDF: no browser here")
        return True
    seconds = [(wall(lambda: editions.export(path, "pdf")), wall(lambda: pdf.render(page)))]
    seconds += [(wall(lambda: editions.export(path, "pdf")), wall(lambda: pdf.render(page)))] * 2
    left, right = (statistics.median(side) for side in zip(*seconds, strict=True))
    return line(
        "PDF from the bundle", "print alone", ours=left, theirs=right, goal=1.25, unit="wall ms"
    )


def wall(work):
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def masks():
    """What the masking finds of planted secrets, takes by mistake, and reads in a CPU second."""
    rng = planted.seeded("a seed that no test uses")
    makers = list((planted.NAMED | planted.PLACED).values())
    pairs = [
        planted.planted_in(wrapping, make(rng))
        for make in makers
        for wrapping in planted.WRAPPED
        for _ in range(6)
    ]
    found = sum(secret not in masking.mask(whole) for whole, secret in pairs)
    recall = found / len(pairs)
    print(f"secrets, recall: {recall:.2%} of {len(pairs):,} of {len(makers)} kinds (goal 99 %)")
    lines = [planted.benign(rng, number) for number in range(100_000)]
    took = cpu(lambda: [masking.find(each) for each in lines])
    false = sum(masking.find(each) != [] for each in lines) / len(lines) * 10_000
    print(f"secrets, false: {false:.1f} in 10,000 benign lines (goal 1)")
    print(f"secrets, speed: {len(lines) / took:,.0f} lines a CPU second (goal 5,000)")
    good = recall >= 0.99 and false <= 1 and len(lines) / took >= 5_000
    return redacts(lines[:20_000]) and good


PEOPLE = ("Priya Raman", "Zoë O’Neil", "Dana “DJ” Hill", "Wei Ng", "Jean‑Luc Picard", "王小明")
NAMED = "At 14:02 Priya rolled back checkout {}; Ng’s pager was silent — 38.2 % failed until then."


def redacts(lines):
    """What the public edition reads in a CPU second: logs, and prose with a name in each line."""
    names = people([[{"owner": f"{one}{other}"} for one in PEOPLE for other in ("", " 🚀")]])
    good = True
    for kind, texts in (("logs", lines), ("prose", [NAMED.format(n) for n in range(len(lines))])):
        took = cpu(lambda texts=texts: [redaction.found(each, names) for each in texts])
        print(f"redaction, {kind}: {len(texts) / took:,.0f} lines a CPU second (goal 5,000)")
        good = good and len(texts) / took >= 5_000
    false = sum(any(s.kind == "name" for s in redaction.found(each, names)) for each in lines)
    print(f"names, false: {false / len(lines) * 10_000:.1f} in 10,000 benign lines (goal 1)")
    return good and false / len(lines) * 10_000 <= 1


def main():
    with tempfile.TemporaryDirectory() as folder:
        good, path = pages(Path(folder))
        results = [good, processes(path), printing(path), masks()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:,.0f} MiB")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
