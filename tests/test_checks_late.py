"""Patterns that wait to be compiled: they are right, and nobody waits for them before the forms."""

import gc
import re
import subprocess
import sys

import pytest

from postmortem_nb.checks import findings, late


def test_a_late_pattern_does_what_a_pattern_does():
    found = late.late(r"(?P<first>a+)b", re.IGNORECASE)
    assert (found.pattern, found.flags) == (r"(?P<first>a+)b", re.IGNORECASE)
    assert found.search("xAAb")["first"] == "AA"
    assert [each.group() for each in found.finditer("ab aab")] == ["ab", "aab"]
    assert found.sub("-", "ab aab") == "- -"
    assert found.groupindex == {"first": 1}
    assert found.fullmatch("aab c") is None


def test_every_late_pattern_can_be_compiled():
    """A mistake in one would else be told when a document first needs it."""
    assert callable(findings)
    known = [each for each in gc.get_objects() if type(each) is late._Late]
    assert len(known) > 120
    for each in known:
        each.search("")


def test_a_late_pattern_with_a_mistake_says_so():
    with pytest.raises(re.error):
        late.late("(").search("")


def test_the_checks_are_there_before_their_patterns_are():
    code = (
        "import gc; import postmortem_nb.checks; from postmortem_nb.checks import late;"
        "known = [e for e in gc.get_objects() if type(e) is late._Late];"
        "print(len(known) > 120, sum('search' in vars(e) for e in known))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
