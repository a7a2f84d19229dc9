"""The command: one plain line and exit 2 on wrong use, what it says it does otherwise."""

import errno
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import bundlekit
import pandas as pd
import pytest

from postmortem_nb import Incident, cli, notebook, refresh, sandbox, schema

EXAMPLES = [(command.name, command.example) for command in cli.COMMANDS]


def run(*argv, capsys):
    """Run the command in this process; return exit code, stdout and stderr."""
    code = cli.main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


def refused(*argv, capsys, says):
    """Check that a call is refused by one line that holds every one of ``says``."""
    code, out, err = run(*argv, capsys=capsys)
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert "Traceback" not in err
    for word in says:
        assert word in err, err


@pytest.fixture(autouse=True)
def in_a_fresh_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_help_has_an_example(name, example, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.run([name, "--help"])
    assert stopped.value.code == 0
    assert example.split()[1] in capsys.readouterr().out


def test_new_writes_the_bundle(capsys, tmp_path):
    code, out, err = run(
        "new", "INC-7", "--title", "Slow carts", "--service", "cart", "--service", "checkout",
        "--severity", "SEV-2", "--start", "2025-12-04T14:02Z", "--end", "2025-12-04T16:09Z",
        "--author", "Dana", capsys=capsys,
    )  # fmt: skip
    assert code == 0, err
    bundle = tmp_path / "INC-7"
    assert {path.name for path in bundle.iterdir()} >= {
        "INC-7.ipynb",
        "incident.jsonl",
        "template.md",
        "evidence",
    }
    assert str(bundle / "INC-7.ipynb").endswith(out.strip())
    notebook = json.loads((bundle / "INC-7.ipynb").read_text("utf-8"))
    roles = [cell["metadata"]["postmortem"]["role"] for cell in notebook["cells"]]
    assert 35 <= len(roles) <= 50
    assert roles.count("query") == 5


def test_what_is_next_can_be_pasted(capsys):
    _, out, err = run("new", "INC 1", capsys=capsys)
    assert shlex.split(err) == ["Next:", "jupyter", "lab", out.strip()]


def test_a_time_without_a_zone_is_read_as_utc_and_that_is_said(capsys, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    times = ("--start", "2025-12-04T23:30", "--end", "01:09")
    _, _, err = run("new", "INC-7", *times, capsys=capsys)
    said = "was read as UTC: 2025-12-0"
    assert f"--start: '2025-12-04T23:30' {said}4 23:30 UTC\n" in err
    assert f"--end: '01:09' {said}" in err
    for stated in ("2025-12-04T23:30+05:30", "2025-12-04 18:00Z"):
        _, _, err = run(
            "new", f"INC-{stated[-2:]}", "--start", stated, "--end", "+2h", capsys=capsys
        )
        assert "read as" not in err


def test_new_never_overwrites(capsys):
    run("new", "INC-7", capsys=capsys)
    refused("new", "INC-7", capsys=capsys, says=["INC-7"])


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["exprot", "INC-7"], ["exprot", "did you mean 'export'", "example"]),
        ([], ["COMMAND"]),
        (["new"], ["ID", "postmortem new INC-4821"]),
        (["new", "INC-7", "--colour", "red"], ["postmortem new", "--severity", "'--colour'"]),
        (["new", "INC-7", "--titel", "red"], ["'--titel'; did you mean --title?"]),
        (["new", "INC-7", "--start", "2025-12-04", "14:02"], ['"2025-12-04 14:02Z"', "'14:02'"]),
        (
            ["new", "INC-7", "--start", "2025-12-04 14:02Z", "--end", "2025-12-04 14:01Z"],
            ["end: expected a time after the start, 2025-12-04 14:02 UTC", "+2h", "14:01Z'"],
        ),
        (["publish", "INC-7", "--now"], ["expected no options", "publish INC-4821", "'--now'"]),
        (["new", "INC-7", "--severity", "high"], ["severity", "SEV-1", "'high'"]),
        (["new", "INC-7", "--start", "yesterday-ish"], ["2025", "yesterday-ish"]),
        (["new", "../../etc"], ["../../etc", "example"]),
        (["new", "a\0b"], ["example"]),
        (["new", ""], ["example"]),
        (["new", "INC-7", "--template", "missing.md"], ["missing.md"]),
        (["new", "INC-7", "--template", "."], ["expected a template file", "ours.md", "directory"]),
        (["new", "INC-7", "--end", "later"], ["end: ", "2025", "'later'"]),
        (["new", "INC-7", "--service", "a) OR (service:*"], ["--service", "a) OR (service:*"]),
        (["check", "nowhere"], ["nowhere", "for example INC-4821"]),
        (["check", "."], ["for example INC-4821; got no incident.jsonl there"]),
        (["export", "nowhere"], ["nowhere"]),
        (["export", "."], ["for example INC-4821; got neither there"]),
        (["import", "nowhere.md"], ["'nowhere.md': expected a filled document", "INC-4821.md"]),
        (["import", "."], ["'.': expected a filled document", "got Is a directory"]),
        (["import", "datadog:1"], ["--id", "example"]),
        (["refresh", "nowhere"], ["nowhere"]),
        (["check", ".", "--format", "xml"], ["xml"]),
        (["sandbox", "--port", "many"], ["many"]),
        (["sandbox", "--port", "99999999"], ["99999999"]),
        (["demo", "--out", "taken"], ["'taken'", "a file is in the way"]),
        (["demo", "--out", "taken/below"], ["'taken/below'", "a file is in the way"]),
        (["demo", "--out", "x" * 300], ["File name too long"]),
        (["demo", "--out", "a\0b"], ["no path that a folder can have"]),
    ],
)
def test_wrong_use_is_one_line(argv, says, capsys, tmp_path):
    (tmp_path / "taken").write_text("a file\n")
    refused(*argv, capsys=capsys, says=says)


