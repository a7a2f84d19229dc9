"""The public edition: customers read what happened, and nobody's name, host or number."""

import json
import re
import time
from importlib import resources

import bundlekit
import jsonschema
import pandas as pd
import pytest
from test_page import harm, words

from postmortem_nb import editions, evidence, redaction, text
from postmortem_nb.errors import ExportError
from postmortem_nb.incident import Incident
from postmortem_nb.masking import mask
from postmortem_nb.people import people
from postmortem_nb.redaction import found

INSIDE = {
    "e-mail": "ana.souza+ops@larkspur.example",
    "internal link": "https://larkspur.slack.com/archives/C1/p17",
    "datadog": "https://app.datadoghq.eu/logs?query=x",
    "ipv4": "10.12.0.7",
    "ipv4 port": "192.168.4.2:8443",
    "ipv6": "2001:db8::8a2e:370:7334",
    "mac": "00:1b:44:11:3a:b7",
    "aws host": "ip-10-0-3-17.eu-west-1.compute.internal",
    "host": "orders-db.prod.svc.cluster.local",
    "pod": "checkout-7d9f8b6c5d-x2k4p",
    "instance": "i-0abc12def34567890",
    "arn": "arn:aws:rds:eu-west-1:123456789012:db:orders",
    "uuid": "7f3c1b2a-9d4e-4f5a-8b6c-0d1e2f3a4b5c",
    "trace": "6b3a1f0c2d4e5f60718293a4b5c6d7e8",
    "span": "17682608830852287626",
    "user": "user_id=48213",
    "customer": "customer: A-48213",
    "stripe": "cus_Nc4aXbYz12",
    "phone": "+49 30 901820",
    "handle": "@ana.souza",
    "channel": "#inc-4821",
    "database": "postgres://db.internal/orders",
    "host of a domain": "db1.prod.larkspur.example",
    "host by its number": "orders-db-3",
    "host by its role": "node7",
    "address without a scheme": "wiki.larkspur.example/checkout-errors",
    "ipv6 mapped": "::ffff:10.0.0.1",
    "ipv6 zone": "fe80::1%eth0",
    "network": "172.16.0.0/12",
    "user in words": "user 48213",
    "phone of a region": "(030) 901820",
    "phone with its label": "tel 0170/1234567",
    "mobile with its label": "Mobile: 0170 12345670",
    "fax": "Fax no. (030) 90182-0",
    "date of birth": "DOB 1980-02-29",
    "date of birth in words": "born on 29 February 1980",
    "date of birth of a field": '"date_of_birth": "29.02.1980"',
    "social security": "SSN 219-09-9999",
    "social security as it is": "219-09-9999",
    "social security in one": "ssn: 219099999",
    "passport": "passport no. C01X00T47",
    "home": "/home/dhill/x",
    "home alone": "/Users/d.hill",
    "home of Windows": r"C:\Users\dhill\x",
    "node": "gke-prod-pool-1a2b3c4d-x1yz",
    "node of Azure": "aks-nodepool1-12345678-vmss000000",
}

OPEN = (
    "Between 14:02 and 16:09 UTC, 38.2 % of checkout requests failed.",
    "We rolled back from v2.48.0 to v2.47.3 and added 2 dashboards; SEV-1; 18,240 customers.",
    "See https://status.larkspur.example/incidents/4821 for updates.",
    "The ratio was 3:1, at 14:19:40, in regions eu-west and us-east; version 1.2.3.4.5.",
    "Every account: the balance is right. We will tell you. May be late.",
    "We use C# and F#, and answered within 24/7 hours.",
    "Phone orders fell from 1,200,000 to 3,000 on 2025-12-04; tel. support had 4821 calls.",
    "Mobile 2025-12-04 14:02: 1200000 phones; the mobile app 12.3.4 was slow; telemetry 12345678.",
    "The new pool was born in Q3; passport checks passed 481 times, of passport holders.",
    "GET /users/4821 and /home returned 503 in 99-100 of 123-45 cases; at home/work.",
    "Release 2025-12-04, build 123-456, range 200-30-4000-1, part 900-12-3456.",
)

