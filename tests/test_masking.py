"""Secrets: found by their shape in every wrapping, and nothing else is taken for one."""

import base64
import time

import bundlekit
import pandas as pd
import pytest
from planted import ALWAYS, NAMED, PLACED, SEED, WRAPPED, benign, planted_in, seeded

from postmortem_nb import drawing, editions, masked, masking, text
from postmortem_nb.incident import Incident
from postmortem_nb.masking import Removed, find, mask


@pytest.mark.parametrize("name", [*NAMED, *PLACED])
def test_a_secret_is_found_in_every_wrapping(name):
    rng = seeded(f"{SEED}{name}")
    make = (NAMED | PLACED)[name]
    missed = []
    for number in range(48):
        whole, secret = planted_in(WRAPPED[number % len(WRAPPED)], make(rng))
        shown = mask(whole)
        if secret in shown:
            missed.append(shown)
    assert len(missed) <= (0 if name in ALWAYS else 1), missed[:3]


def test_what_is_no_secret_is_kept():
    rng = seeded(SEED)
    lines = [benign(rng, number) for number in range(20_000)]
    taken = [(line, mask(line)) for line in lines if mask(line) != line]
    assert len(taken) <= 2, taken[:5]


def test_trace_ids_timestamps_uuids_and_digests_are_always_kept():
    rng = seeded(SEED)
    for _ in range(20_000):
        for kept in (
            f"{rng.getrandbits(64)}",
            f"{rng.randrange(1_700_000_000_000, 1_800_000_000_000)}",
            f"{rng.getrandbits(128):032x}",
            f"{rng.getrandbits(256):064x}",
        ):
            line = f"trace_id={kept}"
            assert mask(line) == line


def test_masking_twice_is_masking_once():
    rng = seeded(SEED)
    for make in (NAMED | PLACED).values():
        for wrapping in WRAPPED:
            once = mask(planted_in(wrapping, make(rng))[0])
            assert mask(once) == once
            assert find(once) == []


def test_a_mark_in_markdown_is_no_secret_again():
    """Before, “curl -u admin:…” was masked twice there, garbled, and told twice."""
    rng = seeded(SEED)
    for make in (NAMED | PLACED).values():
        written = text.markdown(mask(planted_in("{}", make(rng))[0]))
        assert mask(written) == written


