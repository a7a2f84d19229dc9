"""Units as Datadog names them, and axes and figures that read well in them.

A *unit* belongs to a family (time, bytes, percent or things counted), may be given per another
unit ("request/second"), and is shown in the step that fits the size: 0.25 s as 250 ms,
2,500,000 bytes as 2.4 MiB, 12,500 requests a second as 12.5k req/s.
A *scale* is an axis before it is drawn: its ends, its ticks and how they read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from postmortem_nb.captions import label

# Names from Datadog's list of units (docs.datadoghq.com/metrics/units), in their base unit.
TIME = {
    "nanosecond": 1e-9, "ns": 1e-9, "microsecond": 1e-6, "us": 1e-6, "µs": 1e-6,
    "millisecond": 1e-3, "ms": 1e-3, "second": 1.0, "sec": 1.0, "s": 1.0, "minute": 60.0,
    "min": 60.0, "hour": 3600.0, "hr": 3600.0, "h": 3600.0, "day": 86400.0, "week": 604800.0,
}  # fmt: skip
BYTES = {
    "bit": 0.125, "b": 1.0, "byte": 1.0, "kibibyte": 2.0**10, "kib": 2.0**10, "mebibyte": 2.0**20,
    "mib": 2.0**20, "gibibyte": 2.0**30, "gib": 2.0**30, "tebibyte": 2.0**40, "kilobyte": 1e3,
    "kb": 1e3, "megabyte": 1e6, "mb": 1e6, "gigabyte": 1e9, "gb": 1e9, "terabyte": 1e12,
}  # fmt: skip
PERCENT = {"percent": 1.0, "%": 1.0, "fraction": 100.0, "percent_nano": 1e-7, "apdex": 0.0}
SHORT = {
    "request": "req",
    "operation": "op",
    "message": "msg",
    "connection": "conn",
    "dollar": "$",
    "euro": "€",
}

STEPS = {
    "time": (
        (1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"),
        (120.0, "min"), (7200.0, "h"), (172800.0, "d"),
    ),
    "bytes": (
        (1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB"), (2.0**40, "TiB"),
    ),
    "percent": ((1.0, "%"),),
    "things": ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")),
}  # fmt: skip
DIVISOR = {"min": 60.0, "h": 3600.0, "d": 86400.0}
MOST = 5
"""Intervals between ticks."""
TINY, HUGE = 1e-290, 1e290
"""Values beyond are not drawn: an axis around them would leave the range of a float."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its family, what one of it is in the family's base, its name, and per what."""

    family: str = "things"
    factor: float = 1.0
    name: str = ""
    per: str = ""

    @property
    def words(self) -> str:
        """The unit as a heading says it: "requests per second", "ms" and the like excepted."""
        if self.family != "things" or not self.name:
            return f"per {self.per}" if self.per else ""
        return f"{plural(self.name)} per {self.per}" if self.per else plural(self.name)


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis: its lowest and highest value, where its ticks stand and how they read."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False


def read(text: str) -> Unit:
    """Return the unit that Datadog's text names; an unknown one counts things of that name."""
    words = label(text, 40).strip().lower().replace(" per ", "/")
    name, _, per = (part.strip() for part in words.partition("/"))
    one = name[:-1] if name.endswith("s") and len(name) > 3 else name
    for family, known in (("time", TIME), ("bytes", BYTES), ("percent", PERCENT)):
        for spelt in (name, one):
            if known.get(spelt):
                return Unit(family, known[spelt], spelt, per)
    return Unit("things", 1.0, one, per)


def plural(name: str) -> str:
    """Return the plural of a unit's name."""
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return (
        name if name.endswith("s") else name + ("es" if name.endswith(("sh", "ch", "x")) else "s")
    )


def step(unit: Unit, size: float) -> tuple[float, str]:
    """Return what values are divided by, and the suffix they then carry, for sizes like this."""
    base = abs(size) * unit.factor
    found = STEPS[unit.family][0]
    for limit, suffix in STEPS[unit.family]:
        if base >= limit * (1 - 1e-9):
            found = limit, suffix
    if unit.family == "time" and not base:
        found = 1.0, "s"
    limit, suffix = found
    return DIVISOR.get(suffix, limit) / unit.factor, suffix


