"""Blameless language: judged sentences, subjects, what is not read, the mark that pardons."""

import itertools
import re
import time
from pathlib import Path

import pytest

from postmortem_nb import language, subjects
from postmortem_nb.language import Setting
from postmortem_nb.subjects import Subject

PEOPLE = ("Priya Raman", "Tomasz Zielinski", "Marta Oliveira")
SETTINGS = {
    "": Setting.NARRATIVE,
    "n": Setting.NARRATIVE,
    "c": Setting.CAUSES,
    "p": Setting.PLAIN,
    "a": Setting.ACTIONS,
}


def judged():
    """Yield (rule or None, setting, sentence) of the corpus that people judged."""
    corpus = Path(__file__).parent / "data" / "language-sentences.txt"
    for line in corpus.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            head, sentence = line.split(" | ", 1)
            rule, _, setting = head.partition(" ")
            yield None if rule == "-" else rule, SETTINGS[setting], sentence


CORPUS = list(judged())


def flagged(sentence, setting=Setting.NARRATIVE):
    return [flag.rule.id for flag in language.read(sentence, setting=setting, people=PEOPLE)]


@pytest.mark.parametrize(("rule", "setting", "sentence"), CORPUS, ids=lambda value: str(value)[:60])
def test_a_judged_sentence_is_read_as_people_judged_it(rule, setting, sentence):
    got = flagged(sentence, setting)
    assert (rule in got) if rule else (got == [])


def test_the_corpus_is_large_and_knows_every_rule():
    sentences = [sentence for _, _, sentence in CORPUS]
    assert len(sentences) == len(set(sentences))
    assert sum(rule is None for rule, _, _ in CORPUS) >= 80
    assert sum(rule is not None for rule, _, _ in CORPUS) >= 80
    needs_a_severity = {"OV"}
    assert {rule.id for rule in language.rules()} - needs_a_severity <= {
        rule for rule, _, _ in CORPUS
    }


@pytest.mark.parametrize("rule", language.rules(), ids=lambda rule: rule.id)
def test_every_rule_gives_a_reason_two_rephrasings_and_its_source(rule):
    assert rule.reason.endswith(".")
    assert len(rule.instead) == 2
    assert rule.instead[0] != rule.instead[1]
    assert rule.source
    assert rule.settings
    assert rule.patterns


def test_no_rephrasing_or_reason_is_flagged_itself():
    for rule in language.rules():
        for text in rule.instead:
            unquoted = re.sub(r"[“”]", "", text)
            assert flagged(unquoted, Setting.PLAIN) == [], f"{rule.id}: {text}"


def test_a_flag_points_at_its_words():
    text = "At 14:02 errors rose. The engineer\nfailed to   notice."
    assert flagged("The engineer failed to notice.") == ["CF3"]
    (flag,) = language.read("So it was.\nThe engineer failed to notice.")
    assert flag.words == "failed to"
    assert "So it was.\nThe engineer failed to notice."[flag.start : flag.end] == flag.words
    assert language.read(text, setting=Setting.OFF) == []


@pytest.mark.parametrize("gap", ["  ", "\n  ", " \n   ", "\t \t"])
def test_several_blanks_between_two_words_read_as_one(gap):
    told = f"- A deploy of  checkout.\n- The side effects were not{gap}properly{gap}considered."
    (flag,) = language.read(told)
    assert flag.rule.id == "PV"
    assert flag.words == told[flag.start : flag.end] == f"were not{gap}properly{gap}considered"


def test_two_lines_of_a_list_are_two_sentences():
    assert flagged("- Seen by the engineer\n- Failed to start") == []


def test_words_that_two_rules_flag_get_one_remark():
    got = flagged("The carelessness of the engineer who failed to look caused this.")
    assert got == ["NM1", "CF3"]


@pytest.mark.parametrize(
    ("sentence", "subject"),
    [
        ("The engineer |failed", Subject.PERSON),
        ("The engineer, however, |failed", Subject.PERSON),
        ("The engineer (new to the team) |failed", Subject.PERSON),
        ("The engineer on call |failed", Subject.PERSON),
        ("The deploy by the engineer |failed", Subject.THING),
        ("The engineer who deployed the change then |failed", Subject.PERSON),
        ("We saw it and |failed", Subject.SELF),
        ("The pod restarted and |failed", Subject.THING),
        ("Since the pod restarted, it |failed", Subject.THING),
        ("Members of the team |failed", Subject.PERSON),
        ("Priya Raman |failed", Subject.NAMED),
        ("At 14:02 Tomasz |failed", Subject.NAMED),
        ("@dana |failed", Subject.NAMED),
        ("No one |failed", Subject.PERSON),
        ("The team page |failed", Subject.THING),
        ("The package manager |failed", Subject.THING),
        ("Our manager |failed", Subject.PERSON),
        ("It |failed", Subject.THING),
        ("|Failed", Subject.THING),
    ],
)
def test_the_subject_is_the_head_of_the_nearest_clause(sentence, subject):
    at = sentence.index("|")
    names = subjects.names(PEOPLE)
    assert subjects.of(sentence.replace("|", ""), at, names) is subject


