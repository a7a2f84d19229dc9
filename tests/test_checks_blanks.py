"""Figures told in several blanks: one changed in one of them is found, whatever it is of."""

import random

import pytest
import sound

from postmortem_nb.checks import RULES, case, mentions

# 14:02 start, 14:19 detection, 14:24 acknowledgment, 14:40 escalation, 15:26 mitigation,
# 16:09 recovery; 14:35 first word on the status page.
FACTS = {
    "what_happened": "The flag big-ovens went to 100% at 13:58, and 340 ovens in Bern, Basel and "
    "the Jura lost their recipe.",
    "why_it_happened": "oven-sync 4.2.0 wrote recipes of 710 characters where an oven reads 640. "
    "Release r212 had brought it.",
    "what_we_did": "We set big-ovens back to 0% and reset the ovens by hand; the last of the 340 "
    "hung ovens was reset at 16:05. The 14,280 orders that had piled up were baked by 16:40.",
    "problem": "340 ovens hung, and 14,280 orders waited.",
    "technical_cause": "oven-sync 4.2.0 writes recipes of 710 characters. Release r212 came with "
    "it.",
    "process_cause": "The release was tested with recipes of at most 500 characters.",
    "key_logs": "A recipe of 710 characters from oven-sync, once for each of 340 ovens.",
    "key_events": "13:58 big-ovens to 100% · 16:05 last oven reset · 16:40 orders baked",
    "metric_graphs": "Orders waiting rise to 14,280 and are back at 20.",
    "regions": "Bern, Basel, Jura",
    "teams": ["Ovens", "Recipes", "Client Care"],
    "customers_notified": 4200,
    "tickets": 1320,
    "complaints": 210,
}
STEPS = {
    "Detection": {"detection_method": "Internal Discovery", "detected_by": "Ines Duarte"},
    "Acknowledgment": {"on_call": "Jonas Weber"},
    "Mitigation Deployed": {"action": "big-ovens set to 0% everywhere.", "responsible": "Jo Lee"},
    "Key Discovery": {"finding": "Every hung oven holds a recipe of 710 characters."},
}
ROWS = (
    (
        "went_wrong",
        {
            "area": "Response",
            "what": "340 hung ovens were reset one by one.",
            "impact": "39 minutes, from 15:26 to 16:05.",
        },
    ),
    (
        "went_wrong",
        {
            "area": "Communication",
            "what": "Status page first updated at 14:35.",
            "impact": "33 minutes of silence for bakers.",
        },
    ),
    (
        "went_wrong",
        {
            "area": "Detection",
            "what": "Nobody watched the recipes of release r212.",
            "impact": "Recipes was not engaged until 14:40.",
        },
    ),
    (
        "went_well",
        {
            "area": "Response",
            "what": "The way back took nine minutes.",
            "how_it_helped": "Started 15:17, done 15:26.",
        },
    ),
    (
        "went_well",
        {
            "area": "Tooling",
            "what": "All 372 burnt loaves were found.",
            "how_it_helped": "The 372 burnt loaves were replaced: 310 on the day, 62 later.",
        },
    ),
    (
        "went_well",
        {
            "area": "Communication",
            "what": "An apology went to all 4,200 customers.",
            "how_it_helped": "Bern, Basel and Jura were told by name.",
        },
    ),
    (
        "updates",
        {
            "channel": "Status page",
            "time": sound.moment("14:35"),
            "text": "Ovens in Bern, Basel and Jura may hang.",
        },
    ),
    (
        "technical_changes",
        {
            "name": "A limit on recipes",
            "target": "At most 640 characters in oven-sync",
            "owner": "Dana Kim",
            "due": "2025-12-19",
        },
    ),
    (
        "actions",
        {
            "horizon": "Short-term",
            "priority": "P1",
            "title": "Limit recipes in oven-sync",
            "description": "640 characters at most.",
            "owner": "Dana Kim",
            "due": "2025-12-19",
            "tracking": "https://example.com/browse/OVEN-2",
        },
    ),
)


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    """The sound incident with texts that tell each figure more than once."""
    made = sound.create(tmp_path_factory.mktemp("blanks"))
    sound.write(made, FACTS, STEPS)
    made.add(
        "timeline",
        step="Escalation",
        time=sound.moment("14:40"),
        escalated_to="Recipes",
        reason="The recipes are too long",
    )
    for table, values in ROWS:
        made.add(table, **values)
    made.set("state", "Review")
    return made


