"""The text door: what anybody typed or any log said becomes safe Markdown or HTML here.

Everything displayed or exported passes one of these functions. They change how a text is written,
never what a reader sees: it comes out as typed, and nothing in it becomes a heading, a link, a
table, an element, an entity or mathematics.

Live outputs are wrapped by callers in ``class="tex2jax_ignore mathjax_ignore"`` besides: JupyterLab
typesets what stands between two dollar signs whatever its Markdown or HTML says.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata
from urllib.parse import urlsplit

SCHEMES = frozenset({"http", "https", "mailto"})
"""Schemes that a link may have."""

BREAK = "<br>"
"""A line break inside a paragraph, a list item, a heading or a table cell of Markdown."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile("\r\n|[\u2028\u2029]")
_BIDI = {
    0x202A: "LRE",
    0x202B: "RLE",
    0x202C: "PDF",
    0x202D: "LRO",
    0x202E: "RLO",
    0x2066: "LRI",
    0x2067: "RLI",
    0x2068: "FSI",
    0x2069: "PDI",
}
_SYMBOLS = (
    {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
    | {0x7F: "\N{SYMBOL FOR DELETE}"}
    | dict.fromkeys(range(0x80, 0xA0), "\N{SYMBOL FOR SUBSTITUTE FORM TWO}")
    | {code: f"⟨{name}⟩" for code, name in _BIDI.items()}
)

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_PUNCTUATION = r"!-/:-@\[-`{-~"  # what Markdown lets a backslash stand before
_ENTITY = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)")
_INLINE = re.compile(
    rf"""
      \\(?=[{_PUNCTUATION}\s]|\Z)       # a backslash that would escape
    | [`*\[\]|${{]
    | (?<![^\W_])_ | _(?![^\W_])        # inside a word it emphasises nothing
    | (?<=\s)\#(?=\#*\s*\Z)            # what would close a heading
    | ~(?!\d) | (?<!\s)~                # but not in `about ~5 minutes`
    """,
    re.VERBOSE,
)
_BLOCK = re.compile(r"(?:\#{1,6}|[-+])(?=\s|\Z)|(?:[-=]\s*)+\Z|=+\s|[:]\s")
_NUMBERED = re.compile(r"([0-9]{1,9})([.)])(?=\s|\Z)")
_SPACES = re.compile(r"(?<=\n) +|^ +| +(?=\n)| +\Z|(?<= ) +")
COLON = "&#58;"
"""A colon that ends a value, where one of the template's own may follow."""
_ESCAPED = re.compile(rf"\\([{_PUNCTUATION}])|{BREAK}|&(?:nbsp|amp|lt|gt|#9|#58);")
_WRITTEN = {BREAK: "\n", "&nbsp;": " ", "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#9;": "\t"}
_WRITTEN |= {COLON: ":"}
_TICKS = re.compile(r"`+")
_HREF = re.compile(r"(?:%[0-9A-Fa-f]{2}|[!-$&-\[\]-~\u00a1-\U0010ffff])+")


def clean(value: object) -> str:
    """Return a value as text that can be encoded: lone surrogates become U+FFFD."""
    found = str(value)
    if found.isascii():
        return found
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", found)


def visible(value: object) -> str:
    """Return text in which nothing acts unseen.

    Control characters but newline and tab become their symbols; what reorders text becomes its
    name (``⟨RLO⟩``); every way of ending a line becomes a newline.
    """
    shown = clean(value)
    if shown.isascii() and shown.isprintable():
        return shown  # most texts: nothing in them acts
    return _BREAKS.sub("\n", shown).translate(_SYMBOLS)


def markdown(value: object, *, inside: bool = False) -> str:
    """Return text as one line of Markdown that reads as typed wherever it stands.

    Inside a paragraph, a list item, a table cell, a heading or emphasis; a newline becomes ``<br>``
    and runs of spaces keep their width. Only what would act is escaped. `unmarkdown` goes back.
    ``inside`` says that it stands between other words, so that it begins and ends no line.
    """
    shown = _ENTITY.sub("&amp;", visible(value))
    shown = _INLINE.sub(r"\\\g<0>", shown).replace("<", "&lt;")
    if not inside:
        shown = _begun(shown)
    return shown.replace("\t", "&#9;").replace("\n", BREAK)


def _begun(shown: str) -> str:
    """Return what may begin a line, escaped so that it begins no block, with its spaces kept."""
    shown = wide(shown)
    if shown.startswith(">"):
        shown = f"&gt;{shown[1:]}"
    elif _BLOCK.match(shown):
        shown = f"\\{shown}"
    return _NUMBERED.sub(r"\1\\\2", shown, count=1) if _NUMBERED.match(shown) else shown


def wide(shown: str) -> str:
    """Return Markdown whose spaces at the ends, and side by side, keep their width."""
    return _SPACES.sub(lambda run: "&nbsp;" * len(run[0]), shown)


def unmarkdown(written: str) -> str:
    """Return the text that `markdown` wrote; Markdown that a person wrote keeps its own marks."""
    return _ESCAPED.sub(lambda match: match[1] or _WRITTEN[match[0]], written)


def html(value: object) -> str:
    """Return text for an element or a quoted attribute of HTML; newlines stay newlines."""
    return _html.escape(visible(value), quote=True)


def fence(value: object, info: str = "") -> str:
    """Return text as a code block of Markdown that nothing in the text can end."""
    shown = visible(value).rstrip("\n")
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{re.sub(r'[^A-Za-z0-9_+.-]', '', info)}\n{shown}\n{ticks}"


BETWEEN_LINKS = re.compile(r"(\s+|,+(?=\s|https?:|mailto:|$))")
"""What parts several links of one blank; a comma inside an address is a part of it."""


def href(value: object) -> str | None:
    """Return an address that may be clicked: absolute, http, https or mailto; else None.

    None too where it names a user before its host, which makes it look like another's.
    """
    address = str(value).strip(" ")
    if _HREF.fullmatch(address) is None or not address.isprintable():
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # refused where it is none
    except ValueError:
        return None
    if parts.scheme not in SCHEMES or "@" in parts.netloc:
        return None
    target = parts.path if parts.scheme == "mailto" else parts.hostname
    return address if target else None


def is_bidirectional(value: object) -> bool:
    """Return whether any of a text is written from right to left."""
    said = str(value)
    if said.isascii():
        return False
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in said)
