"""Sentences about order, dates, counts, people and communication against the data of an incident.

What contradicts is found once, and says what is known; what agrees, or speaks of something else, is
let be.
"""

import re
from collections.abc import Iterable
from itertools import product

import pandas as pd
import pytest
import sound
from test_checks_prose import READERS

from postmortem_nb import checks, evidence
from postmortem_nb.checks import case, figures, peaks, reading

FACTS = {
    "regions": "eu-west-1, us-east-1, ap-south-1",
    "teams": ["Checkout", "Payments", "SRE"],
    "tickets": 120,
    "complaints": 14,
    "revenue_loss": 48000,
    "revenue_method": "1,200 carts x $40 each",
    "email_sent": True,
    "support_notified": True,
    "customers_notified": 4200,
    "executives_involved": False,
    "experience": "Degraded",
}
STEPS = {
    "Detection": {"detection_method": "Monitor Alert", "detected_by": "Datadog monitor"},
    "Acknowledgment": {"on_call": "Dana Kim", "severity_declared": "SEV-1"},
    "Mitigation Deployed": {
        "action": "Rolled checkout back on 60 pods.",
        "responsible": "Luis Ortega",
    },
    "Mitigation Plan Formed": {"plan": "Roll back.", "approval": "Ines Duarte"},
}
CONTRADICT = {
    "relations": """\
The alert went off three minutes after the first timeouts.
The monitor fired an hour after the impact began.
The rollback was live within half an hour of the first errors.
The rollback was deployed before the cause was found.
We identified the root cause before anybody was alerted.
The page went off after the mitigation was deployed.
Users were informed before the monitor fired.
Customers were informed only after the full recovery.
The hotfix was out two hours after the root cause was known.
The hotfix was deployed at 15:58.
The root cause was found at 14:39.
The investigation started at 15:26 UTC.
The first status page update went out at 15:53.
At 15:26, 40 minutes into the outage, it was over for most.
At 14:19 UTC, half an hour after the start, the monitor told us.
For the first forty minutes no one on call was aware.
50 minutes passed before the monitor fired.
70 minutes went by between the start of the investigation and the key discovery.
""",
    "dates": """\
On Friday, 4 December 2025, checkouts failed.
The outage hit us on a busy Monday.
It all happened on 2 December.
The pool's size had been changed on 20 November, three weeks earlier.
The setting was merged on 9 December.
The follow-up takes place on 12 December.
""",
    "counted": """\
Three actions come out of this.
The outage hit two regions.
Five regions were affected.
Checkout failed in four European regions.
It hit two affected regions.
Only one service was affected.
Six teams were involved.
Two new dashboards show the pool.
We updated the status page five times.
Priya Raman posted to the status page five times.
There were three contributing factors.
Two of the actions are done.
""",
    "statements": """\
We did not send any e-mail to our customers.
Support was never told.
Our CEO joined within the hour.
""",
    "heard": """\
The alerting stayed silent during the outage.
We heard of the outage through a customer.
An angry customer made us aware of it.
We learned of it from the support desk.
""",
    "roles": """\
Dana Kim deployed the rollback.
Dana Kim rolled checkout back at 15:26.
""",
    "slips": """\
These 4,020 customers paid for one setting.
The rollback replaced 06 pods.
This is the story of INC-48321.
""",
    "prose": """\
Shoppers were without a basket for four hours.
Checkout failed for some 9,000 shoppers.
The slow pool cost us around $9,000.
15 minutes without checkout.
The disruption went on for 45 minutes.
The page lay unanswered for half an hour.
We were unaware for an hour.
It took 90 minutes before anyone noticed.
One customer in three was affected.
Checkout was down for everyone.
There was not a single complaint.
Support received fifty tickets.
Half a million requests failed.
Rolled checkout back at 15:12.
It was resolved at a quarter past six.
It was fully restored at 3:09 pm UTC.
""",
}
AGREE = """\
The alert went off 17 minutes after the first timeouts.
The monitor fired a quarter of an hour after the impact began.
The rollback was live within an hour and a half of the first errors.
The rollback was deployed after the cause was found.
The alert did not fire before the first errors.
Next time the alert will fire before the first error.
The rollback was deployed at 15:26.
The root cause was found at 15:12.
The investigation of the pool started at 14:26.
The first status page update went out at 14:35.
The last status page update went out at 16:20.
At 15:26, 84 minutes into the outage, it was over for most.
Errors were logged from 14:02, when the outage began.
For the first quarter of an hour no one on call was aware.
Five minutes passed before the page was acknowledged.
21 minutes went by between the start of the investigation and the key discovery.
Shoppers waited half an hour for any information.
About 600 customers heard from us more than an hour after the start.
The last customers were informed two hours after the start.
Six large customers were told only after the rollback.
Some customers were informed only after the full recovery.
At 15:30 some customers were told by mail.
Shoppers waited two weeks for an answer from the bank.
Mitigation took five times as long as detection.
Less than a quarter of the time had passed before the page was picked up.
On Thursday, 4 December 2025, checkouts failed.
The outage hit us on a busy Thursday.
It all happened on 4 December.
On Monday, 1 December, the pool's size was changed.
The pool's size had been changed on 20 November, two weeks earlier.
The setting was merged on 3 December.
The change is announced for 9 December.
The follow-up takes place on 3 January.
The follow-up tickets are due on 12 December.
One action comes out of this.
The outage hit three regions.
Only one of three regions recovered at once.
Checkout failed in both European regions.
Two western regions were hit.
No other regions were affected.
One backend service was affected.
Both database teams worked on it.
Two services were affected.
A third service was slow for other reasons.
Three teams were involved.
Two teams of the bank helped.
We updated the status page twice.
Priya Raman posted on our status page twice.
There was one contributing factor.
Two technical limits met.
None of the actions is done.
All follow-ups will be completed by spring.
All actions of the runbook have been tried.
Customers were not informed until 14:35.
Customers were not informed of the cause.
We did not send any e-mail to the bank.
Support was not told before 14:30.
Nothing was posted on our status page until 14:35.
The status page was green when the first customers called.
The plan was signed off within minutes.
Our CEO has asked for a summary since.
There was no financial impact on partners.
Access is limited to eu-west-1.
eu-central-1 took the traffic.
The alerting stayed silent for the pool.
We heard of the workaround through a customer.
An angry customer made us aware of the wrong text.
A failover was tried first.
It was treated as a P1.
The runbook had been updated in May.
Dana Kim picked up the page.
Luis Ortega deployed the rollback.
Dana Kim deployed the change of the day before.
Dana Kim was on call for payments as well.
The plan was approved by Ines Duarte.
The holiday calendar was approved by Dana Kim.
We wrote to 4,200 customers.
4,020 carts were kept.
60 pods of checkout were replaced.
The story of INC-1 is that of INC-10.
Shoppers were without a basket for two hours.
127 minutes without checkout.
The page lay unanswered for five minutes.
The pool could not be resized for 40 minutes.
It took 17 minutes before anyone noticed.
One customer in seven or eight was affected.
One request in three was retried.
Checkout was down for everyone in one shop.
There was not a single complaint about refunds.
Support received 120 tickets.
Support wrote two tickets to the bank.
The new pool cost $300 a month.
Checkout failed for about 4,200 shoppers.
The slow pool cost us around $48,000.
A cart costs $7 on average.
Next year the SLO of 99.99 % applies.
A SEV-3 would have woken nobody.
For some shoppers checkout was down for 20 minutes.
Shoppers in one region were unable to pay for 3 hours.
An alert fired at 16:40 as well, a false one.
After the restart of the pool, recovery took six minutes.
It took 31 minutes to notice the pattern in the log.
Dana Kim ran the rollback drill in May.
We escalated to the bank, who confirmed it.
Rolled checkout back at 15:26.
It was resolved at five past five.
It was partly restored at 3:38 pm UTC.
At noon the pool was full for other reasons.
No customer lost a basket.
""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with what a sentence of these may speak of."""
    made = sound.create(tmp_path_factory.mktemp("sentences"))
    sound.write(made, FACTS, STEPS)
    escalated = sound.moment("14:30")
    made.add("timeline", step="Escalation", time=escalated, escalated_to="Payments")
    for clock in ("14:35", "16:20"):
        made.add("updates", channel="Status page", time=sound.moment(clock), text="Checkout fails.")
    made.add("dashboards", name="Pools", owner="Dana Kim")
    made.add("sharing", task="Runbook updated", done=False)
    made.set("incident_id", "INC-43821")
    made.set("state", "Review")
    return made


