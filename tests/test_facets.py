"""Over-represented facets: figures worked by hand, corrections, the sandbox's bad version."""

from math import comb, exp, log, sqrt

import hostile
import numpy as np
import pandas as pd
import pytest

from postmortem_nb import Incident, over_represented, search_datadog_logs
from postmortem_nb.analysis import facets
from postmortem_nb.charts import card
from postmortem_nb.errors import BadValue

DAY = "2025-12-04"
Z = 1.959963984540054


@pytest.fixture
def incident(tmp_path):
    return Incident.create("INC-1", tmp_path, start=f"{DAY}T14:00Z", end=f"{DAY}T15:00Z")


def logs(*parts, at="14:30"):
    """Return rows: each part is how many, the status and the facets."""
    rows = [{"status": status, **facets} for count, status, facets in parts for _ in range(count)]
    frame = pd.DataFrame(rows, dtype=object)
    frame.insert(0, "timestamp", pd.Timestamp(f"{DAY}T{at}Z") + pd.to_timedelta(frame.index, "s"))
    return frame


# errors: 40 of v2, 10 of v1; others: 20 of v2, 130 of v1
FRAME = (
    (40, "error", {"version": "v2"}), (10, "error", {"version": "v1"}),
    (20, "info", {"version": "v2"}), (130, "ok", {"version": "v1"}),
)  # fmt: skip


def test_the_figures_are_those_worked_by_hand(incident):
    row = over_represented(logs(*FRAME), incident).iloc[0]
    assert (row["facet"], row["value"]) == ("version", "v2")
    cells = ("errors", "others", "errors_elsewhere", "others_elsewhere")
    assert [row[name] for name in cells] == [40, 20, 10, 130]
    assert row["share_of_errors"] == pytest.approx(40 / 50)
    assert row["share_of_others"] == pytest.approx(20 / 150)
    odds, error = 40 * 130 / (20 * 10), sqrt(1 / 40 + 1 / 20 + 1 / 10 + 1 / 130)
    assert row["odds_ratio"] == pytest.approx(odds) == pytest.approx(26)
    assert row["odds_low"] == pytest.approx(exp(log(odds) - Z * error))
    assert row["odds_high"] == pytest.approx(exp(log(odds) + Z * error))
    risk, error = (40 / 60) / (10 / 140), sqrt(1 / 40 - 1 / 60 + 1 / 10 - 1 / 140)
    assert row["risk_ratio"] == pytest.approx(risk)
    assert row["risk_low"] == pytest.approx(exp(log(risk) - Z * error))
    assert row["risk_high"] == pytest.approx(exp(log(risk) + Z * error))
    # Fisher: of 200 rows 60 have v2; 50 are drawn, 40 or more of them have it
    tail = sum(comb(60, k) * comb(140, 50 - k) for k in range(40, 51)) / comb(200, 50)
    assert row["p_value"] == pytest.approx(tail)
    assert row["q_value"] == pytest.approx(tail * 2), "two values were tested, this is the first"
    assert bool(row["over_represented"])


def test_an_empty_cell_gets_half_a_row(incident):
    frame = logs((10, "error", {"az": "a"}), (5, "error", {"az": "b"}), (20, "info", {"az": "b"}))
    row = over_represented(frame, incident).iloc[0]
    assert row["value"] == "a"
    assert row["odds_ratio"] == pytest.approx(10.5 * 20.5 / (0.5 * 5.5))


def test_tags_are_facets_and_not_counted_twice(incident):
    frame = logs(*FRAME)
    frame["tags"] = [["env:prod", f"region:{'eu' if n % 2 else 'us'}", f"version:{v}", "shop"]
                     for n, v in enumerate(frame["version"])]  # fmt: skip
    found = over_represented(frame, incident)
    assert found["facet"].tolist().count("version") == 2
    assert set(found["facet"]) == {"version", "region"}, "env and shop do not vary"


def test_unknown_is_not_a_value(incident):
    frame = logs(*FRAME, (30, "error", {"version": None}))
    row = over_represented(frame, incident).iloc[0]
    assert row["unknown"] == 30
    assert row["share_of_errors"] == pytest.approx(40 / 50)


