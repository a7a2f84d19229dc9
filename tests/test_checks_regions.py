"""Fields of people, money and places against their own parts, and against the texts."""

import pytest
import sound

from postmortem_nb.checks import case, figures, mentions, order

REGIONS = "eu-west (2,700 users), eu-north (1,500 users)"
FACTS = {
    "what_happened": "4,200 of our 31,000 users saw blank pages from 14:02 UTC on.",
    "problem": "Pages for eu-west and eu-north were blank.",
    "regions": REGIONS,
    "affected_total": 4200,  # 2,700 + 1,500
    "affected_share": 13.5,  # 4,200 of 31,000 is 13.55 %
    "revenue_loss": 420,  # 60 · 7
    "revenue_method": "60 map-pack sales missed at $7 each; at risk: 16 hours at $300 per hour",
    "revenue_at_risk": 4800,  # 16 · 300
}
CODES = ("range", "sources", "prose", "lone")


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with regions, shares and sums that agree."""
    made = sound.create(tmp_path_factory.mktemp("regions"))
    sound.write(made, FACTS, {"Acknowledgment": {"on_call": "Dana Kim"}})
    made.add(
        "timeline",
        step="Escalation",
        time=sound.moment("14:40"),
        escalated_to="Jonas Weber (Storage)",
        responders=["Luis Ortega"],
    )
    made.set("state", "Review")
    return made


def doubts(incident, name, value, **at):
    """Return what is found with another value, which is as it was afterwards."""
    before = next(row[name] for row in incident.values(at.get("table", "incident")) if row[name])
    incident.set(name, value, **at)
    found = sound.doubted(incident, *CODES)
    incident.set(name, before, **at)
    return found


def test_what_agrees_is_let_be(incident):
    assert sound.doubted(incident, *CODES) == set()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "regions",
            "us-east (2,700 users), eu-north (1,500 users)",
            (
                "'us-east (2,700 users), eu-north (1,500 users)', "
                "but the texts have eu-west, not us-east."
            ),
        ),
        (
            "regions",
            "eu-west (2,700 users), eu-north (1,600 users)",
            "'eu-west (2,700 users), eu-north (1,600 users)' is 4,300, but affected users: 4,200.",
        ),
        ("affected_share", 1.35, "1.35 %, but the text has “4,200 of our 31,000” for 4,200."),
        ("affected_share", 15, "15 %, but the text has “4,200 of our 31,000” for 4,200."),
        (
            "revenue_loss",
            4200,
            "“60 map-pack sales missed at $7 each” is $420, but revenue loss: $4,200.",
        ),
        (
            "revenue_at_risk",
            8400,
            "“at risk: 16 hours at $300 per hour” is $4,800, but revenue at risk: $8,400.",
        ),
    ],
)
def test_a_field_is_compared_with_its_parts(incident, name, value, told):
    assert told in doubts(incident, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("affected_share", 13.6),
        ("affected_share", 14),
        ("revenue_method", "60 sales missed at $7 each, less 10 % that came back"),
        ("revenue_method", "420 dollars by the shop's own books"),
        ("revenue_method", "about 60 carts of $7"),
        ("regions", "Europe"),
        ("regions", "eu-west (2,700 users at first), eu-north"),
    ],
)
def test_a_field_of_which_no_parts_are_known_is_let_be(incident, name, value):
    assert doubts(incident, name, value) == set()


@pytest.mark.parametrize(
    ("method", "loss"),
    [
        ("3,200 candidates were granted a refund of their $45 examination fee", 144_000),
        ("2,450 lost orders x $62 average order value", 151_900),
        ("9,600 conversions with an average difference of $3.25, which we refunded", 31_200),
    ],
)
def test_a_loss_is_a_number_of_things_at_a_price(incident, method, loss):
    assert figures._product(method) == pytest.approx(loss)


@pytest.mark.parametrize("name", ["Jonas Weber", "Luis Ortega"])
def test_who_is_on_call_is_not_called_in(incident, name):
    row = next(row["row"] for row in incident.values("timeline") if row["on_call"])
    found = doubts(incident, "on_call", name, table="timeline", row=row)
    assert f"{name} was called in, but was on call already." in found


@pytest.mark.parametrize(
    ("query", "threshold", "doubted"),
    [
        ("sum(last_1m):sum:a{*} > 0", "1 line in 1 minute", False),
        ("sum(last_1m):sum:a{*} >= 5", "5 lines", False),
        ("sum(last_1m):sum:a{*} > 5", "9 lines", True),
    ],
)
def test_more_than_none_is_one(tmp_path, query, threshold, doubted):
    incident = sound.create(tmp_path)
    incident.add("monitors", name="P", query=query, threshold=threshold, owner="A B")
    assert any(each.startswith("Threshold") for each in sound.doubted(incident, "range")) is doubted


LET_BE = """\
We knew it was everywhere at 14:47.
The rate of accepted uploads fell from 1,900 a minute to nothing.
Migration 0417 created 410 million rows.
The new timestamp parser accepts only whole seconds.""".splitlines()


@pytest.mark.parametrize("sentence", LET_BE)
def test_a_sentence_of_something_else_is_let_be(tmp_path, sentence):
    incident = sound.create(tmp_path)
    texts = {"finding": "The timestamp parser does not accept milliseconds."}
    steps = {
        "Key Discovery": texts,
        "Partial Recovery": {
            "improving": "The rate of accepted uploads had risen to 1,200 a minute."
        },
    }
    sound.write(incident, {}, steps)
    assert sound.doubted_with(incident, sentence, "prose", "lone") == set()


def test_what_should_be_done_is_no_order_of_events(tmp_path):
    incident = sound.create(tmp_path)
    advice = "Escalate after fifteen minutes without a cause."
    incident.add("timeline", step="Escalation", time=sound.moment("14:40"), escalated_to="Storage")
    incident.add("went_wrong", area="Response", what="It came late.", how_to_improve=advice)
    assert [*order.order(case.take(incident))] == []


def test_a_number_with_a_leading_zero_counts_nothing():
    assert mentions.read("Migration 0417 created the index.") == ()
