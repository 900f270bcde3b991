"""Snapshots of real guests, run by QEMU under a private libvirt daemon."""

import asyncio
import json
import subprocess
import time
from uuid import uuid4

import pytest

from cloudsim.agents import base
from cloudsim.agents.base import CommandFailed, HostAddress

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


@pytest.fixture
async def machine(driver, host, new_disk, new_machine):
    """A machine with two disks that finds nothing to boot."""
    disks = [new_disk(), new_disk(device=1)]
    for disk in disks:
        await driver.execute(host, base.CreateVolume(f"c-{disk.uuid}", disk.uuid, "d", disk.pool, disk.size, None))
    return new_machine(*disks)


class Snapshots:
    """Short ways to ask for them."""

    def __init__(self, driver, host, machine, images):
        self.driver, self.host, self.machine, self.images = driver, host, machine, images

    async def ask(self, kind, snapshot, id=None, **more):
        disks = tuple((disk.uuid, disk.pool) for disk in self.machine.disks)
        command = kind(
            id or str(uuid4()), self.machine.uuid, self.machine.name, snapshot, f"name of {snapshot}", disks, **more
        )
        return await self.driver.execute(self.host, command)

    async def create(self, snapshot, **more):
        return await self.ask(base.CreateMachineSnapshot, snapshot, **more)

    async def revert(self, snapshot, **more):
        return await self.ask(base.RevertMachineSnapshot, snapshot, **more)

    async def delete(self, snapshot, **more):
        return await self.ask(base.DeleteMachineSnapshot, snapshot, **more)

    def held(self):
        """The names of the snapshots in each disk."""
        found = []
        for disk in self.machine.disks:
            path = str(self.images / disk.pool / disk.path)
            text = subprocess.run(
                ["qemu-img", "info", "-U", "--output=json", path], capture_output=True, check=True
            ).stdout
            found.append(sorted(one["name"] for one in json.loads(text).get("snapshots", ())))
        return found

    def write(self, byte):
        """Fills the first sector of each disk of a machine that is off."""
        for disk in self.machine.disks:
            path = str(self.images / disk.pool / disk.path)
            subprocess.run(["qemu-io", "-c", f"write -P {byte} 0 512", path], capture_output=True, check=True)

    def holds(self, byte):
        results = []
        for disk in self.machine.disks:
            path = str(self.images / disk.pool / disk.path)
            run = subprocess.run(["qemu-io", "-r", "-c", f"read -P {byte} 0 512", path], capture_output=True, text=True)
            results.append("Pattern verification failed" not in run.stdout)
        return all(results)


@pytest.fixture
def snapshots(driver, host, machine, images):
    return Snapshots(driver, host, machine, images)


async def test_disks_of_a_stopped_machine(snapshots):
    one, two = str(uuid4()), str(uuid4())
    snapshots.write(1)
    assert await snapshots.create(one) == {}
    assert await snapshots.create(one) == {}  # once
    snapshots.write(2)
    await snapshots.create(two, parent=one)
    snapshots.write(3)
    assert snapshots.held() == [sorted((one, two))] * 2
    assert await snapshots.revert(one) == {}
    assert snapshots.holds(1)
    await snapshots.delete(one)
    assert await snapshots.delete(one) == {}
    await snapshots.revert(two)
    assert snapshots.holds(2)
    with pytest.raises(CommandFailed, match="no snapshot"):
        await snapshots.revert(one)
    with pytest.raises(CommandFailed, match="does not run"):
        await snapshots.create(one, memory=True)
    assert snapshots.held() == [[two]] * 2


async def test_the_memory_of_a_running_machine(snapshots, driver, host, machine, daemon):
    one, two = str(uuid4()), str(uuid4())
    await driver.execute(host, base.StartMachine("start", machine=machine))
    with pytest.raises(CommandFailed, match="together with its memory"):
        await snapshots.create(one)
    await snapshots.create(one, memory=True, id="create")
    await snapshots.create(one, memory=True, id="create")
    await snapshots.create(two, memory=True, parent=one, quiesce=True)
    assert snapshots.held() == [sorted((one, two))] * 2
    assert await snapshots.revert(one, id="revert") == {}
    assert await snapshots.revert(one, id="revert") == {}
    assert (await driver.execute(host, base.Ping("p")))["machines"] == {machine.name: "PowerOn"}
    with pytest.raises(CommandFailed, match="no snapshot"):
        await snapshots.revert(str(uuid4()))
    await snapshots.delete(one)
    await snapshots.delete(one)
    assert snapshots.held() == [[two]] * 2
    # a stopped machine goes back with its disks only, and libvirt keeps no notes of what is gone
    await driver.execute(host, base.StopMachine("stop", uuid=machine.uuid, name=machine.name, forced=True))
    await snapshots.revert(two)
    assert (await driver.execute(host, base.Ping("p")))["machines"] == {machine.name: "PowerOff"}
    await snapshots.delete(two)
    assert snapshots.held() == [[], []]
    assert virsh(daemon, "snapshot-list", machine.name, "--name").split() == []


async def test_where_libvirt_has_no_notes_of_it(snapshots, driver, host, machine, daemon):
    """As on a host that the machine has come to, or of a snapshot that was made while it was off."""
    disks, memory = str(uuid4()), str(uuid4())
    await snapshots.create(disks)
    await driver.execute(host, base.StartMachine("start", machine=machine))
    await snapshots.create(memory, memory=True)
    virsh(daemon, "snapshot-delete", machine.name, memory, "--metadata")
    assert virsh(daemon, "snapshot-list", machine.name, "--name").split() == []
    with pytest.raises(CommandFailed, match="has no memory"):
        await snapshots.revert(disks)
    await snapshots.revert(memory)
    assert (await driver.execute(host, base.Ping("p")))["machines"] == {machine.name: "PowerOn"}
    await snapshots.delete(disks)
    await snapshots.delete(memory)
    assert snapshots.held() == [[], []]
    # and the machine is known as ours, and remembers what was done to it
    await driver.execute(host, base.StopMachine("off", uuid=machine.uuid, name=machine.name, forced=True))
    await driver.execute(host, base.StartMachine("on", machine=machine))


async def test_a_guest_goes_on_where_it_was(snapshots, driver, host, machine, boot_disk, images, consoles):
    """It boots once, and after going back it does not boot again: its memory is there."""
    (images / machine.disks[0].pool / "boot.raw").write_bytes(boot_disk)
    root = str(images / machine.disks[0].pool / machine.disks[0].path)
    raw = str(images / machine.disks[0].pool / "boot.raw")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, root], check=True)
    await driver.execute(host, base.StartMachine("start", machine=machine))
    log, end = consoles / f"{machine.name}.log", time.monotonic() + 10
    while not (log.exists() and b"guest is up" in log.read_bytes()) and time.monotonic() < end:
        await asyncio.sleep(0.05)
    one = str(uuid4())
    await snapshots.create(one, memory=True)
    await snapshots.revert(one)
    await asyncio.sleep(0.5)
    assert log.read_bytes().count(b"guest is up") == 1
    await driver.execute(host, base.StopMachine("stop", uuid=machine.uuid, name=machine.name, wait=10))
