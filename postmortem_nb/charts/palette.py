"""Colours and dashes that stay apart for colour-blind readers, on paper and on a screen.

The first four lines are from Okabe and Ito's palette, the rest from Paul Tol's; each stands out
from white by at least 3 : 1. tests/test_charts.py holds both with a simulation of colour blindness.
"""

from __future__ import annotations

SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#332288", "#882255", "#1C1C1C")
"""One for each of the seven largest series; more would not be told apart."""
DASHES: tuple[object, ...] = (
    "-", "-", "-", (0, (5, 1.4)), (0, (1.2, 1.2)), (0, (5, 1.4, 1.2, 1.4)), (0, (8, 1.6)),
)  # fmt: skip
"""Dashes go with SERIES, so that the later ones differ without their colour."""
REST = "#9AA3AC"
REST_AREA = "#C9CFD5"
"""All other series together, as a line and as an area."""

SHADE, SHADE_EDGE = "#FBEFE3", "#E2B07A"
"""The incident's stretch of time, and its swatch's edge."""
UNKNOWN = "#C9CFD5"
"""Hatching over what was not pulled."""
WARNING = "#9A3B00"
"""Text of a note that the reader must not miss; 7 : 1 on white."""

STATUS = {
    "emergency": "#882255", "alert": "#882255", "critical": "#882255", "error": "#D55E00",
    "warn": "#E69F00", "warning": "#E69F00", "notice": "#005A8C", "ok": "#3A9AD9",
    "info": "#3A9AD9", "success": "#3A9AD9", "debug": "#7A7A7A", "trace": "#7A7A7A",
}  # fmt: skip
"""Fixed colours of the statuses of logs, spans and events; worst first, which stack lowest."""
PHASES = {
    "Detection": "#B04A00", "Investigation": "#0072B2", "Mitigation": "#00785A",
    "Post-Incident": "#5F6973",
}  # fmt: skip
"""Fixed colours of the phases of an incident."""
EVENTS = ("#332288", "#0072B2", "#009E73", "#CC79A7", "#D55E00", "#882255", "#1C1C1C")


def rank(name: str) -> int:
    """Return where a status stands from worst (0) to least; unknown ones come after all."""
    order = list(STATUS)
    return order.index(name.lower()) if name.lower() in STATUS else len(order)
