"""Findings while a postmortem is being written: what is true is let be, and nothing comes early."""

import pytest

from postmortem_nb import Incident, text

TIMES = {
    "Incident Start": "02:13",
    "Detection": "06:40",
    "Acknowledgment": "06:52",
    "Investigation Begins": "06:55",
    "Root Cause Identified": "08:10",
    "Mitigation Plan Formed": "07:00",
    "Mitigation Deployed": "07:02",
    "Partial Recovery": "07:30",
    "Full Recovery": "08:20",
    "Monitoring": "08:30",
    "Incident Declared Resolved": "09:00",
}


@pytest.fixture
def incident(tmp_path):
    """A night in which a standby started a billing run for a second time; no evidence."""
    made = Incident.create("INC-318", tmp_path)
    for name, value in {"date": "2026-03-01", "severity": "SEV-2", "affected_total": 3412}.items():
        made.set(name, value)
    for step, clock in TIMES.items():
        made.add("timeline", step=step, time=f"2026-03-01T{clock}:00Z")
    return made


def messages(incident, *codes):
    frame = incident.check()
    return frame[frame["code"].isin(codes)]["message"].to_list()


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("The scheduler lost its lock when its database failed over at 02:11 UTC.", False),
        ("We failed over to the replica at 02:11 UTC.", True),
        ("The ledger was failed over at 02:11 UTC.", True),
    ],
)
def test_a_database_that_fails_over_by_itself_is_no_mitigation(incident, text, doubted):
    incident.set("why_it_happened", text)
    assert bool(messages(incident, "prose")) is doubted


# -- at the right time -----------------------------------------------------------------------------


def gravity(incident, code):
    frame = incident.check()
    return frame[frame["code"] == code]["severity"].to_list()


def test_a_factor_is_a_hint_until_there_is_an_action(incident):
    """Factors are written before actions: meanwhile nobody has left one out."""
    incident.add("factors", area="Technical", name="Lock bound to a session")
    assert gravity(incident, "factor") == ["hint"]
    incident.add("actions", horizon="Immediate", priority="P0", title="Page on a failover")
    assert gravity(incident, "factor") == ["warning"]


def test_a_factor_is_no_hint_in_review(incident):
    incident.add("factors", area="Technical", name="Lock bound to a session")
    incident.set("state", "Review")
    assert gravity(incident, "factor") == ["warning"]


def told_phases(incident):
    return [each.split()[1] for each in messages(incident, "phase")]


def test_a_draft_has_to_have_only_the_phases_before_one_that_it_tells(tmp_path):
    draft = Incident.create("INC-1", tmp_path)
    draft.add("timeline", step="Incident Start", time="2026-03-01T02:13:00Z")
    assert told_phases(draft) == []
    draft.add("timeline", step="Mitigation Deployed", time="2026-03-01T07:02:00Z")
    assert told_phases(draft) == ["Investigation"]
    draft.set("state", "Review")
    assert told_phases(draft) == ["Investigation", "Post-Incident"]


def test_a_figure_that_stands_alone_waits_for_the_timeline(incident):
    incident.set("what_happened", "The worst minute was 07:45, when charges failed.")
    assert len(messages(incident, "lone")) == 1
    row = next(each["row"] for each in incident.values("timeline") if each["step"] == "Detection")
    incident.set("time", None, table="timeline", row=row)
    assert messages(incident, "lone") == []
    incident.set("state", "Review")
    assert len(messages(incident, "lone")) == 1


def test_nobody_can_tell_of_the_time_in_which_nobody_knew(incident):
    """From start to detection nobody was at work: there is nobody to ask."""
    assert messages(incident, "silence") == []
    row = next(each["row"] for each in incident.values("timeline") if each["step"] == "Monitoring")
    incident.remove("timeline", row)
    for step in ("Investigation Begins", "Root Cause Identified", "Partial Recovery"):
        row = next(each["row"] for each in incident.values("timeline") if each["step"] == step)
        incident.remove("timeline", row)
    (message,) = messages(incident, "silence")
    assert message.startswith("Nothing is told for 1 hour 18 minutes")


def test_queries_of_which_none_was_run_are_one_finding(incident):
    (message,) = messages(incident, "evidence")
    assert message == (
        "None of the queries was run: impact, logs, spans, metrics, events have no answer."
    )


