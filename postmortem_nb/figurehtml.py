"""Figures as HTML: chart or table, caption, first rows; and the notes on their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from postmortem_nb import cells, figures, pageparts, provenance, text, values

if TYPE_CHECKING:
    from collections.abc import Iterable

    from postmortem_nb.figures import Figure


def draw(figure: Figure, code: bool = False) -> str:  # noqa: FBT001, FBT002 - shown or not
    """Return a figure with its caption, its question above where ``code`` is asked for."""
    call = f"<pre><code>{text.html(figure.call)}</code></pre>" if code else ""
    shown = _picture(figure) if figure.picture is not None else _table(figure)
    parts = (call, shown, _caption(figure))
    return f'<figure class="pm-figure">{"".join(parts)}</figure>'


def _picture(figure: Figure) -> str:
    source = cells.uri("image/png", figure.picture or b"")
    return cells.chart(f'<img src="{source}" alt="{text.html(figure.alt)}">')


def _table(figure: Figure) -> str:
    rows, table = figure.table.rows, figure.table
    made = pageparts.table(table.heads, rows, numbers=table.numeric) if rows else ""
    return made + (f'<p class="pm-note">{table.more}</p>' if table.more else "")


def _caption(figure: Figure) -> str:
    said = provenance.line(dict(figure.record)).rsplit(" · sha256 ", 1)[0]
    about = " · ".join(_said(part) for part in said.split(" · "))
    link = f'<a href="#evidence-{figure.number}">Evidence {figure.number}</a>'
    return (
        f"<figcaption><strong>Figure {figure.number}. {text.html(figures.title(figure))}.</strong> "
        f"{about} · {link}</figcaption>"
    )


def _said(part: str) -> str:
    """Return a part of the provenance, marked where it takes something away from the answer."""
    shown = text.html(part)
    marked = part.startswith(("partial", "changed", "damaged", "warning"))
    return f'<span class="pm-partial">{shown}</span>' if marked else shown


def unasked(call: str) -> str:
    """Return what stands for a question that was not asked: the question, and that it is open."""
    return f"{cells.note('Not asked yet:')}<pre><code>{text.html(call.strip())}</code></pre>"


def notes(shown: Iterable[Figure]) -> str:
    """Return the notes on the evidence of the figures; nothing for none."""
    items = "".join(_note(figure) for figure in shown)
    if not items:
        return ""
    return (
        '<section>\n<h2 id="evidence">Evidence</h2>\n'
        "<p>Every figure stands on an answer that was frozen when it came: the question as it was "
        "asked, its window, and a digest that tells whether the rows are still the same.</p>\n"
        f'<ol class="pm-evidence">{items}</ol>\n</section>'
    )


def _note(figure: Figure) -> str:
    rows = "".join(
        f"<dt>{text.html(label)}</dt><dd>{text.html(value)}</dd>"
        for label, value in figures.facts(figure.record)
    )
    link = values.shown("link", str(figure.record.get("link") or ""))
    where = f"<dt>In Datadog</dt><dd>{link}</dd>" if figure.record.get("link") else ""
    head = f"Evidence {figure.number}: {figures.title(figure)}"
    return (
        f'<li><h3 id="evidence-{figure.number}">{text.html(head)}</h3>'
        f"<pre><code>{text.html(figure.call)}</code></pre><dl>{rows}{where}</dl></li>"
    )
