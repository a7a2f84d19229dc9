"""The commands of ``postmortem``: what each says of itself, its arguments, and the call it makes.

Modules are imported by the command that uses them, so that ``--help`` is instant.
"""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.errors import BadTemplate, BadValue, PostmortemError, QueryError, expected, shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Template

EXIT_FINDINGS = 1
"""What a command returns that found errors."""
EXIT_UNANSWERED = 2
"""What a command returns none of whose questions got an answer."""

_QUERY_SYNTAX = frozenset('()*?"\\')


class WrongUseError(PostmortemError):
    """Words on the command line that do not fit."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it says of itself, an example, its arguments and what it calls."""

    name: str
    help: str
    example: str
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    call: Callable[[argparse.Namespace], int]


def _check_services(names: list[str]) -> None:
    """Refuse a name that is a piece of a query: no service is called so."""
    for name in names:
        if _QUERY_SYNTAX & set(name) or not name.strip() or not name.isprintable():
            what = "the name of a service, without query syntax"
            raise WrongUseError(expected("--service", what, example="checkout", came=name))


def _new(asked: argparse.Namespace) -> int:
    _check_services(asked.service or [])
    incident = _incident_class().create(
        asked.id,
        asked.dir,
        title=asked.title,
        services=asked.service,
        severity=asked.severity,
        start=asked.start,
        end=asked.end,
        author=asked.author,
        template=_template(asked.template),
    )
    path = import_module("postmortem_nb.notebook").write(incident)
    print(path)
    for option, words, moment in zip(
        ("--start", "--end"), (asked.start, asked.end), incident.window(), strict=True
    ):
        if moment is not None and not _names_zone(words):
            _to_stderr(f"{option}: {shown(words)} was read as UTC: {times.shown(moment)}")
    _to_stderr(f"Next: jupyter lab {shlex.quote(str(path))}")
    return 0


def _template(given: str | None) -> Template | None:
    """Return a team's own template, refused where no cell could ever ask one of its queries."""
    if given is None:
        return None
    template: Template = import_module("postmortem_nb.bundle").template_for(given)
    calls = import_module("postmortem_nb.datadog.calls")
    for query in template.queries():
        try:
            calls.parse(query.call)
        except QueryError as error:
            where = f"{template.source_name}:{query.line}"
            raise BadTemplate(
                f"{where}: expected a query {query.name} that can be asked; {error}"
            ) from None
    return template


def _names_zone(words: str) -> bool:
    """Return whether a time that was taken says what zone it is in."""
    try:
        times.parse(words, start=times.EPOCH)
    except BadValue:
        return False
    return True


def _check(asked: argparse.Namespace) -> int:
    checks = import_module("postmortem_nb.checks")
    incident = _open(asked.path)
    findings = incident.check()
    told = import_module("postmortem_nb.masked").findings(incident, findings)
    print(checks.FORMATS[asked.format](told), end="")
    return EXIT_FINDINGS if checks.errors(findings) else 0


def _export(asked: argparse.Namespace) -> int:
    editions = import_module("postmortem_nb.editions")
    forms = dict.fromkeys(editions.form(to, asked.out) for to in asked.to or [None])
    if asked.out is not None and len(forms) > 1:
        what = f"one --to for one file, not {' and '.join(forms)}"
        raise WrongUseError(expected("export -o", what, example="--to html", came=asked.out))
    told = cache(_to_stderr)  # what every form has masked is told once
    for form in forms:
        written = editions.export(
            Path(asked.path),
            form,
            out="/dev/stdout" if asked.out == "-" else asked.out,
            audience=asked.audience,
            blanks=asked.blanks,
            code=asked.code,
            told=told,
        )
        for path in written:
            print(path, file=sys.stderr if _is_output(path) else sys.stdout)
    return 0


def _is_output(path: Path) -> bool:
    """Return whether a file is this program's own output, where it stands alone: no path too."""
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):
        return False


def _import(asked: argparse.Namespace) -> int:
    incident, unread = _imported(asked)
    for line in unread:
        _to_stderr(line)
    print(import_module("postmortem_nb.notebook").write(incident, untaken=unread))
    return 0


