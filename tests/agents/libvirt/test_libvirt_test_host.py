"""All verbs on libvirt's ``test`` hypervisor. Its state lives as long as the process has a connection to it."""

import asyncio
from dataclasses import replace

import pytest

from cloudsim.agents import base
from cloudsim.agents.base import CommandFailed, HostAddress
from cloudsim.agents.libvirt import LibvirtDriver, stats

ZERO_FIGURES = ("net_read_kb", "net_write_kb", "disk_read_kb", "disk_write_kb", "disk_read_ops", "disk_write_ops")


@pytest.fixture
def raw(libvirt_library):
    """A connection beside the driver's: what an administrator would see."""
    from cloudsim.agents.libvirt.library import load

    connection = load().open("test:///default")
    yield connection
    connection.close()


@pytest.fixture
def driver(new_driver, raw):
    return new_driver()


async def machines(driver, host):
    return (await driver.execute(host, base.Ping("p")))["machines"]


def stop(machine, id="stop", **options):
    return base.StopMachine(id, uuid=machine.uuid, name=machine.name, **options)


async def test_facts(driver, test_host):
    facts = await driver.connect(test_host)
    assert (facts.hypervisor, facts.cpus, facts.memory, facts.speed) == ("KVM", 16, 3 << 30, 1400)
    assert (facts.arch, facts.cpu_sockets) == ("i686", 4)
    assert facts.hypervisor_version.count(".") == 2
    assert facts.details["acceleration"] == "none"
    assert facts.notes


async def test_life_of_a_machine(driver, raw, test_host, new_machine, new_disk):
    created = base.CreateVolume("c", uuid=new_disk().uuid, name="root", pool="primary", size=1 << 30)
    answer = await driver.execute(test_host, created)
    assert answer == await driver.execute(test_host, created) == {"path": f"{created.uuid}.qcow2", "size": 1 << 30}
    machine = new_machine(new_disk(created.uuid))
    for id in ("start", "start", "start again"):
        assert (await driver.execute(test_host, base.StartMachine(id, machine=machine)))["power"] == "PowerOn"
    assert await machines(driver, test_host) == {machine.name: "PowerOn"}
    domain = raw.lookupByUUIDString(machine.uuid)
    assert machine.nics[0].mac in domain.XMLDesc(0)
    stats = (await driver.execute(test_host, base.MachineStats("s")))["machines"][machine.name]
    assert set(stats) == {"cpu", *ZERO_FIGURES, "memory_kb", "free_memory_kb", "target_memory_kb", "disks"}
    assert (stats["memory_kb"], stats["cpu"]) == (64 << 10, 0.0)
    assert (await driver.execute(test_host, base.MachineStats("s", names=("other",)))) == {"machines": {}}
    reboot = base.RebootMachine("r", uuid=machine.uuid, name=machine.name)
    assert [await driver.execute(test_host, reboot) for _ in range(2)] == [{"power": "PowerOn"}] * 2
    for options in ({"id": "s1"}, {"id": "s1"}, {"id": "s2", "forced": True}):
        assert await driver.execute(test_host, stop(machine, **options)) == {"power": "PowerOff"}
    assert await machines(driver, test_host) == {machine.name: "PowerOff"}
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(test_host, base.RebootMachine("r2", uuid=machine.uuid, name=machine.name))
    for _ in range(2):
        gone = base.DestroyMachine("d", uuid=machine.uuid, name=machine.name)
        assert await driver.execute(test_host, gone) == {}
    assert await machines(driver, test_host) == {}
    assert await driver.execute(test_host, stop(machine, "s3")) == {"power": "PowerOff"}
    delete = base.DeleteVolume("dv", uuid=created.uuid, path=answer["path"], pool="primary")
    assert await driver.execute(test_host, delete) == {}


async def test_scaling_takes_what_the_domain_can_take_up(driver, raw, test_host, new_machine):
    machine = new_machine()
    await driver.execute(test_host, base.StartMachine("start", machine=machine))
    scale = base.ScaleMachine("same", machine.uuid, machine.name, machine.cpus, machine.speed, machine.memory)
    assert [await driver.execute(test_host, scale) for _ in range(2)] == [{}, {}]
    more = replace(scale, id="more", memory=machine.memory * 2)
    with pytest.raises(CommandFailed, match="at most"):
        await driver.execute(test_host, more)
    with pytest.raises(CommandFailed):
        await driver.execute(test_host, replace(scale, id="cpus", cpus=machine.cpus + 1))
    await driver.execute(test_host, stop(machine, forced=True))
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(test_host, replace(scale, id="off"))


