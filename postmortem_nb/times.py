"""Instants as people type them and as machines keep them: always aware, always UTC inside.

A *moment* is an aware ``datetime`` in UTC. A time without a zone is refused unless the caller
declares one, because an hour lost in a timeline is found by nobody.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from postmortem_nb.errors import BadValue, expected
from postmortem_nb.errors import shown as quoted

if TYPE_CHECKING:
    from datetime import tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXAMPLE = "2025-12-07 14:02 UTC"
ACCEPTED = "a time with its zone (ISO 8601, epoch seconds or ms, now, now-15m)"

_LONGEST = 80  # characters; no way of writing a time needs more
_FIRST_MS = 10**11  # from here an epoch is in milliseconds: as seconds it were the year 5138
_FIRST_TOO_FINE = 10**14  # from here it would be micro- or nanoseconds: refused, not guessed
_FAR_BEFORE = timedelta(hours=12)  # what a bare clock time never means: half a day before the start
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw])", re.ASCII)
_SPAN = re.compile(rf"(?:{_PART.pattern}\s*)+", re.ASCII)
_CLOCK = r"(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)"
_ZONE = r"\s*(?P<zone>z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_ABSOLUTE = re.compile(r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:t|\s+)" + _CLOCK + _ZONE, re.ASCII)
_OF_DAY = re.compile(_CLOCK + _ZONE, re.ASCII)
_WEST_HALVES = (-210, -150)  # minutes: Newfoundland; -9:30 is sooner the end of a stretch
_RELATIVE = re.compile(r"(?P<now>now)?\s*(?P<sign>[+-])\s*(?P<span>[0-9].*)", re.ASCII)
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[t ][0-9]{2}:[0-9:.]+.*)?")
_DAYS_ON = re.compile(r"(?P<now>now)? ?[+-] ?[0-9]{1,3} ?[dw]")
_DIGITS = re.compile(r"-?[0-9]{9,20}(?:\.[0-9]{1,9})?", re.ASCII)
_MONTHS = "january february march april may june july august september october november december"
_NUMBERS = {name[:3]: number for number, name in enumerate(_MONTHS.split(), 1)}
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in _MONTHS.split())
_SHORT_DAY = re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})(?![0-9])", re.ASCII)
_DAY_FIRST = re.compile(rf"(?P<d>[0-9]{{1,2}}) (?P<m>{_MONTH})\.?,? (?P<y>[0-9]{{4}}),?", re.ASCII)
_DAY_LAST = re.compile(rf"(?P<m>{_MONTH})\.? (?P<d>[0-9]{{1,2}}),? (?P<y>[0-9]{{4}}),?", re.ASCII)
_HALF_DAY = re.compile(
    r"\b(?P<hour>0?[1-9]|1[0-2])(?P<rest>:[0-9]{2}(?::[0-9.]+)?)? ?(?P<half>[ap])m\b", re.ASCII
)


def parse(
    value: object,
    *,
    name: str = "time",
    now: datetime | None = None,
    start: datetime | None = None,
    zone: tzinfo | None = None,
) -> datetime:
    """Return the moment that ``value`` means, in UTC.

    Parameters
    ----------
    value
        an aware ``datetime``; ISO 8601 with a zone; epoch seconds, or milliseconds from 10^11 on
        (a number or nine digits and more); ``now``, ``now-15m``, ``now+2h`` (s m h d w);
        ``+15m`` or ``-5m`` from ``start``; ``14:02`` or ``14:02:30`` on the day of ``start``, or
        on the day after where that were more than twelve hours before ``start``; what `plainly`
        reads as one of these
    name
        what the error calls the value
    now, start
        what relative times are counted from; ``now`` is the clock's unless given
    zone
        the zone of times written without one; without it those are refused

    Raises
    ------
    BadValue
        not a time, without a zone, out of range, or an hour that its zone skips or repeats
    """
    try:
        if isinstance(value, str):
            return _read(value, name=name, now=now, start=start, zone=zone)
        if isinstance(value, datetime) and value == value:  # noqa: PLR0124 - pandas' NaT is one
            return _utc(_plain(value), name=name, zone=zone)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _epoch(value, name)
    except BadValue:
        raise
    except (OverflowError, ValueError):
        pass  # out of the calendar, or not a way of writing a time: said below
    raise BadValue(expected(name, _accepted(start, zone), example=EXAMPLE, came=value))


def plainly(text: str) -> str:
    """Return a text with its day as ``2025-12-07`` and its clock as ``14:02``, in small letters.

    ``Dec 7, 2025 2:02 pm``, as Datadog writes it, ``7 December 2025``, ``2025-12-7``. A day
    in slashes is left: nobody knows which number is the month. Nothing of a text too long for one.
    """
    plain = " ".join(text.lower().split()) if len(text.strip()) <= _LONGEST else ""
    for written in (_SHORT_DAY, _DAY_FIRST, _DAY_LAST):
        if match := written.match(plain):
            month = _NUMBERS.get(match["m"][:3], match["m"])
            plain = f"{match['y']}-{month:0>2}-{match['d']:0>2}{plain[match.end() :]}"
    return _HALF_DAY.sub(_whole_day, plain.replace("(utc)", "utc"))


def _whole_day(match: re.Match[str]) -> str:
    hour = int(match["hour"]) % 12 + (12 if match["half"] == "p" else 0)
    return f"{hour:02}{match['rest'] or ':00'}"


def day(value: str, *, name: str = "date", start: datetime | None = None) -> date | None:
    """Return the day that a text names, None where it names none.

    ``+7d`` and ``+2w`` count from the day of ``start``, ``now+7d`` from today, both in UTC.
    """
    text = plainly(value)
    counted = _DAYS_ON.fullmatch(text)
    if counted and start is None and not counted["now"]:
        what = "a date while the incident has no start"
        raise BadValue(expected(name, what, example="2025-12-19", came=value))
    try:
        if counted:
            return parse(text, start=start).date()
        named = _DAY.fullmatch(text)
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None  # outside the calendar


def span(text: object, *, name: str = "span") -> timedelta:
    """Return the length written as ``15m``, ``1h30m`` or ``2d`` (s m h d w); BadValue otherwise."""
    lowered = text.strip().lower() if isinstance(text, str) and len(text) <= _LONGEST else ""
    try:
        if _SPAN.fullmatch(lowered):
            parts = ((unit, float(count)) for count, unit in _PART.findall(lowered))
            return sum((timedelta(**{_UNITS[unit]: n}) for unit, n in parts), timedelta())
    except OverflowError:
        pass
    raise BadValue(expected(name, "a number and s, m, h, d or w", example="15m", came=text))


def iso(moment: datetime) -> str:
    """Return ``2025-12-07T14:02:30.25Z``: ISO 8601 in UTC, the fraction only where there is one."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


