"""Every sentence of the other tests, in incidents of which little or nothing is known.

A rule that counts on a fact, a time or a frozen metric that is not there would end the whole check,
and the findings beside the forms with it.
"""

from pathlib import Path

import pytest
import sound
import test_checks_free
import test_checks_parts
import test_checks_prose
import test_checks_twice

from postmortem_nb import Incident

DAY = "2025-12-04T14:02:00Z"
LISTS = (
    *(test_checks_free.DENIED, test_checks_free.HELD),
    *(test_checks_parts.DENIED, test_checks_parts.LET_BE),
    *(test_checks_prose.CONTRADICT, test_checks_prose.AGREE),
    *(test_checks_twice.DENIED, test_checks_twice.HELD),
)
SPOKEN = Path(__file__).with_name("data") / "language-sentences.txt"
JUDGED = [
    line.split("|")[1].strip() for line in SPOKEN.read_text("utf-8").split("\n") if "|" in line
]
SENTENCES = [*dict.fromkeys(line for lines in LISTS for line in lines), *JUDGED]
NOTHING = {"affected_total": 0, "affected_share": 0, "failed_requests": 0, "revenue_loss": 0}
EXTREME = {"affected_share": 100, "budget_consumed": 0, "tickets": 0, "slo_target": 100.0}
FEW = 60


def start(incident):
    incident.add("timeline", step="Incident Start", time=DAY)
    for name, value in NOTHING.items():
        incident.set(name, value)


def end(incident):
    incident.add("timeline", step="Full Recovery", time=DAY)
    incident.set("severity", "SEV-0")


def moment(incident):
    for step in sound.TIMES:
        incident.add("timeline", step=step, time=DAY)
    for name, value in EXTREME.items():
        incident.set(name, value)


def facts(incident):
    sound.write(incident, {**sound.FACTS, "state": "Review"}, {})
    incident.add("timeline", step="Incident Start", time=DAY)


@pytest.mark.parametrize("fill", [lambda _: None, start, end, moment, facts])
def test_no_sentence_ends_the_check_of_an_incident_of_few_facts(tmp_path, fill):
    assert len(SENTENCES) > 500
    for first in range(0, len(SENTENCES), FEW):
        told = SENTENCES[first : first + FEW]
        incident = Incident.create(f"INC-{first}", tmp_path)
        fill(incident)
        incident.set("problem", " ".join(told[:5]))
        incident.set("technical_cause", " ".join(told[5:10]))
        incident.add("whys", answer=" ".join(told[10:15]))
        incident.add("timeline", step="Key Discovery", finding=" ".join(told[15:20]))
        incident.add("updates", channel="Status page", time=DAY, text=" ".join(told[20:22]))
        incident.add("factors", area="Technical", name="Pool", description=" ".join(told[22:26]))
        incident.add("actions", horizon="Immediate", title="Guard", description=told[-1])
        for at in range(0, FEW, 6):
            incident.add("takeaways", text="\n".join(told[at : at + 6]) or "Nothing.")
        assert incident.check()["message"].str.len().min() > 0
