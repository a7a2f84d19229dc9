"""The author's own cells as Markdown that is safe in every renderer, raw HTML switched on or off.

Their Markdown is parsed and written anew: every text escaped, every address checked, pictures
handed to the caller, who writes them beside the document or into it. What code left becomes a
fenced block or a picture.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import mistune
from mistune.renderers.markdown import MarkdownRenderer

from postmortem_nb import cells, stillmarkdown, stillsvg, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from postmortem_nb.ipynb import Cell, Output

Keep = Callable[[str, bytes, str], str]
"""Takes a picture (MIME type, bytes, text alternative) and returns the Markdown that shows it."""

_INFO = re.compile(r"[a-z][a-z0-9+#-]{0,19}")

DRAWN = frozenset({"mermaid", "math", "geojson", "topojson", "stl"})
"""Languages that a viewer would draw instead of show."""


class _Anew(MarkdownRenderer):
    """Parsed Markdown written again, so that only what it is allowed to be remains."""

    def __init__(self, attachments: Mapping[str, Mapping[str, str]], keep: Keep) -> None:
        super().__init__()
        self._attachments = attachments
        self._keep = keep

    def render_referrences(self, state: Any) -> list[str]:
        """Return nothing: links are written in place."""
        del state
        return []

    def text(self, token: dict[str, Any], state: Any) -> str:
        """Return typed text; an entity that the author typed is that character."""
        del state
        return _inline(html.unescape(token["raw"]))

    def inline_html(self, token: dict[str, Any], state: Any) -> str:
        """Return a tag as text."""
        del state
        return _inline(token["raw"])

    def block_html(self, token: dict[str, Any], state: Any) -> str:
        """Return a block of HTML as a paragraph of text."""
        del state
        return text.markdown(token["raw"].strip()) + "\n\n"

    def heading(self, token: dict[str, Any], state: Any) -> str:
        """Return a heading; the document's own title stays the only one of its level."""
        level = max(2, token["attrs"]["level"])
        line = " ".join(self.render_children(token, state).split())
        return f"{'#' * level} {line}\n\n"

    def link(self, token: dict[str, Any], state: Any) -> str:
        """Return a link in place, or its text with the address where it may not be one."""
        label = self.render_children(token, state)
        url = token["attrs"]["url"]
        href = text.href(url)
        if href is None:
            return f"{label} ({text.markdown(url)})"
        return f"[{label}](<{_address(href)}>)"

    def image(self, token: dict[str, Any], state: Any) -> str:
        """Return a picture whose bytes the notebook holds, else a word on what was left out."""
        alt = html.unescape(re.sub(r"\\(.)", r"\1", self.render_children(token, state)))
        url = token["attrs"]["url"]
        for kind, stored in self._stored(url):
            raw = cells.picture(kind, stored)
            if raw is not None:
                return self._keep(kind, raw, alt)
        return f"*{text.markdown(f'[Picture not included: {alt} {url[:200]}]')}*"

    def block_code(self, token: dict[str, Any], state: Any) -> str:
        """Return a code block; a language is kept unless a viewer would draw it."""
        del state
        words = (token.get("attrs", {}).get("info") or "").split()
        info = words[0] if words and _INFO.fullmatch(words[0]) and words[0] not in DRAWN else ""
        return text.fence(token["raw"].rstrip("\n"), info) + "\n\n"

    def _stored(self, url: str) -> list[tuple[str, str]]:
        if url.startswith("attachment:"):
            return list(self._attachments.get(url.removeprefix("attachment:"), {}).items())
        kind, _, stored = url.removeprefix("data:").partition(";base64,")
        return [(kind.lower(), stored)] if url.startswith("data:") else []


def fragment(cell: Cell, keep: Keep) -> str:
    """Return a Markdown cell written anew; too deep a nesting to parse comes back as text."""
    return _anew(cell.source, cell.attachments, keep)


def _anew(source: str, attachments: Mapping[str, Mapping[str, str]], keep: Keep) -> str:
    write = mistune.create_markdown(renderer=_Anew(attachments, keep), plugins=cells.PLUGINS)
    try:
        return str(write(text.visible(source))).strip()
    except RecursionError:
        return text.markdown(source)


def outputs(cell: Cell, keep: Keep, *, code: bool = False) -> str:
    """Return what a code cell left; its source too where ``code`` is asked for."""
    parts = [text.fence(cell.source, "python")] if code and cell.source else []
    parts += [shown for output in cell.outputs if (shown := _output(output, keep))]
    return "\n\n".join(parts)


def _output(output: Output, keep: Keep) -> str:
    """Return an output as the page shows it too: the first way that can."""
    if output.kind != "data":
        return _printed(output)
    return next((shown for draw in _WAYS if (shown := draw(output, keep))), "")


def _printed(output: Output) -> str:
    printed = cells.plain(output.data.get("text/plain", "")).strip("\n")
    return text.fence(printed) if printed.strip() else ""


def _picture(output: Output, keep: Keep) -> str:
    alt = output.alt or cells.PICTURE
    for kind in cells.MAGIC:
        raw = cells.picture(kind, output.data[kind]) if kind in output.data else None
        if raw is not None:
            return keep(kind, raw, alt)
    svg = stillsvg.still(output.data.get("image/svg+xml", ""))
    return keep("image/svg+xml", svg, alt) if svg else ""


def _markdown(output: Output, keep: Keep) -> str:
    return _anew(output.data.get("text/markdown", ""), {}, keep)


def _still(output: Output, keep: Keep) -> str:
    del keep
    stored = output.data.get("text/html", "")
    made = stillmarkdown.write(cells.still(stored))
    left = f"*{text.markdown(cells.LEFT_OUT)}*" if made and cells.is_active(stored) else ""
    return "\n\n".join(part for part in (made, left) if part)


def _words(output: Output, keep: Keep) -> str:
    del keep
    named = output.data.get("text/plain", "").startswith(cells.NAMED)
    latex = output.data.get("text/latex", "")
    return text.fence(cells.plain(latex)) if latex else "" if named else _printed(output)


def _missing(output: Output, keep: Keep) -> str:
    del keep
    return f"*{text.markdown(cells.MISSING)}*" if cells.is_missing(output) else ""


_WAYS: tuple[Callable[[Output, Keep], str], ...] = (_picture, _markdown, _still, _words, _missing)
"""How an output is shown: the first that can, in the page's own order."""


def _inline(typed: str) -> str:
    """Return a stretch of a line as Markdown; the spaces that part it from the rest stay spaces."""
    bare = typed.strip(" ")
    before = " " if typed.startswith(" ") else ""
    after = " " if typed.endswith(" ") and bare else ""
    return f"{before}{text.markdown(bare)}{after}"


def _address(href: str) -> str:
    """Return an address as it may stand between angle brackets."""
    return "".join(
        char if char.isalnum() or char in "-._~:/?#[]@!$&'()*+,;=%" else _percent(char)
        for char in href
    )


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], numeric: frozenset[int] = frozenset()
) -> str:
    """Return texts as a table; the columns whose place is in ``numeric`` hold figures."""
    return stillmarkdown.table([list(heads), *map(list, rows)], numeric)