async def test_cards_are_plugged_into_a_machine_that_runs(driver, raw, test_host, new_machine):
    machine = new_machine()
    nic = base.NicSpec(
        "n2", "02:00:00:00:00:99", "10.1.1.9", "255.255.255.0", "10.1.1.1", None, device=1, default=False
    )
    plug = base.PlugNic("plug", machine.uuid, machine.name, nic)
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(test_host, plug)
    await driver.execute(test_host, base.StartMachine("start", machine=machine))
    # a card that it does not have, and one that it has, are as they shall be
    unplug = base.UnplugNic("unplug", machine.uuid, machine.name, nic)
    assert [await driver.execute(test_host, unplug) for _ in range(2)] == [{}, {}]
    for own in machine.nics:
        assert await driver.execute(test_host, replace(plug, id=f"again-{own.mac}", nic=own)) == {}
    # the test hypervisor itself plugs nothing: that is done on QEMU, and said here
    with pytest.raises(CommandFailed, match="not supported"):
        await driver.execute(test_host, plug)


async def test_a_command_is_carried_out_once_even_by_another_driver(
    driver, new_driver, raw, test_host, new_machine, monkeypatch
):
    machine = new_machine()
    start = base.StartMachine("start", machine=machine)
    await driver.execute(test_host, start)
    import libvirt

    resets = []
    monkeypatch.setattr(libvirt.virDomain, "reset", lambda domain, flags: resets.append(domain.name()))
    reboot = base.RebootMachine("reboot", uuid=machine.uuid, name=machine.name)
    await driver.execute(test_host, reboot)
    await driver.close()
    second = new_driver()
    await second.execute(test_host, reboot)
    assert resets == [machine.name]
    await second.execute(test_host, replace(reboot, id="another"))
    assert resets == [machine.name] * 2
    await second.execute(test_host, stop(machine, forced=True))
    assert (await second.execute(test_host, start))["power"] == "PowerOn"  # answered as it was then, and nothing done
    assert await machines(second, test_host) == {machine.name: "PowerOff"}
    await second.execute(test_host, replace(start, id="start anew"))
    await second.execute(test_host, stop(machine, forced=True))
    await second.execute(test_host, reboot)
    assert await machines(second, test_host) == {machine.name: "PowerOn"}
    assert resets == [machine.name] * 2


async def test_a_reboot_that_failed_is_tried_again(driver, raw, test_host, new_machine, monkeypatch):
    import libvirt

    machine = new_machine()
    await driver.execute(test_host, base.StartMachine("start", machine=machine))
    reboot = base.RebootMachine("reboot", uuid=machine.uuid, name=machine.name)
    resets = []

    def fail(domain, flags):
        resets.append(domain.name())
        raise libvirt.libvirtError("no reset today")

    monkeypatch.setattr(libvirt.virDomain, "reset", fail)
    for _ in range(2):
        with pytest.raises(CommandFailed, match="no reset today"):
            await driver.execute(test_host, reboot)
    assert len(resets) == 2


async def test_what_is_used_of_a_host(driver, test_host, monkeypatch):
    assert (await driver.execute(test_host, base.Ping("p", figures=True)))["figures"] == {}
    looks = iter(({"cpu_time": 100, "cpu_busy": 10, "memory": 7}, {"cpu_time": 300, "cpu_busy": 60}))
    monkeypatch.setattr(stats, "read_host", lambda *_: next(looks))
    assert (await driver.execute(test_host, base.Ping("p", figures=True)))["figures"] == {"memory": 7}
    assert (await driver.execute(test_host, base.Ping("p", figures=True)))["figures"] == {"cpu": 25.0}
    assert "figures" not in await driver.execute(test_host, base.Ping("p"))


def test_figures_of_each_disk():
    uuid = "2d0ea6b5-0000-4000-8000-000000000000"
    raw = {"block.count": 2, "block.0.path": f"/pool/{uuid}.qcow2", "block.0.rd.bytes": 2048, "block.0.wr.reqs": 3,
           "block.1.path": "/iso/some.iso", "block.1.rd.bytes": 1 << 20}  # fmt: skip
    assert stats._disks(raw) == {uuid: {"read_kb": 2, "write_kb": 0, "read_ops": 0, "write_ops": 3}}


