"""A real JupyterLab on loopback, and a browser that drives it: what the form tests stand on.

One server and one browser a test session; every notebook gets a page of its own. Configuration,
settings, workspaces, signatures and history live in a temporary folder, so a developer's own
Jupyter is neither read nor written. Requests that leave this machine are refused and remembered.

Pages are opened in one profile on disk, as people do, so that JupyterLab's own scripts are compiled
once; what a page stored is forgotten before the next one. Playwright's routes would shut that cache
off, so the profile's Chromium knows no host but this one.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import chromium
from playwright.sync_api import expect, sync_playwright

TOKEN = "loopback"  # noqa: S105 - of a server that only this test can reach
WAIT = 30_000
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
STORED = "cookies,local_storage,indexeddb,cache_storage,service_workers"
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
PYTHON = (sys.executable, "-m", "jupyter")
SETUP = "from postmortem_nb import Incident\nincident = Incident.open({path!r})"
OUTSIDE = re.compile(r"^(?:http|ws)s?://(?!127\.0\.0\.1)")
LABEXTENSION = Path(__file__).parents[1] / "postmortem_nb" / "labextension"
QUIET = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}


class Lab:
    """A running JupyterLab: ``url``, its ``root`` folder, and the browser that visits it."""

    def __init__(self, home, browser, *, app="lab"):
        self.home, self.browser, self.app = Path(home), browser, app
        self.root = self.home / "work"
        self.root.mkdir(parents=True, exist_ok=True)
        self.port = _free()
        self.url = f"http://127.0.0.1:{self.port}"
        self.outside = []
        self.profile = None
        self.process = self._start()

    def _start(self):
        environment = _environment(self.home)
        settings = self.home / "overrides" / "overrides.json"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(json.dumps(QUIET))
        # what stands here, not what was installed when the environment was made
        extensions = self.home / "extensions"
        shutil.copytree(LABEXTENSION, extensions / "postmortem-nb")
        command = [
            *(*PYTHON, self.app, "--no-browser", "--allow-root"),
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.root}",
            f"--LabServerApp.app_settings_dir={settings.parent}",
            f"--LabApp.app_settings_dir={settings.parent}",
            f"--LabServerApp.extra_labextensions_path={extensions}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--ServerApp.kernel_manager_class=jupyter_server.services.kernels.kernelmanager.AsyncMappingKernelManager",
        ]
        with (self.home / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=self.root
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                self.ask("/api")
            except OSError:
                assert process.poll() is None, (self.home / "server.log").read_text()
                time.sleep(0.2)
            else:
                return process
        raise AssertionError((self.home / "server.log").read_text())

    def ask(self, path, *, method="GET", body=None):
        """Ask the server's own interface; returns what it says."""
        request = urllib.request.Request(  # noqa: S310 - loopback
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            text = answer.read()
        return json.loads(text) if text else None

    def kernels(self):
        """Return the running kernels, newest last."""
        return self.ask("/api/kernels")

    def notebook(self, path, cells):
        """Write a notebook and return its path below the root; cells are code, or begin with #."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(_notebook(cells)))
        return path

    @contextmanager
    def open(self, path, *, width=1280, height=900, dark=False):
        """Open a notebook in a page of its own; closed with its kernel afterwards."""
        page = self._page(width, height)
        opened = Notebook(self, page, path)
        try:
            opened.visit(dark=dark)
            yield opened
        finally:
            page.close()
            for session in self.ask("/api/sessions"):
                self.ask(f"/api/sessions/{session['id']}", method="DELETE")

    @contextmanager
    def second(self, notebook):
        """Open a second window on the same notebook and kernel; only the window is closed."""
        context = self.browser.new_context(viewport={"width": 1280, "height": 900})
        context.route(OUTSIDE, self._refuse)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        window = Notebook(self, page, notebook.path)
        try:
            window.visit()
            yield window
        finally:
            context.close()

    def _page(self, width, height):
        """Return a new page of the profile, which holds nothing that an earlier page stored."""
        if self.profile is None:
            self.profile = self.browser.browser_type.launch_persistent_context(
                self.home / "profile",
                executable_path=chromium.path(),
                args=[*chromium.FLAGS, NOWHERE],
                viewport={"width": width, "height": height},
            )
            self.profile.on("request", self._remember)
        page = self.profile.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(WAIT)
        asked = {"origin": self.url, "storageTypes": STORED}
        self.profile.new_cdp_session(page).send("Storage.clearDataForOrigin", asked)
        return page

    def _remember(self, request):
        if OUTSIDE.match(request.url):
            self.outside.append(request.url)

    def _refuse(self, route):
        self.outside.append(route.request.url)
        route.abort()

    def stop(self):
        """End the server, its kernels and the profile's browser."""
        if self.profile is not None:
            self.profile.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:  # it waits for a kernel that is just starting
            self.process.kill()
            self.process.wait(15)


class Notebook:
    """One open notebook: cells are run, forms found, kernels restarted and killed."""

    def __init__(self, lab, page, path):
        self.lab, self.page, self.path = lab, page, path
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def visit(self, *, dark=False, reset=True):
        """Load the notebook in the browser and wait until its kernel answers."""
        mode = f"/lab/tree/{self.path}?token={TOKEN}{'&reset' if reset else ''}"
        self.page.goto(self.lab.url + mode)
        self.page.wait_for_function(
            "() => window.jupyterapp && window.jupyterapp.shell.currentWidget"
        )
        theme = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.command("apputils:change-theme", {"theme": theme})
        self.command("application:toggle-left-area") if reset and self._left() else None
        self.page.wait_for_function(f"() => {KERNEL}?.status === 'idle'")

    def _left(self):
        return self.page.evaluate("() => !window.jupyterapp.shell.leftCollapsed")

    def command(self, name, arguments=None):
        """Run a command of JupyterLab and wait for it."""
        return self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)",
            [name, arguments or {}],
        )

    def revert(self):
        """Load the notebook from disk again, also where JupyterLab asks first: it changed since."""
        self.page.evaluate(
            "() => { window.reloaded = false; window.jupyterapp.commands"
            ".execute('docmanager:reload').then(() => { window.reloaded = true }) }"
        )
        asked = ".jp-Dialog .jp-mod-accept"
        self.page.wait_for_function(f"() => window.reloaded || document.querySelector('{asked}')")
        if self.page.locator(asked).count():
            self.page.locator(asked).click()
        self.page.wait_for_function("() => window.reloaded")

    def run(self, *, wait=True):
        """Run all cells; with ``wait`` until the kernel is idle again."""
        running = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"
        if wait:
            self.command("notebook:run-all-cells")
        else:
            self.page.evaluate(running)

    def save(self):
        """Save the notebook and return it as it is on disk."""
        self.command("docmanager:save")
        return self.saved()

    def saved(self):
        """Return the notebook as it is on disk."""
        return json.loads((self.lab.root / self.path).read_text())

    def reload(self):
        """Load the page again, as F5 does."""
        self.page.reload()
        self.page.wait_for_function(f"() => {KERNEL}?.status === 'idle'")

    def kernel(self):
        """Return the id of this notebook's kernel."""
        return self.page.evaluate(f"() => {KERNEL}.id")

    def status(self):
        """Return what the kernel does: idle, busy, …"""
        return self.page.evaluate(f"() => {KERNEL}.status")

    def restart(self):
        """Restart the kernel as the server does it, and wait until the new one is there."""
        self.lab.ask(f"/api/kernels/{self.kernel()}/restart", method="POST")
        self.page.wait_for_function(f"() => {KERNEL}?.status === 'idle'")

    def process(self):
        """Return the process id of this notebook's kernel."""
        wanted = self.kernel()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().decode()
            except OSError:
                continue
            if f"kernel-{wanted}.json" in line:
                return int(folder.name)
        raise AssertionError(f"no process of kernel {wanted}")

    def kill(self):
        """Kill the kernel (SIGKILL), and wait until the server has started another."""
        os.kill(self.process(), signal.SIGKILL)
        self.page.locator(".jp-Dialog .jp-mod-accept").click()  # it is told in a dialog
        self.page.wait_for_function(f"() => {KERNEL}?.status === 'idle'")

    def form(self, title):
        """Return the form of a section; waits until it is drawn."""
        found = self.page.locator(f'.pm-form[aria-label="{title}"]').last
        expect(found).to_be_visible(timeout=WAIT)
        return found

    def text(self, title):
        """Return the finished text under the form of a section."""
        output = self.page.locator(".jp-OutputArea-child").filter(has=self.form(title))
        return output.locator("xpath=following-sibling::*").locator(".pm-text").first

    def picture(self, path, locator=None):
        """Save a picture of the page or of one element."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        (locator or self.page).screenshot(path=str(path))


def saved(form):
    """Wait until a form says that everything is saved."""
    expect(form.locator(".pm-status")).to_have_text(re.compile(r"^Saved \d"), timeout=WAIT)


def saved_but(form, words):
    """Wait until everything is saved but what was refused, for example ``1 value``."""
    told = re.compile(rf"^Not taken: {words}, .*saved \d")
    expect(form.locator(".pm-status")).to_have_text(told, timeout=WAIT)


@contextmanager
def running(home):
    """Start Chromium and JupyterLab, and stop both afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=chromium.FLAGS)
        with served(home, browser) as lab:
            yield lab
        browser.close()


@contextmanager
def served(home, browser, *, app="lab"):
    """Start another server, JupyterLab or ``app="notebook"``, for a browser that there is."""
    lab = Lab(home, browser, app=app)
    try:
        yield lab
    finally:
        lab.stop()


def _notebook(cells):
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    text = {"cell_type": "markdown"}
    return {
        "cells": [
            {
                "id": f"cell-{place}",
                "metadata": {},
                "source": source,
                **(text if source.startswith("# ") else code),
            }
            for place, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _environment(home):
    folders = {
        "HOME": "home",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DD_", "JUPYTER", "POSTMORTEM_"))
    }
    for folder in folders.values():
        (home / folder).mkdir(parents=True, exist_ok=True)
    own = {name: str(home / folder) for name, folder in folders.items()}
    return {
        **kept,
        **own,
        "POSTMORTEM_AUTHOR": "tester",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


def _free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
