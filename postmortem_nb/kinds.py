"""What a blank can hold: the thirteen kinds of the notation, each one row of ``KINDS``.

Three forms of a value occur. *Typed* is what a person or a program gives, forgiving. *Stored* is
what stands in the edit log, plain JSON: time ISO 8601 in UTC, date ``YYYY-MM-DD``, count int,
percent, money and minutes float, yesno bool, names a list of texts, the rest text. *Shown* is
plain text for a document. Missing is None when stored, never 0 and never empty text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from postmortem_nb import times
from postmortem_nb.errors import BadValue, expected
from postmortem_nb.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LONGEST_LINK = 2_000
"""Characters of a link; browsers and servers refuse longer ones."""

_LARGEST_COUNT = 2**63 - 1  # what the column's Int64 holds
_MOST_BITS = 1_024  # of a whole number
_MOST_LISTED = 20  # options that a refusal lists
_LONGEST = 80  # characters of a number, a choice or a length; more is none
_NUMBER = re.compile(
    "([-+]?)([0-9]{1,3}(?:[, \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}][0-9]{3})+|[0-9]*)"
    r"(\.[0-9]+)?(e[-+]?[0-9]{1,3})?\s*([kmb]?)"
)
_SCALES = {"": 0, "k": 3, "m": 6, "b": 9}
_UNIT_WORDS = re.compile(r"(?<=[0-9\s])(?:(h)(?:ou)?rs?|(m)in(?:ute)?s?|(s)ec(?:ond)?s?)\b")
_ONE_OF_SEVERAL = re.compile(r'\s*"((?:[^"]|"")*)"\s*(?:[,;\n]|\Z)|[^,;\n]+')
_ODD_NAME = re.compile('[,;\n\u2028\u2029]|\\A"')
_YES = frozenset({"yes", "y", "true", "1", "on", "done", "x", "[x]", "✅", "✓"})
_NO = frozenset({"no", "n", "false", "0", "off", "❌", "✗", "[", "]", "[]"})


class About(TypedDict, total=False):
    """What is known of the blank that a value is meant for."""

    name: str
    options: Sequence[str]
    start: datetime | None
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: how it is read, kept in a frame, shown, and asked for again when refused."""

    name: str
    dtype: str
    """Of the DataFrame's column; missing is ``<NA>`` (``NaT`` in time and date, None in names)."""
    parse: Callable[[Any, About], Any]
    """From typed to stored; None where it does not fit."""
    show: Callable[[Any], str]
    """From stored to shown."""
    value: Callable[[Any], Any]
    """From stored to what Python calls it; ValueError or TypeError where a file is damaged."""
    expected: str
    example: str


def parse(kind: str, typed: object, **about: Unpack[About]) -> Any:
    """Return what is stored for a typed value; None, NaN, NA, NaT and empty text clear (None).

    Parameters
    ----------
    kind, typed
        a key of ``KINDS``; what was given
    **about
        ``name`` for the error, ``options`` of a choice, and for times and dates the ``start`` that
        relative ones count from and the ``zone`` of texts written without one (UTC unless given; a
        ``datetime`` object without a zone is refused unless ``zone`` is given)

    Raises
    ------
    BadValue
        the value does not fit its kind; says what was expected, an example, and what came
    """
    row = KINDS[kind]
    given = _standard(typed)
    if is_missing(given):
        return None
    name = about.get("name", kind)
    if isinstance(given, int) and given.bit_length() > _MOST_BITS:  # too long even to be shown back
        raise BadValue(f"{name}: expected {row.expected}; got a number of more than 300 digits")
    stored = row.parse(given, about)
    if stored is None:
        raise BadValue(expected(name, row.expected, example=row.example, came=typed))
    return None if stored == [] else stored


def show(kind: str, stored: object) -> str:
    """Return a value, as stored or as Python knows it, as plain text; missing is empty text."""
    return "" if stored is None else KINDS[kind].show(stored)


def value(kind: str, stored: object) -> Any:
    """Return a stored value as Python knows it: ``datetime`` in UTC, ``date``, list, number, text.

    Raises
    ------
    BadValue
        a damaged or foreign file holds something that this kind never stores
    """
    try:
        return None if stored is None else KINDS[kind].value(stored)
    except (TypeError, ValueError):
        row = KINDS[kind]
        raise BadValue(expected(kind, row.expected, example=row.example, came=stored)) from None


def is_missing(given: object) -> bool:
    """Return whether a value says that nothing is known: None, NaN, NaT, NA or empty text."""
    if given is None or type(given).__name__ == "NAType":  # pandas.NA, without importing pandas
        return True
    if isinstance(given, str):
        return not given
    if isinstance(given, Decimal):
        return given.is_nan()
    return isinstance(given, float | datetime | timedelta) and bool(given != given)  # noqa: PLR0124


