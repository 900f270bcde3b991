"""A package of one's own with a planner, a host allocator and a storage allocator (``tests/examples/racks``)."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest
from apiclient import Api
from people import refused

from cloudsim.allocators import registry

EXAMPLE = Path(__file__).parents[1] / "examples" / "racks"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package, as an installer leaves it."""
    settings = configparser.ConfigParser()
    settings.optionxform = str  # type: ignore[assignment,method-assign]
    settings.read(EXAMPLE / "setup.cfg")
    metadata = tmp_path / "site" / "racks-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: racks\nVersion: 1.0\n")
    points = settings["options.entry_points"].items()
    (metadata / "entry_points.txt").write_text("\n".join(f"[{group}]{names}" for group, names in points))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    registry.forget()
    yield
    registry.forget()


async def set_(api: Api, name: str, value: str) -> None:
    await api.call("updateConfiguration", name=name, value=value)


async def test_each_part_decides_what_it_is_for_and_the_rules_hold(installed: None, api: Api) -> None:
    first, second = sorted((await api.call("listClusters"))["cluster"], key=lambda one: one["name"])
    hosts = {}
    for cluster in (first, second):
        for number, host in enumerate((await api.call("listHosts", clusterid=cluster["id"]))["host"], 1):
            name = f"r{number}-{cluster['name']}"
            await api.call("updateHost", id=host["id"], name=name)
            hosts[name] = host["id"]
    for number, pool in enumerate((await api.call("listStoragePools"))["storagepool"], 1):
        await api.call("updateStoragePool", id=pool["id"], name=f"r{number}-disks")
    await set_(api, "vm.allocation.algorithm", "byrack")
    await set_(api, "volume.allocation.algorithm", "byrack")
    await set_(api, "vm.deployment.planner", "LastClusterFirst")
    machines = [await api.deploy() for _ in range(3)]
    newest = [name for name in hosts if name.endswith(second["name"])]
    assert {machine["hostname"] for machine in machines} <= set(newest)
    racks = {machine["hostname"].partition("-")[0] for machine in machines}
    assert len(racks) == 1
    for machine in machines:
        (volume,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
        assert volume["storage"] == f"{racks.copy().pop()}-disks"
    found = (await api.call("explainVirtualMachinePlacement", **await api.basics()))["placement"]
    assert (found["algorithm"], found["deploymentplanner"]) == ("byrack", "LastClusterFirst")
    assert found["host"][0]["name"] == machines[0]["hostname"]
    # affinity groups are obeyed whatever puts the hosts in order
    web = (await api.job("createAffinityGroup", name="web", type="host anti-affinity"))["affinitygroup"]
    apart = [await api.deploy(affinitygroupids=web["id"]) for _ in hosts]
    assert len({machine["hostid"] for machine in apart}) == len(hosts)
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), affinitygroupids=web["id"]))[0] == 533
