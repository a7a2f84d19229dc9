"""The template's own Markdown as HTML: raw HTML off, links through the text door, no pictures.

Values of an incident never come here. Used for the words of a team's template, which are trusted to
say what they like but not to load or run anything.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

import mistune

from postmortem_nb import text

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


class _Renderer(mistune.HTMLRenderer):
    """HTML of headings, lists, tables, code and emphasis, and nothing else."""

    def heading(self, text: str, level: int, **_: Any) -> str:
        """Return a heading without what a plugin might add."""
        return f"<h{level}>{text}</h{level}>\n"

    def block_html(self, html: str) -> str:
        """Return raw HTML as the text that it is; comments go."""
        shown = _COMMENT.sub("", html).strip()
        return f"<p>{_escaped(shown)}</p>\n" if shown else ""

    def inline_html(self, html: str) -> str:
        """Return a tag as text; a line break is one, a comment goes."""
        if re.fullmatch(r"<br\s*/?>", html):
            return "<br>"
        return _escaped(_COMMENT.sub("", html))

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link where its address may be clicked, else its words."""
        del title
        href = _href(url)
        if href is None:
            return text
        return f'<a href="{_escaped(href)}" rel="noopener noreferrer">{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture's words: a template loads nothing."""
        del url, title
        return text

    def block_code(self, code: str, info: str | None = None) -> str:
        """Return a code block."""
        del info
        return f"<pre><code>{_escaped(code)}</code></pre>\n"

    def task_list_item(self, text: str, checked: bool = False) -> str:  # noqa: FBT001, FBT002 - mistune's
        """Return an item of a check list with its box as a sign: the page holds no form."""
        return f"<li>{'☑' if checked else '☐'} {text}</li>\n"


@lru_cache(maxsize=2000)
def rendered(source: str, *, slug: str = "") -> str:
    """Return Markdown of a template as HTML; ``slug`` is the id of its first ``#`` heading."""
    made = str(_markdown()(source))
    return made.replace("<h1>", f'<h1 id="{_escaped(slug)}">', 1) if slug else made


@cache
def _markdown() -> mistune.Markdown:
    return mistune.create_markdown(
        renderer=_Renderer(escape=True), plugins=["table", "strikethrough", "task_lists"]
    )


def inline(words: str) -> str:
    """Return the words of a heading as HTML."""
    return rendered(words).strip().removeprefix("<p>").removesuffix("</p>")


def _escaped(words: str) -> str:
    return text.html(words)


def _href(url: str) -> str | None:
    return text.href(url)
