"""Drives for ISOs, the buses of disks, and volumes made of the files of image stores."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from uuid import uuid4

import pytest

from cloudsim.agents.base import AttachIso, CommandFailed, CreateVolume, HostAddress, IsoSpec, StartMachine
from cloudsim.agents.libvirt.domain_xml import Profile, machine_xml

HOST = HostAddress("h", "qemu:///system", "KVM")
PROFILE = Profile("kvm", "host-model", "x86_64")


def built(machine, **options):
    return ET.fromstring(machine_xml(machine, PROFILE, paths={disk.uuid: "/d" for disk in machine.disks}, **options))


def test_a_machine_has_a_drive_with_what_is_in_it(new_machine, new_disk):
    machine = new_machine(new_disk())
    drive = built(machine).find("devices/disk[@device='cdrom']")
    assert (drive.find("source"), drive.find("target").get("dev"), drive.find("readonly") is not None) == (
        None,
        "hdc",
        True,
    )
    assert [boot.get("dev") for boot in built(machine).findall("os/boot")] == ["hd"]
    inside = replace(machine, iso=IsoSpec("u", "disc", "/srv/a & b.iso"))
    assert built(inside).find("devices/disk[@device='cdrom']/source").get("file") == "/srv/a & b.iso"
    assert [boot.get("dev") for boot in built(inside).findall("os/boot")] == ["cdrom", "hd"]


@pytest.mark.parametrize(
    ("bus", "targets"),
    [("virtio", [("vda", "virtio"), ("vdd", "virtio")]), ("ide", [("hda", "ide"), ("vdd", "virtio")]),
     ("scsi", [("sda", "scsi"), ("sdd", "scsi")]), ("sata", [("sda", "sata"), ("sdd", "sata")])],
)  # fmt: skip
def test_disks_are_on_their_bus(bus, targets, new_machine, new_disk):
    disks = [replace(new_disk(device=device), bus=bus) for device in (0, 3)]
    domain = built(new_machine(*disks))
    found = [disk.find("target").attrib for disk in domain.findall("devices/disk[@device='disk']")]
    assert [(target["dev"], target["bus"]) for target in found] == targets
    assert (domain.find("devices/controller[@type='scsi']") is not None) == (bus == "scsi")


def test_a_bus_that_is_none_is_refused(new_machine, new_disk):
    with pytest.raises(CommandFailed, match="disks are on"):
        built(new_machine(replace(new_disk(), bus="usb'/>")))


async def test_what_is_not_running_has_no_drive_to_open(new_driver, test_host, new_machine, libvirt_library):
    driver, machine = new_driver(), new_machine()
    command = AttachIso("a", machine.uuid, machine.name, IsoSpec("u", "disc", "/a.iso"))
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(test_host, command)
    await driver.execute(test_host, StartMachine("s", machine=machine))
    with pytest.raises(CommandFailed, match="no file"):
        await driver.execute(test_host, replace(command, iso=IsoSpec("u", "disc")))


@pytest.mark.parametrize(("format", "name"), [("QCOW2", "qcow2"), ("RAW", "raw"), ("VMDK", "vmdk"), ("VHD", "vpc")])
async def test_a_volume_is_made_of_the_file_of_an_image_store(format, name, new_driver, tmp_path, boot_disk, qemu_img):
    driver = new_driver(storage=str(tmp_path / "pools"))
    raw, source, back = tmp_path / "raw", tmp_path / "store" / "file", tmp_path / "back"
    raw.write_bytes(boot_disk)
    source.parent.mkdir()
    qemu_img("convert", "-f", "raw", "-O", name, raw, source)
    command = CreateVolume(
        "c", uuid=str(uuid4()), name="v", pool="p", size=8 << 20, template=str(uuid4()), file=str(source), format=format
    )
    answer = await driver.execute(HOST, command)
    assert answer["size"] == 8 << 20
    qemu_img("convert", "-O", "raw", tmp_path / "pools" / "p" / answer["path"], back)
    assert back.read_bytes()[: len(boot_disk)] == boot_disk
    gone = replace(command, id="d", uuid=str(uuid4()), file=str(tmp_path / "none"))
    with pytest.raises(CommandFailed, match="not on its image store"):
        await driver.execute(HOST, gone)
