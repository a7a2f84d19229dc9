"""Figures in sentences: those that contradict the data are found, those that agree are let be."""

import pytest
import sound

from postmortem_nb.checks import (
    case,
    claims,
    counted,
    dates,
    gaps,
    heard,
    prose,
    reading,
    relations,
    roles,
    slips,
    spoken,
    statements,
    sums,
)

MODULES = (
    *(prose, relations, gaps, dates, counted, statements),
    *(heard, roles, slips, sums),
)
READERS = [rule for module in MODULES for rule in module.RULES]
"""Every rule that reads sentences: what one finds another must not find again."""
FACTS = {
    "tickets": 120,
    "engineering_hours": 36,
    "revenue_loss": 48000,
    "revenue_method": "carts that were not paid",
    "customers_notified": 4200,
    "complaints": 14,
}
CONTRADICT = """\
The outage lasted three hours.
Checkout was down for 45 minutes.
For almost four hours customers could not pay.
It was a 3-hour outage.
It lasted an hour and a half.
A degradation lasting 4h.
The incident lasted 2h 45m.
A 90-minute disruption of checkout.
Time to detect was 5 minutes.
It took 40 minutes to notice the errors.
The errors were detected within two minutes.
The page was acknowledged after 20 minutes.
Dana Kim acknowledged the page at 13:22 UTC.
It was mitigated within 30 minutes.
Service was restored after five hours.
MTTR was 45 minutes.
9k shoppers were unable to pay.
The incident impacted roughly 12,000 customers.
About 10 thousand users were hit.
40 percent of our users were affected.
All customers were affected.
Half of our users were affected.
No customers were affected.
250,000 failed requests were counted.
We lost $90k in revenue.
It cost us about 120,000 dollars.
The loss of revenue was USD 5,000.
90 % of the error budget was consumed.
We burned 12% of the monthly error budget.
5 % of the error budget is left.
The SLO of 99.5 % was missed.
Support got 400 support tickets.
We spent 80 engineering hours on it.
We emailed 9,000 customers.
We had 50 complaints.
Errors started at 15:02 UTC.
Errors began at 14:02 CET.
It began at 2:02 am UTC.
The alert fired at 14:40 UTC.
Service was fully restored at 15:26 UTC.
The incident was resolved at 18:30.
Checkout failed from 14:02 to 17:45 UTC.
Between 13:30 and 16:09 UTC checkouts failed.
This was a severity 3 incident.
A SEV3 degradation of checkout.
Rolled back at 12:26.
Checkout was impaired for 50 minutes.
The outage ended at 15:12 UTC.
Errors began around 13:15 UTC.
About 20,000 requests returned errors.
Nobody was affected.
The alert fired two minutes after the impact began.
Service was fully restored by 15:38.
Recovery took five hours.
Time to recovery: 45 minutes.
The incident used up two thirds of our error budget.
The monitor needed 55 minutes to detect the errors.
On 12 December checkout failed for many customers.
On December 14th, 2025, between 14:02 and 16:09 UTC, 31 % of checkouts failed.
On 2025-11-04, the payments service was down.
Checkout was down for 45 minutes, then it recovered.
The contract was broken by 45 minutes of downtime.
About 150 requests in a minute failed on average.
Within an hour 3,300 requests failed.
About 19,000 requests failed, a third of all.
""".splitlines()
AGREE = """\
The banks had acknowledged all files at 13:22 UTC.
It lasted a bit more than two hours.
It lasted two hours and seven minutes.
Checkout was degraded for 2h07m.
The 127-minute incident ended at 16:09.
Detected within 17 minutes by our monitor.
It took 17 minutes to detect.
Acknowledged after 5 minutes.
It was mitigated within 84 minutes.
The service was restored after 2 hours.
MTTR was 127 minutes.
4,200 of 31,000 active customers were affected.
Some 4,000 users were hit.
13.5 % of users were affected.
13 % of users were affected.
Most users noticed nothing.
37.5k requests failed.
We lost about $48k in revenue.
It cost us 48,000 dollars.
41.7 % of the error budget was consumed.
About half of the error budget, 50 %, is left.
The SLO of 99.9 % still holds.
Support got 120 support tickets.
36 engineering hours went into it.
Errors started at 14:02 UTC.
Errors began at 15:02 CET.
It began at 2:02 pm UTC.
The investigation started at 14:26 UTC.
The deploy began at 13:58 UTC.
The alert fired at 14:19.
Partial recovery: EU recovered at 15:38.
Rolled back at 15:26 UTC.
Checkout failed from 14:02 to 16:09 UTC.
Between 14:19 and 15:26 UTC we looked for the cause.
The maintenance window was from 09:00 to 11:00 UTC.
It was detected by our monitor at 14:19.
The payments service was degraded.
The web service was slow.
Users from 3 regions saw errors.
31 % of checkouts failed.
The rollback took 8 minutes.
Retries wait for 3 hours.
A third of the pods were restarted.
Not all users were affected.
The 15-minute average hid the errors.
The pool held 5 connections for 200 users.
One of three replicas failed for 20 minutes.
2 of 40 hosts served errors for 10 minutes.
In 2024 a similar incident lasted days.
The incident ended at 16:09 UTC.
Errors began around 14:00 UTC.
The page was noticed by the on-call engineer.
Nobody knew of the setting.
We rolled back immediately.
The alert fired 17 minutes after the impact began.
Recovery took two hours.
Time to recovery: 127 minutes.
The incident consumed about half of our error budget.
The monitor needed 17 minutes to detect the errors.
Partial service was restored by 15:38.
On Thursday, 4 December, checkout failed for many customers.
On 2025-12-04 the web service was unavailable.
On 3 May 2024 search failed in the same way.
On 28 November the pool's size was changed.
Checkout was down for 87 minutes, then for another 40 minutes in one region.
Checkout was unavailable for 87 minutes, followed by 40 minutes at 14 %.
Customers could not pay for 87 minutes; after that 14 % of them for another 40 minutes.
For the first 87 minutes 87 % of checkouts failed.
For 87 minutes 87 % of checkouts failed, then 14 % for another 40 minutes.
The contract allows 43 minutes of downtime a month.
We promise 99.5 %, so 3 hours and 36 minutes of downtime are allowed in 30 days.
With 99.95 % only 22 minutes of downtime per month are covered.
The agreement tolerates an outage of 4 hours.
The median duration of a span was 3.3 s.
The duration of one checkout was 90 ms.
A retry lasted 20 seconds.
About 295 requests in a minute failed on average.
Each minute about 300 requests failed.
In one minute 3,300 failed requests were counted.
About 12,500 requests failed, a third of all.
Some 18,800 requests failed, half of the total, within an hour.
""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with every figure that a sentence may speak of."""
    made = sound.create(tmp_path_factory.mktemp("prose"))
    for name, value in FACTS.items():
        made.set(name, value)
    row = next(row["row"] for row in made.values("timeline") if row["step"] == "Detection")
    made.set("detection_method", "Monitor Alert", table="timeline", row=row)
    return made