def test_what_says_itself_that_a_row_is_an_error_is_no_facet(incident):
    frame = logs(*FRAME)
    frame["error.kind"] = np.where(frame["status"] == "error", "Boom", None)
    frame["http.status_code"] = np.where(frame["status"] == "error", 500, 200)
    frame["message"], frame["id"] = "x", [f"L{n}" for n in range(len(frame))]
    frame["cause"] = frame["error.kind"]  # under another name: only errors have it
    found = over_represented(frame, incident)
    assert set(found["facet"]) == {"version"}
    assert found["id"].iloc[0] == "L0"


def test_why_a_span_was_kept_is_no_facet(incident):
    """Datadog's own filters keep errors and sample the rest: 100 % against 0 % of no meaning."""
    frame = logs(*FRAME)
    failed = frame["status"] == "error"
    frame["retained_by"] = np.where(failed, "retention_filter", "diversity_sampling")
    frame["ingestion_reason"] = np.where(failed, "error", "auto")
    frame["single_span"], frame["resource_hash"] = failed, np.where(failed, "3d5e", "6d6e")
    frame["@tags"] = frame["tags"] = [[f"region:{'eu' if n % 2 else 'us'}"] for n in frame.index]
    assert set(over_represented(frame, incident)["facet"]) == {"version", "region"}


def test_chance_is_corrected_for(incident):
    """60 facets of noise, 240 values: not one may be called over-represented."""
    random = np.random.default_rng(5)
    frame = pd.DataFrame({f"f{n}": random.choice(list("abcd"), 2_000) for n in range(60)})
    frame["status"] = random.choice(["error", "info"], 2_000, p=[0.2, 0.8])
    frame["timestamp"] = pd.Timestamp(f"{DAY}T14:30Z")
    found = over_represented(frame, incident)
    assert len(found) == 240
    assert (found["p_value"] < 0.05).sum() > 2, "uncorrected, some would be"
    assert not found["over_represented"].any()


def test_only_the_window_counts(incident):
    inside, outside = logs(*FRAME), logs((500, "error", {"version": "v1"}), at="12:00")
    found = over_represented(pd.concat([outside, inside], ignore_index=True), incident)
    assert found["errors"].iloc[0] == 40
    assert found.loc[found["value"] == "v1", "errors"].item() == 10


def test_errors_alone_are_compared_with_errors_before(incident):
    before = logs((20, "error", {"az": "a"}), (20, "error", {"az": "b"}), at="12:00")
    inside = logs((90, "error", {"az": "a"}), (10, "error", {"az": "b"}))
    for found in (
        over_represented(pd.concat([before, inside], ignore_index=True), incident),
        over_represented(inside, incident, baseline=before),
    ):
        row = found.iloc[0]
        assert (row["value"], row["errors"], row["others"]) == ("a", 90, 20)
        assert row["odds_ratio"] == pytest.approx(90 * 20 / (20 * 10))
        assert pd.isna(row["risk_ratio"]), "a risk needs rows that are no errors"
    with pytest.raises(BadValue, match="got errors only"):
        over_represented(inside, incident)


def test_errors_may_be_said_otherwise(incident):
    frame = logs(*FRAME).rename(columns={"status": "level"})
    with pytest.raises(BadValue, match="errors: expected a status column"):
        over_represented(frame, incident)
    found = over_represented(frame, incident, errors=frame["level"] == "error")
    assert found["errors"].iloc[0] == 40
    with pytest.raises(BadValue, match="errors: expected a column of 200 True or False"):
        over_represented(frame, incident, errors=frame["level"])


def test_facets_may_be_chosen(incident):
    frame = logs(*FRAME).assign(region="eu")
    frame.loc[::3, "region"] = "us"
    assert set(over_represented(frame, incident, facets=["region"])["facet"]) == {"region"}
    with pytest.raises(BadValue, match=r"facets: expected columns or tags .* got 'zone'"):
        over_represented(frame, incident, facets=["zone"])


def test_no_errors_are_refused(incident):
    with pytest.raises(BadValue, match="frame: expected errors in the incident"):
        over_represented(logs((5, "info", {"az": "a"})), incident)


