"""Cron expressions: five fields (minute, hour, day of month, month, day of week), read by APScheduler."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def check_timezone(name: str) -> str:
    """A name of the IANA time zone database such as ``Europe/Berlin``. ``ValueError`` for any other."""
    known = {one.lower(): one for one in available_timezones()}
    found = known.get(name.lower())
    if found is None:
        raise ValueError(f"'{name[:64]}' is no time zone; names are written as UTC or Europe/Berlin")
    return found


def check(expression: str, timezone: str) -> str:
    """An expression in its usual form. ``ValueError`` with a reason where it cannot be understood."""
    text = " ".join(expression.split())
    _trigger(text, timezone)
    return text


def next_time(expression: str, timezone: str, after: int) -> int | None:
    """The first instant after another one (both in milliseconds) that an expression names; None: there is none."""
    at = datetime.fromtimestamp(after / 1000, UTC)
    found = _trigger(expression, timezone).get_next_fire_time(None, at)
    if found is not None and int(found.timestamp() * 1000) <= after:
        found = _trigger(expression, timezone).get_next_fire_time(found, found)
    return None if found is None else int(found.timestamp() * 1000)


@lru_cache(maxsize=1024)
def _trigger(expression: str, timezone: str) -> Any:
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError("a schedule has five fields: minute, hour, day of month, month, day of week")
    minute, hour, day, month, weekday = fields
    try:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month.lower(), day_of_week=_weekdays(weekday),
            timezone=ZoneInfo(timezone),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"'{expression[:64]}' is no schedule: {error}") from None


def _weekdays(text: str) -> str:
    """Days of the week by name: cron counts them from Sunday, and knows two numbers for it."""
    if text in ("*", "?"):
        return "*"
    days: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        low = 0 if first == "*" else _weekday(first)
        high = 6 if first == "*" else _weekday(last) if dash else low
        if step and not dash and first != "*":
            high = 6
        if (step and (not step.isascii() or not step.isdigit() or step.strip("0") == "")) or low > 7:
            raise ValueError(f"'{part}' is no day of the week")
        if high < low:
            high += 7
        days.update(day % 7 for day in range(low, high + 1, int(step or 1)))
    return ",".join(_DAYS[day] for day in sorted(days))


def _weekday(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isascii() and text.isdigit() and int(text) <= 7:
        return int(text)
    raise ValueError(f"'{text}' is no day of the week: they are 0 to 7, or sun to sat")
