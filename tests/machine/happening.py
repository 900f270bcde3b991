"""What state machines of a small cloud have in common: a run, what happens to its hosts and its server, and its end.

Hypothesis chooses what happens (see `cloud_machine.Cloud`), and makes what went wrong as short as it can. In the normal
suite the choices are the same each time. To look for longer, or elsewhere::

    CLOUDSIM_MACHINE_EXAMPLES=500 CLOUDSIM_MACHINE_SEED=1 pytest tests/machine -s

A failure prints the steps as a program, the log of the cloud, and a line that repeats it. With CLOUDSIM_MACHINE_COUNTS=1
a run that was right prints how many jobs and comparisons of what there were (`-s` shows it).
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, ClassVar

from cloud_machine import Cloud, new_cloud
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

EXAMPLES = int(os.environ.get("CLOUDSIM_MACHINE_EXAMPLES", "0"))
STEPS = int(os.environ.get("CLOUDSIM_MACHINE_STEPS", "30"))
SEED = int(os.environ.get("CLOUDSIM_MACHINE_SEED", "5"))

COUNTS = bool(os.environ.get("CLOUDSIM_MACHINE_COUNTS"))

few = st.integers(0, 3)
some = st.integers(0, 15)


class Happening(RuleBasedStateMachine):
    """One run."""

    #: What kind of cloud it happens to.
    kind: ClassVar[type[Cloud]] = Cloud

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self.loop = asyncio.new_event_loop()
        self.home = Path(tempfile.mkdtemp(prefix="cloudsim-machine-run-"))
        self.cloud: Any = self.run(new_cloud(self.home / "data", self.kind))
        logging.getLogger("cloudsim").addHandler(self.cloud.errors)

    def run(self, what: Awaitable[Any]) -> Any:
        """To its end; what goes wrong is told with the cloud's log."""
        try:
            return self.loop.run_until_complete(what)
        except BaseException as error:
            self.failed = True
            if hasattr(self, "cloud"):
                error.add_note("\n".join(self.cloud.log))
            raise

    def then(self, what: Awaitable[None] | None, wait: bool) -> None:
        """Does something; then, or later, the cloud comes to rest."""
        if what is not None:
            self.run(what)
        if wait:
            self.run(self.cloud.rest())

    @rule(wire=st.integers(0, 30), kind=st.integers(0, 6), count=st.integers(1, 4), host=st.integers(0, 4))
    def fault(self, wire: int, kind: int, count: int, host: int) -> None:
        self.cloud.fault(wire, kind, count, host)

    @rule(number=few, what=st.integers(0, 2), on=st.booleans())
    def power(self, number: int, what: int, on: bool) -> None:
        self.cloud.power(number, what, on)

    @rule(number=some)
    def guest_off(self, number: int) -> None:
        self.cloud.guest_off(number)

    @rule(boundary=st.integers(1, 20))
    def kill_at(self, boundary: int) -> None:
        self.cloud.kill_at(boundary)

    @rule()
    def kill(self) -> None:
        self.then(self.cloud.kill(), True)

    @rule(count=st.integers(1, 5))
    def minutes(self, count: int) -> None:
        self.then(self.cloud.minutes(count), True)

    @rule()
    def heal(self) -> None:
        self.run(self.cloud.heal())

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.run(self.cloud.heal())
        finally:
            logging.getLogger("cloudsim").removeHandler(self.cloud.errors)
            self.loop.run_until_complete(self.cloud.close())
            self.loop.close()
            shutil.rmtree(self.home, ignore_errors=True)


def run_machine(machine: type[Happening], usual: int = 24) -> None:
    """Runs it, as often as is said above, else as is `usual` for it; a failure says how to repeat it."""
    examples = EXAMPLES or usual
    shown = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate, Phase.shrink] if os.environ.get("CLOUDSIM_MACHINE_SHRINK") else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(SEED)(machine), settings=shown)
    except BaseException as error:
        error.add_note(
            f"to repeat: CLOUDSIM_MACHINE_SEED={SEED} CLOUDSIM_MACHINE_EXAMPLES={examples}"
            f" CLOUDSIM_MACHINE_STEPS={STEPS} pytest tests/machine"
        )
        raise
    if COUNTS:
        print(*(f"{count:6} {what}" for what, count in sorted(machine.kind.counts.items())), sep="\n")
