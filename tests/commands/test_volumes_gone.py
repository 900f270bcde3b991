"""A volume that is gone for good is gone from storage as well, whoever it was taken from."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from disks import attach, detach, disk
from people import account, keyed

from cloudsim.server import Server
from cloudsim.services import vm_plain


async def owned(api: Api, http: aiohttp.ClientSession) -> tuple[dict[str, Any], dict[str, Any]]:
    """An account whose machine made a volume and gave it back, and the volume."""
    whose = await account(api, "goes")
    own = await keyed(api, http, whose["user"][0]["id"])
    machine, volume = await own.deploy(), await disk(own)
    await attach(own, volume, machine)
    await detach(own, volume)
    await own.job(
        "createTags", resourcetype="Volume", resourceids=volume["id"], **{"tags[0].key": "a", "tags[0].value": "b"}
    )
    return whose, volume


def there(server: Server) -> set[str]:
    return {volume.uuid for volume in server.simulator.volumes()}


async def test_the_detached_volumes_of_a_deleted_account_leave_storage(
    server: Server, api: Api, http: aiohttp.ClientSession
) -> None:
    whose, volume = await owned(api, http)
    assert volume["id"] in there(server)
    await api.job("deleteAccount", id=whose["id"])
    assert volume["id"] not in there(server)
    sql = f"SELECT state, removed IS NOT NULL FROM volume WHERE uuid = '{volume['id']}'"
    assert [(state, bool(gone)) for state, gone in await invariants.rows(server, sql)] == [("Expunged", True)]
    await invariants.none(server, "SELECT id FROM tag WHERE resource_type = 'Volume'")
    await invariants.check(server)


async def test_what_no_host_reaches_when_its_account_goes_is_wiped_once_one_does(
    server: Server, api: Api, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    whose, volume = await owned(api, http)
    with monkeypatch.context() as broken:
        broken.setattr(vm_plain, "host_for_pool", lambda ctx, pool_id: None)
        await api.job("deleteAccount", id=whose["id"])
    assert volume["id"] in there(server)
    await server.periodic.run_now("storage-cleanup")
    await invariants.rest(server)
    assert volume["id"] not in there(server)
    await invariants.check(server)
