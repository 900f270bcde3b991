"""The consoles of real guests: QEMU's own VNC server, seen by an RFB client through the driver."""

import asyncio
import struct
import subprocess

import pytest

from cloudsim.agents import base
from cloudsim.agents.base import CommandFailed, HostAddress, Unsupported


class Reader:
    def __init__(self, stream):
        self.stream, self.held = stream, b""

    async def take(self, number):
        async with asyncio.timeout(10):
            while len(self.held) < number:
                more = await self.stream.read()
                assert more, "the stream has ended"
                self.held += more
        made, self.held = self.held[:number], self.held[number:]
        return made


@pytest.fixture
async def host(new_driver, daemon, images):
    driver = new_driver(storage=str(images), timeout=20)
    facts = await driver.connect(HostAddress("h", daemon.uri, "KVM", {"domain_type": "qemu"}))
    made = HostAddress("h", daemon.uri, "KVM", facts.details)
    yield driver, made
    for name in (await driver.execute(made, base.Ping("p")))["machines"]:
        for word in ("destroy", "undefine"):
            subprocess.run(["virsh", "-c", daemon.uri, word, name], capture_output=True)


async def test_the_screen_of_a_real_guest(host, new_machine, new_disk):
    driver, address = host
    disk = new_disk()
    await driver.execute(address, base.CreateVolume("c", disk.uuid, "root", disk.pool, disk.size))
    machine = new_machine(disk)
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.console(address, machine.uuid, machine.name)
    port = (await driver.execute(address, base.StartMachine("s", machine)))["vnc_port"]
    # others on the host are asked for a password that nobody knows
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.readexactly(12) == b"RFB 003.008\n"
    writer.write(b"RFB 003.008\n")
    (number,) = await reader.readexactly(1)
    assert 1 not in await reader.readexactly(number)
    writer.close()
    # the server is not
    stream = await driver.console(address, machine.uuid, machine.name)
    seen = Reader(stream)
    assert await seen.take(12) == b"RFB 003.008\n"
    await stream.write(b"RFB 003.008\n")
    (number,) = await seen.take(1)
    assert 1 in await seen.take(number)
    await stream.write(b"\x01")
    assert await seen.take(4) == bytes(4)
    await stream.write(b"\x01")
    width, height = struct.unpack(">HH", await seen.take(4))
    await seen.take(16)
    (length,) = struct.unpack(">I", await seen.take(4))
    assert machine.name.encode() in await seen.take(length)
    await stream.write(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
    assert (await seen.take(4))[:1] == b"\0"
    # it ends with the machine
    await driver.execute(address, base.StopMachine("t", machine.uuid, machine.name, forced=True))
    async with asyncio.timeout(10):
        while await stream.read():
            pass
    stream.close()


async def test_hosts_whose_consoles_cannot_be_reached(new_driver):
    driver = new_driver()
    for url in ("qemu+ssh://root@elsewhere/system", "test:///default"):
        with pytest.raises(Unsupported):
            await driver.console(HostAddress("h", url, "KVM"), "00000000-1111-4222-8333-444444444444", "i-2-3-VM")