def test_a_silence_waits_for_the_steps_and_stands_at_the_last_that_is_told(tmp_path):
    draft = Incident.create(
        "INC-1", tmp_path, start="2026-03-01T02:13:00Z", end="2026-03-01T09:00:00Z"
    )
    assert messages(draft, "silence") == []
    for step, clock in list(TIMES.items())[1:3]:
        draft.add("timeline", step=step, time=f"2026-03-01T{clock}:00Z")
    assert messages(draft, "silence") == []
    row = draft.add("timeline", step="Mitigation Deployed", time="2026-03-01T07:02:00Z")
    frame = draft.check()
    (hit,) = frame[frame["code"] == "silence"].itertuples()
    assert (hit.row, hit.name) == (row, "time")


# -- true, and helped by its remedy ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("We accept this: the old scheduler goes in May.", False),
        ("Accepted because it happens once a year.", False),
        ("Any month is accepted by the run.", True),
        ("The provider accepted both charges.", True),
    ],
)
def test_a_factor_that_says_why_it_is_accepted_needs_no_action(incident, text, doubted):
    incident.add("actions", horizon="Immediate", priority="P0", title="Page on a failover")
    incident.add("factors", area="Technical", name="Lock bound to a session", description=text)
    assert bool(messages(incident, "factor")) is doubted


def test_why_a_time_is_missing_is_not_asked_into_the_blank_of_a_time(tmp_path):
    frame = Incident.create("INC-1", tmp_path).check()
    remedies = frame[frame["code"] == "blank"].groupby("name")["remedy"].unique()
    assert list(remedies["time"]) == ["Fill it in."]
    assert list(remedies["problem"]) == ["Fill it in, or write why it is not known."]


def test_a_notebook_shows_findings_whole_and_without_what_is_for_programs(incident):
    incident.add("actions", horizon="Immediate", priority="P0", title="Page on a failover")
    frame = incident.check()
    shown = frame._repr_html_()
    assert all(text.html(each) in shown for each in frame["message"])
    assert all(row not in shown for row in frame["row"] if row.startswith("r"))
    assert list(frame.columns)[5:] == ["table", "row", "name", "rule"]


def test_who_signs_is_asked_for_in_review_and_sent_back_to_it_only_from_approved(incident):
    incident.set("state", "Review")
    assert messages(incident, "approval") == [
        "Not signed yet: Author, Technical Reviewer, Manager, On-call Lead."
    ]
    row = incident.add("approvals", role="Manager", name="Petra Lang")
    frame = incident.check()
    (told,) = frame[(frame["code"] == "approval") & (frame["row"] == row)].itertuples()
    assert (told.message, told.remedy) == (
        "No date, no tick.",
        "Let the person sign with name and date.",
    )
    assert messages(incident, "approval")[0].endswith(
        "yet: Author, Technical Reviewer, On-call Lead."
    )
    incident.set("state", "Approved")
    frame = incident.check()
    (remedy,) = set(frame[frame["message"].str.startswith("Author: no")]["remedy"])
    assert remedy.endswith("or take the postmortem back to Review.")


def test_an_approval_is_named_once(incident):
    """Before: “Approvals › Author” and below it “Author: 'Jon' signed as author …”."""
    incident.set("author", "Dana")
    incident.set("state", "Approved")
    incident.add("approvals", role="Author", name="Jon", date="2026-03-09", done=True)
    incident.add("approvals", role="Security Reviewer", name="Dana", date="2026-03-09", done=True)
    frame = incident.check()
    frame = frame[frame["code"] == "approval"]
    told = dict(zip(frame["where"], frame["message"], strict=True))
    assert told["Approvals › Author"] == "'Jon' signed as author, but the author is 'Dana'."
    assert told["Approvals › row 2"] == "Security Reviewer: 'Dana' reviewed a text of their own."


def test_a_run_that_was_stopped_before_the_plan_is_a_hint_that_can_be_followed(incident):
    row = next(
        each["row"]
        for each in incident.values("timeline")
        if each["step"] == "Mitigation Plan Formed"
    )
    incident.set("time", "2026-03-01T07:10:00Z", table="timeline", row=row)
    frame = incident.check()
    frame = frame[frame["code"] == "order"]
    (hit,) = frame[frame["message"].str.contains("before Mitigation Plan Formed")].itertuples()
    assert hit.severity == "hint"
    assert hit.remedy == "Correct one of the two times, or say in the text how that came."


