"""Incidents in which every blank of a template is filled, each place with its own value."""

from postmortem_nb.schema import Blank

NUMBERS = ("count", "percent", "money", "minutes")


def value(blank, number, words="{}"):
    """Return a value for a blank, and what of it a document must show."""
    typed = _typed(number)
    if blank.kind == "choice":
        typed["choice"] = (blank.options[number % len(blank.options)],) * 2
    return typed.get(blank.kind, (words.replace("{}", f"{blank.name} {number}"),) * 2)


def _typed(number):
    """Return a value of each kind but text, and how it is shown."""
    day = f"2025-12-{1 + number % 28:02}"
    clock = f"{number // 60 % 24:02}:{number % 60:02}"
    return {
        **dict.fromkeys(NUMBERS, (1000 + number, f"{1000 + number:,}")),
        "yesno": (True, ""),
        "date": (day, day),
        "time": (f"2025-12-04T{clock}Z", f"2025-12-04 {clock} UTC"),
        "names": ([f"Ana {number}", f"Bo {number}"], f"Ana {number}, Bo {number}"),
        "link": (f"https://example.com/x/{number}",) * 2,
    }


def fill(incident, words="{}"):
    """Fill every blank of an incident's template that is not derived; return what must show."""
    template, shown, number = incident.template, [], 0
    for column in template.tables["incident"]:
        number += 1
        blank = next(each for each in template.blanks() if each.name == column.name)
        if not column.derived:
            typed, seen = value(_with(blank, column), number, words)
            incident.set(column.name, typed)
            shown.append(seen)
    for table in list(template.tables)[1:]:
        for group in template.groups(table):
            for place in range(group.blanks):
                row = dict(group.keys)
                for blank in (part for part in group.parts if isinstance(part, Blank)):
                    number += 1
                    row[blank.name], seen = value(blank, number, words)
                    if blank.name != group.preset:
                        shown.append(seen)
                if group.preset:
                    row[group.preset] = group.presets[place]
                incident.add(table, **row)
    return [each for each in shown if each]


def _with(blank, column):
    """Return a blank with the options of its column: another place may list them."""
    return blank if blank.options == column.options else blank.__class__(**_fields(blank, column))


def _fields(blank, column):
    names = ("kind", "name", "shown", "table")
    return {name: getattr(blank, name) for name in names} | {"options": column.options}
