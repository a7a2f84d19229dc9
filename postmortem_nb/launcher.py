"""The Jupyter server's half of the "New postmortem" tile: it makes the bundle that was asked for.

The front half is ``labextension/``, a prebuilt extension written by hand. Requests are those of a
signed-in user of this server (its own authentication and XSRF check), and a bundle is only ever
made inside the server's root folder.
"""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

from postmortem_nb import notebook, schema, times
from postmortem_nb.bundle import LOG
from postmortem_nb.errors import BadValue, PostmortemError, expected
from postmortem_nb.incident import Incident


class NewPostmortemHandler(APIHandler):
    """GET: what can be chosen. POST: make a bundle, answer the path of its notebook."""

    @web.authenticated
    def get(self) -> None:
        """Answer the severities of the shipped template."""
        column = schema.shipped().column("incident", "severity")
        self.finish(json.dumps({"severities": list(column.options)}))

    @web.authenticated
    def post(self) -> None:
        """Make the bundle and answer ``{"path": …}``, or 400 with one line that says why not."""
        try:
            path = create(Path(self.settings["server_root_dir"]), self.get_json_body() or {})
        except PostmortemError as error:
            self.set_status(400)
            self.finish(json.dumps({"message": str(error)}))
            return
        self.finish(json.dumps({"path": path}))


def create(root: Path, asked: dict[str, Any]) -> str:
    """Make a bundle below ``root`` and return its notebook's path, relative, with ``/``.

    ``asked``: id, title, folder, service (names, comma-separated), severity, start; texts, all but
    the id may be empty. A folder inside a bundle stands for the one beside it. Raises
    PostmortemError.
    """
    root = root.expanduser().resolve()
    names = ("id", "title", "folder", "severity", "start")
    words = {name: str(asked.get(name) or "") for name in names}
    folder = (root / words["folder"]).resolve()
    if not folder.is_relative_to(root):
        raise BadValue(
            expected("folder", "one inside the server's root", example="work", came=words["folder"])
        )
    for each in (folder, *folder.parents):
        if root in each.parents and (each / LOG).is_file():
            folder = each.parent  # whoever has an incident open begins the next one beside it
    start = times.parse(words["start"], name="start", zone=UTC) if words["start"] else None
    incident = Incident.create(
        words["id"],
        folder,
        title=words["title"] or None,
        services=[
            name for part in str(asked.get("service") or "").split(",") if (name := part.strip())
        ],
        severity=words["severity"] or None,
        start=start,
    )
    return notebook.write(incident).relative_to(root).as_posix()


def load(server: Any) -> None:
    """Register the handler with a running Jupyter server."""
    base = server.web_app.settings["base_url"]
    route = url_path_join(base, "postmortem-nb", "new")
    server.web_app.add_handlers(".*$", [(route, NewPostmortemHandler)])
