"""Periodic tasks: one class each, its interval from a setting, never two runs at once. APScheduler is used here only.

A task that fails is logged and runs again at its next turn. An interval is read anew after each run, so that a changed
setting holds from the next run on. A task that was due while the server was down runs once, soon after the start.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from cloudsim.core.clock import Clock

log = logging.getLogger(__name__)


class PeriodicTask:
    """One task. Subclasses give `name`, `interval` and `run`."""

    #: For metrics and log lines.
    name = ""
    #: Seconds from the start of the server to the first run.
    first = 5.0

    def interval(self) -> float:
        """Seconds between two runs, read from a setting; 0: not at all for now."""
        raise NotImplementedError

    def paused(self) -> bool:
        """Whether it must not run now."""
        return False

    async def run(self) -> None:
        """Does it once."""
        raise NotImplementedError


class Scheduler:
    """Runs tasks. `state` tells of each: how often it ran, failed, how long the last run took, whether it runs now."""

    def __init__(self, tasks: Iterable[PeriodicTask], clock: Clock) -> None:
        self.tasks = {task.name: task for task in tasks}
        self._clock = clock
        self.state: dict[str, dict[str, float]] = {
            name: {"runs": 0, "failures": 0, "seconds": 0.0, "running": 0, "last": 0} for name in self.tasks
        }
        self._scheduler: Any = None

    def start(self) -> None:
        """Plans the first run of every task."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1})
        for task in self.tasks.values():
            self._plan(task, task.first)
        self._scheduler.start()

    def _plan(self, task: PeriodicTask, seconds: float) -> None:
        if self._scheduler is None:
            return
        due = datetime.fromtimestamp(self._clock.now() / 1000, UTC) + timedelta(seconds=seconds)
        self._scheduler.add_job(
            self._turn,
            "date",
            run_date=due,
            args=[task.name],
            id=task.name,
            replace_existing=True,
            misfire_grace_time=None,
        )

    async def _turn(self, name: str) -> None:
        task = self.tasks[name]
        if task.interval() > 0 and not task.paused():
            await self.run_now(name)
        # without an interval it looks again in a minute whether it has one
        self._plan(task, task.interval() or 60.0)

    async def run_now(self, name: str) -> None:
        """Runs a task at once, unless it runs already; used by tests and by administrators."""
        state = self.state[name]
        if state["running"]:
            return
        state["running"] = 1
        started = self._clock.monotonic()
        try:
            await self.tasks[name].run()
        except Exception:
            state["failures"] += 1
            log.exception("periodic task %s", name)
        finally:
            state.update(
                running=0, runs=state["runs"] + 1, seconds=self._clock.monotonic() - started, last=self._clock.now()
            )

    def close(self) -> None:
        """Ends all planning."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.shutdown(wait=False)
