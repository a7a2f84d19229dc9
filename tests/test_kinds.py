"""Each kind reads what people type, stores plain JSON, and shows it again; the rest is refused."""

import enum
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postmortem_nb import kinds
from postmortem_nb.errors import BadValue

START = datetime(2025, 12, 4, 14, 2, tzinfo=UTC)
SEVERITIES = ("SEV-0", "SEV-1", "SEV-2", "SEV-3", "SEV-4")
STATES = ("Draft", "Review", "Approved")


class Level(str, enum.Enum):  # noqa: UP042 - a StrEnum would hide that the text is taken
    HIGH = "high"


TEXTS = ("prose", "line", "query")


def test_the_kinds_are_those_of_the_notation():
    notation = "prose line choice names count percent money minutes date time yesno link query"
    assert sorted(kinds.KINDS) == sorted(notation.split())
    assert all(name == kind.name for name, kind in kinds.KINDS.items())


@pytest.mark.parametrize("kind", kinds.KINDS)
@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "",
        float("nan"),
        np.float64("nan"),
        pd.NA,
        pd.NaT,
        Decimal("sNaN"),
        np.datetime64("NaT"),
    ],
)
def test_nothing_clears_and_shows_as_nothing(kind, nothing):
    assert kinds.parse(kind, nothing, options=STATES) is None
    assert kinds.show(kind, None) == ""
    assert kinds.value(kind, None) is None