def shown(moment: datetime) -> str:
    """Return ``2025-12-07 14:02 UTC``, with seconds only where they are not zero."""
    text = iso(moment)[:-1].replace("T", " ")
    return f"{text.removesuffix(':00')} UTC"


def ms(moment: datetime, *, up: bool = False) -> int:
    """Return epoch milliseconds, rounded down, or up for the end of a window."""
    return _whole(moment, timedelta(milliseconds=1), up=up)


def seconds(moment: datetime, *, up: bool = False) -> int:
    """Return epoch seconds, rounded down, or up for the end of a window."""
    return _whole(moment, timedelta(seconds=1), up=up)


def duration(minutes: float) -> str:
    """Return a length in words: ``2 hours 7 minutes``, ``30 seconds``, ``-5 minutes``."""
    if not math.isfinite(minutes):
        raise BadValue(expected("duration", "a number of minutes", example="127", came=minutes))
    total = round(abs(minutes) * 60)
    counts = ((total // 3600, "hour"), (total // 60 % 60, "minute"), (total % 60, "second"))
    words = " ".join(f"{n:,} {unit}{'s' * (n != 1)}" for n, unit in counts if n)
    return f"{'-' * (minutes < 0 and total > 0)}{words or '0 minutes'}"


def _read(
    value: str, *, name: str, now: datetime | None, start: datetime | None, zone: tzinfo | None
) -> datetime:
    """Return the moment of a text; ValueError when it is none."""
    text = plainly(value)
    if text == "now":
        return _now(now)
    if match := _RELATIVE.fullmatch(text):
        origin = _now(now) if match["now"] else _begun(start, name, value, zone)
        length = span(match["span"], name=name)
        return origin + length if match["sign"] == "+" else origin - length
    if _DIGITS.fullmatch(text):
        return _epoch(float(text) if "." in text else int(text), name)
    if match := _ABSOLUTE.fullmatch(text):
        return _utc(_moment(match["day"], match), name=name, zone=zone)
    if match := _OF_DAY.fullmatch(text):
        here = _zone(match["zone"]) or zone or UTC
        begun = _begun(start, name, value, zone).astimezone(here)
        return _utc(_clocked(match, begun.replace(tzinfo=None)), name=name, zone=zone)
    raise ValueError


def _accepted(start: datetime | None, zone: tzinfo | None) -> str:
    """Return the ways to write a time that are open to whoever asks."""
    counted = "+15m, " if start is not None else ""
    if zone is None:
        return ACCEPTED.replace("(", f"({counted}")
    clock = "14:02, " if start is not None else ""
    return f"a time ({clock}{counted}2025-12-07 14:02, ISO 8601, epoch seconds or ms, now, now-15m)"


def _clocked(match: re.Match[str], begun: datetime) -> datetime:
    """Return a clock time on the day of the start, or on the day after where that is far before.

    ``00:10`` in an incident that began at 22:10 is two hours after its start, not 22 before.
    """
    moment = _moment(begun.date().isoformat(), match)
    early = begun - moment.replace(tzinfo=None) > _FAR_BEFORE
    return moment + timedelta(days=1) if early else moment


def _moment(day: str, match: re.Match[str]) -> datetime:
    """Return day and clock as a ``datetime``, aware when a zone stands beside the clock."""
    clock = match["clock"]
    padded = clock if clock[2] == ":" else f"0{clock}"
    return datetime.fromisoformat(f"{day}T{padded}").replace(tzinfo=_offset(match["zone"]))


def _offset(zone: str | None) -> tzinfo | None:
    """Return the zone that was written, or None."""
    if zone is None:
        return None
    return datetime.fromisoformat(f"2000-01-01T00:00{'Z' if zone in 'z utc gmt' else zone}").tzinfo


def _zone(written: str | None) -> tzinfo | None:
    """Return the zone beside a time of day; ValueError for one that no place on earth has.

    ``14:02-14:05`` is no zone but two times.
    """
    found = _offset(written)
    offset = found.utcoffset(None) if found else None
    if found is None or offset is None:
        return None
    minutes = offset // timedelta(minutes=1)
    halves = minutes % 15 == 0 if minutes > 0 else minutes in _WEST_HALVES
    if not (-12 * 60 <= minutes <= 14 * 60 and (minutes % 60 == 0 or halves)):
        raise ValueError
    return found


def _utc(moment: datetime, *, name: str, zone: tzinfo | None) -> datetime:
    """Return a moment in UTC; one without a zone is read in ``zone``, where it must occur once."""
    if moment.utcoffset() is not None:
        return moment.astimezone(UTC)
    if zone is None:
        came = f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
        raise BadValue(expected(name, "a time with its zone", example=f"{came} UTC", came=came))
    first, second = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first != second:
        early, late = sorted((shown(first), shown(second)))
        fault = "occurs twice" if first < second else "does not occur"
        written = quoted(f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00"))
        raise BadValue(f"{name}: {written} {fault} in {zone}; write {early} or {late}")
    return first


def _plain(moment: datetime) -> datetime:
    """Return a standard ``datetime``: pandas' own kind carries nanoseconds and warns of them."""
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    return datetime(*parts, moment.microsecond, tzinfo=moment.tzinfo, fold=moment.fold)


def _epoch(number: float, name: str) -> datetime:
    """Return the moment of epoch seconds or milliseconds; finer units are refused."""
    if not abs(number) < _FIRST_TOO_FINE:
        what = "epoch seconds or milliseconds"
        raise BadValue(expected(name, what, example="1765116120", came=number))
    unit = "milliseconds" if abs(number) >= _FIRST_MS else "seconds"
    return EPOCH + timedelta(**{unit: number})


def _now(now: datetime | None) -> datetime:
    """Return the moment ``now`` stands for."""
    return datetime.now(UTC) if now is None else now.astimezone(UTC)


def _begun(start: datetime | None, name: str, value: str, zone: tzinfo | None) -> datetime:
    """Return the start that a time is counted from; BadValue when there is none yet."""
    if start is None:
        # a question is asked of no incident: its times stand for themselves
        said = "with the zone" if zone is None else "while the incident has no start"
        what = f"day and time {said}"
        raise BadValue(expected(name, what, example=EXAMPLE, came=value))
    return start.astimezone(UTC)


def _whole(moment: datetime, unit: timedelta, *, up: bool) -> int:
    """Return whole units since the epoch, exact: integers all the way."""
    return -((EPOCH - moment) // unit) if up else (moment - EPOCH) // unit
