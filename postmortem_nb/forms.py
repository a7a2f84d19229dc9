"""Forms: one widget a section, the finished text under it, and what happens at an edit.

A `Form` is one anywidget. Its front end (``forms.js`` with its two parts, ``forms.css``) travels
once a kernel, in a `Library`, whatever the number of forms. An edit comes as one small message, is
on disk before it is acknowledged, and may arrive on any thread while a cell runs; the incident's
desk then brings all forms and texts up to date, a moment later, on a thread of its own.
Widget state is never persistence: the dataset is, and the text is an output of its own.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections import Counter, OrderedDict
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from postmortem_nb import document, formtext, text
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
    from postmortem_nb.standing import Line

SOURCES = (
    "forms_inputs.js",
    "forms_rows.js",
    "forms_evidence.js",
    "forms_queue.js",
    "forms.js",
)
"""The front end's files in the order in which they are joined to one module."""

VIEW = "application/vnd.jupyter.widget-view+json"

ANSWERS = 500
"""Answers a form remembers, so that a message sent twice is done once."""

# every form carries this, so it is short; the library is imported once a page
LOADER = """\
const shelf = globalThis.postmortemNbForms ??= new Map();
async function fetched(model, id) {
const held = await model.widget_manager.get_model(id);
const url = URL.createObjectURL(new Blob([held.get("source")], { type: "text/javascript" }));
return [await import(url), held.get("style")];
}
export default { async render(context) {
const id = context.model.get("library");
if (!shelf.has(id)) shelf.set(id, fetched(context.model, id));
const [code, style] = await shelf.get(id).catch((e) => { shelf.delete(id); throw e; });
return code.render(context, style);
} };
"""


def form(incident: Incident, title: str) -> Form:
    """Return the form of one section; the last value of a cell is shown with its text beneath.

    Raises
    ------
    BadValue
        the template has no such section; near misses are offered
    """
    return Form(incident, incident.template.section(title))


class Library(ipywidgets.Widget):  # type: ignore[misc]  # it is untyped
    """The front end, sent once; forms fetch it from here."""

    _model_name = traitlets.Unicode("WidgetModel").tag(sync=True)
    source = traitlets.Unicode().tag(sync=True)
    style = traitlets.Unicode().tag(sync=True)


