"""Messages of the day against the timeline: 14:02 start, 15:38 partial, 16:09 full recovery."""

import pytest
import sound


def doubted(folder, sent, text, code):
    incident = sound.create(folder)
    incident.add("updates", channel="Status page", time=sound.moment(sent), text=text)
    found = incident.check()
    return len(found[(found["code"] == code) & (found["table"] == "updates")]) == 1


@pytest.mark.parametrize(
    ("sent", "text", "is_doubted"),
    [
        ("16:12", "Resolved: checkout works since 16:09 UTC.", False),
        ("15:55", "Resolved: checkout works since 16:09 UTC.", True),
        ("15:55", "Shops were back at 16:09.", True),
        ("15:20", "The fix was rolled out at 15:26.", True),
        ("15:55", "The next update comes at 16:09.", False),
        ("16:12", "Shops were back at 17:09 CET.", False),  # 16:09 UTC
        ("15:55", "Shops were back at 17:09 in Bern.", False),  # the zone is not told
    ],
)
def test_a_message_tells_of_nothing_that_came_after_it(tmp_path, sent, text, is_doubted):
    assert doubted(tmp_path, sent, text, "date") is is_doubted


@pytest.mark.parametrize(
    ("sent", "text", "is_doubted"),
    [
        ("15:40", "Checkout is back to normal. We keep watching.", True),
        ("16:12", "Checkout is back to normal. We keep watching.", False),
        ("15:40", "Checkout will be back to normal within the hour.", False),
        ("15:40", "Most shops work again.", False),
        ("15:40", "Shops in Bern work again.", False),
        ("15:40", "Checkout is not back to normal.", False),
    ],
)
def test_a_message_tells_no_end_before_it(tmp_path, sent, text, is_doubted):
    assert doubted(tmp_path, sent, text, "order") is is_doubted


@pytest.mark.parametrize(("sent", "is_doubted"), [("13:50", True), ("14:10", False)])
def test_a_message_is_not_sent_before_the_start(tmp_path, sent, is_doubted):
    assert doubted(tmp_path, sent, "We look into it.", "window") is is_doubted


@pytest.mark.parametrize(
    ("day", "text", "is_doubted"),
    [
        ("2025-12-05", "We have found the cause and are restoring the service.", True),
        ("2025-12-05", "Rolling checkout back.", True),
        ("2025-12-05", "We are working on a report of how it came.", False),
        ("2025-12-05", "We are fixing the refunds that remain.", False),
        ("2025-12-04", "We have found the cause and are restoring the service.", False),
    ],
)
def test_a_message_tells_of_no_repair_after_the_end(tmp_path, day, text, is_doubted):
    incident = sound.create(tmp_path)
    incident.add("updates", channel="Status page", time=f"{day}T15:32:00Z", text=text)
    found = incident.check()
    late = found[(found["code"] == "window") & (found["table"] == "updates")]
    assert (len(late) == 1) is is_doubted


@pytest.mark.parametrize(
    ("day", "clock", "text", "is_doubted"),
    [
        ("2025-12-05", "15:45", "A fix is in place; payments are recovering.", True),
        ("2025-12-05", "15:20", "The rollback to v2.47.3 has begun.", True),
        ("2025-12-05", "15:20", "Cause found: the pool of v2.48.0.", True),
        ("2025-12-05", "15:20", "The report of how it came has begun.", False),
        ("2025-12-05", "15:20", "All refunds are paid.", False),
        ("2025-12-05", "16:12", "Checkout works again.", True),
        ("2025-12-05", "16:12", "Checkout works again since yesterday.", False),
        ("2025-12-05", "16:12", "Checkout works again since 2025-12-04.", False),
        ("2025-12-04", "17:12", "Checkout works again.", False),
        ("2025-12-04", "15:45", "A fix is in place; payments are recovering.", False),
    ],
)
def test_a_message_of_a_later_day_tells_no_step(tmp_path, day, clock, text, is_doubted):
    incident = sound.create(tmp_path)
    incident.add("updates", channel="Internal", time=f"{day}T{clock}:00Z", text=text)
    found = incident.check()
    assert (len(found[found["table"] == "updates"]) == 1) is is_doubted


@pytest.mark.parametrize(
    ("sent", "text", "is_doubted"),
    [
        ("14:40", "Cause found: the pool of v2.48.0.", True),
        ("14:40", "We have identified the cause and are preparing a fix.", True),
        ("14:40", "The likely cause is found.", False),
        ("14:40", "We look for the cause.", False),
        ("15:12", "Cause found: the pool of v2.48.0.", False),
        ("15:05", "A fix is in place.", True),
        ("15:05", "Until a fix is in place, pay in cash.", False),
        ("15:40", "A fix is in place.", False),
    ],
)
def test_a_message_reports_no_step_long_before_its_row(tmp_path, sent, text, is_doubted):
    assert doubted(tmp_path, sent, text, "order") is is_doubted
