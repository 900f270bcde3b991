"""Where machines go: the settings that rule it, read as they are changed, and reservations that hold."""

from __future__ import annotations

import asyncio
import configparser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apiclient import Api, Refused

from cloudsim.allocators import registry


async def set_(api: Api, name: str, value: object, **place: str) -> None:
    await api.call("updateConfiguration", name=name, value=value, **place)


async def hosts_of(api: Api, number: int, **given: Any) -> Counter[str]:
    return Counter([(await api.deploy(**given))["hostid"] for _ in range(number)])


async def test_fill_and_spread(api: Api) -> None:
    await set_(api, "vm.allocation.algorithm", "fill")
    assert list((await hosts_of(api, 4)).values()) == [4]
    await set_(api, "vm.allocation.algorithm", "spread")
    # three hosts are empty; two of them are in the cluster that is emptier
    assert len(await hosts_of(api, 6)) >= 3
    await set_(api, "vm.allocation.algorithm", "userdispersing")
    assert (await api.deploy())["state"] == "Running"


async def test_volumes_have_an_algorithm_of_their_own(api: Api) -> None:
    await set_(api, "volume.allocation.algorithm", "fill")
    await hosts_of(api, 4)
    volumes = (await api.call("listVolumes", listall=True))["volume"]
    assert len({volume["storageid"] for volume in volumes}) == 1
    await set_(api, "volume.allocation.algorithm", "spread")
    await hosts_of(api, 4)
    volumes = (await api.call("listVolumes", listall=True))["volume"]
    assert Counter(volume["storage"] for volume in volumes) == {"primary1": 4, "primary2": 4}


async def test_thresholds_of_one_cluster(api: Api) -> None:
    first, second = (await api.call("listClusters"))["cluster"]
    await set_(api, "cluster.cpu.allocated.capacity.disablethreshold", "0", clusterid=first["id"])
    hosts = {host["id"] for host in (await api.call("listHosts", clusterid=second["id"]))["host"]}
    assert set(await hosts_of(api, 4)) <= hosts
    await set_(api, "cluster.memory.allocated.capacity.disablethreshold", "0", clusterid=second["id"])
    with pytest.raises(Refused) as caught:
        await api.deploy()
    assert caught.value.code == 533
    assert first["name"] in caught.value.text
    await api.call("resetConfiguration", name="cluster.cpu.allocated.capacity.disablethreshold", clusterid=first["id"])
    assert (await api.deploy())["hostid"] not in hosts


async def test_the_threshold_of_one_pool(api: Api) -> None:
    first, second = (await api.call("listStoragePools"))["storagepool"]
    await set_(api, "pool.storage.allocated.capacity.disablethreshold", "0", storageid=first["id"])
    await hosts_of(api, 3)
    volumes = (await api.call("listVolumes", listall=True))["volume"]
    assert {volume["storageid"] for volume in volumes} == {second["id"]}


async def test_factors_of_one_cluster(api: Api) -> None:
    first, _ = (await api.call("listClusters"))["cluster"]
    await set_(api, "cpu.overprovisioning.factor", "2", clusterid=first["id"])
    (changed,) = (await api.call("listClusters", id=first["id"]))["cluster"]
    assert changed["cpuovercommitratio"] == "2.0"
    (host, *_) = (await api.call("listHosts", clusterid=first["id"]))["host"]
    assert host["cpuwithoverprovisioning"] == str(2 * 128 * 4000)


async def test_no_more_is_promised_than_there_is(api: Api) -> None:
    """Room for 20 on one small host, of which one is the router; 60 ask at once."""
    where = await api.places()
    for host in (await api.call("listHosts"))["host"]:
        await api.call("updateHost", id=host["id"], allocationstate="Disable")
    url = "http://sim1/cpucore=20&cpuspeed=500&memory=1099511627776"
    (host,) = (await api.call("addHost", **where, hypervisor="Simulator", url=url))["host"]
    for name in (
        "cluster.cpu.allocated.capacity.disablethreshold",
        "cluster.memory.allocated.capacity.disablethreshold",
    ):
        await set_(api, name, "1")
    basics = await api.basics()
    asked = await asyncio.gather(*(api.call("deployVirtualMachine", **basics) for _ in range(60)))
    ended = await asyncio.gather(*(api.wait(one["jobid"], 60) for one in asked))
    assert Counter(one["jobstatus"] for one in ended) == {1: 19, 2: 41}
    assert {one["jobresult"]["errorcode"] for one in ended if one["jobstatus"] == 2} == {533}
    (found,) = (await api.call("listHosts", id=host["id"]))["host"]
    assert found["cpuallocatedvalue"] == 20 * 500


EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "fewest-machines"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example of the docs, as an installer leaves it."""
    settings = configparser.ConfigParser()
    settings.read(EXAMPLE / "setup.cfg")
    points = settings["options.entry_points"]["cloudsim.host_allocators"].strip()
    home = tmp_path / "site"
    metadata = home / "fewest_machines-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: fewest-machines\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[cloudsim.host_allocators]\n{points}\n")
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(home))
    registry.forget()
    yield
    registry.forget()


async def test_the_allocator_of_the_docs(installed: None, api: Api) -> None:
    for host in (await api.call("listHosts"))["host"][2:]:
        await api.call("updateHost", id=host["id"], allocationstate="Disable")
    offering = await api.call("createServiceOffering", name="b", displaytext="b", cpunumber=8, cpuspeed=500, memory=512)
    await set_(api, "vm.allocation.algorithm", "fewestmachines")
    big = await api.deploy(serviceofferingid=offering["serviceoffering"]["id"])
    small = await api.deploy()
    assert big["hostid"] != small["hostid"]
    # the emptier host by capacity is the small machine's; by number they are equal, then each gets one
    assert sorted((await hosts_of(api, 4)).values()) == [2, 2]


async def test_algorithms_that_are_not_there(api: Api) -> None:
    for name in ("vm.allocation.algorithm", "volume.allocation.algorithm", "vm.deployment.planner"):
        with pytest.raises(Refused) as caught:
            await set_(api, name, "fewestmachines")
        assert caught.value.status == 431