PEOPLE = ("Priya Raman", "Tomasz Zielinski", "Marta Oliveira", "Will Ng", "Zoë O’Neil")


@pytest.mark.parametrize("name", INSIDE)
@pytest.mark.parametrize("sentence", ["{}", "It began at {} and spread.", "({}), then", "x={}"])
def test_what_points_inside_is_found(name, sentence):
    said = sentence.format(INSIDE[name])
    spots = found(said, None)
    assert spots, said
    left = said
    for spot in reversed(spots):
        left = left[: spot.start] + left[spot.end :]
    digits = re.sub(r"\D", "", INSIDE[name])
    assert INSIDE[name] not in left
    assert not digits or digits not in re.sub(r"\D", "", left)


@pytest.mark.parametrize(
    "typed",
    [
        "https://u:s3cr3tpw99@host.example.com/path?x=1",
        "postgres://u:s3cr3tpw99@db.corp.local/x",
        "jdbc:postgresql://u:s3cr3tpw99@db-07:5432/x",
        "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/1",
    ],
)
@pytest.mark.parametrize("written", [str, text.markdown])
def test_an_address_with_a_masked_password_is_one_link(typed, written):
    said = written(mask(f"see {typed} now"))
    assert "masked: " in said
    spots = found(said, None)
    assert [spot.shown for spot in spots] == ["[link]"]
    assert said[: spots[0].start] + said[spots[0].end :] == "see  now"


@pytest.mark.parametrize(
    "flood",
    [
        *("tel ", "tel 1-", "born ", "1 ", "1-", "/home/a", "C:\\users\\", "passport ", "d.", "a."),
        *("call at ", "a@", "gke-", "http://", "http://[masked: ", "[masked: a]", "a:", "219-09-"),
    ],
)
def test_no_text_makes_it_slow(flood):
    before = time.process_time()
    found(flood * 20_000, None)
    assert time.process_time() - before < 4


@pytest.mark.parametrize("sentence", OPEN)
def test_what_customers_may_know_is_kept(sentence):
    assert found(sentence, people([[{"owner": name} for name in PEOPLE]])) == []


def test_people_are_found_by_any_of_their_names():
    names = people([[{"owner": name} for name in PEOPLE], [{"responders": ["Ana Souza"]}]])
    said = "PRIYA RAMAN called Zielinski; Marta’s change and Zoë’s; Will Ng and Ana agreed."
    shown = said
    for spot in reversed(found(said, names)):
        shown = shown[: spot.start] + spot.shown + shown[spot.end :]
    assert shown == (
        "[person] called [person]; [person] change and [person]; [person] and [person] agreed."
    )


NAMED = {
    "in capitals": ("Priya Raman", "PRIYA RAMAN, RAMAN and Priya"),
    "in small letters": ("Priya Raman", "priya and raman's"),
    "turned": ("Priya Raman", "Raman, Priya"),
    "as a handle": ("Priya Raman", "priya.raman, priya_raman, praman, p.raman, user/priya"),
    "one name": ("Dana", "Dana, dana’s and DANA"),
    "in small letters from the start": ("dana kim", "Dana Kim, Kim and dana"),
    "without accents": ("Zoë O’Neil", "Zoe O'Neil, zoë, Zoe\u0308, O'Neil and ONeil"),
    "umlauts": ("Jürgen Müller", "Juergen Mueller, Jurgen and MÜLLER"),
    "two first names": ("Anne-Marie Dupont", "Anne-Marie, Anne, Marie and Dupont"),
    "with a role": ("Jean van der Berg (SRE lead)", "Jean van der Berg, Berg and Jean"),
    "with a title": ("Incident Commander Kofi Mensah", "Kofi and Mensah"),
    "from an address": ("marcus.hale@larkspur.example", "Marcus and Hale"),
    "from a mention": ("@tomasz.z", "Tomasz"),
    "another script": ("Ольга Петрова", "Ольга, Петрова"),
    "a script without spaces": ("王小明", "请联系王小明确认"),
    "a sentence": ("Marta Oliveira, with checkout and payments on-call", "Marta and Oliveira"),
}


