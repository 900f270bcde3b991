"""What the state machine over networks has found, one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cloud_machine import forget, new_cloud
from network_cloud import NetworkCloud

from cloudsim.db import schema


@pytest.fixture(scope="module", autouse=True)
def prepared() -> Any:
    yield
    forget()


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Any]:
    """One with a network, a machine in it and a router."""
    made: Any = await new_cloud(tmp_path / "data", NetworkCloud)
    await made.make_network(0)
    await made.rest()
    await made.deploy_in(0, 0, 0)
    await made.rest()
    yield made
    await made.close()


async def test_jobs_that_tell_a_router_do_not_keep_it_on_a_host_that_is_down(cloud: NetworkCloud) -> None:
    """It is brought back elsewhere once nothing is under way with it: what it is still to be told is tried no more."""
    ((router, host),) = await cloud.rows("SELECT uuid, host_id FROM vm WHERE type = 'DomainRouter'")
    for name in cloud.hosts:
        cloud.server.simulator.set_host(name, False)
    told = "SELECT count(*) FROM job WHERE workflow = 'router.rules'"
    for status, expected in (("Alert", "is down"), ("Down", "its host is down")):
        await cloud.server.db.write(lambda tx, status=status: tx.update(schema.host, {"id": host}, status=status))
        await cloud.address(0, 0)
        await cloud.live()
        ((failed,),) = await cloud.rows(
            "SELECT result FROM job WHERE workflow = 'router.rules' ORDER BY id DESC LIMIT 1"
        )
        assert expected in failed
        before = await cloud.rows(told)
        await cloud.server.periodic.run_now("router-rules")
        assert await cloud.rows(told) == before
    assert await cloud.rows(f"SELECT 1 FROM vm WHERE uuid = '{router}' AND state = 'Running' AND host_id = {host}")
    await cloud.heal()
