"""A section in a form: what windows show of it, and what they say of it.

Nothing here knows of widgets: a `Part` answers messages, and says what changed through the function
that it was given. A form has one part, or one for each section of the postmortem.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from postmortem_nb import candidates, formkept, text, writers
from postmortem_nb.checks import actions
from postmortem_nb.checks.case import BETWEEN
from postmortem_nb.errors import BundleError, PostmortemError
from postmortem_nb.formdesk import at
from postmortem_nb.formstate import Sheet, changes
from postmortem_nb.schema import SINGLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from postmortem_nb.formstate import Message
    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Section

ANSWERS = 500
"""Answers a part remembers, so that a message sent twice is done once."""


LONGEST = 40
"""Characters of a window's name that the log takes."""


class Part:
    """One section of an incident in a form; ``say`` reaches every window of the form."""

    def __init__(
        self, incident: Incident, section: Section, say: Callable[[Message], None]
    ) -> None:
        self.incident = incident
        self.sheet = Sheet(incident, section)
        self.desk = at(incident)
        self._say = say
        self._answers: OrderedDict[tuple[str, int], Message] = OrderedDict()
        self._shown: dict[str, Any] = {}

    # -- what a window gets ------------------------------------------------------------------------

    def state(self) -> Message:
        """Return what a window draws from: the section's parts, its values as they are now."""
        self._shown = self.values()
        return {**self.sheet.description(), "values": self._shown}

    def values(self) -> dict[str, Any]:
        """Return everything of this section that may change."""
        return {
            **self.sheet.values(),
            "lists": self.desk.completions(self.sheet.lists),
            "measures": self.sheet.measures(),
            **self._judged(),
            **self._offers(),
        }

    def follow(self) -> None:
        """Send every window what changed since the last time."""
        with self.incident.lock:
            values = self.values()
            news = changes(self._shown, values)
            self._shown = values
            if news:
                self._say({"t": "values", "values": news})

    def _judged(self) -> dict[str, Any]:
        """Return the findings that concern this section, and what the next state needs of it."""
        found = self.desk.findings()
        mine = [each for each in found if self._concerns(each)]
        told = [each for each in mine if each["code"] != "blank" or each["severity"] == "error"]
        first = self.sheet.section == self.incident.template.sections[0]
        blanks = [each for each in (found if first else mine) if each["code"] == "blank"]
        return {
            "needed": _needs(blanks, [each for each in blanks if each in mine]),
            "findings": self._beside_blanks(told),
        }

    def _beside_blanks(self, found: list[Message]) -> list[Message]:
        """Return what stands beside each blank: its gravest finding, and how many more there are.

        An action is not named again in its own row.
        """
        rows = self.incident.values(actions.TABLE) if actions.TABLE in self.sheet.tables else []
        called = {row["row"]: f"{actions.called(row)}: " for row in rows}
        told: dict[tuple[str, str, str], list[Message]] = {}
        for each in found:
            told.setdefault((each["table"], each["row"], each["name"]), []).append(each)
        return [
            {
                "at": at,
                "severity": first["severity"],
                "message": _advice(first, called.get(at[1], ""), len(more)),
            }
            for at, (first, *more) in told.items()
        ]

    def _offers(self) -> dict[str, Any]:
        """Return what the frozen evidence offers a form that takes steps from it."""
        if not self.sheet.takes_evidence():
            return {}
        steps = [self.sheet.step(each) for each in self.desk.offered()]
        return {
            "steps": steps,
            "answers": candidates.named(self.incident, self.desk.answers()),
            "held": sorted(candidates.taken(self.incident)),
        }

    def _concerns(self, finding: Message) -> bool:
        if finding["table"] == SINGLE:
            return finding["name"] in self.sheet.facts
        return any(group.table == finding["table"] for group in self.sheet.groups)

    # -- what a window says -------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        """Do what a window asks, once, and answer it."""
        client, number = str(message.get("c", "")), message.get("n")
        act = self._acts().get(str(message.get("t")))
        if act is None:
            return
        if isinstance(number, int) and (client, number) in self._answers:
            self._say(self._answers[client, number])
            return
        name = text.clean(f"{client[:LONGEST]}.{number}") if isinstance(number, int) else ""
        with self.incident.lock, writers.via(name):
            answer = {"c": client, "n": number, **self._done(act, message)}
            if isinstance(number, int):
                self._remember((client, number), answer)
            if "rows" in answer:
                self._shown.setdefault("groups", {})[answer["group"]] = answer["rows"]
            self._say(answer)

    def _acts(self) -> dict[str, Callable[[Message], Message]]:
        sheet = self.sheet
        named = ("set", "remove", "restore", "duplicate", "move", "take", "search")
        return {name: getattr(sheet, name) for name in named} | {
            "hello": self._hello,
            "kept": self._kept,
            "zone": self._zone,
        }

    def _done(self, act: Callable[[Message], Message], message: Message) -> Message:
        """Return the answer to a message: acknowledged, refused, or not on disk."""
        try:
            return {"t": "ack", "at": f"{datetime.now(UTC):%H:%M:%S}", **act(message)}
        except BundleError as error:
            return {"t": "unsaved", "message": text.visible(str(error))}
        except PostmortemError as error:
            return {"t": "refused", "message": _beside(f"{message.get('name')}", error)}

    def _remember(self, key: tuple[str, int], answer: Message) -> None:
        self._answers[key] = answer
        while len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)

    def _hello(self, _message: Message) -> Message:
        """Greet a window that was away: it gets everything as it is now."""
        self._shown = self.values()
        return {"t": "values", "values": self._shown}

    def _kept(self, message: Message) -> Message:
        """Tell a window what became of the edits that an earlier one kept."""
        return {
            "t": "kept",
            "q": message.get("q"),
            "kept": formkept.judged(self.sheet, message["kept"]),
        }

    def _zone(self, message: Message) -> Message:
        """Take another zone for times typed and shown."""
        try:
            self.sheet.choose(str(message.get("zone")))
        except PostmortemError as error:
            return {"t": "zone", "message": _beside("zone", error)}
        self.desk.changed()
        return {"t": "zone", "zone": str(self.sheet.zone)}


