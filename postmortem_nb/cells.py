"""The author's own cells as HTML: their Markdown, and what their code left behind.

Two layers, each enough alone: Markdown is rendered with raw HTML off, so that a tag typed is a tag
read; and everything passes a strict list of elements afterwards. Nothing runs and nothing is
fetched: a picture is kept where its bytes are in the notebook and left out, by name, where not.
What can only live with scripts (widgets, interactive charts) is replaced by a line that says so.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

import mistune
import nh3
from mistune.util import safe_entity

from postmortem_nb import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from postmortem_nb.ipynb import Cell, Output

REMEMBERED = 20_000
"""Characters of the longest Markdown whose HTML is remembered."""

LONGEST_PRINT = 40_000
"""Characters of one printed output that the document shows; the notebook holds the rest."""

PROSE = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "del", "a", "img", "br", "hr"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
"""Elements that Markdown can make."""

STILL = (PROSE - {"a", "img"}) | {
    "div",
    "b",
    "i",
    "u",
    "s",
    "sub",
    "sup",
    "small",
    "caption",
    "tfoot",
}
"""Elements that are kept of an HTML output: text and tables, nothing that points anywhere."""

DROPPED_WHOLE = {
    *("script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math"),
    *("select", "textarea", "title", "audio", "video", "canvas", "head"),
}

_IN = "mistune.plugins.table.table_in_"
PLUGINS = ["table", f"{_IN}quote", f"{_IN}list", "strikethrough", "task_lists", "url"]
"""What an author's Markdown may hold beside the usual."""

PICTURE = "Picture made by a cell of the author’s own"
LEFT_OUT = "Parts of this output that need scripts or other files were left out."
MISSING = "An interactive output is not part of the document; the notebook holds it."
NAMED = "<IPython.core.display."
"""How the plain text of an output begins that only names a Python object."""

FRAME = '<div class="pm-wide" role="group" aria-label="Table" tabindex="0">'
"""What a wide table scrolls in, by keyboard too."""

MAGIC = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
"""First bytes of the pictures that are kept: what a file says it is, it must be."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]")
_ERASED = ("\x1b[2K", "\r\x1b[K", "\r\x1b[0K")
"""What a program prints to take back a line."""

_DATA = re.compile(r"data:(image/[a-z]+);base64,", re.IGNORECASE)
_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|object|embed|form|svg|canvas|video|audio|img|link|button|input)\b"
    r"|\bon[a-z]+\s*=",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^>]*>")
_BLOCK = re.compile(
    r"<(/?)(?:details|summary|section|article|header|footer|main|aside|figure|figcaption|dl|dt|dd)"
    r"\b[^>]*>",
    re.IGNORECASE,
)
"""Elements that stand on lines of their own, whose words would run together without them."""


class _Prose(mistune.HTMLRenderer):
    """Markdown as HTML: raw HTML stays text, links and pictures pass the text door."""

    def __init__(self, attachments: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(escape=True)
        self._attachments = attachments

    def text(self, text: str) -> str:
        """Return text escaped; an entity that the author typed is that character."""
        return safe_entity(text)

    def inline_html(self, html: str) -> str:
        """Return a tag as the text that it is, except the line break people use in tables."""
        return "<br>" if re.fullmatch(r"<br\s*/?>", html) else self.escape_raw(html)

    def link(self, text_html: str, url: str, title: str | None = None) -> str:
        """Return a link, or its text with the address in brackets where it may not be one."""
        del title
        href = text.href(url)
        if href is None:
            return f"{text_html} ({text.html(url)})"
        return f'<a href="{text.html(href)}">{text_html}</a>'

    def image(self, text_html: str, url: str, title: str | None = None) -> str:
        """Return a picture whose bytes the notebook holds, else a word on what was left out."""
        del title
        alt = _TAG.sub("", text_html)
        name = url.removeprefix("attachment:")
        found = attached(self._attachments.get(name, {})) if name != url else embedded(url)
        if found is None:
            return f"<em>[Picture not included: {alt} {text.html(url[:200])}]</em>"
        return f'<img src="{found}" alt="{alt}">'

    def block_code(self, code: str, info: str | None = None) -> str:
        """Return a code block; its language is no class, for it is typed by people."""
        del info
        return f"<pre><code>{text.html(code)}</code></pre>\n"

    def table_cell(self, text_html: str, align: str | None = None, head: bool = False) -> str:  # noqa: FBT001, FBT002
        """Return a table cell; a column aligned right holds figures."""
        tag = "th" if head else "td"
        number = ' class="num"' if align == "right" else ""
        return f"<{tag}{number}>{text_html}</{tag}>\n"

    def task_list_item(self, text_html: str, checked: bool = False) -> str:  # noqa: FBT001, FBT002
        """Return an item of a check list with its box as a sign: the page holds no form."""
        return f"<li>{'☑' if checked else '☐'} {text_html}</li>\n"


def fragment(source: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Return an author's Markdown as safe HTML; headings have their own levels and no id.

    Too deep a nesting to parse comes back as the text that was typed.
    """
    if attachments or len(source) > REMEMBERED:
        return _rendered(source, _renderer(attachments or {}))
    return _remembered(source)


