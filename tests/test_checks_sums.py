"""Sums that a sentence writes out: each total that is not that of its parts is found."""

import pytest
import sound

WRONG = {
    "We had 12 calls and 30 mails, 50 messages in all.": "that makes 42.",
    "Ghent saw 1,400 failures, Utrecht 800, Lyon 700, together 3,000.": "that makes 2,900.",
    "The work took 64 hours: 38 in Payroll, 20 in Tax Rules and 16 in Support.": "that makes 74.",
    "Of 1,120 failures 800 came from Ghent, 300 from Lyon and 30 from Utrecht.": "makes 1,130.",
    "12 of the 90 minutes were detection, 54 were diagnosis, 34 were clean-up.": "makes 100.",
    "In all 121 tickets came: 80 by mail, 30 by phone and 10 by chat.": "that makes 120.",
}
RIGHT = """\
We had 12 calls and 30 mails, 42 messages in all.
Ghent saw 1,400 failures, Utrecht 900, Lyon 700, together 3,000.
The work took 64 hours: 28 in Payroll, 20 in Tax Rules and 16 in Support.
Of 1,120 failures 800 came from Ghent and 300 from Lyon.
12 of the 90 minutes were detection, 54 were diagnosis, 24 were clean-up.
12 of the 90 minutes were detection; the page took 4 and the call 3.
Versions 5.10, 5.11 and 5.12 together serve nine of ten clients.
The pool went from 3 to 5 pods, 12 in total with the reserve.
We asked 31 of 40 teams; 9 did not answer, 40 in all.
It came in three batches of 14,000 keys, 42,000 keys in all.
Some 1.3 million requests failed: 800,000 from the web and 480,000 from the phone app.
Two steps remain: 120 pods at 14:40 and 80 at 15:10.
""".splitlines()


@pytest.fixture(scope="module")
def incident(tmp_path_factory):
    return sound.create(tmp_path_factory.mktemp("totals"))


@pytest.mark.parametrize("sentence", WRONG)
def test_a_total_that_is_not_that_of_its_parts_is_found(incident, sentence):
    found = sound.doubted_with(incident, sentence, "prose")
    assert any(each.endswith(WRONG[sentence]) for each in found), found


@pytest.mark.parametrize("sentence", RIGHT)
def test_a_total_of_its_parts_is_let_be(incident, sentence):
    found = sound.doubted_with(incident, sentence, "prose")
    assert not any("that makes" in each for each in found), found
