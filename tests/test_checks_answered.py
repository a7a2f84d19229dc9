"""A factor is answered by the measure that shares most with it, not by a word in common."""

import pytest

from postmortem_nb.checks.answered import _stem, _words
from postmortem_nb.incident import Incident

FACTORS = (
    ("Technical", "Connection pool of 5", "A library's default replaced the pool's own 50."),
    ("Process", "Load test at a tenth of traffic", "Five connections are enough at that load."),
    ("Human", "Handover in the afternoon", "Notes had no place for a release in progress."),
)
ACTIONS = (
    ("Pin the pool size", "Set the connection pool explicitly, not by the library's default."),
    ("Load-test releases at full traffic", "Before each release, with its own pool."),
    ("Handover form with releases", "The notes get a field for a release in progress."),
)

LONG = (
    "One dispatcher answers telephones, radio and the portal of the carriers from 22:00 to dawn, "
    "writes the log by hand, prints labels for late parcels, keeps the yard plan, and had to reset "
    "two machines in the far hall before looking at the traffic board. Drivers waited at the gate, "
    "and nobody called the depot in Lille."
)


@pytest.fixture
def made(tmp_path):
    """Return an incident whose three factors have an action each, in their order."""
    incident = Incident.create(
        "INC-1", tmp_path, start="2026-03-02 10:00Z", end="2026-03-02 11:00Z"
    )
    for area, name, description in FACTORS:
        incident.add("factors", area=area, name=name, description=description)
    for title, description in ACTIONS:
        incident.add(
            "actions", horizon="Immediate", priority="P1", title=title, description=description
        )
    return incident


def doubted(incident):
    found = incident.check()
    found = found[found["code"] == "factor"]
    return [tuple(each) for each in found[["message", "severity"]].to_numpy()]


def told(name, severity):
    return (f"No action or prevention measure speaks of “{name}”.", severity)


def test_a_factor_with_its_action_is_answered(made):
    assert doubted(made) == []


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_action_that_is_gone_leaves_its_factor_though_others_share_a_word(made, which):
    """The action for the load test speaks of the pool too, the one for the handover of releases."""
    made.remove("actions", made["actions"].index[which])
    assert doubted(made) == [told(FACTORS[which][1], "hint")]


def test_a_factor_that_shares_no_word_is_graver(made):
    made.add(
        "factors", area="Technical", name="Stale DNS entries", description="Resolvers kept them."
    )
    assert doubted(made) == [told("Stale DNS entries", "warning")]


def test_a_query_and_a_link_answer_nothing(made):
    made.add("factors", area="Process", name="Seasonal calendar", description="A sales weekend.")
    made.add("monitors", name="Errors", query="sum:seasonal.calendar{*}", threshold="5")
    made.add("dashboards", name="Board", link="https://example.com/seasonal-calendar")
    assert doubted(made) == [told("Seasonal calendar", "warning")]


def test_one_action_can_answer_two_factors(made):
    made.add(
        "factors",
        area="Technical",
        name="Pool default in the library",
        description="The library sets the connection pool size.",
    )
    assert doubted(made) == []


def test_without_any_action_every_factor_stands_open(made):
    made.replace("actions", made["actions"].iloc[:0])
    made.set("state", "Review")
    assert [message for message, _ in doubted(made)] == [
        told(name, "")[0] for _, name, _ in FACTORS
    ]


def test_the_words_of_a_service_answer_no_factor(made):
    """Every row may name the service: the runbook of the resolver is no answer to its caches."""
    made.set("services", ["parcel-resolver"])
    made.add(
        "factors",
        area="Technical",
        name="Stale entries of parcels",
        description="The resolver kept parcels that had left.",
    )
    made.add("runbooks", name="Resolver restart", updates="How parcels wait for it.")
    assert doubted(made) == [told("Stale entries of parcels", "warning")]


@pytest.mark.parametrize(
    ("words", "stem"),
    [
        ("retry retries retried", "retry"),
        ("release releases released releasing", "releas"),
        ("stop stopped stopping stops", "stop"),
        ("key keys", "key"),
        ("deploy deployed deployment deployments", "deploy"),
        ("rss", "rss"),
    ],
)
def test_words_agree_whatever_their_endings(words, stem):
    assert {_stem(word) for word in words.split()} == {stem}


def test_a_word_of_three_letters_joins_unless_it_carries_no_meaning():
    assert _words("The DNS key was not our own, 4.18.0") == {"dns", "key", "4.18.0"}


