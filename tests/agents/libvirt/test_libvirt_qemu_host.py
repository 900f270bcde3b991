"""Real guests, run by QEMU under a private libvirt daemon."""

import asyncio
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from cloudsim.agents import base
from cloudsim.agents.base import CommandFailed, HostAddress, HostUnreachable

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
        virsh(daemon, "destroy", name)
        virsh(daemon, "undefine", name)


@pytest.fixture
def guest(driver, host, new_disk, new_machine, images, boot_disk, tmp_path, qemu_img):
    """Makes a machine that boots (or, without template, one that finds nothing to boot)."""
    template = str(uuid4())

    async def make(boots=True, **changes):
        if boots:
            (tmp_path / "raw").write_bytes(boot_disk)
            target = images / "templates" / f"{template}.qcow2"
            target.parent.mkdir(exist_ok=True)
            qemu_img("convert", "-f", "raw", "-O", "qcow2", tmp_path / "raw", target)
        disk = new_disk()
        await driver.execute(
            host, base.CreateVolume("c", disk.uuid, "root", disk.pool, disk.size, template if boots else None)
        )
        return new_machine(disk, **changes)

    return make


@pytest.fixture
def booted(consoles):
    """Waits until the guest has said `times` times that it is up."""

    async def wait(machine, times=1):
        log, end = consoles / f"{machine.name}.log", time.monotonic() + 10
        while time.monotonic() < end:
            if log.exists() and log.read_bytes().count(b"cloudsim guest is up") >= times:
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"the guest has not booted {times} times")

    return wait