def said(incident, sentence, name="what_we_did"):
    incident.set(name, sentence)
    seen = case.take(incident)
    by = {}
    for rule in READERS:
        for finding in rule(seen):
            by.setdefault(finding, rule.__module__.rpartition(".")[2])
    return [(by[each], each.message) for each in reading.once(by) if each.name == name]


@pytest.mark.parametrize(
    ("module", "sentence"),
    [(name, line) for name, lines in CONTRADICT.items() for line in lines.splitlines()],
)
def test_a_sentence_that_contradicts_the_data_is_found_once(incident, module, sentence):
    name = "why_it_happened" if module == "dates" else "what_we_did"
    found = said(incident, sentence, name)
    incident.set(name, None)
    assert [each for each, _ in found] == [module], found


@pytest.mark.parametrize("sentence", AGREE)
def test_a_sentence_that_agrees_or_speaks_of_another_thing_is_let_be(incident, sentence):
    assert said(incident, sentence) == []


@pytest.mark.parametrize(
    ("sentence", "doubted"),
    [
        ("The last restart was finished at 15:26.", False),
        ("The nodes were restarted at 15:10.", False),
        ("The reboot of all nodes was done by 15:26.", False),
        ("The proxy was switched off at 15:10.", True),
    ],
)
def test_a_row_tells_of_an_action_at_another_time(tmp_path, sentence, doubted):
    incident = sound.create(tmp_path)
    steps = {
        "Incident Start": {"system_behavior": "The nodes are up again after the weekly restart."},
        "Mitigation Deployed": {"action": "New trust store on all nodes."},
        "Key Discovery": {"finding": "Since 14:30 the proxy had been switched off."},
    }
    sound.write(incident, {"why_it_happened": "It was restarted by the cron job at 13:45."}, steps)
    assert bool(sound.doubted_with(incident, sentence, "prose")) is doubted