def test_nothing_to_test_is_said(incident):
    found = over_represented(logs((5, "error", {"az": "a"}), (5, "info", {"az": "a"})), incident)
    assert len(found) == 0
    assert found.chart() is not None


def test_hostile_values_stay_text(incident):
    parts = [(6, "error", {"who": text}) for text in list(hostile.TEXTS.values())[:40]]
    frame = logs(*parts, (300, "info", {"who": "calm"}), (5, "error", {"who": "calm"}))
    found = over_represented(frame, incident)
    assert len(found) > 10
    assert found.chart() is not None


def test_the_sandbox_s_bad_version_comes_out_on_top(tmp_path):
    incident = Incident.create("INC-4821", tmp_path, start=f"{DAY}T14:02Z", end=f"{DAY}T16:09Z")
    frame = search_datadog_logs("service:checkout", f"{DAY}T14:02Z", f"{DAY}T16:09Z", limit=50_000)
    found = over_represented(frame, incident)
    assert (found["facet"].iloc[0], found["value"].iloc[0]) == ("version", "v2.48.0")
    held = frame["tags"].map(lambda tags: "version:v2.48.0" in list(tags))
    assert found["errors"].iloc[0] == (held & (frame["status"] == "error")).sum()
    row = incident.add_to_timeline(found, 0)
    step = incident["timeline"].loc[row]
    assert step["finding"].startswith("version v2.48.0: 9")
    assert facets._when(frame).endswith("UTC · sandbox data"), "spaces alone run together"


def tagged(*parts):
    """Return rows with tags: each part is how many, the status and the tags."""
    rows = [(status, tags) for count, status, tags in parts for _ in range(count)]
    frame = logs(*((1, status, {}) for status, _ in rows))
    frame["tags"] = [list(tags) for _, tags in rows]
    return frame


def test_a_tag_without_a_value_is_compared_with_the_rows_that_lack_it(incident):
    found = over_represented(tagged((15, "error", ["canary"]), (5, "error", []), (80, "ok", [])),
                             incident)  # fmt: skip
    row = found.iloc[0]
    assert (row["facet"], row["value"], bool(row["over_represented"])) == ("tag", "canary", True)
    cells = ("errors", "others", "errors_elsewhere", "others_elsewhere", "unknown")
    assert [row[name] for name in cells] == [15, 0, 5, 80, 0]


def test_a_key_with_one_value_is_compared_with_the_tagged_rows_that_lack_it(incident):
    yes, no = ["canary:true"], ["a:b"]
    frame = tagged(
        (15, "error", yes), (5, "error", no), (2, "ok", yes), (78, "ok", no), (7, "ok", [])
    )
    frame.loc[frame.index[-7:], "tags"] = None
    row = over_represented(frame, incident, facets="canary").iloc[0]
    cells = ("errors", "others", "errors_elsewhere", "others_elsewhere", "unknown")
    assert [row[name] for name in cells] == [15, 2, 5, 78, 7]


@pytest.mark.parametrize("where", ["tags", "flags"])
def test_each_of_several_values_counts(incident, where):
    """One bad flag among six, three a row: no combination of them is frequent."""
    random = np.random.default_rng(2)
    held = [[f"f{n}" for n in range(6) if random.random() < 0.5] for _ in range(400)]
    bad = [random.random() < (0.5 if "f3" in flags else 0.05) for flags in held]
    frame = logs(*((1, "error" if failed else "info", {}) for failed in bad))
    frame[where] = [[f"flag:{f}" if where == "tags" else f for f in flags] for flags in held]
    found = over_represented(frame, incident)
    assert found.loc[found["over_represented"], "value"].tolist() == ["f3"]
    with_it = sum("f3" in flags and failed for flags, failed in zip(held, bad, strict=True))
    assert found["errors"].iloc[0] == with_it
    assert found["errors_elsewhere"].iloc[0] == sum(bad) - with_it


def test_an_array_of_records_is_no_facet(incident):
    frame = logs(*FRAME)
    frame["items"] = [[{"sku": "a" if version == "v2" else "b"}] for version in frame["version"]]
    assert set(over_represented(frame, incident)["facet"]) == {"version"}


