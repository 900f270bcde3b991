"""Disks of real guests, run by QEMU under a private libvirt daemon: given, taken, resized, checked."""

import subprocess
import xml.etree.ElementTree as ET

import pytest

from cloudsim.agents import base
from cloudsim.agents.base import CommandFailed, HostAddress
from cloudsim.agents.libvirt import driver as drivers

GIB = 1024**3
#: The host's details, as the server would have remembered them when the host was added.
known: dict[str, str] = {}


def virsh(daemon, *words):
    """What an administrator sees and does, past the driver."""
    return subprocess.run(["virsh", "-c", daemon.uri, *words], capture_output=True, text=True).stdout


@pytest.fixture
def driver(new_driver, images, consoles):
    return new_driver(storage=str(images), console_logs=str(consoles), timeout=20)


@pytest.fixture
async def host(driver, daemon):
    if not known:
        known.update((await driver.connect(HostAddress("h", daemon.uri, "KVM", {"domain_type": "qemu"}))).details)
    made = HostAddress("h", daemon.uri, "KVM", known)
    yield made
    for name in (await driver.execute(made, base.Ping("p")))["machines"]:
        await driver.execute(made, base.DestroyMachine("end", uuid=virsh(daemon, "domuuid", name).strip(), name=name))


async def made(driver, host, disk):
    await driver.execute(host, base.CreateVolume(f"c-{disk.uuid}", disk.uuid, "d", disk.pool, disk.size, None))
    return disk


def disks(daemon, machine, *more):
    """Serial numbers of a machine's disks, as libvirt has them."""
    root = ET.fromstring(virsh(daemon, "dumpxml", machine.name, *more))
    return {disk.findtext("serial") for disk in root.iterfind("./devices/disk[@device='disk']")}


def serial(disk):
    return disk.uuid.replace("-", "")[:20]


async def test_a_running_machine_gets_a_disk_and_keeps_what_its_guest_does_not_give(
    driver, host, daemon, new_disk, new_machine, monkeypatch
):
    root, extra = [await made(driver, host, disk) for disk in (new_disk(), new_disk(device=1))]
    machine = new_machine(root)
    attach = base.AttachVolume("a", machine.uuid, machine.name, extra)
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(host, attach)
    await driver.execute(host, base.StartMachine("s", machine))
    for _ in range(2):  # the second time it has it already
        assert await driver.execute(host, attach) == {}
        assert disks(daemon, machine) == disks(daemon, machine, "--inactive") == {serial(root), serial(extra)}
    size = base.ResizeVolume("r", extra.uuid, extra.path, extra.pool, 2 * GIB, (machine.uuid, machine.name))
    assert await driver.execute(host, size) == {"size": 2 * GIB}
    assert f"Capacity:       {2 * GIB}" in virsh(daemon, "domblkinfo", machine.name, "vdb")
    # nothing runs in this guest that would give a disk back
    monkeypatch.setattr(drivers, "GIVES_BACK", 0.5)
    detach = base.DetachVolume("d", machine.uuid, machine.name, extra.uuid, extra.path, extra.pool)
    with pytest.raises(CommandFailed, match="did not give"):
        await driver.execute(host, detach)
    assert serial(extra) in disks(daemon, machine)
    await driver.execute(host, base.StopMachine("off", machine.uuid, machine.name, forced=True))
    assert await driver.execute(host, detach) == {}


async def test_a_disk_that_nobody_uses(driver, host, new_disk):
    disk = await made(driver, host, new_disk())
    for size in (2 * GIB, GIB // 2, GIB // 2):
        answer = await driver.execute(host, base.ResizeVolume(f"r{size}", disk.uuid, disk.path, disk.pool, size))
        assert answer == {"size": size}
    found = await driver.execute(host, base.CheckVolume("c", disk.uuid, disk.path, disk.pool, "all"))
    assert found["check"]["check-errors"] == "0"
    assert found["repair"] == {}
    gone = new_disk()
    for command in (
        base.ResizeVolume("g", gone.uuid, gone.path, gone.pool, GIB), base.CheckVolume("h", gone.uuid, gone.path, gone.pool),
    ):  # fmt: skip
        with pytest.raises(CommandFailed, match="no volume"):
            await driver.execute(host, command)
    assert driver.file_of(disk.pool, disk.path).is_file()
    with pytest.raises(CommandFailed, match="do not move"):
        await driver.execute(host, base.MigrateVolume("m", disk.uuid, disk.path, disk.pool, "other", ("a", "b")))
