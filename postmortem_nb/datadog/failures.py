"""What went wrong on the way to Datadog, and the few lines that tell it.

A *fault* is two or three words ("HTTP 503", "timed out"); *said* is the beginning of Datadog's own
detail; a *remedy* is what the reader can do. Keys never appear: every text passes ``scrubber``
first, for a server may repeat a key in its answer.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from postmortem_nb import times
from postmortem_nb.errors import DatadogError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SAID_LENGTH = 300
"""Characters of Datadog's own detail that are shown."""
QUESTION_LENGTH = 400
MASK = "[key]"

_GRAM = 8  # a piece of a key this long is masked, wherever it stands
_SITE = "check DD_SITE, and POSTMORTEM_DATADOG_URL where it is set"
_REMEDIES = {
    400: "check the query: the same text must work in Datadog's explorer",
    401: "check that DD_API_KEY and DD_APP_KEY are of this site and not revoked",
    403: "check both keys and that the application key may read this: {scope}",
    404: _SITE,
    405: _SITE,
    413: "ask for a shorter window or fewer fields",
    422: "check the query and that the window begins before it ends",
    429: "run the cell again when the rate limit is free",
}
_AGAIN = "try again, with a shorter window if it stays so"
_RETRYABLE = frozenset((408, 425, 429))


class Failed(DatadogError):
    """One request that brought no usable answer.

    Attributes
    ----------
    fault, said, remedy
        what happened in two or three words, Datadog's own detail, what to do
    status
        the HTTP status, 0 where there was none
    again
        how many more times the same request is worth asking
    wait
        seconds that the server asked to wait, None where it did not say
    """

    def __init__(
        self, fault: str, *, said: str = "", remedy: str = _AGAIN, status: int = 0, again: int = 0
    ) -> None:
        super().__init__(f"{fault}: {said}" if said else fault)
        self.fault, self.said, self.remedy, self.status = fault, said, remedy, status
        self.again = again
        self.wait: float | None = None


def told(failed: Failed, *, question: str, site: str, scrub: Callable[[str], str]) -> DatadogError:
    """Return the error for the user: fault, detail, question and remedy on at most five lines."""
    phrase = _phrase(failed.status)
    lines = [f"{site}: {failed.fault}{phrase}"]
    if failed.said:
        lines.append(f"It said: {failed.said}")
    lines += [f"Asked: {_cut(question, QUESTION_LENGTH)}", f"To do: {failed.remedy}"]
    return DatadogError("\n".join(scrub(line) for line in lines))


def refused(status: int, body: bytes, *, scope: str, scrub: Callable[[str], str]) -> Failed:
    """Return the failure that an answer with an error status stands for."""
    remedy = _REMEDIES.get(status, "try again in a few minutes").format(scope=scope)
    again = 9 if status in _RETRYABLE or status >= 500 else 0
    said = detail(body, scrub)
    return Failed(f"HTTP {status}", said=said, remedy=remedy, status=status, again=again)


def later(failed: Failed) -> Failed:
    """Return a failure with when to ask again, where the server asked for a longer wait."""
    if failed.wait is None:
        return failed
    at = (datetime.now(UTC) + timedelta(seconds=failed.wait)).replace(microsecond=0)
    free = f"the limit is free again in {times.duration(failed.wait / 60)}"
    said = f"{failed.said}; {free}" if failed.said else free
    remedy = f"run this again at {times.shown(at)} or later"
    later = Failed(failed.fault, said=said, remedy=remedy, status=failed.status)
    later.wait = failed.wait
    return later


def detail(body: bytes, scrub: Callable[[str], str]) -> str:
    """Return the beginning of what an error answer says, in any of Datadog's twenty shapes."""
    text = body[: 1 << 16].decode("utf-8", "replace").strip().lstrip("\ufeff")
    try:
        found = _joined(json.loads(text))
    except (ValueError, RecursionError):
        found = text
    return _cut(scrub(found), SAID_LENGTH)


def beside(found: dict[str, Any]) -> str:
    """Return why an answer that holds rows is partial: the errors that it states beside them."""
    said = stated(found)
    return f"an error beside the rows: {said}" if said else ""


def stated(found: dict[str, Any]) -> str:
    """Return the beginning of the errors that an answer states, whatever its HTTP status."""
    errors = {name: found[name] for name in ("errors", "error") if found.get(name)}
    return _cut(_joined(errors) or shown(errors), SAID_LENGTH) if errors else ""


def _joined(found: Any) -> str:
    return " · ".join(dict.fromkeys(_sentences(found)))


def scrubber(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that masks every piece of the secrets, plain or encoded, in a text."""
    pieces = {
        form[at : at + _GRAM]
        for secret in secrets
        if len(secret) >= _GRAM
        for form in _forms(secret)
        for at in range(len(form) - _GRAM + 1)
    }

    def scrub(text: str) -> str:
        hidden = bytearray(len(text))
        for at in range(len(text) - _GRAM + 1) if pieces else ():
            if text[at : at + _GRAM] in pieces:
                hidden[at : at + _GRAM] = b"\1" * _GRAM
        return _masked(text, hidden) if any(hidden) else text

    return scrub


def _forms(secret: str) -> set[str]:
    """Return a secret as it may be repeated: plain, in other case, percent, base64, hex."""
    raw = secret.encode("utf-8", "replace")
    encoded = {base64.b64encode(b" " * pad + raw).decode()[pad * 2 :] for pad in range(3)}
    percent = "".join(f"%{byte:02x}" for byte in raw)
    plain = {secret, secret.lower(), secret.upper(), quote(secret, safe=""), raw.hex()}
    return plain | encoded | {percent, percent.upper()}


def _masked(text: str, hidden: bytearray) -> str:
    out: list[str] = []
    for char, covered in zip(text, hidden, strict=True):
        if not covered:
            out.append(char)
        elif not out or out[-1] != MASK:
            out.append(MASK)
    return "".join(out)


def _sentences(found: Any) -> list[str]:
    """Return the texts of an error body: ``errors`` of texts or objects, or ``error``."""
    if isinstance(found, dict):
        keys = ("errors", "error", "error_message", "message", "detail", "title")
        inner = [found[key] for key in keys if found.get(key)]
        if "detail" in found and "title" in found:
            inner = [found["detail"] or found["title"]]
        source = found.get("source")
        where = [f"({shown(source)})"] if isinstance(source, dict) and inner else []
        return [line for part in inner for line in _sentences(part)] + where
    if isinstance(found, list):
        return [line for part in found[:5] for line in _sentences(part)]
    return [" ".join(str(found).split())] if found is not None else []


def _phrase(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase})" if status >= 300 else ""
    except ValueError:
        return ""


def _cut(text: str, length: int) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
