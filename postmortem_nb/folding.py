"""Text as a reader recognises it: signs that look or read alike become one, unseen ones go.

``Zoë‑Mae`` with its no-break hyphen, with an accent of its own, in wide letters or with a soft
hyphen inside is one word to a reader; folded it is ``Zoe-Mae`` each time. What is found in a folded
text is told by its place in the text as it was written.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_READ_AS = {
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "Th",
    "ħ": "h",
    "Ħ": "H",
    "ı": "i",
    "ə": "e",
    "Ə": "E",
}
"""Letters that no accent makes, as they are written without them."""

_ALIKE = str.maketrans(
    "АВЕКМНОРСТХУІЈЅавекмнорстхуіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧαβεζηικμνορτυχ",
    "ABEKMHOPCTXYIJSabekmhopctxyijsABEZHIKMNOPTYXabezhikmnoptyx",
)
"""Letters of other scripts that look as Latin ones do, small letters as their capitals do."""

_SIGNS = (
    dict.fromkeys("‐‑﹣－", "-")
    | dict.fromkeys("’‘‛ʼʻ´′＇", "'")
    | {"\u2028": "\n", "\u2029": "\n", "ª": "a", "º": "o"}
)
"""Hyphens and apostrophes in their many shapes. A dash parts words and stays what it is."""

_UNSEEN = (
    *((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F)),
    *((0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x115F, 0x1160), (0x034F, 0x034F)),
    *((0x0591, 0x05C7), (0x0610, 0x061A), (0x0640, 0x0640), (0x064B, 0x065F), (0x0670, 0x0670)),
)
"""Accents, selectors of a shape and points that many leave out; what formats is unseen as well."""

_WIDE = range(0xFF01, 0xFF5F)
_WIDE_SHIFT = 0xFEE0


@dataclass(frozen=True, slots=True)
class Folded:
    """A text that was folded.

    ``places`` says where each character stood; None where nothing moved.
    """

    text: str
    places: tuple[int, ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the folded text stands in the text as it was written."""
        if self.places is None:
            return start, end
        first, last = self.places[start], self.places[end]
        return first, max(last, self.places[end - 1] + 1) if end > start else last


class _Table(dict[int, str]):
    """What each character becomes; found when it is first met."""

    def __missing__(self, code: int) -> str:
        made = self[code] = _folded(chr(code))
        return made


def _folded(char: str) -> str:
    """Return what a character becomes: mostly one, nothing for what is unseen."""
    if char in _SIGNS or char in _READ_AS:
        return _SIGNS.get(char) or _READ_AS[char]
    code, category = ord(char), unicodedata.category(char)
    if category == "Cf" or _is_unseen(char):
        return ""
    if category == "Zs":
        return " "
    if code in _WIDE:
        return chr(code - _WIDE_SHIFT)
    if category[0] not in "LMN":
        return char
    plain = (each for each in unicodedata.normalize("NFKD", char) if not _is_unseen(each))
    return "".join(_READ_AS.get(each, each) for each in plain).translate(_ALIKE)


def _is_unseen(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _UNSEEN)


_TABLE = _Table({code: chr(code) for code in range(0x80)})


def fold(text: str) -> Folded:
    """Return a text folded; most texts, of plain letters only, are what they were."""
    if text.isascii():
        return Folded(text, None)
    if all(len(_TABLE[ord(char)]) == 1 for char in set(text)):
        return Folded(text.translate(_TABLE), None)
    images = [_TABLE[ord(char)] for char in text]
    places = [place for place, image in enumerate(images) for _ in image]
    return Folded("".join(images), (*places, len(text)))


def plain_signs(text: str) -> str:
    """Return a text with its letters as they were: hyphens, apostrophes and spaces plain."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        char if unicodedata.category(char)[0] in "LMN" and char not in _SIGNS else _TABLE[ord(char)]
        for char in composed
    )
