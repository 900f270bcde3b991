"""Cron expressions: what they mean, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloudsim.jobs import cron


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        ("0 0 1 * *", "UTC", "2026-11-24T22:00:00", "2026-12-01T00:00:00"),
        ("*/15 * * * *", "UTC", "2026-11-24T22:00:00", "2026-11-24T22:15:00"),
        ("30 7 * * *", "Europe/Berlin", "2026-07-01T00:00:00", "2026-07-01T05:30:00"),
        # days of the week are counted from Sunday, which is 0 and 7
        ("0 8 * * 1", "UTC", "2026-11-24T00:00:00", "2026-11-30T08:00:00"),
        ("0 8 * * 1-5", "UTC", "2026-11-27T09:00:00", "2026-11-30T08:00:00"),
        ("0 8 * * 0", "UTC", "2026-11-24T00:00:00", "2026-11-29T08:00:00"),
        ("0 8 * * 7", "UTC", "2026-11-24T00:00:00", "2026-11-29T08:00:00"),
        ("0 8 * * sat,sun", "UTC", "2026-11-24T00:00:00", "2026-11-28T08:00:00"),
        ("0 8 * * fri-mon", "UTC", "2026-11-24T09:00:00", "2026-11-27T08:00:00"),
        ("0 8 * jan *", "UTC", "2026-11-24T00:00:00", "2027-01-01T08:00:00"),
        # the very instant itself is not after it
        ("0 0 * * *", "UTC", "2026-11-24T00:00:00", "2026-11-25T00:00:00"),
    ],
)
def test_the_next_time(expression: str, timezone: str, after: str, expected: str) -> None:
    assert cron.next_time(expression, timezone, at(after)) == at(expected)


def test_a_time_that_never_comes() -> None:
    assert cron.next_time("0 0 30 2 *", "UTC", at("2026-01-01T00:00:00")) is None


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "a b c d e",
     "* * * * mon-", "* * * * 1/0", "*/0 * * * *", "@daily"],
)  # fmt: skip
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|week"):
        cron.check(text, "UTC")


def test_timezones() -> None:
    assert cron.check_timezone("europe/berlin") == "Europe/Berlin"
    for wrong in ("", "Mars/Olympus", "../../etc/passwd"):
        with pytest.raises(ValueError, match="time zone"):
            cron.check_timezone(wrong)