def none_of(name: str, options: Sequence[str], *, came: object) -> BadValue:
    """Return the refusal of what is none of the options; near ones are offered."""
    typed = came[:_LONGEST] if isinstance(came, str) else ""
    bare = {_bare(option): option for option in reversed(options)}
    near = [bare[key] for key in get_close_matches(_bare(typed), bare, n=2)]
    more = " …" if len(options) > _MOST_LISTED else ""
    what = f"one of {', '.join(options[:_MOST_LISTED])}{more}"
    line = expected(name, what, example=[*near, *options, "-"][0], came=came)
    return BadValue(f"{line}; did you mean {' or '.join(near)}?" if near else line)


def _standard(given: Any) -> Any:
    """Return numpy's and pandas' scalars and arrays as the standard library's."""
    if not hasattr(given, "dtype") or not hasattr(given, "tolist"):
        return given
    return given.tolist() if getattr(given, "ndim", 2) < 2 else given


def _text(given: object, _about: About) -> str | None:
    """Return text as typed; numbers are written out, other objects are no text."""
    if isinstance(given, str):
        return clean(str.__str__(given))  # the text of an enumeration's member, not its name
    return str(given) if isinstance(given, int | float) and not isinstance(given, bool) else None


def _link(given: object, about: About) -> str | None:
    """Return a link as typed; whether it may be clicked is decided where it is shown."""
    kept = _text(given, about)
    return kept if kept is not None and len(kept) <= LONGEST_LINK else None


def _choice(given: object, about: About) -> str:
    """Return the option that is meant, in any case, without its mark, or with a word in brackets.

    `sev1` is SEV-1; `Immediate (This Week)`, as a heading has it, is Immediate.
    """
    options = list(dict.fromkeys(about.get("options", ())))
    typed = given[:_LONGEST] if isinstance(given, str) else ""
    if isinstance(given, str) and given in options:
        return str.__str__(given)
    bare = [_bare(option) for option in options]
    for meant in (_bare(typed), _bare(typed.partition(" (")[0])):
        if bare.count(meant) == 1:
            return options[bare.index(meant)]
    raise none_of(about.get("name", "choice"), options, came=given)


def _bare(option: str) -> str:
    """Return an option without marks, spaces, case and punctuation; a lone mark stays."""
    return "".join(char for char in option.casefold() if char.isalnum()) or option.strip()


def _names(given: object, _about: About) -> list[str] | None:
    """Return a list of names, from a list or from text with commas, semicolons or new lines.

    In a text, a name that holds one of these stands in quotes: ``"Doe, Jane", Ana``.
    """
    several = _apart(given) if isinstance(given, str) else given
    if not isinstance(several, list | tuple) or not all(isinstance(n, str) for n in several):
        return None
    return [kept for name in several if (kept := clean(name).strip())]


def _apart(typed: str) -> list[str]:
    found = _ONE_OF_SEVERAL.finditer(typed)
    return [one[0] if one[1] is None else one[1].replace('""', '"') for one in found]


def _listed(stored: Iterable[object]) -> str:
    """Return names as they are written in a text, so that reading it gives the same names."""
    names = [(str(name), str(name).replace('"', '""')) for name in stored]
    return ", ".join(f'"{quoted}"' if _ODD_NAME.search(name) else name for name, quoted in names)


def _yesno(given: object, _about: About) -> bool | None:
    """Return the answer, in words, as a mark or as a ticked box."""
    if not isinstance(given, int | str):
        return None
    text = str(given)[:_LONGEST].lower().replace("\N{VARIATION SELECTOR-16}", "")
    words = frozenset(text.split())
    return words <= _YES if words and (words <= _YES or words <= _NO) else None


def _number(given: object, *, drop: tuple[str, ...] = ()) -> Decimal | None:
    """Return the exact number typed, with whole groups of thousands and k, m or b understood."""
    if isinstance(given, int | float | Decimal) and not isinstance(given, bool):
        number = Decimal(str(given)) if isinstance(given, float) else Decimal(given)
        return number if number.is_finite() else None
    if not isinstance(given, str) or len(given) > _LONGEST:
        return None
    text = given.strip().lower().replace("\N{MINUS SIGN}", "-")
    for unit in drop:
        text = text.removesuffix(unit).removeprefix(unit).strip()
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        return None
    digits = re.sub(r"[^0-9]", "", match[2])
    plain = Decimal(f"{match[1]}{digits or 0}{match[3] or ''}{match[4] or ''}")
    return plain.scaleb(_SCALES[match[5]])


def _float(number: Decimal | None) -> float | None:
    """Return a finite float, or None: what overflows is no measure."""
    near = None if number is None else float(number)
    return None if near is None or abs(near) == float("inf") else near + 0.0


def _count(given: object, _about: About) -> int | None:
    """Return a whole number from 0 on."""
    number = _number(given)
    whole = number is not None and 0 <= number <= _LARGEST_COUNT and number == int(number)
    return int(number) if whole and number is not None else None


def _percent(given: object, _about: About) -> float | None:
    """Return per cent as typed: 4.2 is 4.2 %."""
    return _float(_number(given, drop=("%", "percent", "per cent")))


def _money(given: object, _about: About) -> float | None:
    """Return an amount in the currency that the template's text names."""
    return _float(_number(given, drop=("$", "usd")))