@pytest.mark.parametrize(
    ("sentence", "subject"),
    [
        ("The reviewer signed it off |without a look", Subject.PERSON),
        ("As usual, the team lead quickly approved it |without a look", Subject.PERSON),
        ("It broke because Priya copied the file |without a look", Subject.NAMED),
        ("The reviewer's script signed it off |without a look", Subject.THING),
        ("The team page opens |without a look", Subject.THING),
        ("The job deletes rows |without a look", Subject.THING),
        ("If the reviewer signed it off |without a look", Subject.THING),
        ("|Without a look", Subject.THING),
    ],
)
def test_who_did_it_is_the_first_noun_of_the_clause_if_a_verb_follows(sentence, subject):
    at = sentence.index("|")
    names = subjects.names(PEOPLE)
    assert subjects.doer(sentence.replace("|", ""), at, names) is subject


@pytest.mark.parametrize("joint", ["if", "unless", "whether"])
def test_a_condition_tells_nothing_that_happened(joint):
    told = f"It is open {joint} the engineer |missed it"
    assert subjects.of(told.replace("|", ""), told.index("|")) is Subject.THING
    other = "It is open and the engineer |missed it"
    assert subjects.of(other.replace("|", ""), other.index("|")) is Subject.PERSON


@pytest.mark.parametrize(
    ("told", "subject"),
    [
        ("Tomasz was on call. He |failed", Subject.NAMED),
        ("Tomasz was told to wait, but he |failed", Subject.NAMED),
        ("An engineer was on call. She |failed", Subject.PERSON),
        ("The DBA team was on the call. They |failed", Subject.PERSON),
        ("Tomasz was on the call. They |failed", Subject.PERSON),
        ("Priya restarted the brokers. They |failed", Subject.THING),
        ("The pods restarted, the team joined. They |failed", Subject.THING),
        ("The team joined the call. They |failed to start", Subject.THING),
        ("Tomasz was on call.\n\nIt was late. They |failed", Subject.THING),
        ("Tomasz, who |failed", Subject.NAMED),
        ("The node, which |failed", Subject.THING),
        ("They |failed", Subject.THING),
    ],
)
def test_a_pronoun_stands_for_whom_its_sentence_or_the_one_before_names(told, subject):
    at = told.index("|")
    assert subjects.of(told.replace("|", ""), at, subjects.names(PEOPLE)) is subject


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("Ana Souza", {"Ana Souza", "Ana", "Souza"}),
        ("Ana Souza (payments)", {"Ana Souza (payments)", "Ana", "Souza"}),
        ("Ludwig van der Berg", {"Ludwig van der Berg", "Ludwig", "Berg"}),
        ("ana souza", {"ana souza", "ana", "souza"}),
        ("dana", {"dana"}),
        ("@dana", {"@dana"}),
        ("Payments team", set()),
        ("On-call engineer", set()),
        ("Datadog monitor", set()),
        ("Checkout", set()),
        (" ", set()),
    ],
)
def test_a_team_or_a_role_in_a_column_of_people_is_nobodys_name(column, names):
    assert subjects.names([column]) == names


def test_what_a_team_is_called_is_no_person_in_prose():
    told = "The team deployed v2.48.0. Payments failed, and the engineer pushed the fix."
    assert language.read(told, people=["Payments team", "On-call engineer"]) == []


def test_a_mark_with_a_reason_pardons_its_sentence_only():
    marked = (
        "The engineer failed to look. (blameless: ok said so in the interview) She forgot to ask."
    )
    assert flagged(marked) == ["CF3"]
    inside = "The engineer failed to look (blameless: ok her own words)."
    assert flagged(inside) == []


def test_a_mark_without_a_reason_pardons_nothing():
    assert flagged("The engineer failed to look (blameless: ok).") == ["CF3"]


def test_an_outage_is_overstated_only_when_the_incident_was_less():
    text = "A complete outage: all users were affected."
    assert language.read(text, complete=None) == []
    assert language.read(text, complete=True) == []
    assert {flag.rule.id for flag in language.read(text, complete=False)} == {"OV"}


