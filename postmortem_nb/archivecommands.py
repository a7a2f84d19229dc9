"""The commands over many bundles: ``postmortem list | actions | trends | similar``."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postmortem_nb.commands import PATH, Command
from postmortem_nb.errors import BadValue, expected

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from postmortem_nb.archive import Archive

_MANY = 40
"""From so many bundles on, reading them is told at a terminal."""


def _list(asked: argparse.Namespace) -> int:
    archive = _read(asked)
    return _print(asked, archive, "incidents", archive.incidents())


def _actions(asked: argparse.Namespace) -> int:
    archive = _read(asked)
    frame = archive.actions()
    every = len(frame)
    if asked.owner is not None:
        frame = frame[
            frame["owner"]
            .str.casefold()
            .str.contains(asked.owner.casefold(), regex=False, na=False)
        ]
    if not asked.all:
        frame = frame[~frame["done"]]
    if asked.overdue:
        frame = frame[(frame["late_days"] > 0).fillna(value=False)]
    if frame.empty and every and asked.format != "json":
        print(f"None of {every:,} actions is {_sought(asked)}.")
        return 0
    return _print(asked, archive, "actions", frame)


def _sought(asked: argparse.Namespace) -> str:
    """Return which actions were asked for, where none is such."""
    state = "overdue" if asked.overdue else "" if asked.all else "open"
    owned = f"owned by {import_module('postmortem_nb.terminal').line(asked.owner)}"
    return " and ".join(filter(None, (state, owned if asked.owner is not None else "")))


def _trends(asked: argparse.Namespace) -> int:
    archive = _read(asked)
    found, pages = archive.trends(), _pages()
    if asked.format == "json":
        print(pages.as_json(archive, **pages.of_trends(found)), end="")
    else:
        print(pages.trends(found), end="")
    return 0


def _similar(asked: argparse.Namespace) -> int:
    limit = _limit(asked.limit)  # wrong use is said before hundreds of bundles are read
    archive = _made(asked)
    frame = archive.similar(asked.path, limit=limit)  # wrong use is one line, also beside bundles
    _tell(asked, archive)
    return _print(asked, archive, "similar", frame)


def _limit(given: str) -> int:
    if not given.isascii() or not given.isdigit() or int(given[:9]) < 1:
        raise BadValue(expected("--limit", "a whole number from 1 on", example="5", came=given))
    return int(given[:9])


def _read(asked: argparse.Namespace) -> Archive:
    """Return the archive that was asked for; its broken bundles are told, one line each."""
    archive = _made(asked)
    _tell(asked, archive)
    return archive


def _made(asked: argparse.Namespace) -> Archive:
    made: type[Archive] = import_module("postmortem_nb.archive").Archive
    return made(asked.archive, told=_progress if sys.stderr.isatty() else None)


def _tell(asked: argparse.Namespace, archive: Archive) -> None:
    if asked.format != "json":
        line = import_module("postmortem_nb.terminal").line
        for path, why in archive.broken.items():
            print(f"{line(path)}: left out: {line(why)}", file=sys.stderr)
        for path, what in archive.damaged.items():
            print(f"{line(path)}: {what}; see `postmortem check`", file=sys.stderr)
        for path, newest in archive.copies.items():
            print(
                f"{line(path)}: left out: a copy of {line(newest)}, which has the newer edits",
                file=sys.stderr,
            )
        if not archive.records and not archive.broken:
            print(f"{line(asked.archive)}: no incident in it yet", file=sys.stderr)


def _progress(read: int, every: int) -> None:
    if every >= _MANY and (read % 10 == 0 or read == every):
        end = "" if read < every else "\r\033[K"
        print(f"\r\033[Kreading {read:,} of {every:,}{end}", end="", file=sys.stderr, flush=True)


def _print(asked: argparse.Namespace, archive: Archive, name: str, frame: pd.DataFrame) -> int:
    pages = _pages()
    if asked.format == "json":
        print(pages.as_json(archive, **{name: frame}), end="")
    else:
        print(getattr(pages, name)(frame), end="")
    return 0


def _pages() -> Any:
    return import_module("postmortem_nb.archivepages")


_ARCHIVE = (
    ("archive",),
    {"metavar": "ARCHIVE", "nargs": "?", "default": ".", "help": "a folder of bundles (here)"},
)
_FORMAT = (("--format",), {"choices": ("text", "json"), "default": "text"})

COMMANDS = (
    Command(
        "list",
        "Every incident of a folder: date, severity, state, how long it lasted, open actions.",
        "postmortem list postmortems",
        (_ARCHIVE, _FORMAT),
        _list,
    ),
    Command(
        "actions",
        "Follow-up actions of every incident, the most overdue first.",
        "postmortem actions postmortems --owner Dana --overdue",
        (
            _ARCHIVE,
            (("--owner",), {"metavar": "NAME", "help": "whose; a part of the name will do"}),
            (("--overdue",), {"action": "store_true", "help": "only those past their due date"}),
            (("--open",), {"action": "store_true", "help": "only those not done (the default)"}),
            (("--all",), {"action": "store_true", "help": "those that are done too"}),
            _FORMAT,
        ),
        _actions,
    ),
    Command(
        "trends",
        "MTTD and MTTR with n, median and interval; incidents a month; actions done.",
        "postmortem trends postmortems --format json",
        (_ARCHIVE, _FORMAT),
        _trends,
    ),
    Command(
        "similar",
        "The incidents most like one, and what they share.",
        "postmortem similar INC-4821 postmortems",
        (
            PATH,
            _ARCHIVE,
            (("--limit",), {"metavar": "N", "default": "5", "help": "how many (default: 5)"}),
            _FORMAT,
        ),
        _similar,
    ),
)
