"""Forms: one widget a section, or one for all, and the finished text under it.

A `Form` is one anywidget with a part for each section that it shows. Its front end (``forms.js``
and what is joined to it, ``forms.css``) travels once a kernel, in a `Library`, whatever the number
of forms. An edit comes as one small message, is on disk before it is acknowledged, and may arrive
on any thread while a cell runs; the incident's desk then brings all forms and texts up to date, a
moment later, on a thread of its own.
Widget state is never persistence: the dataset is, and the text is an output of its own.
"""

from __future__ import annotations

import re
import threading
import uuid
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets
import traitlets

from postmortem_nb import formtext
from postmortem_nb.formdesk import at
from postmortem_nb.formparts import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from postmortem_nb.formstate import Message
    from postmortem_nb.incident import Incident
    from postmortem_nb.schema import Section

SOURCES = (
    "forms_inputs.js",
    "forms_rows.js",
    "forms_evidence.js",
    "forms_queue.js",
    "forms_kept.js",
    "forms_section.js",
    "forms_text.js",
    "forms.js",
)
"""The front end's files in the order in which they are joined to one module."""

AHEAD = "//# allFunctionsCalledOnLoad"
"""Has V8 compile the functions with the module, while the page waits, not when forms are drawn."""

_OPERATOR = re.compile(r" (=>|[=!]==|&&|\|\||\?\?) ")

VIEW = "application/vnd.jupyter.widget-view+json"

# Every form carries this, so it is short. The library may be on its way still: whoever comes first
# leaves a promise on the page's shelf, and `forms.js` keeps it.
LOADER = """\
const shelf = globalThis.postmortemNbForms ??= new Map();
export default { async render(context) {
const id = context.model.get("front");
if (!shelf.has(id)) shelf.set(id, Promise.withResolvers());
await context.model.widget_manager.get_model(id);
return (await shelf.get(id).promise)(context);
} };
"""


def form(incident: Incident, title: str | None = None) -> Form:
    """Return the form of one section, or without a title one form of the whole postmortem.

    The last value of a cell is shown, with its finished text beneath.

    Raises
    ------
    BadValue
        the template has no such section; near misses are offered
    """
    if title is None:
        return Form(incident, incident.template.sections, whole=True)
    return Form(incident, [incident.template.section(title)], whole=False)


class _Front(anywidget.AnyWidget):
    """A widget whose class has what anywidget would add: it would make a class, which is dear."""

    def add_traits(self, **traits: Any) -> None:
        """Add what is missing."""
        if missing := {name: each for name, each in traits.items() if not self.has_trait(name)}:
            super().add_traits(**missing)


class Library(_Front):
    """The front end, sent once; a page has it ready before the first form is there to be drawn."""

    _esm = traitlets.Unicode().tag(sync=True)
    _anywidget_id = traitlets.Unicode("postmortem_nb.forms.Library").tag(sync=True)
    front = traitlets.Unicode().tag(sync=True)
    style = traitlets.Unicode().tag(sync=True)


class Form(_Front):
    """Sections of an incident, to be filled in; ``close`` ends it.

    ``state`` is what the front end draws from: the parts of each section and their values. It is
    made anew whenever a window asks for it, so that a reload shows what the dataset holds. A
    message names in ``s`` the section that it is of, by its place in the form.
    """

    _esm = traitlets.Unicode(LOADER).tag(sync=True)
    _anywidget_id = traitlets.Unicode("postmortem_nb.forms.Form").tag(sync=True)
    front = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, incident: Incident, sections: Sequence[Section], *, whole: bool) -> None:
        self.incident = incident
        self.finished = formtext.Finished(incident, None if whole else sections[0])
        self.parts = [
            Part(incident, section, partial(self._say, place))
            for place, section in enumerate(sections)
        ]
        front, layout = _shared()
        super().__init__(model_id=uuid.uuid4().hex, front=front, layout=layout)
        self.on_msg(self._hear)
        _answer_beside_cells(self.comm)
        at(incident).join(self, "" if whole else sections[0].slug)

    def is_open(self) -> bool:
        """Return whether the form has not been closed."""
        return self.comm is not None

    # -- between the parts and the windows ---------------------------------------------------------

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002 - ipywidgets calls it so
        """Return the synchronised state; the values as they are now."""
        state: dict[str, Any] = super().get_state(key=key, drop_defaults=drop_defaults)
        if "state" in state:
            sections = [part.state() for part in self.parts]
            title = self.finished.title or ""
            shown = {"id": self._model_id, "title": title, "text": self.finished.digest}
            state["state"] = {**shown, "sections": sections}
        return state

    def push(self) -> None:
        """Renew the text, and send every window what changed since the last time."""
        before = self.finished.digest
        self.finished.renew()
        if self.finished.digest != before:
            self.send({"t": "text", "text": self.finished.digest})
        self.follow()

    def follow(self) -> None:
        """Send every window what changed since the last time."""
        for part in self.parts:
            part.follow()

    def _say(self, place: int, message: Message) -> None:
        self.send({"s": place, **message})

    def _hear(self, _widget: object, message: Message, _buffers: object) -> None:
        """Give a window's message to its section; or it is drawn, or asks for the text."""
        place = message.get("s")
        if isinstance(place, int) and 0 <= place < len(self.parts):
            self.parts[place].hear(message)
        elif message.get("t") == "drawn":
            self.finished.drawn.set()
        elif message.get("t") == "text":
            data, metadata = self.finished.output()
            self.send({"t": "text", "c": message.get("c"), "data": data, "metadata": metadata})

    def _ipython_display_(self, **_: Any) -> None:
        """Show the form, and its text as an output of its own that any page can show."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        facts = {"postmortem": {"form": self.finished.title or ""}}  # no export repeats it
        formtext.show({VIEW: view, "text/plain": "", "text/html": ""}, metadata=facts)
        formtext.below(self.finished)


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
            name, layout = uuid.uuid4().hex, ipywidgets.Layout()
            told = {"front": name, "style": _style(), "_esm": _joined()}
            _SHARED[:] = [Library(model_id=name, layout=layout, **told), layout]
        return str(_SHARED[0].model_id), _SHARED[1]


def _joined() -> str:
    """Return the front end's files as one module without comments: only the last one exports."""
    lines = [line for name in SOURCES[:-1] for line in _bare(name)]
    inner = [line.removeprefix("export ") for line in lines]
    return "\n".join([AHEAD, *inner, *_bare(SOURCES[-1])])


def _bare(name: str) -> Iterator[str]:
    """Yield the lines of a file without comments, imports and spaces that only people need.

    Those around an operator of several signs are such: no text of the front end has one.
    """
    comment = False
    for line in map(str.strip, _read(name).splitlines()):
        comment = comment or line.startswith("/**")
        if line and not comment and not line.startswith(("//", "import ")):
            yield _OPERATOR.sub(r"\1", line)
        comment = comment and not line.endswith("*/")


def _style() -> str:
    """Return the style sheet without comments and the spaces that only people need."""
    bare = re.sub(r"/\*.*?\*/", "", _read("forms.css"), flags=re.DOTALL)
    close = re.sub(r"\s*([{},;\n])\s*", r"\1", bare).replace("\n", "")
    return re.sub(r"([{;][\w-]+): ", r"\1:", close).replace(";}", "}").replace(" > ", ">")


def _read(name: str) -> str:
    return resources.files("postmortem_nb").joinpath(name).read_text("utf-8")
