"""Fields and rows against one another; figures of one thing in two blanks; sums of a sentence."""

import re

import numpy as np
import pandas as pd
import pytest
import sound

from postmortem_nb.checks import case, events, items, spoken

# 14:02 start, 14:19 detection, 14:24 acknowledgment, 14:40 escalation, 15:26 mitigation,
# 16:09 recovery.
MITIGATION = "Flag quick-cart set to 0% in all shops."
STEPS = {
    "Detection": {"detection_method": "Monitor Alert", "detected_by": "Monitor on checkout errors"},
    "Acknowledgment": {"on_call": "Dana Kim"},
    "Mitigation Deployed": {"action": MITIGATION, "responsible": "Luis Ortega"},
    "Root Cause Identified": {"root_cause": "The pool of connections in shop-db was too small."},
}
FACTS = {
    "what_happened": "Shops in Bern, Basel and the Jura could not sell; 14,760 payments failed, "
    "and 2,150 tickets were opened. 12,915 of the 14,760 failures were timeouts.",
    "why_it_happened": "The password was changed on 16 October. The nightly job exits with code 0. "
    "Migration V118 made a column mandatory.",
    "problem": "No payment got through. The nightly job exited with code 0 all the while.",
    "technical_cause": "The job has failed since the password was changed on 16 October. "
    "Migration V118 made the column mandatory.",
    "key_events": "13:50 quick-cart to 100% · 15:00 autumn sale opens · 15:26 quick-cart to 0%",
    "regions": "Bern, Basel, Jura",
    "teams": ["Checkout", "Data Platform"],
    "failed_requests": 14760,
    "tickets": 2150,
    "affected_total": 46000,
    "affected_share": 23,
    "customers_notified": 46000,
    "process_cause": "46,000 people, 23% of the 200,000 who came, were turned away. Every affected "
    "customer got an apology. The archive grows by 36 GB a night.",
    "revenue_loss": 63960,
    "revenue_method": "312 double sold seats x $205 each ($185 refund + $20 voucher)",
}


@pytest.fixture
def incident(tmp_path):
    """The sound incident with fields and texts that agree."""
    made = sound.create(tmp_path)
    sound.write(made, FACTS, STEPS)
    made.add(
        "timeline",
        step="Escalation",
        time=sound.moment("14:40"),
        escalated_to="Data Platform team",
        reason="The database refuses connections",
    )
    minutes = pd.date_range(sound.moment("13:02"), sound.moment("17:00"), freq="1min")
    at = (minutes - pd.Timestamp(sound.moment("13:02"))) / pd.Timedelta("1min")
    sound.freeze_rate(
        made, minutes, np.interp(at, [60, 98, 187], [98.6, 31, 98.6])
    )  # 31 % at 14:40
    made.set("state", "Review")
    return made


def spoken_clocks(text):
    return list(re.finditer(spoken.CLOCK, text))


def found(incident):
    codes = ("range", "sources", "date", "prose", "lone")
    return {each.message for each in incident.check().itertuples() if each.code in codes}


def test_fields_that_agree_are_let_be(incident):
    assert found(incident) == set()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("failed_requests", 17460, "17,460, but the text has “14,760 failures”."),
        ("tickets", 1250, "1,250, but the text has “2,150 tickets”."),
        ("tickets", 2140, "2,140, but the text has “2,150 tickets”."),
        ("regions", "Bern, Basel, Zug", "'Bern, Basel, Zug', but the text has Bern, Basel, Jura."),
        # 312 times 205
        (
            "revenue_loss",
            69360,
            f"“{FACTS['revenue_method']}” is $63,960, but revenue loss: $69,360.",
        ),
        ("affected_share", 9, "9 %, but the text has “23% of the 200,000” for 46,000."),
        (
            "teams",
            ["Checkout", "Network"],
            "Escalated to 'Data Platform team', but the teams involved are Checkout, Network.",
        ),
    ],
)
def test_a_field_that_another_place_denies_is_doubted(incident, name, value, told):
    incident.set(name, value)
    assert told in found(incident)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tickets", 480),  # unlike any figure of the texts: they tell of something else
        ("regions", "Switzerland"),
        ("regions", "Bern, Basel, Jura, Zug"),
        ("teams", ["Platform"]),
        ("key_events", "15:27 sale closes at 20%"),
    ],
)
def test_a_field_that_may_be_of_something_else_is_let_be(incident, name, value):
    incident.set(name, value)
    assert not any("but the" in each for each in found(incident))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("tickets", 412, "The zone moved with 214 records."),
        ("tickets", 412, "The zone has 214 records; the 214 records were moved."),
        ("tickets", 412, "The runbook has 142 lines."),
        ("affected_total", 6300, "The record has a TTL of 3600, which is TTL 3600 for all."),
        ("affected_total", 6300, "The cache keeps 3600 keys."),
        ("tickets", 950, "Each client retries after 590 attempts."),
    ],
)
def test_few_digits_are_turned_by_chance(incident, name, value, sentence):
    incident.set(name, value)
    incident.set("technical_cause", sentence)
    assert not any("but the text has “" in each for each in found(incident))


@pytest.mark.parametrize("whom", ["AWS support", "Jonas Weber", "the Data Platform on-call"])
def test_whom_it_was_escalated_to_may_be_no_team_of_ours(incident, whom):
    row = next(row["row"] for row in incident.values("timeline") if row["step"] == "Escalation")
    incident.set("escalated_to", whom, table="timeline", row=row)
    assert not any("Escalated to" in each for each in found(incident))