def _beside(label: str, error: PostmortemError) -> str:
    """Return a refusal as it stands beside its label, which it need not repeat."""
    said = str(error).removeprefix(f"{label}: ")
    return text.visible(said[:1].upper() + said[1:])


def _advice(finding: Message, called: str, more: int) -> str:
    """Return a finding in one line, without the name of its row, with the count of more behind."""
    said = str(finding["message"]).removeprefix(called)
    rest = f" ({more} more behind it)" if more else ""
    return text.visible(f"{said[:1].upper()}{said[1:]} {finding['remedy']}{rest}".strip())


def _named(finding: Message) -> str:
    """Return what a blank is called: by its row where it has one, not the fifth "Time"."""
    steps: list[str] = finding["where"].split(BETWEEN)
    return steps[-2] if finding["table"] != SINGLE and len(steps) > 2 else steps[-1]


def _needs(blanks: list[Message], mine: list[Message]) -> str:
    """Return what the next state of the postmortem needs, in one line.

    Blanks of this section by name; the first form counts those of the others.
    """
    if not blanks:
        return ""
    state = "Approved" if any(" Approved needs" in each["message"] for each in blanks) else "Review"
    names = [_named(each) for each in mine]
    others = Counter(each["where"].split(BETWEEN)[0] for each in blanks if each not in mine)
    here = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    there = ", ".join(f"{section} {count}" for section, count in others.items())
    parts = filter(None, (here, there and f"in other sections: {there}"))
    return text.visible(f"needed for {state}: {' · '.join(parts)}")