def _imported(asked: argparse.Namespace) -> tuple[Incident, list[str]]:
    found: tuple[Incident, list[str]]
    uuid = asked.source.removeprefix("datadog:")
    if uuid == asked.source:
        read = import_module("postmortem_nb.importing.markdown").from_markdown
        found = read(asked.source, asked.id, asked.dir, template=_template(asked.template))
    elif asked.id is None:
        raise WrongUseError(
            "import: a Datadog incident needs a name, for example "
            "'postmortem import datadog:4821 --id INC-4821'"
        )
    else:
        read = import_module("postmortem_nb.importing.datadog").from_datadog
        found = read(uuid, asked.id, asked.dir)
    return found


def _publish(asked: argparse.Namespace) -> int:
    print(import_module("postmortem_nb.publish").publish(_open(asked.path), told=_to_stderr))
    return 0


def _refresh(asked: argparse.Namespace) -> int:
    refresh = import_module("postmortem_nb.refresh")
    found = refresh.refresh(_open(asked.path), told=_as_it_comes, accept=asked.accept)
    if found.empty:
        print(masked(refresh.report(found)), end="")
        return 0
    silent = found["now_rows"].isna()
    return EXIT_UNANSWERED if silent.all() else EXIT_FINDINGS if silent.any() else 0


def _as_it_comes(line: str) -> None:
    """Print a line of the result; who sees nothing of the output is told of it too."""
    print(masked(line), flush=True)
    if sys.stderr.isatty() and not sys.stdout.isatty():
        _to_stderr(line)


def _backtest(asked: argparse.Namespace) -> int:
    backtest = import_module("postmortem_nb.monitors.results").backtest
    found = backtest(_open(asked.path), asked.baseline, refresh=asked.refresh, told=_to_stderr)
    print(found)
    return 0


def _monitor(asked: argparse.Namespace) -> int:
    proposals = import_module("postmortem_nb.proposals")
    if asked.action == "create":
        if asked.row is None:
            raise WrongUseError(
                "monitor create: expected the number of a proposed monitor, for example "
                "'postmortem monitor create INC-4821 1'"
            )
        print(proposals.create(_open(asked.path), asked.row, told=_to_stderr))
        return 0
    verdicts = proposals.validate(_open(asked.path), asked.row, told=_to_stderr)
    print(masked(proposals.report(verdicts)), end="")
    return EXIT_FINDINGS if any(verdict.said for verdict in verdicts) else 0


def _to_stderr(line: str) -> None:
    print(masked(line), file=sys.stderr)


def masked(said: str) -> str:
    """Return what a command says with secrets masked: it may quote what people wrote."""
    made: str = import_module("postmortem_nb.masking").mask(said)
    return made


def _demo(asked: argparse.Namespace) -> int:
    for path in import_module("postmortem_nb.demo").run(Path(asked.out)):
        print(_one_word(path))
    return 0


def _one_word(path: Path) -> str:
    """Return a path as one word where it can be: from here, if what lies above has a space."""
    near = Path(os.path.relpath(path))
    return str(near if any(map(str.isspace, str(path))) else path)


def _sandbox(asked: argparse.Namespace) -> int:
    import_module("postmortem_nb.sandbox").serve(asked.port)
    return 0


def _open(path: str) -> Incident:
    return _incident_class().open(path)


def _incident_class() -> type[Incident]:
    found: type[Incident] = import_module("postmortem_nb.incident").Incident
    return found


PATH = (("path",), {"metavar": "PATH", "help": "a bundle's folder, or the notebook in it"})

