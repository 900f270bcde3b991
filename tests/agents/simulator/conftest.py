from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from simulator_helpers import JumpingClock, check

from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.core.ids import Ids


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worlds" / "simulator.db"


@pytest.fixture
async def driver(path: Path, clock: JumpingClock) -> AsyncIterator[SimulatorDriver]:
    one = SimulatorDriver(path, clock, Ids(seed=1))
    await one.open()
    yield one
    check(one)
    await one.close()