CODES = ("prose", "lone", "range", "sources", "date", "approval", "order")


def found(incident):
    return {row.message for row in incident.check().itertuples() if row.code in CODES}


def test_what_agrees_is_not_doubted(incident):
    assert found(incident) == set()


def places(incident, words):
    """Return every blank that holds some words: table, row, column and text."""
    cells = case.take(incident).cells
    told = [(c.table, c.row, c.column.name, c.value) for c in cells if isinstance(c.value, str)]
    return [each for each in told if words in each[3]]


def changed(incident, place, text):
    """Return what is found with another text in one blank; the blank is as before then."""
    table, row, name, before = place
    where = {} if table == "incident" else {"table": table, "row": row}
    incident.set(name, text, **where)
    new = found(incident)
    incident.set(name, before, **where)
    return new


# figure → what stands there instead, a figure as long; how many blanks tell it
SLIPS = {
    "340 ": ("430 ", 4),
    "14,280 orders": ("12,480 orders", 2),
    "oven-sync 4.2.0": ("oven-sync 4.1.0", 2),
    "r212": ("r214", 2),
    "16:05 last oven reset": ("16:25 last oven reset", 1),
    "Bern, Basel, Jura": ("Bern, Basel, Thun", 1),
    "39 minutes, from 15:26 to 16:05": ("49 minutes, from 15:26 to 16:05", 1),
    "310 on the day, 62 later": ("310 on the day, 72 later", 1),
}


@pytest.mark.parametrize("figure", SLIPS)
def test_a_figure_changed_in_any_one_of_its_blanks_is_found(incident, figure):
    other, count = SLIPS[figure]
    told = [each for each in places(incident, figure) if each[0] != "actions"]
    assert len(told) >= count
    missed = [
        place[:3] for place in told if not changed(incident, place, place[3].replace(figure, other))
    ]
    assert missed == []


FIELDS = {
    "a team that was not called in": lambda i: set_step(i, "Escalation", escalated_to="Ovens"),
    "another day than the action": lambda i: set_row(i, "technical_changes", due="2025-12-29"),
    "another owner than the action": lambda i: set_row(i, "technical_changes", owner="Jo Lee"),
    "fewer told than were mailed": lambda i: i.set("customers_notified", 420),
    "another incident's channel": lambda i: i.set("slack_link", "https://example.com/inc-2"),
}


def set_row(incident, table, **values):
    row = incident.values(table)[0]["row"]
    for name, value in values.items():
        incident.set(name, value, table=table, row=row)


def set_step(incident, step, **values):
    row = next(row["row"] for row in incident.values("timeline") if row["step"] == step)
    for name, value in values.items():
        incident.set(name, value, table="timeline", row=row)


@pytest.mark.parametrize(
    "sentence",
    [
        "None of the ovens in Thun hung.",
        "An oven reads recipes of 640 characters.",
        "With an average of 42 orders an oven, 340 ovens are a bakery.",
        "Had we waited, 900 ovens would have hung.",
        "In INC-7 it was 120 ovens.",
        "About 14,000 orders had piled up.",
        "The reset was started at 15:30.",
        "A recipe of 300 characters fits an oven of 2019.",
        "Every third oven in Bern hung.",
        "4% of the hung ovens were in Bern before big-ovens went anywhere.",
        "oven-sync went from 4.1.9 to 4.2.0.",
        "5 of 0 bakers called, and 0 of 0 wrote.",
        "Two of the regions were back at 15:45.",
        "On Friday at 15:26 the ovens were cleaned.",
        "The longest recipe, of 900 characters, is that of a stollen.",
        "One more oven, of the Jura, was reset twice.",
        "No baker is without recipes any more.",
        "Each of the 340 ovens was reset within a minute.",
        "A recipe of 440 from oven-sync, once for each oven.",  # of what, it does not say
    ],
)
def test_a_sentence_that_only_sounds_like_it_is_let_be(incident, sentence):
    assert sound.doubted_with(incident, sentence, *CODES) == set()


