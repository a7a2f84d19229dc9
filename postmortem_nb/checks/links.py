"""Links that no reader can follow: cut in two, of one's own machine, or standing in for one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from postmortem_nb import text
from postmortem_nb.checks.report import Code, Finding, Severity
from postmortem_nb.checks.single import about
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from postmortem_nb.checks.case import Case, Cell

ADDRESS = re.compile(r"^\w[\w+.-]*:|//|^www\.|^[\w-]+(\.[\w-]+)+(/|$)|@")
"""What is meant as an address: a scheme, a host, a mail address."""
IN_PROSE = re.compile(r"(?<!!)\[[^\]\n]{0,200}\]\((?P<to>[^)\s]{0,500})\)")
"""A link of Markdown inside a sentence."""
_CUT = re.compile(
    r"https?://\S*\s+\.?[\w-]*(?:\.[\w-]+)*/\S+|^\s*https?://\S*[a-zA-Z-]{2,}\s+\d+\s*$"
    r"|https?://\S*(?:\s+(?!https?:)\S+){0,20}?\s+(?!https?:)\S*[?&]\w+=\S*"
    r"|https?://\S*\?\S*=\S*\s+[@-]*[\w.]+:(?!//)\S+"
    r"|^\s*https?://[^\s/]+/\S*\s+(?!(?:dashboard|runbook|recording|video|slides|notes|ticket|thread|"
    r"channel|internal|public|archived|here)\s*$)[a-z][a-z-]*\s*$"
)
"""An address that a space cuts in two: a path, the rest of a host, the number of a ticket
(“…/CHK 1933”), the rest of a query or of a search (“?query=a status:error”), or of a name
(“/dash board”) stands behind it, and not what it leads to."""


_LOCAL = re.compile(
    r"^\s*(?:https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\b|file:)", re.IGNORECASE
)
"""An address that leads each reader to a machine of their own."""


_STAND_IN = re.compile(
    r"^\s*https?://(?:\S*[/.=])?(?:TODO|TBD|FIXME|X{3,}|\.{3}|…)(?:[/?#]|\s*$)"
    r"|^\s*https?://\S*\{\{\w+\}\}",
    re.IGNORECASE,
)
"""An address that was to be replaced: “https://TODO”, “…/browse/XXX”, “…/{{SERVICE}}”."""


def links(case: Case) -> Iterator[Finding]:
    """Find links that no reader can follow."""
    for cell in case.cells:
        if cell.column.kind == "prose":
            yield from _links_in(case, cell)
        if cell.column.kind != "link":
            continue
        parts = [part for part in text.BETWEEN_LINKS.split(str(cell.value)) if part.strip(" ,")]
        meant = [part for part in parts if ADDRESS.search(part)]
        broken = [part for part in meant if _is_broken(part)]
        cut = _CUT.search(str(cell.value))
        if broken or cut or not meant:
            odd = shown(cut.group() if cut else broken[0] if broken else cell.value)
            yield Finding(
                code=Code.LINK,
                severity=Severity.WARNING if broken or cut else Severity.HINT,
                where=case.where(cell.table, cell.row, cell.column.name),
                message=f"Not a link that a reader can follow: {odd}.",
                remedy="Give the whole address, https:// included; part several by commas.",
                table=cell.table,
                row=cell.row,
                name=cell.column.name,
            )


def _is_broken(address: str) -> bool:
    stands_in = _LOCAL.search(address) or _STAND_IN.search(address)
    return text.href(address) is None or bool(stands_in)


def _links_in(case: Case, cell: Cell) -> Iterator[Finding]:
    """Find links inside a sentence that no reader can follow."""
    for match in IN_PROSE.finditer(str(cell.value)):
        if text.href(match["to"]) is None and not match["to"].startswith("#"):
            yield about(
                case,
                Code.LINK,
                cell.column.name,
                message=f"Not a link that a reader can follow: {shown(match.group())}.",
                remedy="Give the whole address, https:// included.",
                at=(cell.table, cell.row),
            )


RULES = (links,)
