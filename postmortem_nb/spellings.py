"""The ways in which a person's name is written, and where a text has one of them.

A name in any letters, whole or a part of it, turned, joined to a handle, with initials, with its
possessive. A part that is a word as well (“Hill”, “Will”) or has two letters (“Ng”) is found only
as names are written. Texts come folded (`folding`), so that accents and signs are no matter.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple

from postmortem_nb.folding import fold
from postmortem_nb.strangers import DID, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NO_SPACES = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
"""Scripts that put no space between words; in Korean, what follows a name is joined to it."""

MONTHS = frozenset({"april", "may", "june", "august"})
"""Names that are months too: a date, and what happened in one, is nobody's."""

CASES = (
    *("а", "у", "ом", "ем", "е", "ы", "и", "ой", "ей", "ою", "ею", "ю", "я", "ым", "им", "ию"),
    *("ии", "ией", "ого", "ому", "ую", "ая", "ых", "ыми"),
)
"""How names end in Russian, Ukrainian and Bulgarian sentences."""

LATIN_CASES = (
    *("i", "iego", "iemu", "im", "imi", "ich", "iej", "ie", "a", "om"),
    *("y", "eho", "emu", "ym", "ymi", "ych", "ej", "ou", "e"),
)
"""How Kowalski and Novotný end in Polish, Czech and Slovak sentences, folded."""

NOT_INITIALS = frozenset({"us", "uk", "eu", "un", "dc", "la", "am", "pm", "ph", "vs"})
"""What two letters with dots mean, whoever has them as initials."""

SPELLED = 16
"""How many spellings of a name's letters are looked for; more than two are rare."""

_BETWEEN = r"(?:[^\w;:!?,/|]|_){0,4}"
_APART = r"[\s._-]{0,3}"
_MIDDLE = r"(?:[\"“”„«('][^\W\d_]{1,15}[\"”“»)']\s|[^\W\d_]\.?\s)?"
_AFTER = r"(?:\d+(?!\w))?(?:'s?(?!\w))?"
_NO_VERSION = r"(?!\sv?\d+\.\d+(?![\d%]|\s?(?:h|m|s|d|day)))"
"""Ruby 3.2 is no person; “Will 2.5 h later” is one."""
_BEFORE_MONTH = "".join(
    rf"(?<!\b{each}\s)"
    for each in ("in", "since", "until", "early", "late", "mid", "last", "next", "during", "of")
)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]+")
_NOMINATIVE = re.compile(r"(?:[иыо]й|[аи]я|[аяйьоиі])$")
_ADJECTIVE = re.compile(r"(.{3,}(?:[scz]k|tn))[iya]")
_GAP = re.compile(r"[ \t._-]*(?:[A-Z]\.[ \t]*)?")
_WORD = re.compile(r"[^\W\d_]+")
_PIECES = re.compile(r"[-'._]+")
_UMLAUT_E = re.compile("(?<=[aou])e(?=[bcdfghjklmnpqrstvwxz])")


class Name(NamedTuple):
    """A person's name by its parts; ``sure`` where a column of names has it, not a sentence."""

    parts: tuple[str, ...]
    sure: bool = True


class Names:
    """The people of an incident: where a text names them."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._by_word: dict[str, list[re.Pattern[str]]] = {}
        self._unspaced: list[re.Pattern[str]] = []
        for name in sorted(set(names)):
            pattern = _compiled(name)
            if any(map(NO_SPACES.search, name.parts)):
                self._unspaced.append(pattern)
            for word in _keys(name):
                self._by_word.setdefault(word, []).append(pattern)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where a folded text names people, in order; parts side by side are one name."""
        held = self._by_word.keys() & set(_WORD.findall(text.lower()))
        patterns = {pattern for word in held for pattern in self._by_word[word]}
        if not text.isascii():
            patterns.update(self._unspaced)
        spans: list[tuple[int, int]] = []
        for start, end in sorted(m.span() for each in patterns for m in each.finditer(text)):
            if spans and (start <= spans[-1][1] or _GAP.fullmatch(text, spans[-1][1], start)):
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
        return spans