def test_the_cause_found_last_is_told_once(incident):
    (message,) = messages(incident, "order")
    assert message.startswith("Mitigation Plan Formed (2026-03-01 07:00 UTC) is before Root Cause")


def test_a_severity_that_changed_may_be_told_anywhere(incident):
    row = next(
        each["row"] for each in incident.values("timeline") if each["step"] == "Acknowledgment"
    )
    incident.set("severity_declared", "SEV-3", table="timeline", row=row)
    assert messages(incident, "severity") == [
        "Declared SEV-3, but the severity of the incident is SEV-2."
    ]
    update = incident.add("updates", channel="Internal", text="Now SEV-2: 3,412 charged twice.")
    assert messages(incident, "severity") == []
    incident.remove("updates", update)
    incident.add("went_wrong", area="Response", what="Declared as SEV-3 at first")
    assert messages(incident, "severity") == []


def test_hours_of_nights_and_days_are_no_engineering_hours(incident):
    """Nobody works from Sunday until Tuesday: no bound of the hours follows from the timeline."""
    row = next(
        each["row"] for each in incident.values("timeline") if each["step"] == "Full Recovery"
    )
    incident.set("time", "2026-03-03T18:20:00Z", table="timeline", row=row)
    incident.add("timeline", step="Escalation", time="2026-03-01T07:05:00Z", responders=["Jun"])
    incident.set("engineering_hours", 14)
    assert messages(incident, "sources") == []
    measure = incident.measures()["engineering_hours"]
    assert (measure.value, measure.computed) == (14, None)


def test_hours_that_the_timeline_gives_are_a_hint(incident):
    """Who told us of it first did not work on it until the end."""
    incident.add("timeline", step="Escalation", time="2026-03-01T06:41:00Z", responders=["Jun"])
    incident.set("engineering_hours", 1)
    frame = incident.check()
    (severity,) = frame[frame["code"] == "sources"]["severity"]
    assert severity == "hint"


def test_how_often_something_was_done_is_no_length_of_the_incident(incident):
    what = "The status page was updated every 35 minutes or so"
    row = incident.add("went_well", area="Communication", what=what)
    assert messages(incident, "lone") == []
    incident.set("what", "The status page was updated after 35 minutes", table="went_well", row=row)
    assert len(messages(incident, "lone")) == 1


def test_what_is_known_elsewhere_is_said_as_it_stands(incident):
    """And four of thousands are a part of them, not another number."""
    incident.set("affected_total", None)
    incident.set("what_happened", "3,412 of 41,800 customers were charged twice.")
    row = incident.add("went_well", area="Response", what="We wrote to the 32,700 customers")
    (message,) = messages(incident, "lone")
    assert message == "Nothing else here has “32,700 customers” (elsewhere: 41,800)."
    incident.set("what", "We looked up the four customers", table="went_well", row=row)
    assert messages(incident, "lone") == []


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("A third of the customers never saw the double charge.", False),
        ("A third of the customers saw the double charge.", True),
    ],
)
def test_a_fraction_of_those_who_were_spared_is_no_share_of_those_affected(incident, text, doubted):
    incident.set("what_happened", "3,412 of 41,800 customers were charged twice.")
    incident.add("went_well", area="Response", what="Charges were pulled", how_it_helped=text)
    assert bool(messages(incident, "prose")) is doubted


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("In the worst minute, 07:20, 56% of requests failed.", False),
        ("Until the first page at 06:40 101 requests had failed.", False),
        ("Before anybody noticed, 101 requests had failed.", False),
        ("All in all 56% of requests failed.", True),
        ("In the end 101 requests had failed.", True),
        ("140 customers received a refund.", False),
        ("105 Slovenian customers could not pay.", False),
        ("105 customers could not pay.", True),
        ("For 28 minutes customers saw errors without any word from us.", False),
        ("Customers saw errors for 28 minutes without an update.", False),
        ("For 28 minutes customers saw errors.", True),
        ("We kept 1,684 log lines from 07:30 to 12:30.", False),
        ("The graphs from 08:15 to 09:15 show a normal morning.", False),
        ("Checkouts failed from 07:30 to 12:30.", True),
        ("140 customers got an e-mail from support.", False),
        ("90 shoppers got through on the second try.", False),
        ("140 shoppers saw the banner.", False),
        ("140 customers got an error.", True),
        ("140 customers received a blank page.", True),
        ("140 shoppers noticed it.", True),
    ],
)
def test_what_failed_in_a_minute_or_until_a_page_is_not_all_that_failed(incident, text, doubted):
    incident.set("failed_requests", 2188)
    incident.set("affected_total", 4200)
    incident.set("what_happened", "2,188 of 18,682 checkout requests failed.")
    incident.set("problem", text)
    assert bool(messages(incident, "prose")) is doubted


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("214 cardholders saw a failed reservation.", False),
        ("Besides, 53 donors received an old receipt.", False),
        ("For 214 patients nothing was lost, but 214 patients saw old results.", True),
        ("214 shoppers saw a failed reservation.", True),
        ("214 users saw a failed reservation.", True),
    ],
)
def test_people_of_another_kind_are_none_of_those_affected(incident, text, doubted):
    """Where a document tells of shoppers throughout, cardholders are others."""
    incident.set("affected_total", 4200)
    incident.set("tickets", 412)
    for said in ("Shoppers could not pay.", "Shoppers waited.", "What shoppers saw was an error."):
        incident.add("takeaways", text=said)
    incident.set("what_happened", text)
    assert bool(messages(incident, "prose") or messages(incident, "range")) is doubted