@pytest.mark.parametrize(
    ("kind", "typed", "stored", "shown"),
    [
        ("prose", "two\nlines", "two\nlines", "two\nlines"),
        ("line", 5, "5", "5"),
        ("line", Level.HIGH, "high", "high"),
        ("line", 0.5, "0.5", "0.5"),
        ("query", "avg:system.cpu{*}", "avg:system.cpu{*}", "avg:system.cpu{*}"),
        ("link", "javascript:alert(1)", "javascript:alert(1)", "javascript:alert(1)"),
        ("names", "checkout, payments", ["checkout", "payments"], "checkout, payments"),
        ("names", "a,\n b,,", ["a", "b"], "a, b"),
        ("names", "Marta Oliveira; José;", ["Marta Oliveira", "José"], "Marta Oliveira, José"),
        ("names", '"R&D; Ops"; Ana', ["R&D; Ops", "Ana"], '"R&D; Ops", Ana'),
        ("names", ["Smith, John", " Ana "], ["Smith, John", "Ana"], '"Smith, John", Ana'),
        ("names", '"Smith, John",Ana', ["Smith, John", "Ana"], '"Smith, John", Ana'),
        ("names", 'Ana "Al" Lee, 5" disks', ['Ana "Al" Lee', '5" disks'], 'Ana "Al" Lee, 5" disks'),
        ("names", '"Ops" team, "a, b', ['"Ops" team', '"a', "b"], '"""Ops"" team", """a", b'),
        ("names", ("a",), ["a"], "a"),
        ("names", np.array(["a", "b"], dtype=object), ["a", "b"], "a, b"),
        ("names", pd.Series(["a", "b"]), ["a", "b"], "a, b"),
        ("count", "1,234", 1234, "1,234"),
        ("count", "1 234 567", 1234567, "1,234,567"),
        ("count", "12k", 12000, "12,000"),
        ("count", 0, 0, "0"),
        ("count", 4.0, 4, "4"),
        ("count", np.int64(7), 7, "7"),
        ("count", "1e3", 1000, "1,000"),
        ("count", 2**63 - 1, 2**63 - 1, "9,223,372,036,854,775,807"),
        ("percent", "4.2 %", 4.2, "4.2"),
        ("percent", "99.95", 99.95, "99.95"),
        ("percent", 0, 0.0, "0"),
        ("percent", "-3%", -3.0, "-3"),
        ("percent", Decimal("0.05"), 0.05, "0.05"),
        ("percent", 1e-7, 1e-7, "0.0000001"),
        ("money", "$12,500.50", 12500.5, "12,500.50"),
        ("money", "12.5k", 12500.0, "12,500"),
        ("money", "12.5K USD", 12500.0, "12,500"),
        ("money", "1.25m", 1250000.0, "1,250,000"),
        ("money", "0.125", 0.125, "0.125"),
        ("minutes", "2h 7m", 127.0, "127"),
        ("minutes", "127", 127.0, "127"),
        ("minutes", "127 minutes", 127.0, "127"),
        ("minutes", "2 hours 7 minutes", 127.0, "127"),
        ("minutes", "1 hour and 30 min", 90.0, "90"),
        ("minutes", "90s", 1.5, "1.5"),
        ("minutes", timedelta(minutes=17, seconds=40), 17 + 2 / 3, "17.67"),
        ("minutes", np.timedelta64(90, "s"), 1.5, "1.5"),
        ("date", "2025-12-19", "2025-12-19", "2025-12-19"),
        ("date", "19 Dec 2025", "2025-12-19", "2025-12-19"),
        ("date", "December 9, 2025", "2025-12-09", "2025-12-09"),
        ("date", "2025-12-9", "2025-12-09", "2025-12-09"),
        ("date", date(2025, 12, 19), "2025-12-19", "2025-12-19"),
        ("date", "2025-12-19T23:30:00Z", "2025-12-19", "2025-12-19"),
        ("date", datetime(2025, 12, 19), "2025-12-19", "2025-12-19"),  # noqa: DTZ001
        ("date", pd.Timestamp("2025-12-19"), "2025-12-19", "2025-12-19"),
        ("date", datetime(2025, 12, 20, 0, 30, tzinfo=timezone(timedelta(hours=1))),
         "2025-12-19", "2025-12-19"),
        ("time", "2025-12-04 14:02", "2025-12-04T14:02:00Z", "2025-12-04 14:02 UTC"),
        ("time", "14:40:30", "2025-12-04T14:40:30Z", "2025-12-04 14:40:30 UTC"),
        ("time", "+15m", "2025-12-04T14:17:00Z", "2025-12-04 14:17 UTC"),
        ("time", START, "2025-12-04T14:02:00Z", "2025-12-04 14:02 UTC"),
        ("time", pd.Timestamp(START), "2025-12-04T14:02:00Z", "2025-12-04 14:02 UTC"),
        ("yesno", True, True, "Yes"),
        ("yesno", np.bool_(False), False, "No"),
        ("yesno", "✅ Yes", True, "Yes"),
        ("yesno", "✅", True, "Yes"),
        ("yesno", "[x]", True, "Yes"),
        ("yesno", "[ ]", False, "No"),
        ("yesno", " no ", False, "No"),
        ("yesno", "FALSE", False, "No"),
        ("yesno", 1, True, "Yes"),
    ],
)  # fmt: skip
def test_typed_stored_shown(kind, typed, stored, shown):
    kept = kinds.parse(kind, typed, start=START)
    assert kept == stored
    assert type(kept) is type(stored)
    assert json.loads(json.dumps(kept)) == stored
    assert kinds.show(kind, kept) == shown


@pytest.mark.parametrize(
    ("typed", "options", "stored"),
    [
        ("SEV-1", SEVERITIES, "SEV-1"),
        ("sev1", SEVERITIES, "SEV-1"),
        (" Sev 1 ", SEVERITIES, "SEV-1"),
        ("🔴 Draft", STATES, "Draft"),
        ("draft", STATES, "Draft"),
        ("✅ Complete", ("Not Started", "In Progress", "Complete"), "Complete"),
        ("monitor alert", ("Monitor Alert", "User Report"), "Monitor Alert"),
        ("A-", ("A+", "A-"), "A-"),
        ("Immediate (This Week)", ("Immediate", "Short-term"), "Immediate"),
        ("Yes (all)", ("Yes (all)", "Yes (some)", "Yes"), "Yes (all)"),
        ("🟡", ("🔴", "🟡"), "🟡"),
    ],
)
def test_a_choice_is_found_however_it_is_typed(typed, options, stored):
    assert kinds.parse("choice", typed, options=options) == stored