@pytest.mark.parametrize(
    "flood",
    [
        "password=" * 20_000,
        "eyJ" * 100_000,
        "a" * 1_000_000,
        "://a:" * 100_000,
        "-----BEGIN PRIVATE KEY-----" * 3000,
        "basic " + "a" * 500_000,
        "4 " * 300_000,
        "datadog " * 60_000,
        'api_key="' * 50_000,
        "DE44 " * 50_000,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_makes_it_slow(flood):
    before = time.process_time()
    find(flood)
    assert time.process_time() - before < 3


@pytest.mark.parametrize("flood", ["<tr>", "<td", "<td>", "&", ">&", "<", "<tr><th>a</th>"])
def test_no_html_makes_it_slow(flood):
    before = time.process_time()
    masked.written(masked.in_columns(flood * 30_000, str), str)
    assert time.process_time() - before < 3


def test_luhn_against_its_definition():
    """ISO/IEC 7812-1: double every second digit from the right, add the digits, divide by 10."""
    assert masking.luhn("4242424242424242")
    assert masking.luhn("79927398713")  # the worked example of the standard's literature
    assert not masking.luhn("79927398710")


def test_an_iban_is_masked_where_its_check_digits_are_true():
    assert mask("to GB82 WEST 1234 5698 7654 32 today") == "to [masked: bank account number] today"
    assert mask("GB83WEST12345698765432") == "GB83WEST12345698765432"


@pytest.mark.parametrize(
    "name", ["aws", "github", "slack bot", "stripe", "google", "npm", "gitlab", "vault", "sendgrid"]
)
@pytest.mark.parametrize("broken", ["\n", "\n    ", "\\\n", "\r\n"])
def test_a_token_that_was_broken_over_lines_is_found(name, broken):
    token = NAMED[name](seeded(SEED))
    cut = 11
    shown = mask(f"the words before\nuse {token[:cut]}{broken}{token[cut:]}\nand those after it")
    assert shown.startswith("the words before\nuse [masked: ")
    assert shown.endswith("]\nand those after it")


def test_what_stands_beside_a_whole_token_stays():
    token = NAMED["github"](seeded(SEED))
    assert mask(f"use {token}\nnextword") == "use [masked: GitHub token]\nnextword"


@pytest.mark.parametrize("name", ["passwd", "password", "pwd", "passphrase"])
def test_a_refusal_that_names_a_path_keeps_its_words(name):
    for said in ("expected the folder of an incident", "the demo cannot be made there"):
        assert mask(f"'/etc/{name}': {said}") == f"'/etc/{name}': {said}"
    for secret in ("expected-Tr0ub4dor", "the-horse-battery", "expected"):
        assert secret not in mask(f"'{name}': {secret}")


def test_a_column_says_what_its_values_are():
    secret = "hunter2" + "x9"
    page = f"<table><tr><th></th><th>password</th></tr><tr><th>0</th><td>{secret}</td></tr></table>"
    assert secret not in masked.in_columns(page, mask)
    assert masked.in_columns(page.replace("password", "trace"), mask).count(secret) == 1
    frame = pd.DataFrame({"password": pd.array([secret, "b"], dtype="string"), "n": [1, 2]})
    assert drawing.labels(frame, mask)["password"].tolist() == ["[masked: password]", "b"]


def test_an_escaped_quotation_mark_hides_nothing():
    secret = "iMPdA0hc" + "WPWwUzJd"
    made = (
        f"<pre>- name: DB_PASSWORD\n  value: &quot;{secret}&quot; &lt;ok&gt;</pre><p>a &amp; b</p>"
    )
    shown = masked.written(made, mask)
    assert secret not in shown
    assert "&lt;ok&gt;</pre><p>a &amp; b</p>" in shown


def test_it_says_how_many_of_what_and_where_but_never_what():
    removed = Removed()
    mask("ghp_" + "a1B2" * 9, removed, "actions.title")
    mask("password=hunter2-x", removed, "cell 3")
    mask("password=hunter3-x", removed, "cell 3")
    assert removed.lines() == ["actions.title: 1 × GitHub token", "cell 3: 2 × password"]
    assert "hunter" not in " ".join(removed.lines())


# -- in a document ---------------------------------------------------------------------------------

CANARY = "ghp_" + "Ab3dEf6hIj" * 3 + "Kl9mN0"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a bundle in which a token stands in every text there is."""
    words = f"token {CANARY} found"
    own = [
        bundlekit.markdown_cell(f"# {words}\n\n`{CANARY}` [x](https://a.b/?t={CANARY})"),
        bundlekit.code_cell(
            f"login('{CANARY}')",
            {"output_type": "stream", "name": "stdout", "text": words},
            {"output_type": "error", "ename": "E", "evalue": words, "traceback": [words]},
            bundlekit.data({"text/html": f"<table><tr><td>{words}</td></tr></table>"}),
            bundlekit.data({"image/png": bundlekit.png()}, alt=words),
            bundlekit.data({"image/svg+xml": f"<svg><text>{words}</text></svg>"}),
        ),
    ]
    return bundlekit.bundle(tmp_path_factory.mktemp("planted"), lambda *_: words, own=own)


def halves(canary):
    """Return every way a token could survive: as it is, encoded, or in long pieces."""
    pieces = {canary[start : start + 12] for start in range(len(canary) - 12)}
    encoded = {base64.b64encode(f"{' ' * n}{canary}".encode()).decode()[4:40] for n in range(3)}
    return {canary, canary.replace("_", r"\_"), *pieces, *encoded}


@pytest.mark.parametrize("to", ["html", "markdown", "json"])
def test_a_secret_is_in_no_edition(planted, tmp_path, to):
    written = editions.export(planted.path, to, out=tmp_path / "x", code=True, blanks=False)
    for path in written:
        raw = path.read_bytes().decode("utf-8", "replace")
        assert not [each for each in halves(CANARY) if each in raw]
    assert "[masked: GitHub token]" in written[0].read_text("utf-8").replace("\\", "")


@pytest.mark.parametrize("to", ["html", "markdown", "json"])
def test_a_secret_of_one_place_is_told_once(tmp_path, to):
    """Before: “incident.what_we_did” and “what_we_did”, for it is read as a row and as a fact."""
    incident = bundlekit.bundle(tmp_path)
    incident.set("what_we_did", "Logged in with password=hunter2-x and more")
    said = []
    editions.export(incident.path, to, out=tmp_path / "out", told=said.append)
    told = [line for line in said if "what_we_did" in line]
    assert told == ["incident.what_we_did: 1 × password"]


@pytest.mark.parametrize(
    ("audience", "first"),
    [("internal", "masked in this document:"), ("public", "taken out of the public edition:")],
)
def test_what_the_list_is_of_is_said_first(tmp_path, audience, first):
    """Before: “incident.what_we_did: 1 × password”, and nothing of what was done with it."""
    incident, said = bundlekit.bundle(tmp_path), []
    incident.set("what_we_did", "Logged in with password=hunter2-x and more")
    where = {"out": tmp_path / "out.html", "audience": audience}
    editions.export(incident.path, "html", told=said.append, **where)
    assert said[0] == first
    assert all(" × " in line for line in said[1:])
    incident.set("what_we_did", "Rolled back")
    said.clear()
    editions.export(incident.path, "html", told=said.append, out=tmp_path / "out.html")
    assert said == []


def test_the_stored_data_keeps_it(planted):
    assert CANARY in Incident.open(planted.path).value("what_happened")
