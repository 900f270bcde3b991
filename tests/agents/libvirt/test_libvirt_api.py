"""Hosts of libvirt added through the API, and machines on them from deployment to expunge."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apiclient import Api, Refused, admin_keys
from options import make_config
from rfb import Viewer

from cloudsim.server import Server

TEST_URI = "test:///default"


@pytest.fixture
async def kvm(data_dir: Path, http: Any, daemon: Any, images: Path) -> AsyncIterator[Api]:
    """A server whose volumes lie where the private daemon finds them."""
    server = Server(make_config(data_dir, **{"libvirt-storage": str(images)}))
    await server.start()
    yield Api(http, server.url, *admin_keys(data_dir))
    await server.stop()


async def cluster(api: Api, **given: Any) -> dict[str, str]:
    where = await api.places()
    del where["clusterid"]
    made = await api.call("addCluster", **where, clustername="c", clustertype="CloudManaged", hypervisor="KVM", **given)
    return {**where, "clusterid": made["cluster"][0]["id"], "hypervisor": "KVM"}


async def test_a_host_that_does_not_fit(libvirt_library: None, api: Api) -> None:
    where = await cluster(api)
    with pytest.raises(Refused) as caught:
        await api.call("addHost", **where, url=TEST_URI)
    assert "i686" in caught.value.text
    await api.call("updateCluster", id=where["clusterid"], arch="i686")
    (host,) = (await api.call("addHost", **where, url=TEST_URI))["host"]
    assert (host["state"], host["hypervisor"], host["arch"]) == ("Up", "KVM", "i686")
    assert host["details"]["acceleration"] == "none"
    with pytest.raises(Refused) as caught:
        await api.call("addHost", **where, url=TEST_URI)
    assert caught.value.status == 431
    assert host["name"] in caught.value.text
    with pytest.raises(Refused) as caught:
        await api.call("addHost", **where, url="qemu+unix:///system?socket=/nowhere/sock")
    assert caught.value.status == 530
    assert (await api.call("listHosts", clusterid=where["clusterid"]))["count"] == 1


async def test_a_machine_that_qemu_runs(kvm: Api, daemon: Any) -> None:
    where = await cluster(kvm)
    (host,) = (await kvm.call("addHost", **where, url=daemon.uri))["host"]
    assert host["details"]["acceleration"] in ("kvm", "tcg")
    assert host["memorytotal"] > 0
    pool = {name: where[name] for name in ("zoneid", "podid", "clusterid")}
    await kvm.call("createStoragePool", **pool, name="disks", url="filesystem:/srv/disks", capacitybytes=1 << 40)
    (template, *_) = (await kvm.call("listTemplates", templatefilter="featured", hypervisor="KVM"))["template"]
    machine = await kvm.deploy(templateid=template["id"])
    assert (machine["state"], machine["hypervisor"], machine["hostid"]) == ("Running", "KVM", host["id"])
    name = machine["instancename"]

    def running() -> bool:
        listed = subprocess.run(["virsh", "-c", daemon.uri, "list", "--name"], capture_output=True, text=True).stdout
        return name in listed.split()

    assert running()
    made = (await kvm.call("createConsoleEndpoint", virtualmachineid=machine["id"]))["consoleendpoint"]
    told = made["websocket"]
    url = f"ws://{told['host']}:{told['port']}/{told['path']}?token={told['token']}"
    async with kvm.session.ws_connect(url, protocols=["binary"], max_msg_size=0) as socket:
        viewer = await Viewer(socket).shake()
        assert name in viewer.name
        await viewer.picture(whole=True)
        assert any(viewer.pixels)
    assert (await kvm.job("rebootVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
    stopped = (await kvm.job("stopVirtualMachine", id=machine["id"], forced=True))["virtualmachine"]
    assert stopped["state"] == "Stopped"
    assert not running()
    assert (await kvm.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
    assert running()
    await kvm.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert not running()
    defined = subprocess.run(["virsh", "-c", daemon.uri, "list", "--all", "--name"], capture_output=True, text=True)
    assert name not in defined.stdout.split()
    await kvm.call("deleteHost", id=host["id"], forced=True)


async def test_snapshots_of_a_machine_that_qemu_runs(kvm: Api, daemon: Any) -> None:
    where = await cluster(kvm)
    (host,) = (await kvm.call("addHost", **where, url=daemon.uri))["host"]
    pool = {name: where[name] for name in ("zoneid", "podid", "clusterid")}
    await kvm.call("createStoragePool", **pool, name="disks", url="filesystem:/srv/disks", capacitybytes=1 << 40)
    (template, *_) = (await kvm.call("listTemplates", templatefilter="featured", hypervisor="KVM"))["template"]
    machine = await kvm.deploy(templateid=template["id"])
    with pytest.raises(Refused, match="together with its memory"):
        await kvm.job("createVMSnapshot", virtualmachineid=machine["id"])
    memory = await kvm.job("createVMSnapshot", virtualmachineid=machine["id"], snapshotmemory=True)
    memory = memory["vmsnapshot"]
    assert (memory["type"], memory["state"], memory["hypervisor"]) == ("DiskAndMemory", "Ready", "KVM")
    back = (await kvm.job("revertToVMSnapshot", vmsnapshotid=memory["id"]))["virtualmachine"]
    assert (back["state"], back["hostid"]) == ("Running", host["id"])
    await kvm.job("stopVirtualMachine", id=machine["id"], forced=True)
    disks = (await kvm.job("createVMSnapshot", virtualmachineid=machine["id"]))["vmsnapshot"]
    assert (disks["type"], disks["parent"]) == ("Disk", memory["id"])
    assert (await kvm.job("revertToVMSnapshot", vmsnapshotid=disks["id"]))["virtualmachine"]["state"] == "Stopped"
    await kvm.job("startVirtualMachine", id=machine["id"])
    for made in (memory, disks):
        await kvm.job("deleteVMSnapshot", vmsnapshotid=made["id"])
    assert await kvm.call("listVMSnapshot", virtualmachineid=machine["id"]) == {}
    await kvm.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    await kvm.call("deleteHost", id=host["id"], forced=True)