def test_a_choice_that_is_none_is_refused_with_the_near_ones():
    with pytest.raises(BadValue, match=re.escape("did you mean Approved?")) as refused:
        kinds.parse("choice", "Aproved", name="state", options=STATES)
    assert str(refused.value).startswith("state: expected one of Draft, Review, Approved, ")
    with pytest.raises(BadValue, match="expected one of SEV-0"):
        kinds.parse("choice", "x" * 1_000_000, options=SEVERITIES)
    with pytest.raises(BadValue, match="expected one of A"):
        kinds.parse("choice", "a", options=("A+", "A-"))


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        *((kind, wrong) for kind in kinds.KINDS for wrong in (object(), b"x", {"a": 1}, {1})),
        *((kind, wrong) for kind in ("count", "percent", "money", "minutes")
          for wrong in (True, np.bool_(True), float("inf"), "NaN", "inf", "1e999", "many",
                        "1,5", "1,2345", "$", ".", "-", "--1", "１２", "9" * 5_000, "5 apples")),
        *((kind, wrong) for kind in ("time", "date")
          for wrong in ("soon", "2025-02-30", "12/19/2025", "99999-01-01", True, "\ud800")),
        *((kind, True) for kind in (*TEXTS, "link", "choice", "names")),
        ("count", -1), ("count", "4.5"), ("count", 2**63), ("count", 4.5), ("count", "-3"),
        ("count", 1 << 2_000), ("line", 1 << 2_000),
        ("money", "€5"), ("percent", "5 $"), ("percent", 1e400),
        ("minutes", "1:30"), ("minutes", "-"), ("minutes", "99999999999999w"),
        ("yesno", "maybe"), ("yesno", 2), ("yesno", "yes no"), ("yesno", 0.5), ("yesno", " "),
        ("names", [1]), ("names", ["a", None]), ("names", 5),
        ("link", "https://x/" + "y" * 2_000),
        ("time", datetime(2025, 12, 4, 14, 2)),  # noqa: DTZ001
        ("date", 20251219), ("choice", 1), ("line", datetime(2025, 12, 4, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line(kind, typed):
    with pytest.raises(BadValue, match="expected") as refused:
        kinds.parse(kind, typed, name="thing", options=STATES, start=START)
    assert str(refused.value).startswith("thing: expected ")
    assert "; got " in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_the_example_of_a_refusal_is_accepted(kind):
    for example in kinds.KINDS[kind].example.split(" or "):
        assert kinds.parse(kind, example, options=STATES) is not None


def test_a_time_of_day_is_read_in_the_zone_that_is_given():
    berlin = ZoneInfo("Europe/Berlin")
    assert kinds.parse("time", "15:40", start=START, zone=berlin) == "2025-12-04T14:40:00Z"
    late = datetime(2025, 12, 19, 23, 30, tzinfo=UTC)
    assert kinds.parse("date", late, zone=berlin) == "2025-12-20"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [("+7d", "2025-12-11"), ("+ 2w", "2025-12-18"), ("-1d", "2025-12-03"), ("+0D", "2025-12-04")],
)
def test_a_date_counts_days_from_the_incident_s_start(typed, stored):
    assert kinds.parse("date", typed, start=START) == stored


def test_a_date_counts_days_from_today_where_it_says_now():
    days = (date.fromisoformat(kinds.parse("date", "now+7d")) - datetime.now(UTC).date()).days
    assert days in {6, 7}  # midnight may pass between


@pytest.mark.parametrize("typed", ["+7", "+7m", "+7h", "7d", "now", "-99999w", "+7d +1d"])
def test_what_counts_no_days_is_no_date(typed):
    with pytest.raises(BadValue, match="expected a date, for example"):
        kinds.parse("date", typed, start=START)
    with pytest.raises(BadValue, match="due: expected a date while the incident has no start"):
        kinds.parse("date", "+7d", name="due")


@pytest.mark.parametrize("kind", TEXTS)
@given(text=st.text(min_size=1))
@settings(deadline=None)
def test_valid_text_is_kept_exactly(kind, text):
    assert kinds.parse(kind, text) == text
    assert kinds.show(kind, text) == text


@pytest.mark.parametrize(
    "text", ["a\x00b", "\r\n", " ", "مرحبا שלום", "👩🏽‍🚀", "\ufeff", "x" * 10**6]
)
def test_hostile_text_is_kept_exactly(text):
    assert [kinds.parse(kind, text) for kind in TEXTS] == [text] * len(TEXTS)


def test_half_characters_become_the_replacement_character():
    assert kinds.parse("prose", "a\ud800b") == "a\ufffdb"
    assert kinds.parse("names", ["\udfff"]) == ["\ufffd"]


def test_every_hostile_text_at_hand_goes_through_every_kind():
    """Kept, read or refused; never another error. The larger corpus where it is at hand."""
    corpus = [
        "<script>",
        "NaN",
        "null",
        "1e999",
        "no",
        "${jndi:x}",
        "a\ud800",
        "=1+1",
        "%s%n",
        "\x1b[0m",
    ]
    larger = Path(__file__).parents[1].parent / "shared" / "hostile" / "payloads.json"
    if larger.exists():
        corpus += [entry["payload"] for entry in json.loads(larger.read_text())]
    placements = 0
    for kind in kinds.KINDS:
        for text in corpus:
            placements += 1
            try:
                stored = kinds.parse(kind, text, options=STATES, start=START)
            except BadValue as refused:
                assert "\n" not in str(refused)  # noqa: PT017 - most are refused, some are read
            else:
                json.dumps(stored).encode()
                kinds.show(kind, stored).encode()
    assert placements >= 130


def test_now_is_stored_in_whole_seconds():
    for typed in ("now", "now-15m"):
        stored = kinds.parse("time", typed)
        assert datetime.fromisoformat(stored).microsecond == 0
    kept = kinds.parse("time", "2025-12-04T14:02:00.25Z")
    assert kept == "2025-12-04T14:02:00.25Z", "a fraction that somebody wrote stays"


@pytest.mark.parametrize(
    ("kind", "stored", "meant"),
    [
        ("time", "2025-12-04T14:02:00Z", START),
        ("time", "2025-12-04T15:02:00+01:00", START),
        ("date", "2025-12-19", date(2025, 12, 19)),
        ("names", ["a"], ["a"]),
        ("percent", 4, 4.0),
        ("yesno", False, False),
        ("choice", "Draft", "Draft"),
    ],
)
def test_stored_values_as_python_knows_them(kind, stored, meant):
    assert kinds.value(kind, stored) == meant
    assert type(kinds.value(kind, stored)) is type(meant)


@pytest.mark.parametrize(
    ("kind", "damaged"),
    [
        ("time", "2025-12-04T14:02:00"), ("time", 5), ("time", "x"), ("date", "2025-13-01"),
        ("date", 5), ("count", "5"), ("count", True), ("count", 4.5), ("money", "5"),
        ("names", "a"), ("names", [1]), ("yesno", 1), ("prose", 5), ("choice", ["Draft"]),
    ],
)  # fmt: skip
def test_damage_in_a_file_is_told_from_a_value(kind, damaged):
    with pytest.raises(BadValue, match=f"^{kind}: expected"):
        kinds.value(kind, damaged)


@pytest.mark.parametrize(("kind", "dtype"), [(k.name, k.dtype) for k in kinds.KINDS.values()])
def test_each_kind_has_a_column_that_holds_missing(kind, dtype):
    column = pd.Series([None], dtype=dtype)
    assert column.isna().all(), kind
