"""Attributes of the frozen rows: how many have which values, who, and when.

Rows are those of logs and spans, and the points of counted metrics, each of which stands for as
many as it counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb import text, times
from postmortem_nb.checks import derived, frozen, frozenrows
from postmortem_nb.checks.reading import TEXTS
from postmortem_nb.sqlcounts import IDENTITIES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from postmortem_nb.checks.case import Case
    from postmortem_nb.incident import Incident

    Window = tuple[dt.datetime, dt.datetime]

MICROSECOND = frozen.MICROSECOND
LOGS, SPANS, POINTS = "logs", "spans", "points"
KEPT = 16
"""Answers whose attributes are remembered."""
MASKS = 256
"""Choices of values of which it is remembered which rows have them."""
MOST_ROWS = 200_000
MOST_VALUES = 200
"""Values of a key at most: of one with more no sentence tells."""
_NO_KEYS = frozenset(
    {"timestamp", "tags", "id", "message", "duration", "trace_id", "span_id", "parent_id"}
    | {"error.message", "error.stack", *IDENTITIES}
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_MARK = re.compile(r"[\W_]?")
"""What may stand between two words of a value: “lock wait”, “4.12”."""
_SHORT = 3
KIND = re.compile(r"error|kind|type|exception", re.IGNORECASE)
"""Keys whose values only rows have."""


class Key(NamedTuple):
    """The values of a key, and for each row which it has: -1 where it has none."""

    values: tuple[str, ...]
    codes: NDArray[np.int16]


Chosen = tuple[str, frozenset[str]]
"""A key, and which of its values."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A frozen answer: the moments (µs since the epoch) of its rows, in order, and their values."""

    label: str
    whole: bool
    """Whether it holds all that was asked for."""
    moments: NDArray[np.int64]
    keys: Mapping[str, Key]
    people: NDArray[np.int64] | None = None
    seconds: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None
    """What each row of a metric counts; a row of others counts as one."""

    @property
    def kind(self) -> str:
        """What its rows are: `LOGS`, `SPANS` or `POINTS`."""
        return POINTS if self.weights is not None else LOGS if self.seconds is None else SPANS

    def having(self, chosen: Chosen) -> NDArray[np.bool_]:
        """Return which rows have one of the values of a key."""
        return _having(self, chosen)

    def holding(self, chosen: Iterable[Chosen]) -> NDArray[np.bool_]:
        """Return which rows have one of the values of each key; all, of no key."""
        held = np.ones(len(self.moments), dtype=bool)
        for each in chosen:
            held &= self.having(each)
        return held

    def ends(self, chosen: Chosen) -> tuple[dt.datetime, ...]:
        """Return the moments of the first and the last row with one of the values of a key."""
        return _ends(self, chosen)

    def within(self, window: Window | None) -> slice:
        """Return which rows lie between two moments."""
        if window is None:
            return slice(0, len(self.moments))
        ends = [(each - times.EPOCH) // frozen.MICROSECOND for each in window]
        begin, end = np.searchsorted(self.moments, ends)
        return slice(int(begin), int(end))

    def counts(self, held: NDArray[np.bool_], parts: Sequence[slice]) -> list[float]:
        """Return how many of some rows lie in each part of them."""
        sums = np.cumsum(held if self.weights is None else held * self.weights)
        sums = np.concatenate([[0], sums])
        return [float(sums[each.stop] - sums[each.start]) for each in parts]

    def persons(self, held: NDArray[np.bool_], part: slice) -> int:
        """Return how many people some rows are of; 0 where the answer does not tell."""
        if self.people is None:
            return 0
        own = self.people[part][held[part]]
        return len(np.unique(own[own >= 0]))


@lru_cache(maxsize=MASKS)
def _having(answer: Answer, chosen: Chosen) -> NDArray[np.bool_]:
    key, values = chosen
    held = answer.keys[key]
    codes = [code for code, value in enumerate(held.values) if value in values]
    return np.isin(held.codes, codes)


@lru_cache(maxsize=MASKS)
def _ends(answer: Answer, chosen: Chosen) -> tuple[dt.datetime, ...]:
    own = answer.moments[_having(answer, chosen)]
    found = own[[0, -1]].tolist() if len(own) else []
    return tuple(times.EPOCH + each * frozen.MICROSECOND for each in found)


class Named(NamedTuple):
    """A value that a sentence names, and where."""

    key: str
    value: str
    begin: int
    end: int


def answers(incident: Incident, case: Case) -> tuple[Answer, ...]:
    """Return the frozen answers of logs and spans, and those of counted metrics."""
    folder = incident.path / "evidence"
    whole = frozen.complete(folder, case)
    columns = {
        str(each.get("name")): tuple(each.get("dtypes") or ())
        for each in frozen.listed(folder, case)
    }
    rows = (
        _read(folder, name, digest, columns[name], name in whole)
        for function in (frozenrows.LOGS, frozenrows.SPANS)
        for name, digest in frozen.answers(folder, case, function)
    )
    counted = (
        each
        for folder_, name, digest in frozen.metrics(incident, case)
        for each in _counted(folder_, name, digest, name in whole)
    )
    return (*(each for each in rows if each is not None), *counted)


@lru_cache(maxsize=KEPT)
def _counted(folder: Path, name: str, digest: str, whole: bool) -> tuple[Answer, ...]:  # noqa: FBT001 - a cache's key
    """Return each counted metric of an answer, the points of its groups together."""
    curves = [
        each for each in frozen.answered(folder, name, digest) if derived.is_counted(each.query)
    ]
    made = []
    for query, own in groupby(curves, key=lambda each: each.query):
        groups = list(own)
        moments = np.concatenate([each.moments for each in groups])
        order = np.argsort(moments, kind="stable")
        sizes = [len(each.moments) for each in groups]
        tags = [dict(_pairs(each.series)) for each in groups]
        keys = {}
        for key in dict.fromkeys(key for each in tags for key in each):
            values = list(dict.fromkeys(each[key] for each in tags if key in each))
            codes = [values.index(each[key]) if key in each else -1 for each in tags]
            keys[key] = Key(tuple(values), np.repeat(np.array(codes, np.int16), sizes)[order])
        weights = np.concatenate([each.levels for each in groups])[order]
        made.append(Answer(query, whole, moments[order], keys, weights=weights))
    return tuple(made)


def failing(held: Sequence[Answer]) -> list[tuple[Answer, Answer]]:
    """Return the metrics of what failed, each with that of all of which it is a part."""
    by = {one.label: one for one in held if one.kind == POINTS}
    pairs = ((one, derived.whole(one.label, list(by))) for one in by.values())
    return [(one, by[other]) for one, other in pairs if other]


def _pairs(series: str) -> Iterator[tuple[str, str]]:
    """Yield the tags of a series: “region:north,host:a”."""
    for each in series.split(","):
        key, colon, value = each.partition(":")
        if colon:
            yield key, value


@lru_cache(maxsize=KEPT)
def _read(
    folder: Path,
    name: str,
    digest: str,
    known: tuple[str, ...],
    whole: bool,  # noqa: FBT001 - a cache's key
) -> Answer | None:
    del digest  # a part of the key
    also = tuple(each for each in known if each not in {"timestamp", "message"})
    table = frozen.columns(folder, name, ("timestamp",), also)
    if table is None or not pa.types.is_timestamp(table.schema.field("timestamp").type):
        return None
    table = table.filter(pc.is_valid(table["timestamp"])).slice(0, MOST_ROWS).sort_by("timestamp")
    moments = table["timestamp"].cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    keys: dict[str, Key] = {}
    for column in table.column_names:
        key = None if column in _NO_KEYS else _key(table[column])
        keys |= {column: key} if key else {}
    for tag, key in _tagged(table["tags"]) if "tags" in table.column_names else ():
        keys.setdefault(tag, key)
    told = (each for each in IDENTITIES if each in table.column_names)
    identity = next((each for each in told if _is_plain(table[each].type)), None)
    return Answer(
        name,
        whole,
        moments.to_numpy(),
        keys,
        people=None if identity is None else _texts(table[identity])[1],
        seconds=_seconds(table),
    )


def _seconds(table: pa.Table) -> NDArray[np.float64] | None:
    """Return how long each row took, where the rows are spans."""
    if "duration" not in table.column_names:
        return None
    if not pa.types.is_duration(table.schema.field("duration").type):
        return None
    lasted = table["duration"].cast(pa.duration("ns")).cast(pa.int64()).fill_null(-1)
    seconds: NDArray[np.float64] = lasted.to_numpy() / 1e9
    return seconds


def _texts(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """Return the texts of a column, and which each row has: -1 where it has none."""
    words = column.cast(pa.string()).dictionary_encode().combine_chunks()
    array = words.chunk(0) if isinstance(words, pa.ChunkedArray) else words
    return array.dictionary.to_pylist(), array.indices.fill_null(-1).to_numpy().astype(np.int64)


def _is_plain(kind: pa.DataType) -> bool:
    """Return whether a column holds texts or whole numbers."""
    own = kind.value_type if pa.types.is_dictionary(kind) else kind
    text_ = pa.types.is_string(own) or pa.types.is_large_string(own)
    return bool(text_ or pa.types.is_integer(own))


def _key(column: pa.ChunkedArray) -> Key | None:
    if not _is_plain(column.type):
        return None
    values, codes = _texts(column)
    if not 0 < len(values) <= MOST_VALUES:
        return None
    return Key(tuple(values), codes.astype(np.int16))


def _tagged(column: pa.ChunkedArray) -> Iterator[tuple[str, Key]]:
    """Yield the keys of the tags of an answer; a row that has one twice has the last."""
    rows, tags = _flat(column)
    texts, codes = _texts(pa.chunked_array([tags]))
    held: dict[str, dict[str, int]] = {}
    places: dict[str, list[tuple[int, int]]] = {}
    for at, tag in enumerate(texts):
        key, colon, value = tag.partition(":")
        values = held.setdefault(key, {})
        if colon and len(values) <= MOST_VALUES:
            places.setdefault(key, []).append((at, values.setdefault(value, len(values))))
    for key, pairs in places.items():
        if len(held[key]) <= MOST_VALUES:
            lookup = np.full(len(texts) + 1, -1, np.int16)  # the last one is that of no tag
            for at, code in pairs:
                lookup[at] = code
            own = lookup[codes]
            made = np.full(len(column), -1, np.int16)
            made[rows[own >= 0]] = own[own >= 0]
            yield key, Key(tuple(held[key]), made)


def _flat(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Return the tags of all rows, one after another, and the row of each."""
    listed = pa.types.is_list(column.type)
    if not _is_plain(column.type.value_type if listed else column.type):
        return np.empty(0, np.int64), pa.array([], pa.string())
    if listed:
        lists = column.combine_chunks()
        lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
        rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
        return rows, pc.list_flatten(lists).cast(pa.string())
    texts, codes = _texts(column)
    read = [_list(each) for each in texts] + [[]]  # the last one is that of no text
    rows = np.repeat(np.arange(len(codes)), [len(read[code]) for code in codes])
    return rows, pa.array([tag for code in codes for tag in read[code]], pa.string())


def _list(written: str) -> list[str]:
    """Return the tags of a list that was kept as JSON; none of another text."""
    try:
        held = json.loads(written)
    except ValueError:
        return []
    return [text.clean(str(each)) for each in held] if isinstance(held, list) else []


ONE = r"v?\d+(?:\.\d+){1,3}(?:-\d+)?(?![\w%]|\.\d)"  # how a version is written
VERSION = re.compile(rf"(?<![\w.]){ONE}")


def versions(incident: Incident, case: Case) -> frozenset[str]:
    """Return the versions that frozen events and rows have."""
    titles = (each.title for each in frozenrows.happened(incident, case))
    found = {match.group() for title in titles for match in VERSION.finditer(title)}
    for answer in answers(incident, case):
        found.update(answer.keys["version"].values if "version" in answer.keys else ())
    return frozenset(found)


def named(sentence: str, held: Sequence[Answer]) -> tuple[Named, ...]:
    """Return the values that a sentence names, the longest where two stand in one place."""
    return _named(sentence, tuple(held))


@lru_cache(maxsize=TEXTS)
def _named(sentence: str, held: tuple[Answer, ...]) -> tuple[Named, ...]:
    return tuple(_found(sentence, held))


def _found(sentence: str, held: tuple[Answer, ...]) -> Iterator[Named]:
    index = _index(held)
    words = [(each.group().lower(), *each.span()) for each in _WORD.finditer(sentence)]
    at = 0
    while at < len(words):
        fits = [
            (len(path), key, value)
            for path, key, value in index.get(words[at][0], ())
            if _stands(sentence, words[at : at + len(path)], path)
        ]
        longest = max((length for length, *_ in fits), default=1)
        for length, key, value in fits:
            if length == longest:
                yield Named(key, value, words[at][1], words[at + length - 1][2])
        at += longest


def _stands(sentence: str, words: Sequence[tuple[str, int, int]], path: Sequence[str]) -> bool:
    """Return whether words are a value, with no more than a mark between them."""
    if len(words) < len(path):
        return False
    own = [word for word, _, _ in words]
    if own[:-1] != list(path[:-1]) or not re.fullmatch(rf"{re.escape(path[-1])}(?:e?s)?", own[-1]):
        return False
    near = pairwise(words)
    before, after = sentence[: words[0][1]][-1:], sentence[words[-1][2] :][:1]
    whole = not (before.isalnum() or before in {"-", "_", "."}) and not (
        after.isalnum() or after == "_"
    )
    return whole and all(_MARK.fullmatch(sentence[one[2] : other[1]]) for one, other in near)


@lru_cache(maxsize=4)
def _index(held: tuple[Answer, ...]) -> Mapping[str, Sequence[tuple[tuple[str, ...], str, str]]]:
    """Return the values by their first word: its words, its key, and itself.

    A value is named by its end too, where no other of its key ends so: “worker 3”.
    """
    found: dict[str, set[tuple[tuple[str, ...], str, str]]] = {}
    values = {
        (key, value)
        for each in held
        for key, one in each.keys.items()
        if key != "status" and len(one.values) > 1  # a value of every row tells nothing apart
        for value in one.values
    }
    paths = {one: tuple(word.lower() for word in _WORD.findall(one[1])) for one in values}
    ends = Counter((key, path[at:]) for (key, _), path in paths.items() for at in range(len(path)))
    for (key, value), path in paths.items():
        for at in range(len(path)):
            own = path[at:]
            alone = at == 0 or (len(own) > 1 and ends[key, own] == 1)
            if alone and len("".join(own)) >= _SHORT:
                found.setdefault(own[0], set()).add((own, key, value))
    return {word: sorted(own) for word, own in found.items()}
