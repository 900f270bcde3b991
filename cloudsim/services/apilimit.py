"""How many calls an account may make in an interval: ``api.throttling.*``. Counted in memory, as in the reference."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloudsim.core.errors import TooManyRequests
from cloudsim.core.settings import Settings


@dataclass(slots=True)
class Window:
    """The calls of one account in the interval that runs."""

    ends: int
    issued: int = 0


@dataclass(slots=True)
class ApiLimits:
    """The calls of all accounts."""

    windows: dict[int, Window] = field(default_factory=dict)

    def count(self, account_id: int, now: int, settings: Settings) -> None:
        """Counts a call. Raises `TooManyRequests` where it is one too many."""
        window = self.windows.get(account_id)
        if window is None or window.ends <= now:
            if len(self.windows) >= (settings.number("api.throttling.cachesize") or 50_000):
                self.windows = {key: one for key, one in self.windows.items() if one.ends > now}
            window = self.windows[account_id] = Window(now + interval(settings))
        window.issued += 1
        most = settings.number("api.throttling.max")
        if window.issued > most:
            raise TooManyRequests(
                f"your account has made its {most} calls of this interval: try again in {window.ends - now} ms"
            )

    def state(self, account_id: int, now: int) -> tuple[int, int]:
        """The calls that an account has made in the interval that runs, and the milliseconds until it ends."""
        window = self.windows.get(account_id)
        if window is None or window.ends <= now:
            return 0, 0
        return window.issued, window.ends - now

    def reset(self, account_id: int | None) -> None:
        """Forgets the calls of an account, or of all."""
        if account_id is None:
            self.windows.clear()
        else:
            self.windows.pop(account_id, None)


def interval(settings: Settings) -> int:
    """The length of an interval in milliseconds."""
    return max(1, settings.number("api.throttling.interval")) * 1000
