"""Lost revenue of an answer: of the impact's hours, in dollars, or unknown with the reason."""

import datetime as dt

import pandas as pd
import pytest

from postmortem_nb import Incident, evidence, losses
from postmortem_nb.errors import BadValue

START = dt.datetime(2026, 3, 10, 10, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
WINDOW = (START, START + HOUR)
HALF = (START, START + HOUR / 2)


def answer(*, unit="dollar", minutes=60, step=10, after=0, usual=(100, 80), **more):
    """Return an answer: 10 every step in the impact, in other weeks ``usual`` in all an hour."""
    rows = []
    for week, total in zip((0, -1, -2), (60, *usual), strict=False):
        for minute in range(0, minutes + after, step):
            at = START + week * losses.WEEK + dt.timedelta(minutes=minute)
            part = "impact" if minute < minutes else "after"
            rows.append((at, week, part, "q", total * step / 60, unit))
    frame = pd.DataFrame(rows, columns=list(losses.COLUMNS))
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], utc=True)
    kinds = {"week": "Int64", "part": "string", "query": "string", "value": "Float64"}
    frame = frame.astype({**kinds, "unit": "string"})
    frame.attrs["evidence"] = {
        "function": losses.FUNCTION,
        "arguments": {"deferred": f"{after}m" if after else None},
        "from": START.isoformat(),
        "to": (START + dt.timedelta(minutes=minutes)).isoformat(),
        "complete": True,
        **more,
    }
    return frame


def told(frame, window=WINDOW):
    return losses.from_weeks(frame, window, name="rv")


def test_only_the_hours_of_the_impact_count_whatever_was_asked_for():
    """Usual 100 and 80 an hour, actual 60: 40 and 20 in an hour, the half in half of one."""
    assert (told(answer()).value, told(answer(), HALF).value) == (30, 15)
    assert not told(answer(), HALF).lower_bound


def test_an_answer_of_a_part_of_the_impact_is_a_lower_bound_and_names_its_window():
    got = told(answer(minutes=30))
    assert (got.value, got.lower_bound) == (15, True)
    assert "covers 2026-03-10 10:00 UTC to 2026-03-10 10:30 UTC only" in got.definition


def test_hours_asked_for_deferred_orders_are_the_impacts_where_it_lasted_longer():
    got = told(answer(minutes=30, after=60))
    assert (got.value, got.lower_bound) == (30, False)


def test_an_answer_from_before_its_window_was_over_ends_there():
    early = {"fetched_at": (START + HOUR / 2).isoformat()}
    assert told(answer(**early)).lower_bound
    assert not told(answer(**early, sandbox=True)).lower_bound


def test_cents_are_told_in_dollars():
    got = told(answer(unit="cent"))
    assert (got.value, got.low, got.high) == pytest.approx((0.3, 0.2, 0.4))
    cents = pd.DataFrame({"value": pd.array([5000.0], dtype="Float64"), "unit": "cent"})
    assert losses.revenue(20, [cents]).value == 30


def test_other_money_is_told_and_not_taken_for_dollars(tmp_path):
    incident = Incident.create("INC-1", tmp_path, start=START, end=START + HOUR)
    frame = answer(unit="euro")
    evidence.freeze(incident.path / "evidence", "rv", frame, frame.attrs["evidence"])
    assert incident.measures()["revenue_loss"].missing == (
        "not stated, and evidence rv tells it in euro (30 lost), the document counts in dollars"
    )
    with pytest.raises(BadValue, match=r"an amount in dollars.*euro"):
        losses.revenue(20, [frame])


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (answer(complete=False), "is partial, so its weeks cannot be compared"),
        (answer(step=60, minutes=120), "has points 1 hour apart, and the impact is shorter"),
        (answer(usual=()), "has no points of the impact's hours, or none of other weeks"),
    ],
    ids=["partial", "coarse", "no other week"],
)
def test_an_answer_that_tells_no_loss_says_why(frame, why):
    assert told(frame, HALF) is None
    assert why in losses.unknown(frame, HALF, name="rv")


def test_one_week_has_no_interval():
    got = told(answer(usual=(100,)))
    assert (got.value, got.low, got.high) == (40, None, None)
    assert "one week has no interval" in got.definition


def test_a_gain_says_that_it_is_one():
    assert "brought more than usual" in told(answer(usual=(10, 20))).definition
    assert "more than usual" not in told(answer()).definition


def test_orders_that_nobody_asked_for_are_not_said_to_be_none():
    assert "deferred orders not asked for" in told(answer()).definition
    assert "deferred $0" in told(answer(after=60)).definition
