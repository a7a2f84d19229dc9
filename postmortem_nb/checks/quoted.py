"""Messages of the frozen logs and spans that a document quotes with another number.

“No connection within 200 ms: pool of 5”, where every row has 2000 ms.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from postmortem_nb.checks import frozen, frozenrows
from postmortem_nb.checks.reading import about, is_read, is_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from postmortem_nb.checks.case import Case
    from postmortem_nb.checks.report import Finding
    from postmortem_nb.incident import Incident

_COLUMNS = ("message", "error.message")
_LETTERS = 20
"""Letters of a message from which on it is known again."""
_FEW = 3
"""Messages at most that are one but for their numbers: of more, each is another measurement."""
_MOST_ROWS, _MOST = 20_000, 200
"""Rows, and messages, of an answer that are looked at: each edit asks for all of them."""
_NUMBER = re.compile(r"\d+")


def found(incident: Incident, case: Case) -> Iterator[Finding]:
    """Yield messages that no frozen row has with the numbers of a text."""
    folder = incident.path / "evidence"
    said: dict[str, set[str]] = defaultdict(set)
    for function in (frozenrows.LOGS, frozenrows.SPANS):
        for answer, digest in frozen.answers(folder, case, function):
            for words, ways in _messages(folder, answer, digest).items():
                said[words] |= ways
    for cell in case.cells if said else ():
        text = str(cell.value) if is_read(cell) or is_shown(cell) else ""
        masked = _NUMBER.sub("#", text)
        for words, ways in said.items():
            if len(ways) > _FEW or words not in masked:
                continue
            pattern = _NUMBER.pattern.join(map(re.escape, words.split("#")))
            for match in re.finditer(pattern, text):
                if match.group() not in ways:
                    yield about(case, cell, f"“{match.group()}”, but the rows have “{min(ways)}”.")


@lru_cache(maxsize=frozen.KEPT)
def _messages(folder: Path, answer: str, digest: str) -> Mapping[str, set[str]]:
    """Return the messages of an answer by their words; remembered by its digest."""
    del digest  # a part of the key
    found_: dict[str, set[str]] = defaultdict(set)
    table = frozen.columns(folder, answer, ("timestamp",), _COLUMNS)
    for name in _COLUMNS if table is not None else ():
        if table is None or name not in table.column_names:
            continue
        every = pc.unique(table[name].slice(0, _MOST_ROWS).cast(pa.string()).drop_null())
        for message in every.to_pylist():
            words = _NUMBER.sub("#", message)
            if "#" in words and sum(map(str.isalpha, words)) >= _LETTERS:
                found_[words].add(message)
    return dict(islice(found_.items(), _MOST))