def test_a_region_that_was_spared_is_not_counted(incident):
    incident.set("regions", "eu-west-1 and us-east-1; ap-south-1 not affected")
    assert said(incident, "The outage hit two regions.") == []
    assert said(incident, "The outage hit three regions.")
    incident.set("regions", FACTS["regions"])


def test_what_is_not_known_contradicts_nothing(tmp_path):
    made = sound.Incident.create("INC-3", tmp_path)
    every = [line for lines in CONTRADICT.values() for line in lines.splitlines()]
    assert [said(made, line) for line in every] == [[]] * len(every)


FRONTED = """\
Within two minutes of the first error we were paged.
Three hours after the first error the rollback was live.
Before the alert fired, the root cause was known.
"""


@pytest.mark.parametrize("sentence", FRONTED.splitlines())
def test_events_told_the_other_way_round_are_read_too(incident, sentence):
    assert [module for module, _ in said(incident, sentence)] == ["relations"]


@pytest.mark.parametrize(
    "sentence",
    [
        "Within twenty minutes of the first error we were paged.",
        "An hour and a half after the first error the rollback was live.",
        "After the alert fired, the root cause was known.",
        "At 14:19, when the alert fired, half of the pods were gone.",
    ],
)
def test_events_told_the_other_way_round_may_be_true(incident, sentence):
    assert said(incident, sentence) == []


@pytest.mark.parametrize(
    ("sentence", "false"),
    [
        ("More than 4,000 customers were affected.", False),
        ("More than 5,000 customers were affected.", True),
        ("Up to 5,000 customers were affected.", False),
        ("Fewer, under 4,000 customers were affected.", True),
        ("The page was acknowledged within half an hour.", False),
        ("The page was acknowledged within two minutes.", True),
        ("100,000 failed requests were counted.", True),
        ("40,000 failed requests were counted.", False),
    ],
)
def test_a_bound_is_no_round_figure(incident, sentence, false):
    """4,200 customers, 37,500 requests, 5 minutes: a bound holds on its side only."""
    assert bool(said(incident, sentence)) is false


@pytest.mark.parametrize(
    ("sentence", "false"),
    [
        ("Both P0 actions are open.", True),
        ("All of Dana's tasks are done.", False),
        ("None of the P2 actions has been started.", False),
    ],
)
def test_actions_of_one_kind_are_asked_about_alone(incident, sentence, false):
    assert bool(said(incident, sentence, "why_it_happened")) is false
    incident.set("why_it_happened", None)


def test_every_second_customer_is_half_of_them(incident):
    ((_, message),) = said(incident, "Every second customer was affected.")
    assert message == "“Every second customer was affected”, but affected: 13.5 % of users."


def test_a_title_names_the_day_of_the_incident(incident):
    title = incident.value("title")
    for day, found in (("3 December 2025", 1), ("4 December 2025", 0)):
        assert len(said(incident, f"Checkout errors of {day}", "title")) == found
    incident.set("title", title)