def _compiled(name: Name) -> re.Pattern[str]:
    """Return the pattern of a name, its longest writing first.

    It begins and ends with a word, in scripts that part words. Where it may begin is said once, not
    in each writing: a text is read many times faster.
    """
    written = sorted(set(_writings(name)), key=lambda each: (-len(_seen(each)), each))
    either = f"(?:{'|'.join(written)})" if written else "(?!)"
    if not any(map(NO_SPACES.search, name.parts)):
        starts = {fold(piece[:1]).text[:1] for part in name.parts for piece in _pieces(part)}
        letters = "".join(re.escape(each.lower() + each.upper()) for each in sorted(starts))
        either = rf"(?<![^\W\d_])(?=[{letters}]){either}(?![^\W\d_])"
    return re.compile(either + _AFTER)


def _seen(pattern: str) -> str:
    """Return a pattern without what must not stand beside it."""
    for beside in (_NO_VERSION, _BEFORE_MONTH):
        pattern = pattern.replace(beside, "")
    return pattern


def _writings(name: Name) -> Iterator[str]:
    """Yield patterns of the ways in which a name is written."""
    parts = name.parts
    pieces = [piece for part in parts for piece in _pieces(part)]
    if len(pieces) > 1:
        yield f"(?i:{_BETWEEN.join(map(_letters, pieces))})"
    if len(parts) > 1:
        first, last = parts[0], parts[-1]
        one, other = (_BETWEEN.join(map(_letters, _pieces(part))) for part in (first, last))
        yield f"(?i:{one}{_BETWEEN}{_MIDDLE}{other})"
        yield rf"(?i:{other},?[\s._-]{{0,2}}{one})"
        yield from _initialled(last, first[0])
        yield from _initialled(first, last[0])
        initials = [_letters(piece[0]) for piece in pieces[: -len(_pieces(last))]]
        yield from _dotted(first, last)
        if len(initials) > 1:  # “J.-L. Picard”, “jlpicard”
            yield f"(?i:{''.join(each + _APART for each in initials)}{other})"
    for place, part in enumerate(parts):
        for piece in {part, *part.split("-")}:
            yield from _alone(piece.strip(".'-_"), name, first=place == 0)


def _initialled(part: str, initial: str) -> Iterator[str]:
    """Yield patterns of one part with the other's initial: ``D. Hill``, ``dhill``, ``Dana H.``."""
    letter, capital, full = _letters(initial), _letters(initial.upper()), _letters(part)
    if len(part) < 3:
        return
    yield f"(?i:{letter}[._-]{full}|{full}[._]{letter})"
    shown = _as_written(part) if _is_word(part) else f"(?i:{full})"
    dot = r"\." if _is_word(part) else r"(?:\.|(?!'))"  # not “Will I'd”
    yield rf"{capital}\.?\s{shown}"
    yield rf"{shown}\s{capital}{dot}"
    if len(part) < 4:
        return
    if f"{initial}{_plain(part)}".lower() not in words("joined"):
        yield f"(?i:{letter}{full})"
    if not _is_word(part):
        yield f"(?i:{full}{letter})"


def _dotted(first: str, last: str) -> Iterator[str]:
    """Yield the pattern of a name's initials, with their dots: “M.C.”, “J. R. B.”."""
    one, other = _plain(first)[:1], _plain(last)[:1]
    if f"{one}{other}" not in NOT_INITIALS:
        capital, end = (re.escape(each.upper()) for each in (one, other))
        yield rf"{capital}\.\s?(?:[^\W\d_]\.\s?)?{end}\."


def _alone(part: str, name: Name, *, first: bool) -> Iterator[str]:
    """Yield the pattern of one part of a name, nothing for one that would be found everywhere."""
    plain = _plain(part)
    if NO_SPACES.search(part):
        yield from (_letters(each) for each in _called(part) if len(each) > 1)
    elif part.lower() in words("particles") and not (first and part[0].isupper()):
        return
    elif len(plain) == 2:
        yield _no_number(_two(part, alone=len(name.parts) == 1))
    elif plain in MONTHS:
        shown = _as_written(part)
        yield rf"(?:{_BEFORE_MONTH}{shown}(?!\s?\d)|{shown}(?='s))"
    elif len(plain) > 2 and (_is_word(part) or not name.sure):
        yield _no_number(_as_written(part)) + _NO_VERSION
    elif len(plain) > 2:
        ending = "s?" if len(plain) > 3 else ""
        yield f"(?i:{_letters(part)}{ending})"
        yield from (f"(?i:{re.escape(each)})" for each in _declined(part))