def test_a_demo_where_nothing_may_be_written_is_one_line(capsys, monkeypatch):
    def shut(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", shut)
    refused("demo", "--out", "x", capsys=capsys, says=["'x'", "Permission denied"])


def test_a_port_that_is_taken_is_said_plainly(capsys):
    port = str(sandbox.running().port)
    said = "port: expected one that is free, for example 0, any; got"
    says = [f"{said} {port}: another program listens there\n"]
    refused("sandbox", "--port", port, capsys=capsys, says=says)


def test_unknown_format_is_one_line(capsys):
    run("new", "INC-7", capsys=capsys)
    refused("export", "INC-7", "--to", "docx", capsys=capsys, says=["docx", "html"])


def test_an_export_is_what_the_name_of_its_file_says(capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    for name, begins in (
        ("x.json", b"{"),
        ("x.md", b"---"),
        ("x.markdown", b"---"),
        ("x.HTML", b"<!"),
        ("x.htm", b"<!"),
        ("x", b"<!"),
    ):
        code, out, err = run("export", "INC-7", "-o", name, capsys=capsys)
        assert (code, out, err) == (0, f"{name}\n", "")
        assert (tmp_path / name).read_bytes().lower().startswith(begins), name


def test_an_export_to_several_forms_writes_each(capsys, tmp_path):
    """Before: the last one alone, without a word."""
    incident = bundlekit.bundle(tmp_path)
    incident.set("what_happened", "The key is AKIAIOSFODNN7EXAMPLK.")
    words = ["export", str(incident.path), "--to", "json", "--to", "md", "--to", "json"]
    code, out, err = run(*words, capsys=capsys)
    assert (code, err.count("masked in this document:")) == (0, 1)
    assert [Path(line).suffix for line in out.split() if "_files" not in line] == [".json", ".md"]
    refused(*words, "-o", "x", capsys=capsys, says=["one --to", "json and markdown", "'x'"])
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("to", "out"), [("html", "x.pdf"), ("markdown", "a/x.JSON")])
def test_a_form_and_a_file_that_contradict_each_other_are_refused(to, out, capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    says = [f"export -o: expected a file of --to {to}, or --to ", f"got '{out}'"]
    refused("export", "INC-7", "--to", to, "-o", out, capsys=capsys, says=says)
    assert not (tmp_path / out).exists()
    code, _, _ = run("export", "INC-7", "--to", to, "-o", "x.txt", capsys=capsys)
    assert code == 0


def test_a_form_may_be_called_as_its_files_end(capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    assert run("export", "INC-7", "--to", "md", capsys=capsys) == (0, "INC-7/INC-7.md\n", "")
    assert run("export", "INC-7", "--to", "md", "-o", "x.markdown", capsys=capsys)[0] == 0


def test_a_name_that_says_no_form_is_no_page(capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    says = ["export -o", "--to html | markdown | pdf | json", "got 'x.txt'"]
    refused("export", "INC-7", "-o", "x.txt", capsys=capsys, says=says)
    assert not (tmp_path / "x.txt").exists()


def test_a_template_whose_query_nothing_can_fill_is_refused_at_once(capsys, tmp_path):
    ours = tmp_path / "ours.md"
    shipped = schema.shipped().text
    at = shipped[: shipped.index("```datadog")].count("\n") + 1
    ours.write_text(shipped.replace("{{SERVICE}}", "{{SERVCE}}"))
    says = [f"ours.md:{at}", "'{{SERVCE}}'; did you mean {{SERVICE}}?"]
    refused("new", "INC-7", "--template", "ours.md", capsys=capsys, says=says)
    assert not (tmp_path / "INC-7").exists()
    run("new", "INC-8", capsys=capsys)
    run("export", "INC-8", "--to", "markdown", "--blanks", "-o", "filled.md", capsys=capsys)
    words = ("import", "filled.md", "--id", "INC-9", "--template", "ours.md")
    refused(*words, capsys=capsys, says=says)
    ours.write_text(shipped)
    run("new", "INC-7", "--template", "ours.md", capsys=capsys)


@pytest.mark.parametrize("out", ["pages/", "INC-7", "."])
def test_a_folder_is_no_file_to_write(capsys, tmp_path, out):
    run("new", "INC-7", capsys=capsys)
    says = ["export -o: expected a file", "INC-4821.html", f"'{out}'"]
    refused("export", "INC-7", "-o", out, capsys=capsys, says=says)
    assert not (tmp_path / "pages").exists()


def test_a_monitor_cannot_be_made_where_none_is_proposed(capsys):
    run("new", "INC-7", capsys=capsys)
    says = ["none is proposed under 'Monitoring Improvements' yet"]
    refused("monitor", "create", "INC-7", "1", capsys=capsys, says=says)


def test_a_broken_template_says_file_and_line(capsys, tmp_path):
    (tmp_path / "ours.md").write_text("# Ours\n\n## Facts\n\n- Owner: {lime owner}\n", "utf-8")
    refused("new", "INC-7", "--template", "ours.md", capsys=capsys, says=["ours.md:5", "lime"])
    assert not (tmp_path / "INC-7").exists()


@pytest.mark.parametrize(
    "out",
    [
        "INC-7/incident.jsonl",
        "INC-7/template.md",
        "INC-7/INC-7.ipynb",
        "INC-7/evidence/logs.parquet",
        "INC-7/../INC-7/.incident.lock",
        "INC-8/incident.jsonl",
        "link",
        "other.ipynb",
        "",
        ".",
        "a\0b",
    ],
)
def test_an_export_never_writes_over_what_an_incident_lives_by(out, capsys, tmp_path):
    for name in ("INC-7", "INC-8"):
        run("new", name, capsys=capsys)
    (tmp_path / "link").symlink_to("INC-7/incident.jsonl")
    (tmp_path / "other.ipynb").write_text("{}", "utf-8")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    refused(
        "export", "INC-7", "--to", "json", "-o", out, capsys=capsys, says=["export -o", "example"]
    )
    assert {path: path.read_bytes() for path in files} == before


def test_a_default_name_is_no_exception(capsys, tmp_path):
    run("new", "template", capsys=capsys)
    before = (tmp_path / "template" / "template.md").read_bytes()
    refused("export", "template", "--to", "markdown", capsys=capsys, says=["template.md"])
    assert (tmp_path / "template" / "template.md").read_bytes() == before


def test_an_export_follows_a_link_and_writes_into_a_pipe(capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    (tmp_path / "latest.json").symlink_to("real.json")
    code, _, err = run("export", "INC-7", "--to", "json", "-o", "latest.json", capsys=capsys)
    assert (code, err) == (0, "")
    assert (tmp_path / "latest.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text("utf-8"))["id"] == "INC-7"
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        [sys.executable, "-m", "postmortem_nb", "export", "INC-7", "--to", "json", "-o", "pipe"],
        stdout=subprocess.DEVNULL, cwd=tmp_path,
    ) as writer:  # fmt: skip
        assert json.loads((tmp_path / "pipe").read_text("utf-8"))["id"] == "INC-7"
    assert writer.returncode == 0
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(sys.platform != "linux", reason="a device of Linux")
@pytest.mark.parametrize("out", ["/dev/stdout", "-"])
@pytest.mark.parametrize("form", ["json", "markdown"])
def test_an_export_to_the_output_is_the_document_alone(capsys, tmp_path, form, out):
    """Before: “it could not be written”, for a temporary file beside the pipe was tried."""
    incident = bundlekit.bundle(tmp_path)
    words = [sys.executable, "-m", "postmortem_nb", "export", incident.path, "--to", form]
    words += ["-o", out]
    piped = subprocess.run(words, capture_output=True, check=True, text=True)
    assert piped.stdout[0] + piped.stdout.rstrip()[-1] == ("{}" if form == "json" else "-*")
    assert "/dev/stdout" not in piped.stdout
    assert ("pictures have no place" in piped.stderr) == (form == "markdown")
    with (tmp_path / "file").open("wb") as file:
        subprocess.run(words, stdout=file, stderr=subprocess.DEVNULL, check=True)
    assert (tmp_path / "file").read_text("utf-8") == piped.stdout
    assert not list(Path("/dev").glob("stdout_files*"))
    assert not list(Path().glob("-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_file_that_is_written_again_stays_as_private_as_it_was(capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    run("export", "INC-7", "--to", "json", "-o", "out.json", capsys=capsys)
    assert not (tmp_path / "out.json").stat().st_mode & 0o022
    notebook_file = tmp_path / "INC-7" / "INC-7.ipynb"
    for path in (tmp_path / "out.json", notebook_file):
        path.chmod(0o640)
    run("export", "INC-7", "--to", "json", "-o", "out.json", capsys=capsys)
    notebook.save(notebook_file, {"cells": []})
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "out.json", notebook_file)}
    assert modes == {0o640}


@pytest.mark.skipif(sys.platform != "linux", reason="a device of Linux")
def test_a_full_disk_behind_the_output_is_one_line(capsys, tmp_path):
    run("new", "INC-7", capsys=capsys)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "postmortem_nb", "check", "INC-7"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "standard output: it could not be written: No space left on device\n"


def test_a_start_needs_a_timeline_to_stand_in(capsys, tmp_path):
    (tmp_path / "ours.md").write_text("# Ours\n\n## Facts\n\n- Owner: {line owner}\n", "utf-8")
    words = ("new", "INC-7", "--template", "ours.md", "--start", "2025-12-04T14:02Z")
    refused(*words, capsys=capsys, says=["start", "no timeline"])
    assert not (tmp_path / "INC-7").exists()


def test_check_says_what_is_missing_and_fails_only_on_errors(capsys):
    run("new", "INC-7", capsys=capsys)
    code, out, _ = run("check", "INC-7", capsys=capsys)
    assert code == 0  # a Draft may be unfinished
    assert "severity" in out.lower()
    code, out, _ = run("check", "INC-7", "--format", "json", capsys=capsys)
    assert {"code", "severity", "where", "message", "remedy"} <= set(json.loads(out)[0])


def test_an_export_is_imported_again(capsys, tmp_path):
    run("new", "INC-7", "--title", "Slow carts", "--severity", "SEV-2", capsys=capsys)
    run("export", "INC-7", "--to", "markdown", "-o", "INC-7.md", capsys=capsys)
    code, out, err = run("import", "INC-7.md", "--id", "INC-8", capsys=capsys)
    assert (code, err) == (0, "INC-7.md: it says Incident ID 'INC-7'; the folder is INC-8\n")
    assert out.strip().endswith("INC-8.ipynb")
    copy = Incident.open(tmp_path / "INC-8")
    assert (copy.value("title"), copy.value("severity")) == ("Slow carts", "SEV-2")


def test_what_an_import_left_out_stands_in_the_notebook_and_in_no_export(capsys, tmp_path):
    run("new", "INC-7", "--title", "Slow carts", capsys=capsys)
    run("export", "INC-7", "--to", "markdown", "-o", "old.md", capsys=capsys)
    old = Path("old.md").read_text("utf-8")
    Path("old.md").write_text(f"{old}\n## Quotes\n\n```\nin the cold\n```\n", "utf-8")
    _, _, err = run("import", "old.md", "--id", "INC-8", capsys=capsys)
    told = [line for line in err.splitlines() if "Quotes" in line]
    assert len(told) == 1
    cells = json.loads(Path("INC-8/INC-8.ipynb").read_text("utf-8"))["cells"]
    assert told[0] in "".join(cells[1]["source"])
    run("export", "INC-8", "--to", "html", "-o", "new.html", capsys=capsys)
    assert "Quotes" not in Path("new.html").read_text("utf-8")
    whole = json.loads(Path("INC-7/INC-7.ipynb").read_text("utf-8"))["cells"]
    assert len(whole) == len(cells) - 1, "nothing left out, nothing said"


def test_a_datadog_incident_is_imported_and_published(capsys, tmp_path):
    uuid = sandbox.FACTS.incident_uuid
    code, out, _ = run("import", f"datadog:{uuid}", "--id", "INC-8", capsys=capsys)
    assert code == 0
    assert out.strip().endswith("INC-8.ipynb")
    assert Incident.open(tmp_path / "INC-8").value("severity") == "SEV-1"
    first, again = (run("publish", "INC-8", capsys=capsys) for _ in range(2))
    assert first[0] == again[0] == 0
    assert first[1] == again[1], "a second time updates the same notebook"


def test_a_server_that_is_not_there_is_one_line(capsys, monkeypatch):
    monkeypatch.setenv("POSTMORTEM_DATADOG_URL", "http://127.0.0.1:9")
    says = ["127.0.0.1: no connection", "Asked: Datadog incident 1234", "To do: check the network"]
    refused("import", "datadog:1234", "--id", "INC-9", capsys=capsys, says=says)


@pytest.mark.parametrize("out_seen", [True, False])
def test_refresh_says_each_line_once_to_who_sees_it(capsys, monkeypatch, out_seen):
    """Seen are the output, or where it goes into a file the other one; into two files, once."""
    run("new", "INC-7", capsys=capsys)

    def refreshed(_incident, *, told, **_settings):
        told("logs: 1 row")
        return pd.DataFrame({"name": ["logs"], "now_rows": [1]})

    monkeypatch.setattr(refresh, "refresh", refreshed)
    for err_seen in (True, False):
        with monkeypatch.context() as patched:
            patched.setattr(sys.stdout, "isatty", lambda: out_seen)
            patched.setattr(sys.stderr, "isatty", lambda seen=err_seen: seen)
            _, out, err = run("refresh", "INC-7", capsys=capsys)
        assert out == "logs: 1 row\n"
        assert err == ("logs: 1 row\n" if err_seen and not out_seen else "")


@pytest.mark.parametrize(
    ("rows", "expected"), [([1, 0], 0), ([1, None], 1), ([None, None], 2)], ids=str
)
def test_refresh_fails_where_a_question_got_no_answer(capsys, monkeypatch, rows, expected):
    run("new", "INC-7", capsys=capsys)
    frame = pd.DataFrame({"name": ["a", "b"], "now_rows": pd.array(rows, dtype="Int64")})
    monkeypatch.setattr(refresh, "refresh", lambda *_, **__: frame)
    assert run("refresh", "INC-7", capsys=capsys)[0] == expected


def test_refresh_without_evidence_says_so(capsys):
    run("new", "INC-7", capsys=capsys)
    code, out, _ = run("refresh", "INC-7", capsys=capsys)
    assert (code, out) == (0, "There is no evidence to ask for again.\n")


def printed(encoding, monkeypatch, *argv):
    """Return exit code and output of a command whose output can hold one encoding only."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    return cli.main(list(argv)), out.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_the_output_may_lack_characters(encoding, monkeypatch, capsys):
    """As a pipe on Windows does: no traceback, and nothing is lost from what programs read."""
    title = "Käse → 🧀 “slow” − \N{SNOWMAN}"
    for name, day in (("INC-1", "2025-11-04"), ("INC-2", "2025-12-04")):
        run("new", name, "--title", title, "--start", f"{day}T14:02Z", "--end", f"{day}T16:09Z",
            "--severity", "SEV-1", "--service", "checkout", capsys=capsys)  # fmt: skip
    calls = (("list",), ("actions",), ("trends",), ("similar", "INC-1"))
    for call in calls:
        assert printed(encoding, monkeypatch, *call)[0] == 0
        code, out = printed(encoding, monkeypatch, *call, "--format", "json")
        assert code == 0
        assert call != ("list",) or json.loads(out)["incidents"][0]["title"] == title
    assert printed(encoding, monkeypatch, "check", "INC-1")[0] == 0  # 1 would say: errors found
    code, out = printed(encoding, monkeypatch, "list")
    wanted = {"ascii": r"K\xe4se -> \U0001f9c0", "cp1252": r"Käse -> \U0001f9c0 “slow”"}
    assert wanted.get(encoding, "Käse") in out


def test_a_name_that_is_no_text_is_printed(monkeypatch):
    """Of a file on a disk whose names are bytes."""
    monkeypatch.setattr(cli, "run", lambda _argv: print("caf\udce9.html") or 0)
    assert printed("utf-8", monkeypatch, "export") == (0, "caf\\udce9.html" + os.linesep)


def test_no_traceback_in_a_real_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "postmortem_nb", "nwe"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


NOBODY = """
import contextlib, io, json, os, sys
from postmortem_nb import cli
ours, commands = sys.argv[1:]
os.chdir(ours)
with contextlib.redirect_stdout(io.StringIO()):  # everything is imported while it may be
    cli.main(["export", "INC-7", "--to", "json", "-o", "first.json"])
if os.getuid() == 0:
    os.setuid(65534)
for words in json.loads(commands):
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = cli.main(words)
    print(json.dumps([code, said.getvalue()]))
"""
CLOSED = "the folder is read-only for you; choose one where you may write"


SHUT_OUT = (
    (
        "export INC-7 --to json -o shut/out.json",
        "shut/out.json: it could not be written: Permission denied",
    ),
    ("export shut --to json", "cannot be read: you may not read it; ask who owns it"),
    ("check shut", "'shut': expected the folder of an incident"),
    ("check INC-8", "cannot be read: you may not read it; ask who owns it"),
    ("new INC-9 --dir shut", f"not created: {CLOSED}"),
    ("new INC-9 --dir open", f"not created: {CLOSED}"),
)


@pytest.fixture(scope="module")
def told_nobody(tmp_path_factory):
    """Return exit code and complaint of each command, run by somebody whom folders shut out."""
    folder, temporary = tmp_path_factory.mktemp("nobody"), Path(tempfile.gettempdir())
    for name in ("INC-7", "INC-8"):
        notebook.write(Incident.create(name, folder))
    (folder / "INC-8" / "incident.jsonl").chmod(0)
    for each in (folder, *folder.parents):
        if temporary in each.parents:
            each.chmod(0o755)
    shut, closed = folder / "shut", folder / "open"
    shut.mkdir(mode=0)
    closed.mkdir(mode=0o555)
    commands = json.dumps([shlex.split(words) for words, _ in SHUT_OUT])
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, str(folder), commands],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    shut.chmod(0o700)
    assert (done.returncode, done.stderr) == (0, "")
    answers = map(json.loads, done.stdout.splitlines())
    return dict(zip((words for words, _ in SHUT_OUT), answers, strict=True))


@pytest.mark.parametrize(("words", "says"), SHUT_OUT)
def test_a_folder_that_may_not_be_entered_is_one_line(told_nobody, words, says):
    code, complaint = told_nobody[words]
    assert code == 2
    assert len(complaint.splitlines()) == 1, complaint
    assert says in complaint
