"""A question that found nothing: what would find something, as far as it can be told.

``hints`` reads the question alone. ``looked_up`` asks Datadog a few small questions more, for a
query cell: whether there is anything in the window, which part of a search matches nothing, whether
a metric exists, which operation a service's trace metrics are named by. A hint that would have to
wait for a rate limit is not given.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from importlib import import_module
from numbers import Integral
from typing import TYPE_CHECKING, Any

from postmortem_nb import times
from postmortem_nb.datadog import answers, fields, searches
from postmortem_nb.datadog.failures import Failed
from postmortem_nb.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from postmortem_nb.datadog.asking import Asking
    from postmortem_nb.datadog.pages import Search

RESERVED = re.compile(
    "env|host|id|index|message|operation_name|resource_name|service|source|span_id|status|tags"
    "|timestamp|trace_id|type|version"
)
"""Keys of a search that are written without ``@``
(https://docs.datadoghq.com/logs/explorer/search_syntax/)."""

_ATTRIBUTES = re.compile(r"(?:http|error|usr|network|db|dd|logger|view|session|duration)\b[\w.]*")
_TERM = re.compile(
    r"""[-!]?(?:[@\w][\w.\-/]*:)?(?:"(?:\\.|[^"\\])*"|\([^()]*\)|\[[^\[\]]*\]|[^\s()"]+)"""
)
_METRIC = re.compile(
    r"(?:^|[^\w.])(?:[a-z]+[0-9.]*:)?(?P<name>[a-zA-Z][\w.]*)\{(?P<scope>[^{}]*)\}"
)
_OF_SERVICE = re.compile(
    r"trace\.(?P<service>[\w.\-]+?)\.request(?P<what>\.(?:duration|errors|hits|apdex))?"
)
_MOST_TERMS = 4
_MOST_NAMES = 10_000  # metrics of one page, which is the most that there may be
_SEARCHES = {
    "search_datadog_logs": "query",
    "analyze_datadog_logs": "filter",
    "search_datadog_spans": "query",
    "search_datadog_events": "query",
}
_METRICS = {"get_datadog_metric": "queries", "get_datadog_revenue": "metric"}
_KINDS = {"search_datadog_spans": "spans", "search_datadog_events": "events"}


def finds_nothing(frame: pd.DataFrame) -> bool:
    """Return whether an answer has no row, no value, or is a lone count of nothing."""
    if "value" in frame.columns and {"series", "week"} & {*frame.columns}:
        return bool(frame["value"].isna().all())
    if len(frame) == 1 and len(frame.columns) == 1:
        value: object = frame.iloc[0, 0]
        return isinstance(value, Integral) and int(value) == 0
    return frame.empty


def hints(asked: Asking) -> list[str]:
    """Return what the question alone shows that may be why it found nothing."""
    if asked.function not in _SEARCHES:
        return []
    words = str(asked.arguments[_SEARCHES[asked.function]])
    found = [
        f"{shown(key)} looks like an attribute: attributes need @, as in {shown('@' + term)}"
        for key, term in _keyed(words)
        if _ATTRIBUTES.fullmatch(key)
    ]
    small = next((word for word in words.split() if word in ("and", "or", "not")), None)
    if small:
        found.append(f"{shown(small)} is searched for as a word: operators are upper case")
    return found


def looked_up(asked: Asking) -> list[str]:
    """Return what Datadog says of the parts of a question that found nothing."""
    metric = asked.function in _METRICS
    if not metric and asked.function not in _SEARCHES:
        return []
    if asked.connection.sandbox and (story := _story(asked)):
        return [story]
    try:
        return list(_of_metrics(asked) if metric else _of_search(asked))
    except Failed:
        return []  # no help is no fault of the answer, which stands


def _story(asked: Asking) -> str:
    """Return what the sandbox tells of, where the question's window holds nothing of it."""
    facts = import_module("postmortem_nb.sandbox.scenario").FACTS
    if asked.start < facts.baseline_end and asked.end > facts.baseline_start:
        return ""
    window = f"{times.shown(facts.start)} to {times.shown(facts.recovered)}"
    return (
        f"the sandbox plays one made-up incident, {window}, of the services "
        f"{' and '.join(facts.services)}: set DD_API_KEY and DD_APP_KEY to ask of your own"
    )


def _keyed(words: str) -> list[tuple[str, str]]:
    """Return key and term of the parts of a search that name a key without ``@``."""
    parts = [part.lstrip("-!") for part in _TERM.findall(words)]
    pairs = [(part.partition(":")[0], part) for part in parts if ":" in part]
    return [(key, part) for key, part in pairs if re.fullmatch(r"\w[\w.\-/]*", key)]


def _of_search(asked: Asking) -> Iterator[str]:
    kind = _KINDS.get(asked.function, "logs")
    words = str(asked.arguments[_SEARCHES[asked.function]])
    sample = _rows(asked, "*", 1000)
    if not sample:
        yield (
            f"there are no {kind} at all in this window: check the window, what the keys may "
            "read, and how long such data are kept"
        )
        return
    if "OR" in words or "(" in words:
        yield f"the window has {kind}: {_services(sample, '')}"
        return
    terms = [term for term in _TERM.findall(words) if term not in ("*", "AND")][:_MOST_TERMS]
    lone = [term for term in terms if not _rows(asked, term, 1)]
    for term in lone:
        yield _without(asked, term, sample)
    if not lone and len(terms) > 1:
        yield f"each part matches {kind} of this window, all of them together none"


def _without(asked: Asking, term: str, sample: list[dict[str, Any]]) -> str:
    """Return what to say of a part of a search that matches nothing by itself."""
    key, _, value = term.lstrip("-!").partition(":")
    if key == "service":
        return f"nothing matches {shown(term)}: {_services(sample, value.strip(chr(34)))}"
    facet = f"@{term.lstrip('-!')}"
    if value and not RESERVED.fullmatch(key) and key[:1] != "@" and _rows(asked, facet, 1):
        return f"nothing matches {shown(term)}, but {shown(facet)} does: attributes need @"
    return f"nothing matches {shown(term)} in this window"


def _services(sample: Iterable[dict[str, Any]], like: str) -> str:
    """Return the services of some rows in words, those that are written alike first."""
    places = ("service", "attributes.service")
    stated = [fields.anywhere(row.get("attributes"), place) for row in sample for place in places]
    names = sorted({name for name in stated if isinstance(name, str) and name})
    near = get_close_matches(like, names, n=3)
    listed = [*near, *(name for name in names if name not in near)][:8]
    return f"services there are {', '.join(map(shown, listed))}" if listed else "none has a service"


def _rows(asked: Asking, words: str, most: int) -> list[dict[str, Any]]:
    """Return at most one page of rows that match a search in the question's window."""
    name = _SEARCHES[asked.function]
    arguments = {**asked.arguments, name: words}
    search = _search(replace(asked, arguments=arguments), name)
    body = search.body(most, "", search.bounds)
    page = asked.connection.ask(search.operation, answers.rows, patience=0.0, body=body)
    return list(page.rows)


def _search(asked: Asking, name: str) -> Search:
    if asked.function == "search_datadog_spans":
        return searches.spans(asked)
    if asked.function == "search_datadog_events":
        return searches.events(asked)
    return searches.logs(asked, name, limit=1)


def _of_metrics(asked: Asking) -> Iterator[str]:
    queries = asked.arguments[_METRICS[asked.function]]
    known = _names(asked)
    for words in [queries] if isinstance(queries, str) else queries:
        for found in _METRIC.finditer(words):
            name, scope = found["name"], found["scope"]
            service = _OF_SERVICE.fullmatch(name)
            if name in known:
                yield f"the metric {shown(name)} exists; nothing of it matches {shown(scope)} here"
            elif service:
                yield _by_operation(asked, words, service, known)
            else:
                yield f"there is no metric {shown(name)}{_alike(name, known)}"


def _names(asked: Asking) -> set[str]:
    """Return the names of the metrics that Datadog has."""
    found = asked.connection.ask(
        "metric names", answers.document, patience=0.0, page_size=_MOST_NAMES
    )
    named = [row.get("id") for row in _objects(found)]
    return {name for name in named if isinstance(name, str)}


def _objects(found: dict[str, Any]) -> list[dict[str, Any]]:
    rows = found.get("data")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _alike(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=3)
    return f"; there is {', '.join(map(shown, near))}" if near else ""


def _by_operation(asked: Asking, words: str, found: re.Match[str], known: set[str]) -> str:
    """Return the query that the template's ``trace.<service>.request…`` has to be.

    Trace metrics are named by the operation; the service is a tag
    (https://docs.datadoghq.com/tracing/metrics/metrics_namespace/).
    """
    service, what = found["service"], found["what"] or ""
    said = f"there is no metric {shown(found[0])}: trace metrics are named by operation"
    for spelled in dict.fromkeys((service, service.replace("_", "-"))):  # a metric's name has no -
        if operations := _operations(asked, spelled):
            service = spelled
            break
    operations = operations or sorted(
        name.removeprefix("trace.").removesuffix(".hits")
        for name in known
        if name.startswith("trace.") and name.endswith(".hits")
    )
    if not operations:
        return f"{said}, the service is a tag: trace.<operation>{{service:{service}}}"
    suffix = "" if what == ".duration" else what
    name = f"trace.{operations[0]}{suffix}"
    scoped = re.sub(
        re.escape(found[0]) + r"\{([^{}]*)\}",
        lambda match: f"{name}{{{_with_service(match[1], service)}}}",
        words,
    )
    others = f" (operations: {', '.join(operations[:5])})" if len(operations) > 1 else ""
    return f"{said}; ask {shown(scoped)}{others}"


def _with_service(scope: str, service: str) -> str:
    tag = f"service:{service}"
    if scope.strip() in ("", "*"):
        return tag
    return scope if tag in scope else f"{scope},{tag}"


def _operations(asked: Asking, service: str) -> list[str]:
    """Return the operations that the spans of a service name, the most frequent first."""
    window = {"from": str(_ms(asked)[0]), "to": str(_ms(asked)[1])}
    where = {"query": f"service:{service}", **window}
    attributes = {
        "filter": where,
        "compute": [{"aggregation": "count", "type": "total"}],
        "group_by": [{"facet": "operation_name", "limit": 10}],
    }
    body = {"data": {"type": "aggregate_request", "attributes": attributes}}
    try:
        found = asked.connection.ask("spans count", answers.document, patience=0.0, body=body)
    except Failed:
        return []
    named = [fields.at(row.get("attributes"), "by.operation_name") for row in _objects(found)]
    return [name for name in named if isinstance(name, str) and re.fullmatch(r"[\w.\-]+", name)]


def _ms(asked: Asking) -> tuple[int, int]:
    return round(asked.start.timestamp() * 1000), round(asked.end.timestamp() * 1000)