def test_short_words_and_other_endings_answer_a_factor(made):
    """Key and keys are all that the two have in common."""
    made.add("factors", area="Technical", name="No overlap of keys", description="Rotated at once.")
    made.add("actions", horizon="Immediate", title="Keep the old key for 24 hours")
    assert doubted(made) == []


def test_a_factor_that_tells_much_is_not_answered_by_what_it_shares_by_chance(made):
    """The action's two words of it are few of what it says, and many of a short factor."""
    made.add(
        "actions",
        horizon="Long-term",
        title="Scanners restart by themselves",
        description="A watchdog in the hall, a light at the gate.",
    )
    row = made.add("factors", area="Human", name="Night desk", description=LONG)
    assert doubted(made) == [told("Night desk", "hint")]
    made.set("description", "Drivers came from the hall to the gate.", table="factors", row=row)
    assert doubted(made) == []


@pytest.mark.parametrize(("blank", "answered"), [("contribution", False), ("prevention", True)])
def test_what_a_factor_wishes_for_weighs_more_than_what_it_did(made, blank, answered):
    """The action shares the same word with either."""
    made.add(
        "factors",
        area="Human",
        name="Broker suspected first",
        description="Nobody looked at callers.",
        **{blank: "The upstream."},
    )
    made.add(
        "actions",
        horizon="Short-term",
        title="Alert text with upstream",
        description="Beside its status code, for whoever is paged.",
    )
    assert doubted(made) == ([] if answered else [told("Broker suspected first", "hint")])


def test_a_small_number_in_common_answers_no_factor(made):
    """Of “10 minutes” another measure can speak too."""
    made.add(
        "factors",
        area="Technical",
        name="Abandoned carts stay open",
        description="Each kept a lock for 10 minutes after the guests had gone.",
    )
    row = made.add("actions", horizon="Short-term", priority="P1", title="Write to guests sooner",
                   description="The guests hear of an outage within 10 minutes.")  # fmt: skip
    assert doubted(made) == [told("Abandoned carts stay open", "hint")]
    made.set("title", "Close abandoned carts", table="actions", row=row)
    assert doubted(made) == []


def test_the_words_of_a_setting_answer_a_factor(made):
    made.add(
        "factors",
        area="Technical",
        name="No maximum age of connections",
        description="ConnMaxLifetime is 0, which means never.",
    )
    made.add(
        "actions",
        horizon="Immediate",
        title="Set ConnMaxLifetime",
        description="To ten minutes, which bounds the damage even where a client is not upgraded.",
    )
    assert _words("ConnMaxLifetime") == _words("conn max lifetime")
    assert doubted(made) == []


def test_a_word_is_the_same_with_a_hyphen():
    assert _words("time-outs, back-off, fail-over") == _words("timeout backoffs failover")
    assert _words("fail-closed") == _words("fail closed")


def test_a_word_of_a_factor_s_name_in_a_title_counts_more(made):
    """It is the only one in common; elsewhere in an action it can stand by chance."""
    made.add(
        "factors",
        area="Technical",
        name="Shortened safety hold",
        description="Marked chunks were deleted minutes later in all zones. A sweep saw no reader, "
        "counted references in a cache, took a lease on shards, and queued trims for the night.",
    )
    row = made.add(
        "actions",
        horizon="Immediate",
        title="Bring back 86,400 seconds",
        description="The hold is set in every bucket and cluster where the collector sweeps.",
    )
    assert doubted(made) == [told("Shortened safety hold", "hint")]
    made.set("title", "Restore the hold", table="actions", row=row)
    assert doubted(made) == []


@pytest.mark.parametrize(("blank", "answered"), [("contribution", False), ("prevention", True)])
def test_what_is_watched_answers_a_factor_that_wishes_for_it(made, blank, answered):
    made.add(
        "factors",
        area="Human",
        name="A surge was expected",
        description="All had told each other for a fortnight that it would be busy.",
        **{blank: "Requests per reader would have shown nine times the usual figure."},
    )
    made.add("dashboards", name="Night", widgets="Hit ratio, requests per reader, quota use")
    assert doubted(made) == ([] if answered else [told("A surge was expected", "hint")])


def test_factors_stand_open_though_most_others_do(made):
    """What the others share tells nothing where they have no action either."""
    for name in ("Stale hold of chunks", "Two zones at once", "Expiry in no calendar"):
        made.add("factors", area="Process", name=name, description="Seen in the release only.")
    assert [message for message, _ in doubted(made)] == [
        told(name, "")[0]
        for name in ("Stale hold of chunks", "Two zones at once", "Expiry in no calendar")
    ]