def test_messages_sent_when_all_was_over_are_read_and_earlier_ones_are_not(incident):
    late = incident.add(
        "updates", channel="Internal", time=sound.moment("16:30"), text="Recovered at 14:09."
    )
    early = incident.add(
        "updates", channel="Internal", time=sound.moment("14:30"), text="Started at 13:09."
    )
    rows = {finding.row for rule in READERS for finding in rule(case.take(incident))}
    incident.remove("updates", late)
    incident.remove("updates", early)
    assert late in rows
    assert early not in rows


@pytest.mark.parametrize(("level", "false"), [("P3", True), ("SEV-3", True), ("P1", False)])
def test_a_severity_declared_in_a_message_of_the_day(incident, level, false):
    words = f"Declared a {level}: checkouts fail."
    row = incident.add("updates", channel="Internal", time=sound.moment("14:30"), text=words)
    rows = {finding.row for rule in READERS for finding in rule(case.take(incident))}
    incident.remove("updates", row)
    assert (row in rows) is false


def test_a_length_after_the_start_is_that_of_its_own_step(incident):
    row = next(r["row"] for r in incident.values("timeline") if r["step"] == "Partial Recovery")
    for words, found in (("EU is back, 40 minutes after the start.", 1), ("EU is back.", 0)):
        incident.set("status", words, table="timeline", row=row)
        seen = case.take(incident)
        assert sum(f.row == row for rule in READERS for f in rule(seen)) == found


def test_a_loss_is_the_product_by_which_it_was_calculated(incident):
    """1,200 × 40 = 48,000 is the loss; 1,200 × 14 = 16,800 is not."""
    for method, found in (("1,200 carts x $40 each", 0), ("1,200 carts at $14 each", 1)):
        incident.set("revenue_method", method)
        hits = [each.message for each in figures.product(case.take(incident))]
        assert len(hits) == found
    assert hits == ["“1,200 carts at $14 each” is $16,800, but revenue loss: $48,000."]
    incident.set("revenue_method", FACTS["revenue_method"])


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("Errors had a peak of 931 a minute at 14:40.", "is 913 then"),
        ("Errors peaked at 913 a minute at 15:20.", "has it at 14:40 UTC"),
        ("Errors peaked at 913 a minute at 14:40.", ""),
        ("The queue peaked at 70 at 15:10.", ""),
    ],
)
def test_a_peak_is_that_of_the_evidence(tmp_path, words, known):
    made = sound.create(tmp_path)
    moments = pd.date_range("2025-12-04T14:00Z", "2025-12-04T16:10Z", freq="1min")
    values = [913.0 if at == pd.Timestamp("2025-12-04T14:40Z") else 20.0 for at in moments]
    frame = pd.DataFrame(
        {"timestamp": moments, "query": "sum:errors{*}", "series": "*", "value": values}
    )
    record = {"complete": True, "function": "get_datadog_metric"}
    evidence.freeze(made.path / "evidence", "errors", frame, record)
    made.set("metric_graphs", words)
    found = [each.message for each in peaks.found(made, case.take(made))]
    assert len(found) == bool(known)
    assert all(known in message for message in found)


def test_a_pattern_that_is_passed_over_would_have_found_nothing(incident):
    """Both ways over every pattern and sentence: looked for at once, and only where it can be."""
    modules = [each for name, each in vars(checks).items() if f"checks.{name}" in str(each)]
    held = [value for each in modules for value in vars(each).values()]
    groups = [value.values() if isinstance(value, dict) else value for value in held]
    nested = [one for group in groups if isinstance(group, Iterable) for one in group]
    flat = [*held, *nested, *(one for each in nested if isinstance(each, tuple) for one in each)]
    patterns = {each for each in flat if isinstance(each, re.Pattern)}
    assert len(patterns) > 100
    told = [line for text in (*CONTRADICT.values(), *AGREE, FRONTED) for line in text.splitlines()]
    found = 0
    for pattern, sentence in product(patterns, told):
        spans = [match.span() for match in pattern.finditer(sentence)]
        assert [match.span() for match in reading.matches(pattern, sentence)] == spans
        found += bool(spans)
    assert found > 300


def test_a_long_text_is_read_to_its_end_in_pieces_that_break_no_sentence(incident):
    sentence = "The rollback was deployed before the cause was found."
    long = "The queue filled again. " * 900 + sentence
    assert len(long) > 5 * reading.LONG
    assert said(incident, long) == said(incident, sentence) != []
    pieces = list(reading._pieces(long))
    assert "".join(pieces) == long
    assert all(each.endswith(".") and len(each) <= reading.LONG for each in pieces)