class Form(anywidget.AnyWidget):
    """One section of an incident, to be filled in; ``close`` ends it.

    ``state`` is what the front end draws from: the parts of the section and their values. It is
    made anew whenever a window asks for it, so that a reload shows what the dataset holds.
    """

    _esm = traitlets.Unicode(LOADER).tag(sync=True)
    _anywidget_id = traitlets.Unicode("postmortem_nb.forms.Form").tag(sync=True)
    library = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, incident: Incident, section: Section) -> None:
        self.incident = incident
        self.sheet = Sheet(incident, section)
        self.text_id = uuid.uuid4().hex
        self._answers: OrderedDict[tuple[str, int], Message] = OrderedDict()
        self._shown: dict[str, Any] = {}
        self._digest = ""
        self._lines: list[Line] = []
        self.desk = at(incident)
        library, layout = _shared()
        super().__init__(model_id=uuid.uuid4().hex, library=library, layout=layout)
        self.on_msg(self._hear)
        _answer_beside_cells(self.comm)
        self.desk.join(self, section.slug)

    def add_traits(self, **traits: Any) -> None:
        """Add what is missing: anywidget asks for what this class has, and a class is dear."""
        if missing := {name: each for name, each in traits.items() if not self.has_trait(name)}:
            super().add_traits(**missing)

    def is_open(self) -> bool:
        """Return whether the form has not been closed."""
        return self.comm is not None

    # -- what the front end gets -------------------------------------------------------------------

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - ipywidgets calls it so
        """Return the synchronised state; the section's values as they are now."""
        state: dict[str, Any] = super().get_state(key=key, drop_defaults=drop_defaults)
        if "state" in state:
            self._shown = self.values()
            state["state"] = {
                "id": self._model_id,
                **self.sheet.description(),
                "values": self._shown,
            }
        return state

    def values(self) -> dict[str, Any]:
        """Return everything of this form that may change."""
        return {
            **self.sheet.values(),
            "measures": self.sheet.measures(),
            "text": self._digest,
            **self._judged(),
            **self._offers(),
        }

    def push(self) -> None:
        """Renew the text, and send every window what changed since the last time."""
        self._renew()
        self.follow()

    def follow(self) -> None:
        """Send every window what changed since the last time."""
        with self.incident.lock:
            values = self.values()
            news = changes(self._shown, values)
            self._shown = values
            if news:
                self.send({"t": "values", "values": news})

    def _judged(self) -> dict[str, Any]:
        """Return the findings that concern this section, and what the next state needs of it."""
        found = self.desk.findings()
        mine = [each for each in found if self._concerns(each)]
        told = [each for each in mine if each["code"] != "blank" or each["severity"] == "error"]
        first = self.sheet.section == self.incident.template.sections[0]
        blanks = [each for each in (found if first else mine) if each["code"] == "blank"]
        return {
            "needed": _needs(blanks, [each for each in blanks if each in mine]),
            "findings": [
                {
                    "at": (each["table"], each["row"], each["name"]),
                    "severity": each["severity"],
                    "message": text.visible(f"{each['message']} {each['remedy']}".strip()),
                }
                for each in told
            ],
        }

    def _offers(self) -> dict[str, Any]:
        """Return what the frozen evidence offers a form that takes steps from it."""
        if not self.sheet.takes_evidence():
            return {}
        steps = [self.sheet.step(each) for each in self.desk.offered()]
        return {"steps": steps, "answers": self.desk.answers()}

    def _concerns(self, finding: Message) -> bool:
        if finding["table"] == SINGLE:
            return finding["name"] in self.sheet.facts
        return any(group.table == finding["table"] for group in self.sheet.groups)

    # -- what the front end says -------------------------------------------------------------------

    def _hear(self, _widget: object, message: Message, _buffers: object) -> None:
        """Do what a window asks, once, and answer it."""
        client, number = str(message.get("c", "")), message.get("n")
        act = self._acts().get(str(message.get("t")))
        if act is None:
            return
        if isinstance(number, int) and (client, number) in self._answers:
            self.send(self._answers[client, number])
            return
        with self.incident.lock:
            answer = {"c": client, "n": number, **self._done(act, message)}
            if isinstance(number, int):
                self._remember((client, number), answer)
            if "rows" in answer:
                self._shown.setdefault("groups", {})[answer["group"]] = answer["rows"]
            self.send(answer)

    def _acts(self) -> dict[str, Callable[[Message], Message]]:
        sheet = self.sheet
        named = ("set", "remove", "restore", "duplicate", "move", "take", "search")
        return {name: getattr(sheet, name) for name in named} | {
            "hello": self._hello,
            "text": self._text,
            "zone": self._zone,
        }

    def _done(self, act: Callable[[Message], Message], message: Message) -> Message:
        """Return the answer to a message: acknowledged, refused, or not on disk."""
        try:
            return {"t": "ack", "at": f"{datetime.now(UTC):%H:%M:%S}", **act(message)}
        except BundleError as error:
            return {"t": "unsaved", "message": text.visible(str(error))}
        except PostmortemError as error:
            said = str(error).removeprefix(f"{message.get('name')}: ")  # it stands beside its label
            return {"t": "refused", "message": text.visible(said[:1].upper() + said[1:])}

    def _remember(self, key: tuple[str, int], answer: Message) -> None:
        self._answers[key] = answer
        while len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)

    def _hello(self, _message: Message) -> Message:
        """Greet a window that was away: it gets everything as it is now."""
        self._shown = self.values()
        return {"t": "values", "values": self._shown}

    def _zone(self, message: Message) -> Message:
        """Take another zone for times typed and shown."""
        try:
            self.sheet.choose(str(message.get("zone")))
        except PostmortemError as error:
            return {"t": "zone", "message": str(error)}
        self.desk.changed()
        return {"t": "zone", "zone": str(self.sheet.zone)}

    # -- what a cell shows -------------------------------------------------------------------------

    def _ipython_display_(self, **_: Any) -> None:
        """Show the form, and its text as an output of its own that any page can show."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        formtext.show({VIEW: view, "text/plain": "", "text/html": ""})
        formtext.below(self)

    def say(self) -> formtext.Shown:
        """Return the text under the form; the window that gets it need not ask for it."""
        with self.incident.lock:
            written = self._written(self._read())
            self._shown["text"] = self._digest
        return written

    def look(self) -> None:
        """See in a moment whether the text under the form is still right."""
        self.desk.look()

    def _read(self) -> list[Line]:
        """Return what the text says now."""
        with self.incident.lock:
            return document.reading(self.incident, self.sheet.section.title)

    def _written(self, lines: list[Line]) -> formtext.Shown:
        """Return the section's finished text as an output, and remember which it was."""
        self._lines = lines
        made = formtext.written(self.incident, self.sheet.section, lines)
        self._digest = made[1]["postmortem"]["text"]
        return made

    def _renew(self) -> None:
        """Bring the text under the form up to date where it differs."""
        before = self._digest
        if not before:
            return  # nobody sees one yet
        lines = self._read()
        if lines == self._lines:
            return  # most edits are of another section
        data, metadata = self._written(lines)
        if self._digest != before:
            formtext.show(data, metadata=metadata, display_id=self.text_id, update=True)

    def _text(self, _message: Message) -> Message:
        """Give a window the text that it cannot hear of otherwise."""
        data, metadata = self._written(self._read())
        return {"t": "text", "data": data, "metadata": metadata}


_SHARED: list[Any] = []
_GUARD = threading.Lock()


def _answer_beside_cells(comm: Any) -> None:
    """Let a form's messages be handled on the subshell that JupyterLab sends them to.

    ipykernel from 7.4 on routes a comm's messages to the shell that the comm last spoke from, for a
    form the main one, where they wait for the running cell (`ipykernel.comm.BaseComm`). No cell
    of ours waits for an answer, so the sender's choice stands.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, chosen: chosen  # noqa: SLF001 - no public way


def _shared() -> tuple[str, Any]:
    """Return what all forms of this kernel share: the library's model id, and one layout."""
    with _GUARD:
        if not _SHARED or _SHARED[0].comm is None:
            _SHARED[:] = [Library(source=_joined(), style=_read("forms.css")), ipywidgets.Layout()]
        return str(_SHARED[0].model_id), _SHARED[1]


def _joined() -> str:
    """Return the front end's files as one module without comments: only the last one exports."""
    parts = [re.sub(r"^import .*\n", "", _read(name), flags=re.MULTILINE) for name in SOURCES]
    inner = [re.sub(r"^export ", "", part, flags=re.MULTILINE) for part in parts[:-1]]
    whole = "\n".join([*inner, parts[-1]])
    whole = re.sub(r"^ */\*\*[\s\S]*?\*/\n|^ *// .*\n", "", whole, flags=re.MULTILINE)
    return re.sub(r"^ +|\n(?=\n)", "", whole, flags=re.MULTILINE)


def _read(name: str) -> str:
    return resources.files("postmortem_nb").joinpath(name).read_text("utf-8")


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