@pytest.fixture
def total_memory():
    """Bytes, as the kernel tells it."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemTotal"))


def stop(machine, id="stop", **options):
    return base.StopMachine(id, uuid=machine.uuid, name=machine.name, **options)


async def ping(driver, host):
    return (await driver.execute(host, base.Ping("p")))["machines"]


async def test_facts_and_acceleration(driver, daemon, total_memory):
    facts = await driver.connect(HostAddress("h", daemon.uri, "KVM"))
    assert (facts.hypervisor, facts.memory) == ("KVM", total_memory)
    assert facts.cpus >= 1
    assert facts.speed > 0
    assert facts.details["acceleration"] in ("kvm", "tcg")
    if facts.details["acceleration"] == "tcg":
        assert any("kvm is not used" in note for note in facts.notes)
    assert virsh(daemon, "list", "--all", "--name").split() == []


async def test_acceleration_can_be_restricted(driver, daemon, host):
    assert host.details["acceleration"] == "tcg"  # the fixture asked for nothing else
    with pytest.raises(CommandFailed, match="domain_type"):
        await driver.connect(HostAddress("h", daemon.uri, "KVM", {"domain_type": "xen"}))


async def test_a_guest_boots_reboots_once_and_shuts_down(driver, new_driver, host, guest, booted, images, consoles):
    machine = await guest()
    start = base.StartMachine("start", machine=machine)
    answer = await driver.execute(host, start)
    assert answer["power"] == "PowerOn"
    assert answer["vnc_port"] >= 5900
    await booted(machine)
    assert await driver.execute(host, start) == answer
    reboot = base.RebootMachine("reboot", uuid=machine.uuid, name=machine.name)
    assert await driver.execute(host, reboot) == {"power": "PowerOn"}
    await booted(machine, 2)
    await driver.close()
    second = new_driver(storage=str(images), console_logs=str(consoles))  # the server was restarted
    assert await second.execute(host, reboot) == {"power": "PowerOn"}
    assert await ping(second, host) == {machine.name: "PowerOn"}
    figures = (await second.execute(host, base.MachineStats("s")))["machines"][machine.name]
    assert figures["memory_kb"] == 64 << 10
    assert figures["disk_read_ops"] > 0
    await asyncio.sleep(0.2)
    figures = (await second.execute(host, base.MachineStats("s")))["machines"][machine.name]
    assert 0 < figures["cpu"] <= 100  # it polls its power button
    assert (consoles / f"{machine.name}.log").read_bytes().count(b"is up") == 2
    assert await second.execute(host, stop(machine, wait=10)) == {"power": "PowerOff"}
    assert await ping(second, host) == {machine.name: "PowerOff"}
    assert await second.execute(host, base.DestroyMachine("d", uuid=machine.uuid, name=machine.name)) == {}
    assert await ping(second, host) == {}


async def test_a_guest_that_does_not_heed_the_button(driver, host, guest):
    machine = await guest(boots=False)
    await driver.execute(host, base.StartMachine("start", machine=machine))
    started = time.monotonic()
    with pytest.raises(CommandFailed, match=r"within 0\.6 s"):
        await driver.execute(host, stop(machine, wait=0.6))
    assert time.monotonic() - started < 2
    assert await ping(driver, host) == {machine.name: "PowerOn"}
    assert await driver.execute(host, stop(machine, "forced", forced=True)) == {"power": "PowerOff"}
    await driver.execute(host, base.StartMachine("again", machine=machine))
    assert await driver.execute(host, base.DestroyMachine("d", uuid=machine.uuid, name=machine.name)) == {}
    assert await ping(driver, host) == {}


async def test_a_start_that_fails_leaves_no_domain(driver, host, new_machine, new_disk, capfd):
    with pytest.raises(CommandFailed) as failed:
        await driver.execute(host, base.StartMachine("1", machine=new_machine(new_disk())))
    assert "\n" not in str(failed.value)
    assert await ping(driver, host) == {}
    with pytest.raises(CommandFailed, match="of memory left"):
        await driver.execute(host, base.StartMachine("2", machine=new_machine(memory=1 << 50)))
    assert capfd.readouterr().err == ""


async def test_the_daemon_dies_and_comes_back(driver, host, daemon, guest):
    machine = await guest(boots=False)
    await driver.execute(host, base.StartMachine("start", machine=machine))
    daemon.kill()
    with pytest.raises(HostUnreachable):
        await driver.execute(host, base.Ping("p"))
    daemon.start()
    assert await ping(driver, host) == {machine.name: "PowerOn"}
    # between two calls: nobody notices
    daemon.kill()
    daemon.start()
    assert await ping(driver, host) == {machine.name: "PowerOn"}


async def test_a_daemon_that_hangs_blocks_nobody(new_driver, daemon, host, test_host):
    driver = new_driver(timeout=0.5)
    assert await ping(driver, host) == {}
    await ping(driver, test_host)
    daemon.signal(signal.SIGSTOP)
    try:
        hanging = asyncio.create_task(ping(driver, host))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        await ping(driver, test_host)
        assert time.monotonic() - started < 0.3
        with pytest.raises(HostUnreachable, match="within"):
            await hanging
        hanging = asyncio.create_task(ping(driver, host))
        await asyncio.sleep(0.05)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        hanging = asyncio.create_task(ping(driver, host))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        await driver.close()
        with pytest.raises(HostUnreachable, match="closed"):
            await hanging
        assert time.monotonic() - started < 0.3
    finally:
        daemon.signal(signal.SIGCONT)
    again = new_driver(timeout=5)
    assert await ping(again, host) == {}


async def test_a_card_is_plugged_into_a_guest_that_runs(driver, daemon, host, guest):
    machine = await guest(boots=False)
    await driver.execute(host, base.StartMachine("start", machine=machine))
    mac = "02:00:00:00:00:99"
    nic = base.NicSpec("n2", mac, "10.1.1.9", "255.255.255.0", "10.1.1.1", None, device=1, default=False)
    plug = base.PlugNic("plug", machine.uuid, machine.name, nic)
    assert [await driver.execute(host, plug) for _ in range(2)] == [{}, {}]
    assert virsh(daemon, "domiflist", machine.name).count(mac) == 1
    # the guest has to let go of it: this one, which has nothing to boot, need not
    assert await driver.execute(host, base.UnplugNic("unplug", machine.uuid, machine.name, nic)) == {}
    assert virsh(daemon, "domiflist", machine.name).count(mac) <= 1


async def test_an_iso_goes_into_the_drive_of_a_machine_that_runs_and_out(driver, host, guest, daemon, images):
    machine = await guest()
    await driver.execute(host, base.StartMachine("start", machine=machine))
    disc = images / "disc.iso"
    disc.write_bytes(bytes(1 << 20))
    put = base.AttachIso("in", machine.uuid, machine.name, base.IsoSpec("u", "disc", str(disc)))
    out = base.AttachIso("out", machine.uuid, machine.name, None, forced=True)
    assert [await driver.execute(host, put) for _ in range(2)] == [{}, {}]
    assert str(disc) in virsh(daemon, "domblklist", machine.name)
    assert await driver.execute(host, out) == {}
    assert str(disc) not in virsh(daemon, "domblklist", machine.name)
    with pytest.raises(CommandFailed):
        await driver.execute(host, replace(put, id="gone", iso=base.IsoSpec("u", "disc", str(images / "none.iso"))))
    await driver.execute(host, stop(machine, forced=True))
