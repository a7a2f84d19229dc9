"""True statements of published style that were doubted, each beside its false neighbour.

From 14:02 to 16:09; detected at 14:19, acknowledged at 14:24, Dana Kim was called in at 14:40.
"""

import pandas as pd
import pytest
import sound

from postmortem_nb import evidence

FAILED = {"north": 300, "south": 200, "west": 0}
"""Failures by region, all between 14:10 and 16:00."""


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    made = sound.create(tmp_path_factory.mktemp("said"))
    made.set("tickets", 2310)
    time = sound.moment("14:40")
    made.add("timeline", step="Escalation", time=time, escalated_to="Dana Kim", reason="A pool.")
    rows = [
        (pd.Timestamp(sound.moment("14:10")) + pd.Timedelta(seconds=13 * at), name, "error")
        for name, count in FAILED.items()
        for at in range(count)
    ]
    rows += [(pd.Timestamp(sound.moment("14:20")), "west", "info")]
    frame = pd.DataFrame(rows, columns=["timestamp", "region", "status"])
    frame["tags"] = [[f"region:{each}"] for each in frame["region"]]
    frame = frame.drop(columns="region").assign(service="checkout", message="pool is empty")
    record = {"complete": True, "function": "search_datadog_logs"}
    evidence.freeze(made.path / "evidence", "logs", frame, record)
    depth = pd.DataFrame(
        {
            "timestamp": pd.date_range(sound.moment("13:00"), sound.moment("16:30"), freq="min"),
            "query": "max:order.queue.depth{service:checkout}",
            "series": "*",
            "value": [2.0] * 62 + [3000.0] * 149,
            "unit": None,
        }
    )
    record = {"complete": True, "function": "get_datadog_metric"}
    evidence.freeze(made.path / "evidence", "depth", depth, record)
    return made


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Failures peaked at 2,314 a minute.", False),  # a rate is no number of tickets
        ("Support opened 2,314 tickets.", True),
        ("We were on the bridge five minutes after detection.", False),  # acknowledged at 14:24
        ("Dana Kim joined five minutes after detection.", True),  # called in at 14:40
        ("Failures in north and south, west fine.", False),
        ("Failures in north and south, west was unaffected.", False),
        ("Failures in west and south, north was unaffected.", True),
        ("The backlog drained at roughly three times normal speed.", False),
        ("The backlog was three times its usual level.", True),  # 3,000 where 2 are usual
    ],
)
def test_a_sentence_is_held_to_what_it_speaks_of(incident, sentence, told):
    codes = ("prose", "range", "order")
    found = sound.doubted_with(incident, sentence, *codes) - sound.doubted(incident, *codes)
    assert bool(found) is told


@pytest.mark.parametrize(
    ("contribution", "told"),
    [
        ("Stale handles went unseen for 22 minutes.", False),  # from 13:40 to 14:02
        ("Stale handles went unseen for 23 minutes.", True),
    ],
)
def test_what_came_before_the_start_was_unseen_for_longer(tmp_path, contribution, told):
    made = sound.create(tmp_path)
    made.add("whys", answer="Its handle went stale when the filer failed over at 13:40.")
    made.add("factors", area="Technical", name="Stale handles", contribution=contribution)
    assert any("unseen" in each for each in sound.doubted(made, "prose")) is told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Nobody told the author what a wildcard costs, because no page has a word on it.", False),
        ("No page has a word on it, because the author forgot.", True),
        ("Because the author forgot.", True),
    ],
)
def test_a_chain_ends_behind_its_because(tmp_path, answer, told):
    made = sound.create(tmp_path)
    made.add("whys", answer=answer)
    assert any("ends at a person" in each for each in sound.doubted(made, "blame")) is told


@pytest.mark.parametrize(
    ("title", "told"),
    [("Review by Delivery is obligatory", False), ("Review the delivery process", True)],
)
def test_a_review_by_somebody_is_no_verb(tmp_path, title, told):
    made = sound.create(tmp_path)
    before = sound.doubted(made, "vague")
    values = {"owner": "Dana Kim", "due": "2025-12-09", "tracking": "https://example.com/T-1"}
    made.add("actions", horizon="Immediate", priority="P0", title=title, **values)
    assert bool(sound.doubted(made, "vague") - before) is told


@pytest.mark.parametrize(
    ("plan", "told"), [("After the linter is there", False), ("In one step", True)]
)
def test_a_change_that_waits_for_an_action_is_another_work(tmp_path, plan, told):
    made = sound.create(tmp_path)
    title = "Linter against wildcards in the cache key"
    values = {"owner": "Dana Kim", "tracking": "https://example.com/T-1"}
    made.add(
        "actions", horizon="Short-term", priority="P1", title=title, due="2025-12-18", **values
    )
    change = {"name": "Cache key", "target": "Two values", "owner": "Dana Kim"}
    made.add("technical_changes", due="2025-12-20", plan=plan, **change)
    assert any("Linter" in each for each in sound.doubted(made, "date")) is told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("At the worst moment 43 of 100 requests failed.", False),
        ("In all 43 of 100 requests came through.", True),
    ],
)
def test_a_part_that_failed_is_no_part_that_came_through(tmp_path, sentence, told):
    made = sound.create(tmp_path)
    made.set("why_it_happened", "Two thirds of the requests came through to the origin.")
    found = {each for each in sound.doubted_with(made, sentence, "prose") if "Two thirds" in each}
    assert bool(found) is told


@pytest.mark.parametrize(
    ("sentence", "told"),
    [("It hangs there since the outage of 2025.", False), ("It ended the outage.", True)],
)
def test_the_outage_of_a_year_is_another_one(tmp_path, sentence, told):
    made = sound.create(tmp_path)
    made.set("severity", "SEV-2")
    found = sound.doubted_with(made, sentence, "blame") - sound.doubted(made, "blame")
    assert any("outage" in each for each in found) is told