def test_errors_are_joined_to_rows_by_index(incident):
    frame = logs(*FRAME)
    flags = (frame["status"] == "error").sample(frac=1, random_state=1)
    assert over_represented(frame, incident, errors=flags)["errors"].iloc[0] == 40


def test_a_small_share_is_not_said_to_be_none(incident):
    frame = logs((4, "error", {"az": "a"}), (996, "error", {"az": "b"}),
                 (1, "info", {"az": "a"}), (2999, "info", {"az": "b"}))  # fmt: skip
    frame["timestamp"] = pd.Timestamp(f"{DAY}T14:30Z")
    found = over_represented(frame, incident).set_index("value")["says"]
    assert found["a"].startswith("az a: 0.4% of the errors, < 0.1% of the")
    assert found["b"].startswith("az b: 99.6% of the errors, > 99.9% of the")


def test_a_column_that_is_there_twice_is_refused(incident):
    frame = logs(*FRAME)
    with pytest.raises(BadValue, match="version"):
        over_represented(pd.concat([frame, frame[["version"]]], axis=1), incident)


def test_what_many_tests_leave_as_chance_is_said_to_be_chance(incident, monkeypatch):
    """Of 100 values one has an interval above 1 by chance alone: its words must not sound sure."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame({
        "timestamp": pd.Timestamp(f"{DAY}T14:30Z"), "status": ["info"] * 9_000 + ["error"] * 1_000,
        "pod": random.integers(0, 100, 10_000).astype(str),
    })  # fmt: skip
    found = over_represented(frame, incident, facets="pod")
    top = found.iloc[0]
    assert not found["over_represented"].any()
    assert top["odds_low"] > 1
    assert top["says"].endswith(f"; no more than chance among 100 values (q {top['q_value']:.2g})")
    written, write = [], card.Card.write

    def heard(self, at, words, **how):
        written.append(words)
        write(self, at, words, **how)

    monkeypatch.setattr(card.Card, "write", heard)
    found.chart()
    assert "Grey: not more often than by chance, of 100 values tested" in written


def test_values_that_happen_to_hold_few_errors_are_tested_too(incident):
    """Chosen by their errors, the values that chance put on top would be corrected for alone."""
    parts = [(4, "error", {"host": "h0"}), (6, "info", {"host": "h0"})]
    for number in range(1, 100):  # 46 more hosts hold one error, the others none
        bad = int(number <= 46)
        parts += [
            (bad, "error", {"host": f"h{number}"}),
            (10 - bad, "info", {"host": f"h{number}"}),
        ]
    found = over_represented(logs(*parts), incident, facets="host")
    # Fisher: of 1000 rows 50 are errors; 10 are h0's, 4 or more of them errors
    tail = sum(comb(50, k) * comb(950, 10 - k) for k in range(4, 11)) / comb(1000, 10)
    assert found["value"].tolist() == ["h0"], "the others have too few errors to be listed"
    assert found["p_value"].iloc[0] == pytest.approx(tail)
    assert tail < 0.05
    assert found["q_value"].iloc[0] == pytest.approx(100 * tail), "a hundred hosts were tested"
    assert not found["over_represented"].any()
    assert "no more than chance among 100 values" in found["says"].iloc[0]


def test_what_goes_beyond_the_axis_does_not_end_there_in_the_picture(incident, monkeypatch):
    """61 errors all of v3, which no other of 1,400 rows is: odds of 123 × 2801, no 100,000."""
    rows = logs((61, "error", {"version": "v3"}), (1_400, "info", {"version": "v2"}))
    found = over_represented(rows, incident)
    assert found["odds_ratio"].iloc[0] == pytest.approx(61.5 * 1400.5 / 0.25)
    written, dots = [], []
    write = card.Card.write
    monkeypatch.setattr(
        card.Card,
        "write",
        lambda self, at, words, **how: (written.append(words), write(self, at, words, **how)),
    )
    monkeypatch.setattr(card.Card, "dot", lambda *_: dots.append(1))
    found.chart()
    assert "→" in written
    assert not dots
