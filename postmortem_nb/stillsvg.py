"""An SVG as a file of its own: what it draws, nothing that runs, moves or fetches anything.

Inside a page a drawing stands in an ``img``, where it can do nothing. A file beside a Markdown
document may be opened by itself, so only what is on a list goes into it.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from postmortem_nb import text

SVG = "http://www.w3.org/2000/svg"
DRAWN = frozenset(
    {
        *("svg", "g", "defs", "symbol", "use", "title", "desc", "text", "tspan", "textPath"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
        *("clipPath", "mask", "marker", "pattern", "linearGradient", "radialGradient", "stop"),
        "style",
    }
)
"""Elements that are kept."""

_TYPE = re.compile(r"<!DOCTYPE[^\[>]*>", re.IGNORECASE)
_POINTS = re.compile(
    r"url\(\s*[\"']?(?!#)|@import|\\|expression|javascript:|image-set", re.IGNORECASE
)
"""What in a style or an attribute reaches out of the file."""


def still(stored: str) -> bytes | None:
    """Return a drawing as a file, or None for what is none or cannot be read."""
    source = _TYPE.sub("", text.clean(stored), count=1)
    if "<!DOCTYPE" in source.upper() or "<!ENTITY" in source.upper():
        return None  # entities can grow without end
    try:
        root = ET.fromstring(source)  # noqa: S314 - it declares no entities
    except (ET.ParseError, ValueError, RecursionError):
        return None
    if root.tag != f"{{{SVG}}}svg":
        return None
    ET.register_namespace("", SVG)
    _keep(root)
    made: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return made


def _keep(root: ET.Element) -> None:
    """Take out of a drawing what is not on the list, at any depth."""
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        parent.attrib = {name: value for name, value in parent.attrib.items() if _may(name, value)}
        for child in list(parent):
            if _is_drawn(child):
                waiting.append(child)
            else:
                parent.remove(child)


def _is_drawn(element: ET.Element) -> bool:
    space, _, name = str(element.tag).rpartition("}")
    if space != f"{{{SVG}" or name not in DRAWN:
        return False
    return name != "style" or not _POINTS.search("".join(element.itertext()))


def _may(name: str, value: str) -> bool:
    """Whether an attribute may stay: it runs nothing, and what it points at is in the file."""
    local = name.rpartition("}")[2].lower()
    if local == "href":
        return value.startswith("#")
    return not (local.startswith("on") or local == "base" or _POINTS.search(value))
