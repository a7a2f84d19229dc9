"""What every test shares: no account, no proxy, a browser where one is needed."""

import sys
from collections import Counter

import chromium
import hypothesis
import lab
import pytest
from playwright.sync_api import expect, sync_playwright

# a busy machine is no failure: how long an example takes is the benchmarks' business
hypothesis.settings.register_profile("calm", deadline=None)
hypothesis.settings.load_profile("calm")
expect.set_options(timeout=20_000)


@pytest.fixture(autouse=True)
def no_account(monkeypatch):
    """No test ever asks a real Datadog: keys and proxies of the developer's shell are unset."""
    forget_account(monkeypatch)
    monkeypatch.setenv("POSTMORTEM_AUTHOR", "tester")


@pytest.fixture(autouse=True)
def nothing_undrawn():
    """No test is told which characters another one drew without a font for them."""
    if card := sys.modules.get("postmortem_nb.charts.card"):
        card.undrawn()


def forget_account(shell):
    """Unset the keys of the developer's shell."""
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_SITE", "POSTMORTEM_DATADOG_URL"):
        shell.delenv(name, raising=False)


def pytest_collection_modifyitems(items):
    """Put the files that take longest first; leave browser tests out without Chromium.

    Two files run at a time: one of twelve minutes that begins last has the other worker idle. In CI
    a missing Chromium fails.
    """
    browser = {item.path for item in items if item.get_closest_marker("browser")}
    size = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path not in browser, -size[item.path]))
    if chromium.path() or chromium.required():
        return
    reason = "Chromium is missing: apt install chromium"
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def chromium_path():
    """Return the path of Chromium; where it is required and missing, the test fails."""
    found = chromium.path()
    assert found, "Chromium is missing: apt install chromium"
    return found


@pytest.fixture(scope="session")
def browser(chromium_path):
    """Return one headless Chromium for the whole session; each test opens pages of its own."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=chromium.FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def jupyter(browser, tmp_path_factory):
    """Return one running JupyterLab, its settings and files in a temporary folder."""
    with lab.served(tmp_path_factory.mktemp("lab"), browser) as running:
        yield running