def _minutes(given: object, _about: About) -> float | None:
    """Return minutes from a number, a ``timedelta``, or `2h 7m`, `90s`, `2 hours 7 minutes`."""
    if isinstance(given, timedelta):
        return given / timedelta(minutes=1)
    number = _number(given, drop=("minutes", "minute", "min"))
    if number is not None or not isinstance(given, str) or len(given) > _LONGEST:
        return _float(number)
    text = given.lower().replace(" and ", " ").replace(",", " ")
    units = _UNIT_WORDS.sub(lambda match: str(match[match.lastindex or 1]), text)
    try:
        return times.span(units) / timedelta(minutes=1)
    except BadValue:
        return None


def _time(given: object, about: About) -> str:
    """Return the moment as ISO 8601 in UTC; only texts without a zone are taken as UTC."""
    zone = about.get("zone", None if isinstance(given, datetime) else UTC)
    name, start = about.get("name", "time"), about.get("start")
    now = datetime.now(UTC).replace(microsecond=0)  # nobody means the fraction of a second
    return times.iso(times.parse(given, name=name, now=now, start=start, zone=zone))


def _date(given: object, about: About) -> str | None:
    """Return the day; a moment gives its day in the blank's zone, a text the day it names."""
    if isinstance(given, datetime):
        return _day_of(given, about.get("zone") or UTC)
    if isinstance(given, date):
        return given.isoformat()
    if not isinstance(given, str):
        return None
    found = times.day(given, name=about.get("name", "date"), start=about.get("start"))
    return None if found is None else found.isoformat()


def _day_of(moment: datetime, zone: tzinfo) -> str | None:
    """Return the day of a moment in a zone; None where that is outside the calendar."""
    try:
        local = moment if moment.utcoffset() is None else moment.astimezone(zone)
    except OverflowError:
        return None
    return local.date().isoformat()


def _grouped(stored: float) -> str:
    """Return a number with thousands grouped and no idle zeros: `1,234`, `4.2`."""
    text = f"{Decimal(str(stored)):,f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text


def _amount(stored: float) -> str:
    """Return an amount of money: `12,500`, `12,500.50`."""
    text = _grouped(stored)
    return f"{text}0" if re.search(r"\.[0-9]$", text) else text


def _minutes_shown(stored: float) -> str:
    """Return minutes to two digits: seconds in a third would be noise."""
    return _grouped(round(stored, 2))


def _time_shown(stored: str | datetime) -> str:
    """Return a time, as stored or as Python knows it, with its zone."""
    return times.shown(stored if isinstance(stored, datetime) else _moment(stored))


def _moment(stored: str) -> datetime:
    """Return a stored time; one without a zone was never written by us."""
    moment = datetime.fromisoformat(stored)
    if moment.utcoffset() is None:
        raise ValueError(stored)
    return moment.astimezone(UTC)


def _as(*types: type) -> Callable[[Any], Any]:
    """Return a check that a stored value has one of these types."""

    def check(stored: Any) -> Any:
        if type(stored) not in types:
            raise TypeError
        return types[0](stored)

    return check


def _list(stored: Any) -> list[str]:
    """Return a stored list of names."""
    if type(stored) is not list or not all(type(name) is str for name in stored):
        raise TypeError
    return list(stored)


_WORDS = ("text", "Database pool exhausted")
_KINDS = (
    Kind("prose", "string", _text, str, _as(str), *_WORDS),
    Kind("line", "string", _text, str, _as(str), *_WORDS),
    Kind("choice", "string", _choice, str, _as(str), "one of its choices", "Draft"),
    Kind(
        "names",
        "object",
        _names,
        _listed,
        _list,
        "names, or a list of them",
        "checkout, payments",
    ),
    Kind("count", "Int64", _count, _grouped, _as(int), "a whole number from 0 on", "1,234"),
    Kind("percent", "Float64", _percent, _grouped, _as(float, int), "a number of per cent", "4.2"),
    Kind("money", "Float64", _money, _amount, _as(float, int), "an amount", "12,500.50 or 12.5k"),
    Kind(
        "minutes", "Float64", _minutes, _minutes_shown, _as(float, int), "minutes", "127 or 2h 7m"
    ),
    Kind("date", "datetime64[s]", _date, str, date.fromisoformat, "a date", "2025-12-19 or now+7d"),
    Kind(
        "time",
        "datetime64[us, UTC]",
        _time,
        _time_shown,
        _moment,
        times.ACCEPTED,
        times.EXAMPLE,
    ),
    Kind(
        "yesno",
        "boolean",
        _yesno,
        lambda stored: "Yes" if stored else "No",
        _as(bool),
        "yes or no",
        "yes",
    ),
    Kind(
        "link",
        "string",
        _link,
        str,
        _as(str),
        f"a link of up to {LONGEST_LINK:,} characters",
        "https://example.com/INC-1",
    ),
    Kind("query", "string", _text, str, _as(str), *_WORDS),
)
KINDS = {kind.name: kind for kind in _KINDS}
"""Every kind of the notation by its name."""