COMMANDS = (
    Command(
        "demo",
        "The made-up incident, end to end: bundle, executed notebook, HTML and Markdown.",
        "postmortem demo --out demo",
        ((("--out",), {"default": "demo", "metavar": "DIR", "help": "where (default: ./demo)"}),),
        _demo,
    ),
    Command(
        "new",
        "Begin a postmortem: a folder with the dataset, the template and the notebook.",
        'postmortem new INC-4821 --service checkout --severity SEV-1 --start "2025-12-04 14:02Z"',
        (
            (("id",), {"metavar": "ID", "help": "the incident's id; the folder is named after it"}),
            (("--title",), {"help": "what the incident is called"}),
            (
                ("--service",),
                {"action": "append", "metavar": "NAME", "help": "a service affected; repeatable"},
            ),
            (("--severity",), {"help": "one of the template's, for example SEV-1"}),
            (
                ("--start",),
                {"metavar": "TIME", "help": "impact start, ISO 8601; UTC unless it names a zone"},
            ),
            (
                ("--end",),
                {"metavar": "TIME", "help": "impact end, likewise; or +127m after the start"},
            ),
            (("--author",), {"help": "who writes the postmortem"}),
            (("--dir",), {"default": ".", "help": "where the folder is made (default: here)"}),
            (("--template",), {"metavar": "FILE", "help": "your team's own template"}),
        ),
        _new,
    ),
    Command(
        "check",
        "Say what is missing or contradictory; exit 1 on errors.",
        "postmortem check INC-4821 --format github",
        (
            PATH,
            (("--format",), {"choices": ("text", "json", "github"), "default": "text"}),
        ),
        _check,
    ),
    Command(
        "export",
        "Write the finished document.",
        "postmortem export INC-4821 --to html -o INC-4821.html",
        (
            PATH,
            (
                ("--to",),
                {
                    "action": "append",
                    "metavar": "FORMAT",
                    "help": "html, markdown, pdf or json (as FILE ends, else html); repeatable",
                },
            ),
            (("-o", "--out"), {"metavar": "FILE", "help": "exactly this file; - is the output"}),
            (
                ("--audience",),
                {
                    "choices": ("internal", "public"),
                    "default": "internal",
                    "help": "public: for customers, without names, hosts and internal blanks",
                },
            ),
            (("--blanks",), {"action": "store_true", "help": "show the empty blanks too"}),
            (("--code",), {"action": "store_true", "help": "show the code of cells too"}),
        ),
        _export,
    ),
    Command(
        "import",
        "Begin from a filled document, or a Datadog incident; what cannot be read is told.",
        "postmortem import INC-4821.md --id INC-4821",
        (
            (
                ("source",),
                {
                    "metavar": "FILE|datadog:ID",
                    "help": "Markdown in the template's layout, or an incident",
                },
            ),
            (("--id",), {"help": "the folder's name (default: the document's Incident ID)"}),
            (("--dir",), {"default": ".", "help": "where the folder is made (default: here)"}),
            (("--template",), {"metavar": "FILE", "help": "the template of its layout"}),
        ),
        _import,
    ),
    Command(
        "refresh",
        "Ask every frozen question again and say what differs.",
        "postmortem refresh INC-4821",
        (
            PATH,
            (("--accept",), {"action": "store_true", "help": "freeze the new answers instead"}),
        ),
        _refresh,
    ),
    Command(
        "backtest",
        "Try the proposed monitors on the incident and on the days before it.",
        "postmortem backtest INC-4821 --baseline 14d",
        (
            PATH,
            (
                ("--baseline",),
                {"metavar": "SPAN", "help": "how long before (default: as last time, else 7d)"},
            ),
            (("--refresh",), {"action": "store_true", "help": "ask for frozen answers anew"}),
        ),
        _backtest,
    ),
    Command(
        "monitor",
        "Have Datadog check the proposed monitors, or make one of them as a draft.",
        "postmortem monitor create INC-4821 1",
        (
            (("action",), {"choices": ("validate", "create"), "help": "validate makes nothing"}),
            PATH,
            (
                ("row",),
                {
                    "nargs": "?",
                    "metavar": "ROW",
                    "help": "the proposed monitor's number; validate: all unless given",
                },
            ),
        ),
        _monitor,
    ),
    Command(
        "publish",
        "Archive the document to a Datadog notebook; again updates the same one.",
        "postmortem publish INC-4821",
        (PATH,),
        _publish,
    ),
    Command(
        "sandbox",
        "Serve the made-up incident over Datadog's HTTP API, on this machine only.",
        "postmortem sandbox --port 8126",
        ((("--port",), {"type": int, "default": 0, "metavar": "N", "help": "default: any free"}),),
        _sandbox,
    ),
)