def test_names_are_only_known_from_the_incident():
    assert language.read("Dana pushed the change.") == []
    assert [f.rule.id for f in language.read("Dana pushed the change.", people=["Dana"])] == ["NA3"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00", "“", "```", "(((((", "a" * 100_000])
def test_odd_texts_are_read_in_peace(text):
    assert language.read(text) == []


def test_masking_keeps_every_offset():
    text = "Look at `rm -rf` and\n> the engineer failed\nhttps://x.example/a ok"
    masked = language.mask(text)
    assert len(masked) == len(text)
    assert [i for i, c in enumerate(masked) if c == "\n"] == [
        i for i, c in enumerate(text) if c == "\n"
    ]
    assert "rm" not in masked
    assert "engineer" not in masked


def test_a_sentence_that_was_wrapped_by_hand_is_read_whole():
    wrapped = "If we had deployed the two changes\none by one, it would have been much\nshorter."
    assert flagged(wrapped) == ["CF2"]
    assert flagged("On call: the engineer\n- failed to connect: host 3") == []


def test_a_rule_that_speaks_once_speaks_of_the_first_place():
    text = "The root cause was a limit. The root cause was a flag. The sole cause was a limit."
    assert [flag.start for flag in language.read(text)] == [text.index("The sole")]
    (flag,) = language.read("The root cause was a limit. The root cause was a flag.")
    assert flag.start == 0


def test_only_known_names_are_told_apart_from_things():
    text = "The outage was caused by Dana. The outage was caused by Redis."
    (flag,) = language.read(text, people=["Dana Kim"])
    assert (flag.rule.id, flag.words) == ("NA1", "caused by Dana")


@pytest.mark.parametrize(
    "unit",
    [
        "engineer failed to ",
        "(blameless: ok ",
        "(blameless: ok x) ",
        "had we ",
        "if ",
        '"',
        "`",
        "a=b ",
        " ",
        "\n",
        "<!--",
        "<pre>",
        "<code x",
        "a.",
        "a://",
        "**",
        "> \n",
        "caused by ",
        "{[",
        "He did not ",
        "Obviously the a ",
        "was told to a ",
        "let the a ",
        "if a did its ",
        "Dana, who ",
    ],
)
def test_a_long_hostile_text_is_read_in_linear_time(unit):
    """Four times the text may cost ten times the first, not sixteen as a square would."""

    def seconds(length):
        text = unit * (length // len(unit)) + "x" * (length % 7)  # never one remembered
        began = time.process_time()
        language.read(text)
        return time.process_time() - began

    language.rules()
    short = min(seconds(5_000 - place) for place in range(3))
    long = min(seconds(20_000 - place) for place in range(3))
    assert long < 10 * short + 0.5


def test_what_writers_say_of_themselves_is_a_hint():
    (ours,) = language.read("We forgot to renew the key.")
    (theirs,) = language.read("The engineer forgot to renew the key.")
    (alone,) = language.read("In hindsight the key was old.")
    assert (ours.rule.id, theirs.rule.id, alone.rule.id) == ("CF3", "CF3", "HI")
    assert (ours.hint, theirs.hint, alone.hint) == (True, False, True)


def test_a_warning_is_not_hidden_by_a_hint_that_begins_before_it():
    text = "The engineer deployed it without reading the plan and without any review."
    flags = language.read(text)
    assert [(flag.rule.id, flag.hint) for flag in flags][:1] == [("CF3", False)]
    assert all(one.end <= other.start for one, other in itertools.pairwise(flags))


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("The page |was missed|.", True),
        ("If the page |was missed|.", False),
        ("No page |was missed|.", False),
        ("Was it so that a page |was missed|?", False),
        ("A page |was missed|. Was it?", True),
        ("We don't say the page |was missed|.", False),
        ("It is known that the page |was missed| in v1.2", True),
    ],
)
def test_what_is_asked_denied_or_on_a_condition_is_not_told(sentence, told):
    before, words, after = sentence.split("|")
    start = len(before)
    assert subjects.told(before + words + after, start, start + len(words)) is told


@pytest.mark.parametrize(
    ("sentence", "explained"),
    [
        ("The probe was green, so nobody |noticed|.", True),
        ("While it hung, the pages loaded, so operations |did not see|.", True),
        ("The lead was sure of it, so nobody |checked|.", False),
        ("So nobody |checked|.", False),
        ("The probe was green, and nobody |noticed|.", False),
    ],
)
def test_what_follows_from_things_is_explained(sentence, explained):
    before, words, after = sentence.split("|")
    assert subjects.explained(before + words + after, len(before)) is explained


@pytest.mark.parametrize(
    ("sentence", "subject"),
    [
        ("You |missed", Subject.PERSON),
        ("Compare it with what you |missed", Subject.THING),
        ("It is a sign you |missed", Subject.THING),
        ("We add anything we |missed", Subject.THING),
        ("We |missed", Subject.SELF),
        ("Anyone with a role during that week |missed", Subject.THING),
        ("Whether the engineer read it, or |missed", Subject.THING),
        ("The engineer read it, but |missed", Subject.PERSON),
    ],
)
def test_a_clause_that_only_says_which_is_about_nobody(sentence, subject):
    assert subjects.of(sentence.replace("|", ""), sentence.index("|")) is subject


@pytest.mark.parametrize(
    ("sentence", "prospective"),
    [
        ("It is harder to remove a zone |by mistake.", True),
        ("It was easy to remove a zone |by mistake.", True),
        ("To prevent it, a zone was removed |by mistake.", False),
        ("A zone was removed |by mistake.", False),
    ],
)
def test_a_clause_tells_what_may_be_where_it_says_hard_easy_or_prevent(sentence, prospective):
    assert subjects.prospective(sentence.replace("|", ""), sentence.index("|")) is prospective