def said(incident, sentence, name="what_happened"):
    incident.set(name, sentence)
    seen = case.take(incident)
    found = reading.once(finding for rule in READERS for finding in rule(seen))
    return [finding.message for finding in found if finding.name == name]


@pytest.mark.parametrize("sentence", CONTRADICT)
def test_a_sentence_that_contradicts_the_data_is_found(incident, sentence):
    found = said(incident, sentence)
    assert len(found) == 1, found


@pytest.mark.parametrize("sentence", AGREE)
def test_a_sentence_that_agrees_is_let_be(incident, sentence):
    assert said(incident, sentence) == []


def test_figures_are_read_in_lessons_and_the_timeline_too(incident):
    incident.set("what_happened", "Checkouts failed.")
    row = incident.add("went_wrong", area="Detection", what="Detection took 45 minutes.")
    other = incident.add("takeaways", text="A four-hour outage begins with one setting.")
    found = [(each.table, each.row) for each in prose.prose(case.take(incident))]
    incident.remove("went_wrong", row)
    incident.remove("takeaways", other)
    assert sorted(found) == [("takeaways", other), ("went_wrong", row)]


def test_quoted_and_coded_figures_are_not_the_writers(incident):
    assert said(incident, "A customer wrote “it was a 9-hour outage”.") == []
    assert said(incident, "The job `outage of 9 hours` ran.") == []


def test_what_the_data_do_not_know_contradicts_nothing(tmp_path):
    made = sound.Incident.create("INC-3", tmp_path)
    assert [said(made, sentence) for sentence in CONTRADICT] == [[]] * len(CONTRADICT)


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ("2 hours 7 minutes", 127),
        ("two hours and seven minutes", 127),
        ("2h07m", 127),
        ("127-minute", 127),
        ("an hour and a half", 90),
        ("two and a half hours", 150),
        ("half an hour", 30),
        ("2.5 h", 150),
        ("1 day", 1440),
        ("90 seconds", 1.5),
    ],
)
def test_a_span_is_read_as_people_write_it(written, minutes):
    assert spoken.minutes(written)[0] == pytest.approx(minutes)


@pytest.mark.parametrize(
    ("clock", "utc"),
    [
        ("14:02", 842),
        ("14:02 UTC", 842),
        ("15:02 CET", 842),
        ("9:02 am EST", 842),
        ("2:02 pm", 842),
    ],
)
def test_a_clock_is_read_in_its_zone(clock, utc):
    assert spoken.apart(claims.ONE_CLOCK.match(clock), utc) == 0


def test_a_clock_of_an_unknown_zone_is_not_compared():
    assert spoken.apart(claims.ONE_CLOCK.match("14:02 IST"), 0) is None


REGIONS = {
    "north and south": 2,
    "north and south; harbour had no impact": 2,
    "north and south; harbour was on 4.30.2 throughout and had no impact": 2,
    "north, south (harbour not affected)": 2,
    "north (Kiel) and south (Bern), harbour not affected": 2,
    "north and south, but not harbour": 2,
    "north, south, not harbour": 2,
    "north and south except for harbour": 2,
    "north and south – harbour and the docks stayed healthy": 2,
    "north and south. Harbour was spared": 2,
    "north 2,974, south 1,919": 2,
    "north, south and harbour": 3,
    "north": 1,
    "all except harbour: north and south": None,
    "All regions; south 39 minutes longer": None,
    "north; south was hit later": None,
    "north, south and harbour not affected": None,
}


@pytest.mark.parametrize("held", REGIONS)
def test_spared_regions_are_not_counted(tmp_path, held):
    made = sound.create(tmp_path)
    made.set("regions", held)
    for number, word in enumerate(("two", "three"), 2):
        found = said(made, f"Checkout failed in {word} regions.")
        assert bool(found) == (REGIONS[held] not in {None, number}), found
