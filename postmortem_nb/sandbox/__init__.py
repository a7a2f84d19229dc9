"""A made-up organisation behind Datadog's API, on this machine alone: for demos, tests and trying.

``running()`` gives the server of this process, ``serve(port)`` is the command. The incident that
it plays stands in ``scenario.FACTS``; what it cannot evaluate it refuses, it never guesses.
"""

from __future__ import annotations

from postmortem_nb.sandbox.scenario import FACTS
from postmortem_nb.sandbox.server import Server, running, serve

__all__ = ["FACTS", "Server", "running", "serve"]
