"""Who imports whom: one way, no circles, one door to each heavy library, no large module."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from postmortem_nb.incident import Incident

PACKAGE = Path(__file__).parents[1] / "postmortem_nb"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}

# From the ground up: a module imports from the lines above its own, and from its own line only
# where the pair is a folder of the house (datadog, sandbox).
LAYERS = (
    # ground: words, text, no data yet
    (
        "errors",
        "folding",
        "inside",
        "labels",
        "literals",
        "lock",
        "masking",
        "onestep",
        "ordering",
        "parts",
        "secondlook",
        "strangers",
        "subjects",
        "text",
    ),
    ("captions",),
    ("units",),
    (
        "callsyntax",
        "copies",
        "distributions",
        "likeness",
        "spellings",
        "terminal",
        "wholeframe",
        "writers",
    ),
    ("edits", "estimates", "language", "metrics", "slo", "times"),
    ("coverage",),
    ("budget", "kinds", "losses", "provenance", "sqlcounts", "tallies"),
    ("affected", "errorcounts", "evidence"),
    ("hindsight", "impact", "tendencies"),
    # the template as the schema
    ("notation",),
    ("columns",),
    ("schema",),
    # the dataset
    ("tables",),
    ("changes",),
    ("bundle", "frames"),
    ("incident",),
    ("archive",),
    # what reads it: findings, charts, the document
    ("candidates", "charts", "checks"),
    ("analysis", "drawing"),
    ("asides", "pageparts", "standing", "webmarkdown"),
    ("asidehtml", "filling"),
    ("layout", "values"),
    ("document",),
    # Datadog, and its stand-in
    ("sandbox",),
    ("datadog",),
    ("monitors",),
    # in the notebook
    ("notebook", "sections"),
    ("formdesk",),
    ("formstate", "formtext", "session"),
    ("formkept",),
    ("formparts",),
    ("forms",),
    # the finished page
    ("cells", "drawntimeline", "ipynb", "pdf", "stillmarkdown", "stillsvg"),
    ("approvals", "cellmarkdown", "headline", "looks", "masked", "people", "story"),
    ("chapters", "figures", "redaction", "sources"),
    ("figurehtml",),
    ("backtested",),
    ("page",),
    ("dataset", "paper"),
    ("editions",),
    ("export",),
    # many ways in
    ("incidentapi", "notebookcells", "retention"),
    ("importing", "proposals", "publish", "refresh"),
    ("archivepages", "commands"),
    ("archivecommands",),
    ("cli",),
    ("__main__", "demo", "launcher", "magic"),
)

# A heavy library and the only modules that may name it.
DOORS = {
    "IPython": {"session", "magic", "formtext"},
    "PIL": {"charts.card"},
    "anywidget": {"forms"},
    "datadog_api_client": {"datadog.client"},
    "duckdb": {"datadog.sqlchild"},
    "filelock": {"lock"},
    "ipywidgets": {"forms"},
    "jupyter_server": {"launcher"},
    "lark": {"sandbox.search", "sandbox.metric"},
    "matplotlib": {"charts.card"},
    "nbclient": {"notebook"},
    "nbconvert": {"export"},
    "nbformat": {"export", "notebook"},
    "nh3": {"cells"},
    "ruptures": {"analysis.breaks"},
    "scipy": {"analysis.significance"},
    "sqlglot": {"datadog.counted", "datadog.ddsql", "datadog.duck", "datadog.sql"},
    "tornado": {"launcher", "sandbox.server"},
}
LIGHT = (
    "pandas",
    "matplotlib",
    "ipywidgets",
    "nbconvert",
    "datadog_api_client",
    "numpy",
    "duckdb",
    "scipy",
)


@cache
def imports(path):
    """Return the modules that a file imports at run time, whether at its top or in a function."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= _from(node.module, [alias.name for alias in node.names])
    return found


def _from(module, names):
    """Return what ``from module import names`` loads: modules among the names, else the module."""
    inside = {f"{module}.{name}" for name in names}
    modules = {name for name in inside if _is_own(name)}
    return modules | ({module} if len(modules) < len(names) else set())


def _is_own(name):
    bare = name.removeprefix("postmortem_nb.")
    return bare in MODULES or f"{bare}.__init__" in MODULES


def own(path):
    """Return this package's modules among a file's imports."""
    names = {name.removeprefix("postmortem_nb.") for name in imports(path)}
    return {name for name in names if name in MODULES or f"{name}.__init__" in MODULES}


def floor(module):
    """Return the number of the line in LAYERS that a module stands on."""
    room = module.split(".")[0]
    return next((number for number, line in enumerate(LAYERS) if room in line), None)


def test_every_module_has_its_place():
    homeless = [name for name in MODULES if name != "__init__" and floor(name) is None]
    assert not homeless, f"add them to LAYERS: {homeless}"


@pytest.mark.parametrize("module", [name for name in MODULES if name != "__init__"])
def test_imports_go_one_way(module):
    for target in own(MODULES[module]):
        same_folder = module.split(".")[0] == target.split(".")[0]
        assert same_folder or floor(target) < floor(module), f"{module} imports {target}"


def test_no_circles():
    arrows = {
        name: {target if target in MODULES else f"{target}.__init__" for target in own(path)}
        for name, path in MODULES.items()
    }
    done, under_way = set(), []

    def walk(name):
        if name in done:
            return
        assert name not in under_way, f"a circle: {' → '.join([*under_way, name])}"
        under_way.append(name)
        for target in arrows[name]:
            walk(target)
        under_way.pop()
        done.add(name)

    for name in arrows:
        walk(name)


@pytest.mark.parametrize("library", DOORS)
def test_one_door_to_each_heavy_library(library):
    users = {
        name
        for name, path in MODULES.items()
        if any(used == library or used.startswith(library + ".") for used in imports(path))
    }
    assert users == DOORS[library]


def test_no_module_is_large():
    long = {
        name: lines
        for name, path in MODULES.items()
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not long


def test_every_module_says_what_it_is_for():
    silent = [
        name for name, path in MODULES.items() if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_importing_the_package_is_light():
    """In a fresh interpreter, the package alone loads none of the heavy libraries."""
    code = f"import sys, postmortem_nb; print([n for n in {LIGHT!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_notebook_shows_its_first_form_without_what_only_queries_and_exports_need(tmp_path):
    Incident.create("INC-1", tmp_path)
    heavy = ("matplotlib", "duckdb", "nbconvert", "datadog_api_client")
    code = (
        "import sys\nfrom IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance().run_line_magic('load_ext', 'postmortem_nb')\n"
        "from postmortem_nb import Incident\nIncident.open('INC-1').form('Incident Overview')\n"
        f"print([name for name in {heavy!r} if name in sys.modules], 'anywidget' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert ran.stdout.strip() == "[] True"