@pytest.mark.parametrize("case", NAMED)
def test_a_name_is_found_however_it_is_written(case):
    name, said = NAMED[case]
    names = people([[{"owner": name}]])
    left = said
    for spot in reversed(found(said, names)):
        left = left[: spot.start] + left[spot.end :]
    assert not set(re.findall(r"\w+", left)) - {
        "and",
        "s",
        "请联系",
        "确认",
        "user",
        "请联系确认",
    }, left


@pytest.mark.parametrize(
    "said",
    [
        "we will tell you; the mark was missed; rose by 3 %",
        "The payments team and checkout on-call rolled back; support answered.",
        "order of events, in the channel, given at 14:02, ledger",
    ],
)
def test_words_that_are_names_too_are_kept(said):
    owners = [{"owner": name} for name in ("Will Ng", "Mark Rose", "Payments team", "ledger")]
    free = {"approval": "Given in the channel", "detected_by": "order of the shop"}
    assert found(said, people([[*owners, free, {"services": ["ledger"]}]])) == []


def test_teams_and_monitors_are_nobody():
    rows = [
        {"owner": "Payments team", "detected_by": "Monitor “Checkout error rate”"},
        {"on_call": "Checkout on-call", "responsible": "platform", "owner2": "Ana Souza"},
    ]
    assert people([rows]) is None


STRANGERS = {
    "At 14:10 Jane Doe noticed the errors.": "Jane Doe",
    "Maria da Silva (payments) was paged at 14:19.": "Maria da Silva",
    "The change was merged by Tomás O’Neil and deployed.": "Tomás O’Neil",
    "Our on-call engineer Wei Zhang restarted it.": "Wei Zhang",
    "Lena Fischer, who was off duty, joined the call.": "Lena Fischer",
    "Ana B. Souza rolled the change back.": "Ana B. Souza",
    "Jürgen Müller (SRE) found it": "Jürgen Müller",
    "We pinged Joe Smith.": "Joe Smith",
    "Karl-Heinz Braun had deployed v2": "Karl-Heinz Braun",
}

NOBODY = (
    "Checkout Service restarted at 14:10.",
    "Google Cloud confirmed an outage; Amazon Web Services acknowledged it.",
    "Black Friday started early and was caused by Black Friday traffic.",
    "The Payments Team was paged at 14:19, and the Support Team escalated.",
    "Larkspur Home customers noticed slow pages.",
    "Customer Care noticed it first. On-call Engineering joined.",
    "The Status Page was updated by Customer Communications.",
)


@pytest.mark.parametrize("said", STRANGERS)
def test_a_name_that_no_column_holds_is_found_by_what_only_people_do(said):
    name = STRANGERS[said]
    assert [said[a:b] for _, _, a, b in found(said, None)] == [name]


