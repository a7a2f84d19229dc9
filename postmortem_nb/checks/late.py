"""Patterns that are compiled when they are first looked for: few documents need most of them.

Compiling all of them took as long as drawing all forms, before the first form could be drawn.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    _Flags = int | re.RegexFlag

_WAYS = ("search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn")


def late(pattern: str, flags: _Flags = 0) -> re.Pattern[str]:
    """Return what does as a compiled pattern does; ``pattern`` and ``flags`` need no compiling."""
    return cast("re.Pattern[str]", _Late(pattern, flags))


class _Late:
    """A pattern not yet compiled; afterwards its ways to search are those of the compiled one."""

    def __init__(self, pattern: str, flags: _Flags) -> None:
        self.pattern, self.flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        compiled = re.compile(self.pattern, self.flags)
        for way in _WAYS:
            self.__dict__[way] = getattr(compiled, way)
        return getattr(compiled, name)