@pytest.mark.parametrize(
    "sentence",
    [
        "The password was changed on 26 October by the scheduled renewal.",
        "The nightly job exited with code 1, as it does when all is well.",
        "Migration V117 made the column mandatory in the orders.",
        "About 97% of the failures were timeouts.",  # 12,915 of 14,760 is 87.5 %
        "The flag went up at 13:50, two hours ahead of the autumn sale.",  # it opened at 15:00
        "Dana Kim was on it thirteen minutes after the page.",  # 14:19 to 14:24
        "Payments failed from 14:02 to 16:09 UTC (1 hour 22 minutes).",
        "Payments failed between 14:02 and 16:09 UTC, a period of 3 hours.",
        "The archive has always grown by 63 GB a night.",
        "The success rate bottomed out at 41% at 14:40.",  # it was 31 %
    ],
)
def test_a_sentence_that_another_place_denies_is_doubted(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose", "lone")


@pytest.mark.parametrize(
    "sentence",
    [
        "The password was changed on 16 October by the scheduled renewal.",
        "The review of 9 December named the password.",
        "The nightly job exited with code 0, as it always does.",
        "Migration V118 made the column mandatory in the orders.",
        "About 87% of the failures were timeouts.",
        "The flag went up at 13:50, seventy minutes ahead of the autumn sale.",
        "Dana Kim was on it five minutes after the page.",
        "38 minutes gone before Data Platform was called in.",  # 14:02 to 14:40
        "It all came down to a pool of connections that was too small.",
        "What finally got sales moving was the flag at 0%.",
        "The whole business was over before supper.",
        "The cause was known at 15:12.",
        "Payments failed from 14:02 to 16:09 UTC (2 hours 7 minutes).",
        "Payments failed between 14:02 and 16:09 UTC, a period of about two hours.",
        "Payments failed from 14:02 to 16:09 UTC, 17 minutes before anybody noticed.",
        "Dana Kim was on it within minutes.",
        "The archive has always grown by 36 GB a night.",
        "The success rate bottomed out at 31% at 14:40.",
    ],
)
def test_a_sentence_that_agrees_is_let_be(incident, sentence):
    assert sound.doubted_with(incident, sentence, "prose") == set()


def test_a_number_told_once_is_not_one_told_often_with_turned_digits(incident):
    for text in (
        "312 seats were sold twice.",
        "Care called 312 fans.",
        "Of 312 seats none is left.",
    ):
        incident.add("takeaways", text=text)
    assert sound.doubted_with(incident, "In all 123 rows stayed empty.", "prose") == set()
    told = sound.doubted_with(incident, "In all 132 rows stayed empty.", "prose")
    assert told == {"“132”, but 312 elsewhere, 3 times."}


def test_a_clock_in_words_has_its_minutes():
    (match,) = spoken_clocks("It began at twenty-five to five.")
    assert spoken.clocked(match) == (4 * 60 + 35, 720)


def test_key_events_are_events_where_no_row_has_them(incident):
    known, _ = events.known(case.take(incident))
    noted = {each.step: f"{each.times[0]:%H:%M}" for each in known if each.step.startswith("“")}
    # 15:26 is the row of the mitigation
    assert noted == {"“quick-cart to 100%”": "13:50", "“autumn sale opens”": "15:00"}


def test_a_key_event_after_midnight_is_of_the_next_day(tmp_path):
    incident = sound.Incident.create("INC-2", tmp_path)
    incident.add("timeline", step="Incident Start", time="2025-12-04T22:40:00Z")
    incident.add("timeline", step="Full Recovery", time="2025-12-05T03:05:00Z")
    incident.set("key_events", "22:30 V118 applied, 01:38 V119 applied")
    known, _ = events.known(case.take(incident))
    noted = [f"{each.times[0]:%Y-%m-%d %H:%M}" for each in known if each.step.startswith("“")]
    assert noted == ["2025-12-04 22:30", "2025-12-05 01:38"]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Tuesday 2 December, 15:10: new leaf. Thursday 14:20: pool full, 15:05 again", ["15:05"]),
        ("On 3 December, 13:50 new leaf · 13:55 warm-up", ["13:55"]),
        ("Wednesday: 13:50 new leaf, 13:55 warm-up", ["13:55"]),
        ("4 December, 13:50 new leaf; 13:55 warm-up", ["13:50", "13:55"]),
        ("Thursday, 13:50 new leaf; 13:55 warm-up", ["13:50", "13:55"]),
    ],
)
def test_a_key_event_of_another_day_is_none_of_this_one(tmp_path, text, known):
    incident = sound.create(tmp_path)
    incident.set("key_events", text)
    found, _ = events.known(case.take(incident))
    assert [f"{each.times[0]:%H:%M}" for each in found if each.step.startswith("“")] == known


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        ("exits with code 2", {"code": 2.0}),
        ("V118 was applied", {"id": 118.0}),
        ("SEV-1 and P0, HTTP 52", {}),
        ("on 16 October", {"date": 31 * 9 + 16}),
        ("on October 16 at night", {"date": 31 * 9 + 16}),
    ],
)
def test_numbers_are_read_as_what_they_number(text, heads):
    assert {each.head.split()[0]: each.low for each in items.read_items(text)} == heads