@pytest.mark.parametrize("said", NOBODY)
def test_teams_products_and_days_are_nobody(said):
    assert not found(said, None)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a bundle with something internal in every text, and its public page and Markdown."""
    inside = " ".join(INSIDE.values())
    folder = tmp_path_factory.mktemp("public")
    own = [bundlekit.markdown_cell("Internal words"), bundlekit.code_cell("secret_function()")]

    def said(table, name):
        if name in ("author", "on_call", "owner", "detected_by", "responders", "reviewers"):
            return PEOPLE[len(table + name) % len(PEOPLE)]
        return f"{PEOPLE[len(name) % 3]} saw {inside} at {table} {name}"[:1900]

    incident = bundlekit.bundle(folder, said, own=own)
    incident.set("reviewers", PEOPLE)
    lines = []
    page = editions.export(incident.path, "html", audience="public", told=lines.append)[0]
    markdown = editions.export(incident.path, "markdown", audience="public")[0]
    return incident, page.read_text("utf-8"), markdown.read_text("utf-8"), lines


def test_the_public_dataset_has_what_customers_may_know_and_nothing_else(written):
    """Before, `--to json --audience public` was refused, though every format takes an audience."""
    incident = written[0]
    path = editions.export(incident.path, "json", audience="public")[0]
    assert path.name == "INC-4821.public.json"
    made = path.read_text("utf-8")
    whole = json.loads(made)
    stored = resources.files("postmortem_nb") / "templates" / "dataset.schema.json"
    jsonschema.Draft202012Validator(json.loads(stored.read_text("utf-8"))).validate(whole)
    assert (whole["audience"], whole["evidence"]) == ("public", [])
    assert set(whole["facts"]) <= redaction.PUBLIC["incident"]
    assert set(whole["measures"]) <= redaction.PUBLIC["incident"]
    assert set(whole["tables"]) == set(redaction.PUBLIC) - {"incident"}
    for name, rows in whole["tables"].items():
        assert rows
        assert all(set(row) == redaction.PUBLIC[name] | {"row"} for row in rows)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]+Z", whole["tables"]["timeline"][0]["time"])
    assert not [value for value in (*INSIDE.values(), *PEOPLE) if value in made]
    assert "[person] saw [e-mail]" in whole["facts"]["what_happened"]


def test_the_public_dataset_says_that_it_was_made_from_the_sandbox(tmp_path):
    incident = Incident.create("INC-9", tmp_path)
    frame = pd.DataFrame({"timestamp": [], "message": []})
    record = {"complete": True, "function": "search_datadog_logs", "sandbox": True}
    before = editions.export(incident.path, "json", audience="public")[0].read_text("utf-8")
    evidence.freeze(incident.path / "evidence", "logs", frame, record)
    after = editions.export(incident.path, "json", audience="public")[0].read_text("utf-8")
    assert "sandbox" not in json.loads(before)
    assert json.loads(after)["sandbox"] is True


@pytest.mark.parametrize("edition", [1, 2])
def test_nothing_inside_is_in_the_public_edition(written, edition):
    made = written[edition].replace("\\", "")
    body = re.sub(r"data:image/png;base64,[\w+/=]+|sha256(?:</?\w+[^>]*>|[ -])+[\w+/=]+", "", made)
    for value in (*INSIDE.values(), *PEOPLE):
        assert value not in body
        assert value.split(" ")[-1] not in body
    for internal in ("Internal words", "secret_function", "Revenue", "Figure 1", "not finished"):
        assert internal not in body


def test_a_second_pass_finds_nothing_left(written):
    incident, page, markdown, _ = written
    names = people(Incident.open(incident.path).values(table) for table in incident.tables)
    for made in (words(page), markdown):
        said = re.sub(r"sha256 [0-9a-f]{64}", "", made)
        assert list(found(said, names)) == []


def test_it_still_says_what_customers_ask(written):
    said = words(written[1])
    for section in ("Executive Summary", "Timeline of Events", "Impact Analysis", "Action Items"):
        assert section in said
    assert "[person] saw [e-mail] [link]" in said
    assert "Made from the sandbox" in said
    assert harm(written[1]) == []


def test_each_run_says_what_it_removed_and_where_but_not_what(written):
    lines = written[3]
    assert "timeline.finding: 2 × name" in lines or "timeline.finding: 1 × name" in lines
    assert any(re.fullmatch(r"actions: \d+ × internal blank", line) for line in lines)
    cells = [line for line in lines if line.startswith("cell ")]
    assert len(cells) == 2
    assert all(line.endswith("1 × cell of the author’s own") for line in cells)
    assert not any(value in line for value in (*INSIDE.values(), *PEOPLE) for line in lines)


def test_it_has_a_file_of_its_own_and_the_data_stay(written):
    incident = written[0]
    assert (incident.path / "INC-4821.public.html").is_file()
    assert "Priya Raman saw" in " ".join(
        str(value) for value in Incident.open(incident.path).values("incident")[0].values()
    )


def test_what_cannot_be_redacted_for_sure_is_refused(tmp_path):
    incident = bundlekit.bundle(tmp_path, frozen=False)
    alone = tmp_path / "alone.ipynb"
    alone.write_bytes((incident.path / "INC-4821.ipynb").read_bytes())
    with pytest.raises(ExportError, match="no public edition"):
        editions.export(alone, "html", audience="public")


def test_every_column_of_the_allow_list_is_in_the_shipped_template(tmp_path):
    incident = Incident.create("INC-1", tmp_path)
    for table, columns in redaction.PUBLIC.items():
        known = {column.name for column in incident.template.tables[table]}
        assert columns <= known