async def test_foreign_domains_are_left_alone(driver, raw, test_host, new_machine, capfd):
    assert raw.lookupByName("test").isActive()
    assert await machines(driver, test_host) == {}
    assert (await driver.execute(test_host, base.MachineStats("s")))["machines"] == {}
    machine = new_machine(name="test")
    for uuid in (machine.uuid, raw.lookupByName("test").UUIDString()):
        same = replace(machine, uuid=uuid)
        for command in (
            base.StartMachine("1", machine=same),
            stop(same, "2", forced=True),
            stop(same, "3"),
            base.RebootMachine("4", uuid=uuid, name="test"),
            base.DestroyMachine("5", uuid=uuid, name="test"),
        ):
            with pytest.raises(CommandFailed, match="not this virtual machine"):
                await driver.execute(test_host, command)
    assert raw.lookupByName("test").isActive()
    assert capfd.readouterr().err == ""


async def test_start_that_fails_leaves_what_was_there(driver, raw, test_host, new_machine, monkeypatch):
    import libvirt

    machine = new_machine()
    with monkeypatch.context() as patched:

        def fail(domain):
            raise libvirt.libvirtError("no luck\nat all")

        patched.setattr(libvirt.virDomain, "create", fail)
        with pytest.raises(CommandFailed, match=r"^no luck at all$"):
            await driver.execute(test_host, base.StartMachine("1", machine=machine))
        assert await machines(driver, test_host) == {}
    await driver.execute(test_host, base.StartMachine("2", machine=machine))
    await driver.execute(test_host, stop(machine, forced=True))
    with monkeypatch.context() as patched:
        patched.setattr(libvirt.virDomain, "create", fail)
        with pytest.raises(CommandFailed):
            await driver.execute(test_host, base.StartMachine("3", machine=replace(machine, cpus=4)))
    assert raw.lookupByUUIDString(machine.uuid).info()[3] == 1
    await driver.execute(test_host, base.StartMachine("3", machine=replace(machine, cpus=4)))
    assert raw.lookupByUUIDString(machine.uuid).info()[3] == 4


async def test_memory_and_names_are_checked(driver, test_host, new_machine):
    with pytest.raises(CommandFailed, match="MiB of memory left"):
        await driver.execute(test_host, base.StartMachine("1", machine=new_machine(memory=4 << 30)))
    await driver.execute(test_host, base.StartMachine("2", machine=new_machine(memory=2 << 30)))
    with pytest.raises(CommandFailed, match="MiB of memory left"):
        await driver.execute(test_host, base.StartMachine("3", machine=new_machine(memory=2 << 30)))
    with pytest.raises(CommandFailed, match="not a uuid"):
        await driver.execute(test_host, stop(new_machine(uuid="x")))
    with pytest.raises(CommandFailed, match="not a valid name"):
        await driver.execute(test_host, stop(new_machine(name="../x")))


async def test_a_machine_runs_on_one_host_only(driver, raw, test_host, new_machine, tmp_path):
    node = tmp_path / "node.xml"
    node.write_text("<node><cpu><mhz>1000</mhz><nodes>1</nodes></cpu><memory>4000000</memory></node>")
    other = HostAddress("h2", f"test://{node}", "KVM")
    await driver.connect(other)
    machine = new_machine()
    await driver.execute(test_host, base.StartMachine("1", machine=machine))
    with pytest.raises(CommandFailed, match="another host"):
        await driver.execute(other, base.StartMachine("2", machine=machine))
    await driver.execute(test_host, stop(machine))
    await driver.execute(other, base.StartMachine("3", machine=machine))
    assert await machines(driver, other) == {machine.name: "PowerOn"}
    assert await machines(driver, test_host) == {}  # the old definition is gone


async def test_many_at_once(driver, test_host, new_machine):
    made = [new_machine(memory=1 << 20) for _ in range(20)]
    await asyncio.gather(*(driver.execute(test_host, base.StartMachine(m.uuid, machine=m)) for m in made for _ in "ab"))
    assert await machines(driver, test_host) == {machine.name: "PowerOn" for machine in made}
    gone = (base.DestroyMachine(f"d{m.uuid}", uuid=m.uuid, name=m.name) for m in made)
    await asyncio.gather(*(driver.execute(test_host, command) for command in gone))
    assert await machines(driver, test_host) == {}


async def test_unknown_verbs_and_urls(driver, test_host):
    class Migrate(base.Command):
        wire = "MigrateCommand"

    with pytest.raises(base.Unsupported, match="MigrateCommand"):
        await driver.execute(test_host, Migrate("1"))
    assert Migrate not in LibvirtDriver.verbs
    for url in ("qemu+ext:///system?command=x", "nonsense"):
        with pytest.raises(CommandFailed):
            await driver.connect(HostAddress("h", url, "KVM"))
    with pytest.raises(base.HostUnreachable):
        await driver.connect(HostAddress("h", "qemu:///system?socket=/nowhere/sock", "KVM"))
