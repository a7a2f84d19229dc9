"""Findings while a postmortem is being written: what is true is let be, and nothing comes early."""

import pytest

from postmortem_nb import Incident

TIMES = {
    "Incident Start": "02:13",
    "Detection": "06:40",
    "Acknowledgment": "06:52",
    "Investigation Begins": "06:55",
    "Root Cause Identified": "08:10",
    "Mitigation Plan Formed": "07:00",
    "Mitigation Deployed": "07:02",
    "Partial Recovery": "07:30",
    "Full Recovery": "08:20",
    "Monitoring": "08:30",
    "Incident Declared Resolved": "09:00",
}


@pytest.fixture
def incident(tmp_path):
    """A night in which a standby started a billing run for a second time; no evidence."""
    made = Incident.create("INC-318", tmp_path)
    for name, value in {"date": "2026-03-01", "severity": "SEV-2", "affected_total": 3412}.items():
        made.set(name, value)
    for step, clock in TIMES.items():
        made.add("timeline", step=step, time=f"2026-03-01T{clock}:00Z")
    return made


def messages(incident, *codes):
    frame = incident.check()
    return frame[frame["code"].isin(codes)]["message"].to_list()


@pytest.mark.parametrize(
    ("text", "doubted"),
    [
        ("The scheduler lost its lock when its database failed over at 02:11 UTC.", False),
        ("We failed over to the replica at 02:11 UTC.", True),
        ("The ledger was failed over at 02:11 UTC.", True),
    ],
)
def test_a_database_that_fails_over_by_itself_is_no_mitigation(incident, text, doubted):
    incident.set("why_it_happened", text)
    assert bool(messages(incident, "prose")) is doubted