def shown(value: float, unit: Unit) -> str:
    """Return one value with its unit, three or four digits: "250 ms", "12.5k req/s"."""
    if not value:
        return "0"
    divisor, suffix = step(unit, value)
    if unit.family == "things" and abs(value) < 1e4:
        divisor, suffix = 1.0, ""
    return _spell(_digits(value / divisor), suffix, unit)


def numeral(number: float, digits: int = 6) -> str:
    """Return a number as a person writes it: about so many digits, a whole one in full.

    Never as a power of ten, but for what is no figure of an incident.
    """
    if not math.isfinite(number) or (number and not 1e-4 <= abs(number) < 1e15):
        return f"{number:.{digits}g}"
    whole = math.floor(math.log10(abs(number))) + 1 if number else 1
    said = f"{number:,.{max(0, digits - whole)}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def scale(low: float, high: float, unit: Unit, *, zero: bool = True, whole: bool = False) -> Scale:
    """Return the axis that holds ``low`` to ``high``, with five intervals or fewer.

    With ``zero`` it begins at zero (or ends there); otherwise where the data does. With ``whole``
    it counts things that cannot be halved.
    """
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    size = max(abs(low), abs(high))
    if high - low <= size * 1e-12 + TINY:  # flat: there is nothing to stretch over the axis
        margin = size * 0.1 if size > TINY else 1.0
        low, high = low - (0.0 if zero else margin), high + margin
    room = (high - low) * 0.06
    low, high = low - (room if low < 0 or not zero else 0.0), high + room
    size = max(abs(low), abs(high))
    # in full as far as values are: 750, not 0.75k beside 1.00k
    divisor, suffix = (1.0, "") if unit.family == "things" and size < 1e4 else step(unit, size)
    gap = _nice((high - low) / divisor / MOST, whole=whole and divisor == 1)
    first, last = math.ceil(low / divisor / gap - 1e-9), math.floor(high / divisor / gap + 1e-9)
    words = [_spell(_plain(number * gap, gap), suffix, unit) for number in range(first, last + 1)]
    values = [number * gap * divisor for number in range(first, last + 1)]
    zeroed = [text if value else "0" for value, text in zip(values, words, strict=True)]
    return Scale(low, high, tuple(zip(values, zeroed, strict=True)))


def decades(low: float, high: float, unit: Unit) -> Scale:
    """Return a logarithmic axis around positive values, a tick at each power of ten."""
    base = unit.factor
    first, last = math.floor(math.log10(low * base)), math.ceil(math.log10(high * base))
    last = max(last, first + 1)
    jump = max(1, math.ceil((last - first) / 5))
    ticks = tuple(
        (10.0**power / base, shown(10.0**power / base, unit))
        for power in range(first, last + 1, jump)
    )
    return Scale(10.0**first / base, 10.0**last / base, ticks, log=True)


def _nice(rough: float, *, whole: bool) -> float:
    """Return the next round step at or above ``rough``."""
    power = 10.0 ** math.floor(math.log10(rough))
    found = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * (1 - 1e-9))
    return max(1.0, math.ceil(found)) if whole and found < 10 else found


def _plain(number: float, gap: float) -> str:
    """Return a tick's digits, as many places as steps of ``gap`` need."""
    power = math.floor(math.log10(gap) + 1e-9)
    places = max(0, (2.4 < gap / 10.0**power < 2.6) - power)  # steps of 2.5 need one more
    if abs(number) >= 1e9 or places > 9:
        return f"{number:.3g}".replace("e+", "e")
    text = f"{number:,.{places}f}"
    return "0" if not number else text.replace("-", "−")


def _digits(number: float) -> str:
    if not number:
        return "0"
    if abs(number) >= 1e9 or abs(number) < 1e-6:
        return f"{number:.3g}".replace("e+", "e").replace("-", "−")
    places = max(0, 2 - math.floor(math.log10(abs(number))))
    text = f"{number:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def _spell(digits: str, suffix: str, unit: Unit) -> str:
    """Return digits with their suffix: a letter sticks to them, a unit follows after a space."""
    per = f"/{TIME_SIGN.get(unit.per, unit.per)}" if unit.per else ""
    if unit.family != "things":
        return f"{digits} {suffix}{per}"
    name = SHORT.get(unit.name, unit.name) if unit.per else ""
    return f"{digits}{suffix} {name}{per}".rstrip() if per else f"{digits}{suffix}"


TIME_SIGN = {"second": "s", "minute": "min", "hour": "h", "day": "d", "millisecond": "ms"}
