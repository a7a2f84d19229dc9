"""What commands print: no secret of the data, in any format, whole or cut."""

import pytest

from postmortem_nb import cli, masked
from postmortem_nb.archive import Archive
from postmortem_nb.incident import Incident
from postmortem_nb.masking import Known

PASSWORD = "hunter2hunter2"  # noqa: S105 - of nobody
TOKEN = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"  # noqa: S105
SECRETS = (PASSWORD, "AKIAIOSFODNN7EXAMPLE", TOKEN)
SAID = f"password={PASSWORD}"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secrets")
    for name in ("INC-1", "INC-2"):
        incident = Incident.create(
            name,
            folder,
            title=f"t {SAID}",
            services=["checkout", SAID],
            severity="SEV-1",
            start="2025-01-28T23:50Z",
            author=SAID,
        )
        address = f"https://u:{PASSWORD}@x.io/"
        incident.add("actions", horizon="Immediate", priority="P0", title=f"rotate {SAID}")
        incident.add(
            "actions", horizon="Immediate", title=f"x {TOKEN}", owner=SAID, tracking=address
        )
        incident.add("factors", area="Technical", name=f"leaked {SAID} in env")
        incident.add("timeline", phase="Detection", step="Detection", detected_by=SAID)
        incident.set("dashboard_link", address)
        used = f"Dana used {SECRETS[1]} carelessly, {SAID} was stupid, {PASSWORD} again"
        incident.set("what_happened", used)
    return folder


@pytest.mark.parametrize(
    "words",
    [
        *(["check", "{}/INC-1", "--format", form] for form in ("text", "json", "github")),
        *(["similar", "{}/INC-1", "{}", "--format", form] for form in ("text", "json")),
        *([name, "{}", "--format", "json"] for name in ("list", "actions", "trends")),
        *([name, "{}"] for name in ("list", "actions", "trends")),
        ["export", "{}/INC-1", "--to", "markdown"],
        ["monitor", "validate", "{}/INC-1"],
        ["check", f"{{}}/{SAID}"],
        ["new", "INC-3", "--dir", "{}", "--start", SAID],
        ["import", "{}/INC-1/template.md", "--id", f"https://u:{PASSWORD}@x.io/"],
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_no_command_prints_a_secret(archive, capsys, words):
    cli.main([word.format(archive) for word in words])
    printed = "".join(capsys.readouterr()).replace("%3A", ":")
    assert printed.strip()
    assert not [secret for secret in SECRETS if secret in printed]


def test_a_finding_still_says_where_and_what(archive, capsys):
    cli.main(["check", str(archive / "INC-1"), "--format", "github"])
    printed = capsys.readouterr().out
    assert "rotate password=[masked: password]: No due date" in printed
    assert f"file={archive}/INC-1" in printed


def test_similar_names_no_part_of_a_secret_as_a_shared_word(archive, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal cuts the line
    cli.main(["similar", str(archive / "INC-1"), str(archive)])
    printed = capsys.readouterr().out
    assert "factor: leaked password=[masked: password] in" in printed
    assert "hunter" not in printed
    assert "akia" not in printed


def test_what_stands_for_a_secret_is_no_shared_word(archive):
    found = Archive(archive).similar(archive / "INC-1")["similarity"].iloc[0]
    assert not {"masked", "access", "aws"} & set(found.split("words: ")[1].split(", "))


def test_a_known_secret_is_masked_without_what_told_it():
    known = Known.of([f"x {SAID} y", TOKEN, "password=abc"])
    assert known.mask(f"'{PASSWORD}' and abc") == "'[masked: password]' and abc"
    assert (
        known.mask("'x ghp_abcdefghijkl…' and so on…") == "'x [masked: GitHub token]…' and so on…"
    )


def test_what_a_check_found_keeps_its_shape(archive):
    incident = Incident.open(archive / "INC-1")
    found = incident.check()
    told = masked.findings(incident, found)
    assert list(told.columns) == list(found.columns)
    assert len(told) == len(found)
    assert told.attrs == found.attrs
