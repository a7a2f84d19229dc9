"""The page on paper: printed by a browser that is on this machine, else by WeasyPrint.

No TeX, and nothing is downloaded. The browser gets a profile of its own for the one page, whose
policy allows no script, and resolves no host name: what it prints is what the file holds. Its clock
is taken out of the result: the same page is the same PDF, byte for byte.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from importlib import import_module, util
from pathlib import Path

from postmortem_nb.errors import ExportError

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge", "brave-browser"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
"""Browsers that can print without a window: names on the path, then their usual places."""

SETTINGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--disable-quic", "--metrics-recording-only", "--mute-audio"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
    *("--no-pdf-header-footer", "--generate-pdf-document-outline"),
)

SECONDS = 120
"""After which a browser that does not print is ended."""

NO_PRINTER = (
    "PDF: expected Chromium, Chrome or Edge on this machine, or the package WeasyPrint, for example"
    " 'pip install weasyprint'; found none (or open the HTML in a browser and print it)"
)

_DATES = re.compile(rb"/(?P<key>CreationDate|ModDate) ?\((?P<date>[^)]*)\)")
_NODES = re.compile(rb"(?<=\(node)[0-9]{8}(?=\))")
_IDS = re.compile(rb"(?<=/ID) ?\[ ?<[0-9A-Fa-f]+> ?<[0-9A-Fa-f]+> ?\]")


def render(page: str) -> bytes:
    """Return the PDF of a page. Raises ExportError in one line where nothing here can print."""
    browser = find()
    if browser is not None:
        return exact(_printed(browser, page))
    if util.find_spec("weasyprint") is not None:
        return exact(_woven(page))
    raise ExportError(NO_PRINTER)


def find() -> str | None:
    """Return the browser that prints, or None."""
    found = (shutil.which(name) for name in BROWSERS)
    return next((path for path in found if path), None)


def exact(pdf: bytes) -> bytes:
    """Return a PDF without traces of how it was made: moment, file id, the browser's node numbers.

    No byte is added or lost, so the table of what stands where stays right. Chromium numbers the
    nodes of its accessibility tree as they happen to be made; their order stays, the numbers go.
    """

    def still(match: re.Match[bytes]) -> bytes:
        fixed = b"D:20000101000000+00'00'".ljust(len(match["date"]))[: len(match["date"])]
        return match[0].replace(match["date"], fixed)

    dated = _IDS.sub(lambda match: re.sub(rb"[0-9A-Fa-f]", b"0", match[0]), _DATES.sub(still, pdf))
    ranks = {node: rank for rank, node in enumerate(sorted(set(_NODES.findall(dated))))}
    return _NODES.sub(lambda match: b"%08d" % ranks[match[0]], dated)


def _printed(browser: str, page: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="postmortem-", ignore_cleanup_errors=True) as spare:
        source, printed = Path(spare, "page.html"), Path(spare, "page.pdf")
        source.write_text(page, "utf-8")
        # a browser refuses to run as root with its sandbox, for example in a container
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        own = (f"--user-data-dir={Path(spare, 'profile')}", f"--print-to-pdf={printed}")
        try:
            subprocess.run(  # noqa: S603 - a browser of this machine, no text of anybody's in its words
                [browser, *SETTINGS, *root, *own, source.as_uri()],
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
            return printed.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise ExportError(f"PDF: {Path(browser).name} did not print: {error}") from error


def _woven(page: str) -> bytes:
    """Return the PDF by WeasyPrint, which is imported only where no browser is."""
    document = import_module("weasyprint").HTML(string=page, url_fetcher=_no_file)
    return bytes(document.write_pdf(pdf_variant="pdf/ua-1"))


def _no_file(url: str, *_: object, **__: object) -> dict[str, object]:
    """Return the picture in a ``data:`` address; nothing else is ever opened."""
    if not url.startswith("data:"):
        raise ExportError("PDF: the page asked for a file")
    fetched: dict[str, object] = import_module("weasyprint").default_url_fetcher(url)
    return fetched
