"""An alert for missing data, as a threshold words it beside its condition, or instead of one.

Datadog's own options for it: https://docs.datadoghq.com/monitors/guide/on_missing_data/.
"""

from __future__ import annotations

import re

UNTRIED = "an alert for no data is not tried"
OTHERWISE = "what becomes of missing data is tried by Datadog's default alone"
ALONE = (
    "it alarms where no data come; a back-test tries a condition, for example '> 5 % for 10 min'"
)

_CLAUSE = re.compile(
    r"[,;(]?\s*(?:\b(?:and|or|notify|alert|warn)\b\s*)*"
    r"(?:\b(?:after|for)\s+\d+\s*[a-z]+\s+(?=of\b|without\b)(?:of\s+)?|\b(?:if|on|when|for)\b\s*)?"
    r"(?:\bthe\s+)?"
    r"(?:\bnotify_no_data|\bon_missing_data|\bno_data_timeframe|\bno[ -]?data\b"
    r"|\bwithout\s+(?:any\s+)?data\b|\bmissing\s+data\b|\bdata\s+(?:is|are|go(?:es)?)\s+missing\b"
    r"|\bdata\s+stops?\b|\bstops?\s+reporting\b|\babsent\b)[^,;)]*\)?",
    re.IGNORECASE,
)
_USUAL = re.compile(r"notify_no_data\W+(?:false|no)\b|on_missing_data\W+default\b", re.IGNORECASE)
_OTHER = re.compile(r"on_missing_data\W+(?:resolve|show_no_data)\b", re.IGNORECASE)


def told_apart(words: str) -> tuple[str, str]:
    """Return words without what they say of missing data, and what is not tried of that."""
    clauses = [each for each in _CLAUSE.findall(words) if not _USUAL.search(each)]
    others = [each for each in clauses if _OTHER.search(each)]
    said = UNTRIED if len(clauses) > len(others) else OTHERWISE if others else ""
    return _CLAUSE.sub("", words), said
