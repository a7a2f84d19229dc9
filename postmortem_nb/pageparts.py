"""The parts of the page, each from plain values to HTML: title block, figures, chain, tables.

Every argument named ``…_html`` is HTML that has passed the text door already; every other text is
escaped here. Nothing here knows where a value comes from, and no text becomes an id or a class.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortem_nb import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TONES = ("red", "orange", "yellow", "green", "blue", "grey")
"""Colours that a badge can have; the class is made from these words alone."""

SHEET = 110
"""Letters that stand beside one another in a table on paper."""

BETWEEN = 3
"""Letters that the room between two columns would hold."""

FRAME = '<div class="pm-wide" role="group" aria-label="Table" tabindex="0">'
"""What a wide table scrolls in, by keyboard too."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with its value, as HTML."""

    label: str
    value_html: str


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word in a coloured frame."""

    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a list of cards, of the chain of whys, or of the timeline.

    ``when`` and ``day`` are for the timeline: the clock time and the day, which is seen only where
    it is ``new``. A ``key`` moment is one that durations are computed from.
    """

    title_html: str
    facts: tuple[Fact, ...] = ()
    when: str = ""
    day: str = ""
    new: bool = False
    key: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A row of the table of actions."""

    priority: str
    tone: str
    title_html: str
    about: tuple[Fact, ...]
    cells_html: tuple[str, ...]


def badge(shown: Badge, *, tag: str = "span") -> str:
    """Return a badge; an unknown tone is grey."""
    tone = shown.tone if shown.tone in TONES else "grey"
    return f'<{tag} class="pm-badge pm-{tone}">{text.html(shown.label)}</{tag}>'


def title(kicker: str, name: str, badges: Sequence[Badge], facts: Iterable[Fact]) -> str:
    """Return the title block."""
    marks = "".join(f"<li>{badge(each)}</li>" for each in badges)
    parts = (
        f'<p class="pm-kicker">{text.html(kicker)}</p>',
        f"<h1>{text.html(name)}</h1>",
        f'<ul class="pm-badges">{marks}</ul>' if marks else "",
        definitions(facts, "pm-facts"),
    )
    return "\n".join(part for part in parts if part)


def definitions(facts: Iterable[Fact], style: str) -> str:
    """Return facts as a list of terms; nothing for no facts. ``style`` is a class of the page's."""
    rows = "".join(
        f"<div><dt>{text.html(fact.label)}</dt><dd>{fact.value_html}</dd></div>" for fact in facts
    )
    return f'<dl class="{style}">{rows}</dl>' if rows else ""


def defined(facts: Sequence[Fact]) -> str:
    """Return what figures mean, behind a line that opens; nothing for no facts."""
    if not facts:
        return ""
    summary = "<summary>How these figures are defined</summary>"
    return f'<details class="pm-defined">{summary}{definitions(facts, "pm-terms")}</details>'


def details(facts: Iterable[Fact]) -> str:
    """Return facts as lines of ``label: value``."""
    rows = "".join(
        f"<div><dt>{text.html(_colon(fact.label))}</dt> <dd>{fact.value_html}</dd></div>"
        for fact in facts
    )
    return f'<dl class="pm-details">{rows}</dl>' if rows else ""


def _colon(label: str) -> str:
    return label if label.endswith(("?", ":")) else f"{label}:"


def timeline(entries: Iterable[Entry]) -> str:
    """Return the written timeline of one phase."""
    return f'<ol class="pm-timeline">{"".join(map(_moment, entries))}</ol>'


def _moment(entry: Entry) -> str:
    key = ' class="pm-key"' if entry.key else ""
    seen = "pm-day" if entry.new else "pm-quiet"
    day = f'<span class="{seen}">{text.html(entry.day)} </span>' if entry.day else ""
    clock = f'{text.html(entry.when)}<span class="pm-quiet"> UTC</span>' if entry.when else "–"
    body = f"<h4>{entry.title_html}</h4>{details(entry.facts)}"
    return f'<li{key}><div class="pm-when">{day}{clock}</div><div>{body}</div></li>'


def whys(entries: Iterable[Entry]) -> str:
    """Return the five whys as a chain, each answer leading to the next question."""
    return f'<ol class="pm-whys">{"".join(map(_card, entries))}</ol>'


def cards(entries: Iterable[Entry]) -> str:
    """Return a list of cards: factors, what went well, what went wrong."""
    return f'<ol class="pm-cards">{"".join(map(_card, entries))}</ol>'


def _card(entry: Entry) -> str:
    return f"<li><h4>{entry.title_html}</h4>{details(entry.facts)}</li>"


def actions(heads: Sequence[str], rows: Sequence[Action]) -> str:
    """Return the actions of one horizon; the first two columns are the priority and the action.

    Where no action has a priority, that column goes.
    """
    ranked = any(row.priority for row in rows)
    shown = heads if ranked else heads[1:]
    head = "".join(f'<th scope="col">{text.html(name)}</th>' for name in shown)
    body = "".join(_action(row, heads, ranked=ranked) for row in rows)
    table = f'<table class="pm-actions"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f"{FRAME}{table}</div>"


def _action(row: Action, heads: Sequence[str], *, ranked: bool) -> str:
    mark = badge(Badge(row.priority, row.tone)) if row.priority else "–"
    first = f'<td class="pm-short">{mark}</td>' if ranked else ""
    about = details(row.about)
    cells = "".join(
        f'<td><span class="pm-label">{text.html(name)}</span>{value or "–"}</td>'
        for name, value in zip(heads[2:], row.cells_html, strict=True)
    )
    return f'<tr>{first}<td><div class="pm-what">{row.title_html}</div>{about}</td>{cells}</tr>'


def box(style: str, *parts_html: str) -> str:
    """Return a box above the text; ``style`` is unfinished, approved or told."""
    return f'<div class="pm-box pm-{style}">{"".join(parts_html)}</div>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: frozenset[int]) -> str:
    """Return a small table of texts; the columns whose place is in ``numbers`` hold figures."""
    number, quiet = ' class="num"', ""

    def row(values: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{number if place in numbers else quiet}>{text.html(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    body = "".join(f"<tr>{row(values, 'td')}</tr>" for values in rows)
    head = f"<thead><tr>{row(heads, 'th')}</tr></thead>"
    return f"{FRAME}<table>{head}<tbody>{body}</tbody></table></div>"


def headings(html: str, place: Callable[[int, str], tuple[int, str]]) -> str:
    """Return author's HTML whose headings got the level and id that ``place`` gives each.

    ``place`` takes the level that was typed and the heading's HTML.
    """

    def settled(match: re.Match[str]) -> str:
        level, name = place(int(match[1]), match[2])
        return f'<h{level} id="{name}">{match[2]}</h{level}>'

    return re.sub(r"<h([1-6])>(.*?)</h\1>", settled, html, flags=re.DOTALL)


def tight(html: str) -> str:
    """Return HTML whose tables that no sheet of paper is wide enough for are set in small print."""

    def framed(match: re.Match[str]) -> str:
        rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in _rows(match[1]))
        longest: dict[int, int] = {}
        for row in rows:
            for place, cell in enumerate(row):
                words = re.sub(r"<[^>]*>", " ", cell).split()
                longest[place] = max(longest.get(place, 0), *map(len, words), 0)
        wide = sum(longest.values()) + BETWEEN * len(longest) > SHEET
        return match[0].replace('"pm-wide"', '"pm-wide pm-tight"', 1) if wide else match[0]

    return re.sub(rf"{re.escape(FRAME)}(.*?)</table>", framed, html, flags=re.DOTALL)


def _rows(table: str) -> list[str]:
    return re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