# -- blameless language ----------------------------------------------------------------------------


def rules(incident):
    frame = incident.check()
    return list(frame[frame["rule"] != ""]["rule"])


def test_a_chain_of_whys_may_go_on_behind_a_person_while_it_is_written(incident):
    incident.set("author", "Tomas Lind")
    incident.add("whys", question="Why?", answer="Tomas replaced the leaf in March.")
    assert rules(incident) == []
    incident.set("technical_cause", "The chain is a part of the image.")
    assert rules(incident) == ["RC2"]


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("Nothing says which settings matter, so neither a reviewer nor a test knows.", []),
        ("The diff that a reviewer sees has no defaults.", []),
        ("An engineer on call finds three dashboards and no order.", []),
        ("Every developer has to know the order of the steps by heart.", []),
        ("The page goes to no engineer after midnight.", []),
        ("Reviewers see the diff of the code, not that of the config.", []),
        ("The alert does not tell an engineer which host it is.", []),
        ("The reviewer approved it.", ["RC2"]),
        ("An engineer deleted the wrong table.", ["RC2"]),
        ("An on-call engineer had overwritten the lock.", ["RC2"]),
        ("The reviewers are not experienced.", ["RC2"]),
        ("There was no training.", ["RC2"]),
    ],
)
def test_what_any_engineer_finds_is_no_person_at_the_end_of_the_whys(incident, answer, found):
    incident.set("technical_cause", "The chain is a part of the image.")
    incident.add("whys", question="Why?", answer=answer)
    assert [each for each in rules(incident) if each == "RC2"] == found


def test_what_a_team_owns_is_no_person_at_the_end_of_the_whys(incident):
    incident.set("technical_cause", "The chain is a part of the image.")
    incident.add("whys", question="Why?", answer="The image stayed with the auth team.")
    assert rules(incident) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Identity provider outage (they had one on Friday)", []),
        ("A gateway outage in spring looked alike", []),
        ("Visa had an outage in October", []),
        ("The scheme outage of 10 November", []),
        ("We had a Mastercard outage two weeks ago", []),
        ("A fallback without a limit moves an outage to the next service", []),
        ("The outage is of the identity provider or of us", ["OV"]),
        ("The cache caused an outage of checkout", ["OV"]),
        ("A major outage, as in the checkout outage of our region", ["OV", "OV"]),
    ],
)
def test_an_outage_of_somebody_else_or_of_none_overstates_nothing(incident, text, found):
    row = next(
        each["row"]
        for each in incident.values("timeline")
        if each["step"] == "Investigation Begins"
    )
    incident.set("hypothesis", text, table="timeline", row=row)
    assert rules(incident) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("Review the list each quarter", []), ("Review the list of key accounts", ["AI2"])],
)
def test_what_is_done_each_quarter_has_an_end(incident, text, found):
    incident.add("went_wrong", area="Communication", what="Calls", how_to_improve=text)
    assert rules(incident) == found


def test_examples_of_another_incident_are_told_as_such(incident):
    incident.set("what_happened", "Nobody checked the lock.")
    frame = incident.check()
    (remedy,) = frame[frame["rule"] == "CF3"]["remedy"]
    assert remedy.startswith("Say what was visible, for example “the dashboard")