@lru_cache(maxsize=1_024)
def _remembered(source: str) -> str:
    """Return Markdown without attachments as HTML: a document is made again and again."""
    return _rendered(source, _plain_renderer())


def _rendered(source: str, render: mistune.Markdown) -> str:
    try:
        made = str(render(text.visible(source)))
    except RecursionError:
        return f'<p class="pm-value">{text.html(source)}</p>'
    return tables(_clean_prose(made))


def _renderer(attachments: Mapping[str, Mapping[str, str]]) -> mistune.Markdown:
    """Return what renders a cell's Markdown, with the pictures that are attached to it."""
    return mistune.create_markdown(renderer=_Prose(attachments), plugins=PLUGINS)


@cache
def _plain_renderer() -> mistune.Markdown:
    """Return the renderer of cells without attachments, made once: it keeps no state."""
    return _renderer({})


def outputs(cell: Cell, *, code: bool = False) -> str:
    """Return what a code cell left, as HTML; its source too where ``code`` is asked for."""
    parts = [f"<pre><code>{text.html(cell.source)}</code></pre>"] if code and cell.source else []
    parts += [shown for output in cell.outputs if (shown := _output(output, code=code))]
    return "\n".join(parts)


def picture(kind: str, stored: str) -> bytes | None:
    """Return the bytes of a stored picture, or None where it is not what its type says."""
    try:
        raw = base64.b64decode("".join(stored.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw.startswith(MAGIC.get(kind, (b"\0\0",))) else None


def uri(kind: str, raw: bytes) -> str:
    """Return bytes as a ``data:`` address."""
    return f"data:{kind};base64,{base64.b64encode(raw).decode('ascii')}"


def attached(bundle: Mapping[str, str]) -> str | None:
    """Return the first picture of a bundle as a ``data:`` address, or None."""
    for kind in MAGIC:
        raw = picture(kind, bundle[kind]) if kind in bundle else None
        if raw is not None:
            return uri(kind, raw)
    return None


def embedded(url: str) -> str | None:
    """Return a ``data:`` address of a picture written anew, or None for any other address."""
    match = _DATA.match(url)
    return attached({match[1].lower(): url[match.end() :]}) if match else None


def tables(html: str) -> str:
    """Return HTML with each table in a frame that scrolls where the page is too narrow."""
    framed = html.replace("<th></th>", "<td></td>").replace("<table>", f"{FRAME}<table>")
    return framed.replace("</table>", "</table></div>")


def plain(value: str) -> str:
    """Return printed text as it stood at last, without colours, cut to what a document holds."""
    if "\r" in value or "\b" in value:
        value = "\n".join(map(_at_last, value.split("\n")))
    shown = _ANSI.sub("", value)
    if len(shown) <= LONGEST_PRINT:
        return shown
    rest = len(shown) - LONGEST_PRINT
    return f"{shown[:LONGEST_PRINT]}\n… and {rest:,} more characters, in the notebook"


def _at_last(line: str) -> str:
    """Return what a terminal shows of a line at last: a progress bar is printed over and over."""
    after = max(line.rfind(mark) + len(mark) if mark in line else 0 for mark in _ERASED)
    line = _ANSI.sub("", line[after:])
    if "\b" in line:
        return _typed_over(line)
    shown = ""
    for part in reversed(line.split("\r")):  # what was longer before stands behind
        shown += part[len(shown) :]
    return shown


def _typed_over(line: str) -> str:
    """Return a line in which backspaces were printed, each character at its place."""
    shown: list[str] = []
    place = 0
    for char in line:
        if char in "\r\b":
            place = max(0, place - 1) if char == "\b" else 0
        else:
            shown[place : place + 1] = [char]
            place += 1
    return "".join(shown)


def note(line: str) -> str:
    """Return a remark of the document about itself."""
    return f'<p class="pm-note">{text.html(line)}</p>'


def _output(output: Output, *, code: bool) -> str:
    if output.kind == "error":
        said = note("This cell ended with an error when it was last run:")
        return said + _pre(output.data["traceback" if code else "text/plain"])
    if output.kind == "text":
        return _pre(output.data["text/plain"])
    return next((shown for draw in _WAYS if (shown := draw(output))), "")


def _pre(value: str) -> str:
    shown = plain(value).rstrip("\n")
    return f'<pre class="pm-output">{text.html(shown)}</pre>' if shown.strip() else ""


def _picture(output: Output) -> str:
    svg = drawing(output.data.get("image/svg+xml", ""))
    found = attached(output.data) or (uri("image/svg+xml", svg) if svg else None)
    if not found:
        return ""
    picture = f'<img src="{found}" alt="{text.html(output.alt or PICTURE)}">'
    is_ours = bool(output.facts.get("alt"))
    return f"<figure>{chart(picture) if is_ours else picture}</figure>"


def chart(picture: str) -> str:
    """Return one of our charts in what it scrolls in, by keyboard too; a dark page turns it."""
    return f'<div class="pm-chart" role="group" aria-label="Chart" tabindex="0">{picture}</div>'


def drawing(svg: str) -> bytes | None:
    """Return an SVG as a picture: inside ``img`` it neither runs nor fetches anything."""
    return text.clean(svg).encode() if "<svg" in svg else None


def _markdown(output: Output) -> str:
    return fragment(output.data.get("text/markdown", ""))


def _still(output: Output) -> str:
    """Return the text and tables of an HTML output, with a note where more than that was there."""
    stored = output.data.get("text/html", "")
    if not stored.strip():
        return ""
    kept = tables(still(stored))
    if not _TAG.sub("", kept).strip():
        return ""
    left = note(LEFT_OUT) if is_active(stored) else ""
    return f'<div class="pm-kept">{kept}</div>{left}'


def still(stored: str) -> str:
    """Return the text and tables of an HTML output."""
    return _clean_still(_BLOCK.sub(r"<\1div>", text.visible(stored)))


def is_active(stored: str) -> bool:
    """Whether an HTML output holds more than text and tables."""
    return _ACTIVE.search(stored) is not None


def _words(output: Output) -> str:
    """Return the plain text of an output, unless it only names a Python object."""
    stored = output.data.get("text/plain", "")
    return "" if stored.startswith(NAMED) else _pre(stored)


def _latex(output: Output) -> str:
    return _pre(output.data.get("text/latex", ""))


def _missing(output: Output) -> str:
    """Return a line about an output of which nothing can be shown still."""
    return note(MISSING) if is_missing(output) else ""


def is_missing(output: Output) -> bool:
    """Whether something was shown there, of which nothing is still."""
    return any(output.data.values()) or not output.data


_WAYS: tuple[Callable[[Output], str], ...] = (
    _picture,
    _markdown,
    _still,
    _latex,
    _words,
    _missing,
)
"""How an output is shown: the first that can."""


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute that may stay; the second look at every address."""
    if (tag, name) == ("a", "href"):
        return text.href(value)
    if (tag, name) == ("img", "src"):
        return value if _DATA.match(value) else None
    if name in ("colspan", "rowspan"):
        return value if value.isascii() and value.isdigit() and int(value) <= 1000 else None
    return value


_SPANS = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}

_clean_prose: Callable[[str], str] = partial(
    nh3.clean,
    tags=PROSE,
    clean_content_tags=DROPPED_WHOLE,
    attributes={"a": {"href"}, "img": {"src", "alt"}, "ol": {"start"}},
    allowed_classes={"td": {"num"}, "th": {"num"}},
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel=None,  # the page's head says for all links that no referrer is sent
)

_clean_still: Callable[[str], str] = partial(
    nh3.clean,
    tags=STILL,
    clean_content_tags=DROPPED_WHOLE,
    attributes=_SPANS,
    attribute_filter=_attribute,
    url_schemes=set(),
)


def pictures(cell: Cell) -> Iterator[tuple[str, bytes, str]]:
    """Yield the pictures a code cell left: MIME type, bytes, text alternative."""
    for output in cell.outputs:
        for kind in MAGIC:
            raw = picture(kind, output.data[kind]) if kind in output.data else None
            if raw is not None:
                yield kind, raw, output.alt
                break
