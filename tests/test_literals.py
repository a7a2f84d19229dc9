"""Texts that a pattern needs: worked by hand, and held against texts that the pattern matches."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postmortem_nb import language, literals

WAYS = [(rule.id, way) for rule in language.rules() for way in rule.patterns]


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("should have", {"should have"}),
        ("Should", {"should"}),
        ("ab(?:cde|fgh)", {"cde", "fgh"}),  # the best part: longer than "ab"
        ("abcd(?:e|f)", {"abcd"}),
        ("abc|de", {"abc", "de"}),
        ("abc|d", set()),  # one letter is not worth it, so nothing is claimed of the whole
        ("abcs?", {"abc"}),
        ("abc*d", {"ab"}),
        ("(?:abc)?de", {"de"}),
        ("(?:abc)+", {"abc"}),
        ("(?:abc){0,2}de", {"de"}),
        (r"\bab\w+cde", {"cde"}),
        ("(?!never)(?<!not )abc", {"abc"}),
        (r"ab[)(|]cde", {"cde"}),
        ("(?is)abc", {"abc"}),
        ("(?P<who>ab|cd)", {"ab", "cd"}),
        ("(?:(?:ab|cd)e|fgh)", {"ab", "cd", "fgh"}),
        (r"\w+", set()),
        ("", set()),
    ],
)
def test_the_texts_that_a_pattern_needs(pattern, needed):
    assert literals.needed(pattern, {}) == needed


def test_a_name_stands_for_what_its_words_need():
    words = {"<DONE>": literals.needed("(?:tested|checked)", {})}
    assert literals.needed("be <DONE>", words) == {"tested", "checked"}
    assert literals.needed("was never <DONE>?", words) == {"was never "}


@pytest.mark.parametrize(
    ("rule", "way"), WAYS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(WAYS)]
)
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_a_rule_of_language_matches_holds_what_it_needs(rule, way, data):
    del rule
    text = data.draw(st.from_regex(re.compile(way.written, re.ASCII)))
    found = re.search(way.written, text)
    assert found is None or not way.needs or any(each in found[0].lower() for each in way.needs)