def _declined(part: str) -> Iterator[str]:
    """Yield the cases of a name, folded and small: Анна, Анны, Анной; Kowalski, Kowalskiego."""
    if (adjective := _ADJECTIVE.fullmatch(_plain(part))) and not _is_word(part):
        yield from (adjective[1] + ending for ending in LATIN_CASES)
    if _CYRILLIC.fullmatch(part):
        stem = _NOMINATIVE.sub("", part.lower())
        yield from (_plain(stem + ending) for ending in CASES if len(stem) > 2)


def _no_number(pattern: str) -> str:
    """Return a pattern beside which no digit stands: ``dhill2`` is somebody, ``Key2`` is none."""
    return rf"(?<!\d){pattern}(?!\d)"


def _called(part: str) -> list[str]:
    """Return a name of a script without spaces, and what its bearer is called by."""
    if len(part) == 3:
        return [part, part[1:]]
    return [part, part[:2], part[2:]] if len(part) == 4 else [part]


def _two(part: str, *, alone: bool) -> str:
    """Return a pattern of a name of two letters: a capital first, and seldom where it is a word."""
    titled, typed = _letters(part.capitalize()), _letters(part)
    if part.isupper():
        # alone they are initials, or a team's
        titled = typed if alone else f"(?:{titled}|{typed})"
    if _plain(part) not in words("little"):
        return titled
    # where a sentence begins, only before what people do
    return rf"(?:(?<=[a-z0-9,;] ){titled}|{titled}(?='s|\s(?:{DID})))"


def _as_written(part: str) -> str:
    """Return a pattern of a part in the letters of a name: a capital first, or capitals alone."""
    shown = _atoms(part.capitalize() if part.isupper() else part[0].upper() + part[1:])
    return f"(?:{''.join(shown)}|(?<!_){''.join(shown).upper()}(?!_))"  # not of ``DD_API_KEY``


def _is_word(part: str) -> bool:
    return _plain(part) in words("words") or _plain(part) in words("teams")


def _plain(part: str) -> str:
    return fold(part).text.lower()


def _pieces(part: str) -> list[str]:
    """Return what a part is made of: ``Anne-Marie``, ``O'Neil``."""
    return [piece for piece in _PIECES.split(part) if piece]


def _letters(part: str) -> str:
    return "".join(_atoms(part))


@cache
def _atoms(part: str) -> tuple[str, ...]:
    """Return a pattern for each letter of a part; what may be left out or added is optional."""
    made: list[str] = []
    for char in unicodedata.normalize("NFC", part):
        plain = [re.escape(each) for each in fold(char).text]
        if char in "'-._":
            plain = ["['`]?" if char == "'" else "[-._ ]?"]
        elif char in "øØæÆœŒ" or "\u0308" in unicodedata.normalize("NFD", char):
            plain = [plain[0], "e?"]
        elif char in "åÅ":
            plain = [*plain, f"{plain[0].lower()}?"]
        made += plain
    written = "".join(made).lower()
    if len(written) == len(made) > 4:  # “Mueller” is Müller
        for match in _UMLAUT_E.finditer(written):
            made[match.start()] += "?"
    return tuple(made)


def _spelled(part: str) -> Iterator[str]:
    """Yield the spellings of a part in small letters."""
    ways = [
        (each.lower(),) if each[-1:] != "?" else ("", each[0].lower()) if each[0] != "[" else ("",)
        for each in _atoms(part)
    ]
    return map("".join, islice(product(*ways), SPELLED))


def _keys(name: Name) -> set[str]:
    """Return words of which a text that writes this name has one, in small letters."""
    pieces = [piece for part in name.parts for piece in _pieces(part)]
    count = len(pieces) + 1
    runs = ["".join(pieces[one:two]) for one in range(count) for two in range(one + 1, count)]
    if len(name.parts) > 1:
        first, last = ("".join(_pieces(part)) for part in (name.parts[0], name.parts[-1]))
        runs += [first + last, last + first]
        runs.append("".join(piece[0] for piece in pieces[: -len(_pieces(name.parts[-1]))]) + last)
        runs.append(first[:1])
        runs += [first[:1] + last, last + first[:1], first + last[:1], last[:1] + first]
    spelled = {one for run in runs for one in _spelled(run)}
    spelled |= {each for part in pieces for each in _declined(part)}
    found = {max(_WORD.findall(one), key=len, default="") for one in spelled}
    return {key for one in found if one for key in (one, f"{one}s")}
