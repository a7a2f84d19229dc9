"""Answers of the search endpoints, from bytes to a page: rows, the next cursor, what was wrong.

An HTTP 200 may be an error, a log-in page or half a document. Everything that is not an answer
raises ``Failed``; what is one, however odd its values, is read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from postmortem_nb.datadog.arrays import counted
from postmortem_nb.datadog.failures import Failed, beside, stated
from postmortem_nb.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_SIZE = 1000
"""Rows a page; Datadog's own default is 10 (and its maximum 1,000)."""

PART = "HTTP 206, a part of the answer"
"""Why an answer is partial that says so itself and does not name where the rest is.

Of the endpoints asked here Datadog documents none that says so; where it does elsewhere (a search
of experiments), there are more pages and a cursor.
"""

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # an escape that may be half of a character
_LONGEST_INTEGER = 300  # digits; longer ones are no measurement, and reading them takes for ever


class Part(bytes):
    """The body of an answer that says itself that it is a part of the whole: HTTP 206."""


@dataclass(slots=True)
class Page:
    """One page: ``rows`` in the form its reader gives them, and their ids."""

    rows: Any
    ids: list[Any]
    cursor: str = ""
    timed_out: bool = False
    part: bool = False
    fault: str = ""  # what it says went wrong, though it has rows
    warnings: list[str] = field(default_factory=list)


def paged(read: Callable[[bytes], Page]) -> Callable[[bytes], Page]:
    """Return a reader of pages that notes whether one says itself that it is a part."""

    def reading(body: bytes) -> Page:
        page = read(body)
        page.part = isinstance(body, Part)
        return page

    return reading


def whole(body: bytes) -> dict[str, Any]:
    """Return an answer's JSON object as `document` does; Failed for a part of one too.

    One that states an error beside its data may be a part as well.
    """
    if isinstance(body, Part):
        raise Failed(PART, status=HTTPStatus.PARTIAL_CONTENT)
    found = document(body)
    if beside(found):
        raise unusable(found)
    return found


def rows(body: bytes) -> Page:
    """Return a page whose rows are the dictionaries as they came."""
    found = document(body)
    data = found.get("data")
    if not isinstance(data, list):
        raise unusable(found)
    kept = [row for row in data if isinstance(row, dict)]
    fault = beside(found)
    if fault and not kept:
        raise unusable(found)
    if len(kept) < len(data):
        fault = fault or counted(len(data) - len(kept), "rows were no objects and are left out")
    page = Page(kept, [_key(row.get("id")) for row in kept], fault=fault)
    envelope(page, found.get("meta"))
    return page


def _key(value: Any) -> str | None:
    """Return the id of a row as what it is known by; None where it has none."""
    if isinstance(value, str) or value is None:
        return value or None
    return json.dumps(value)


def envelope(page: Page, meta: Any) -> None:
    """Take over the cursor, the state and the warnings that a page's ``meta`` states."""
    if not isinstance(meta, dict):
        return
    inner = meta.get("page")
    cursor = inner.get("after") if isinstance(inner, dict) else None
    page.cursor = cursor if isinstance(cursor, str) else ""
    if cursor is not None and not isinstance(cursor, str):
        page.fault = page.fault or "a cursor that cannot be read"
    page.timed_out = meta.get("status") == "timeout"
    stated = meta.get("warnings") or []
    page.warnings += map(_warning, stated if isinstance(stated, list) else [stated])


def document(body: bytes) -> dict[str, Any]:
    """Return an answer's JSON object; Failed for anything else.

    Integers of any sensible size stay exact, NaN and Infinity are null, invalid UTF-8 is replaced.
    """
    found = _parsed(body)
    if not isinstance(found, dict):
        raise unusable(found)
    return found


def unusable(found: Any) -> Failed:
    """Return the failure for a 200 that holds no data: an error, a list, ``null``."""
    said = stated(found) if isinstance(found, dict) else ""
    if said:
        return Failed("an error in place of data", said=said, remedy="check the query", status=200)
    return Failed("an answer without data", remedy="try again", status=200)


def _parsed(body: bytes) -> Any:
    text = _decoded(body)
    if not text:
        raise Failed("an empty answer", remedy="try again", status=200, again=3)
    if text[0] == "<":
        raise Failed(
            "a web page in place of data",
            remedy="a proxy or a log-in page stands before Datadog: check HTTPS_PROXY and the URL",
            status=200,
            again=3,
        )
    try:
        return _whole(json.loads(text, parse_constant=_nothing), text)
    except RecursionError:
        raise Failed("an answer nested too deep", status=200) from None
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text) - 1 or "Unterminated" in error.msg
        fault = "answer cut off" if cut else "an answer that is not JSON"
        said = f"{error.msg} after {error.pos:,} of {len(text):,} characters"
        raise Failed(fault, said=said, remedy="try again", status=200, again=3) from None
    except ValueError:  # an integer longer than Python reads
        return _whole(json.loads(text, parse_constant=_nothing, parse_int=_integer), text)


def _whole(found: Any, text: str) -> Any:
    """Return JSON without halves of characters, which no column, name or file can hold."""
    return _mended(found) if _HALF.search(text) else found


def _mended(found: Any) -> Any:
    if isinstance(found, str):
        return clean(found)
    if isinstance(found, list):
        return [_mended(value) for value in found]
    if isinstance(found, dict):
        return {clean(name): _mended(value) for name, value in found.items()}
    return found


def _decoded(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
    return text.lstrip("\ufeff").strip()


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else None


def _nothing(_constant: str) -> None:
    return None


def _warning(warning: Any) -> str:
    if not isinstance(warning, dict):
        return str(warning)[:300]
    parts = (warning.get("title"), warning.get("detail") or warning.get("code"))
    return ": ".join(str(part) for part in parts if part)[:300]