NUMBERS = """4.12.0 1.2.3.4 v2.48.0 12,34 1,2,3 0 00 007 1e5 3. .5 10,00 12,345.6 1/0 24:00 25:61
9:5 14:02:11 0% 100% -5 ½ ٣ 2026-13-45 2026-02-30 $0 $1,2 €1.2.3 3k 1.5k V1 r00 INC-0 noon midnight
99999999999999999999""".split()  # noqa: SIM905 - texts are read as words
WORDS = """from to of at by since between and until before after in for about over under the all
every first last customers requests failed rolled back deployed version pool minutes hours days
errors rate peaked fell doubled times each partition detected alert page status update due done
owner budget SLO target remaining revenue lost tickets regions escalated Friday Monday August UTC
CET ( )
; : · • | – - % $ February 30 31 none half twice third""".split()  # noqa: SIM905 - as above


@pytest.mark.parametrize("seed", range(8))
def test_no_text_of_odd_figures_ends_a_check(incident, seed):
    rng = random.Random(seed)  # noqa: S311 - test data
    kept = [each for each in places(incident, "") if each[0] not in {"approvals", "similar"}]
    texts = [each for each in kept if " " in each[3]]
    odd = {}
    for place in texts:
        words = [rng.choice(NUMBERS if rng.random() < 0.4 else WORDS) for _ in range(25)]
        odd[place[:3]] = " ".join(words)
    seen = case.take(incident)
    for cell in seen.cells:
        text = odd.get((cell.table, cell.row, cell.column.name))
        if text is not None:
            object.__setattr__(cell, "value", text)
    assert all(each.message for rule in RULES for each in rule(seen))


def test_the_figures_of_a_text_come_with_what_they_are_of():
    first, second, third = mentions.read("At 14:02 some 340 hung ovens lost 1,200 loaves a minute.")
    assert (first.kind, first.value) == ("clock", 842.0)  # 14 · 60 + 2
    assert (second.noun, second.value) == ("oven", 340.0)
    assert (third.noun, third.value, third.rate) == ("loav", 1200.0, "minute")


@pytest.mark.parametrize("text", ["1 " * 4000, "12 dogs " * 1000, "09:05 " * 1300, "5 of " * 1600])
def test_a_table_in_one_sentence_is_read_for_a_few_figures_only(text):
    assert len(mentions.read(text)) == mentions.MOST


@pytest.mark.parametrize(
    "sentence",
    [
        "us-east accounts for 68 % of the refusals, us-west for 32 %.",
        "us-east makes up 68 % of all refusals, us-west 32 %.",
        "Of the refusals 68 % fell on us-east and 32 % on us-west.",
        "The refusals were in us-east (68 %) and us-west (32 %).",
        "The share of us-west in the refusals was 32 %.",
    ],
)
def test_a_part_of_what_failed_is_no_echo_of_what_failed_of_all(tmp_path, sentence):
    made = sound.create(tmp_path)
    made.set("problem", "Of all batches 13.8 % were refused, and in the two US regions 18.7 %.")
    contribution = "That is why 32 % of the refused batches were in a region too many."
    made.add("factors", area="Process", name="One wave", contribution=contribution)
    made.set("metric_graphs", sentence)
    assert not any("but “32 %”" in each for each in sound.doubted(made, "prose"))
