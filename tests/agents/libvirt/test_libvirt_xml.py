"""The domain's XML, read back; and what is refused before a host hears of it."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.libvirt import domain_xml
from cloudsim.agents.libvirt.connection import check_uri, is_remote, is_test
from cloudsim.agents.libvirt.domain_xml import NAMESPACE, Profile, machine_xml
from cloudsim.agents.libvirt.probe import from_details, to_details

KVM = Profile("kvm", "host-model", "x86_64")
TEST = Profile("test", None, "i686")


def build(machine, profile=KVM, **options):
    paths = {disk.uuid: f"/pool/{disk.path}" for disk in machine.disks}
    return ET.fromstring(machine_xml(machine, profile, paths=paths, **options))


def test_machine_is_told_whole(new_machine, new_disk):
    root, data = new_disk(), new_disk(device=1)
    machine = new_machine(data, root, cpus=3)
    domain = build(machine)
    assert domain.get("type") == "kvm"
    assert domain.findtext("name") == machine.name
    assert domain.findtext("uuid") == machine.uuid
    assert (domain.findtext("memory"), domain.find("memory").get("unit")) == (str(64 << 20), "b")
    assert domain.findtext("vcpu") == "3"
    assert domain.find("cpu").get("mode") == "host-model"
    assert domain.find("os/type").attrib == {"arch": "x86_64"}
    disks = domain.findall("devices/disk[@device='disk']")
    assert [disk.find("target").get("dev") for disk in disks] == ["vda", "vdb"]
    assert [disk.find("source").get("file") for disk in disks] == [f"/pool/{root.path}", f"/pool/{data.path}"]
    assert {disk.find("target").get("bus") for disk in disks} == {"virtio"}
    assert {disk.find("driver").get("type") for disk in disks} == {"qcow2"}
    assert domain.find("devices/interface").get("type") == "user"
    assert domain.find("devices/interface/mac").get("address") == machine.nics[0].mac
    graphics = domain.find("devices/graphics")
    assert (graphics.get("type"), graphics.get("autoport"), graphics.get("listen")) == ("vnc", "yes", "127.0.0.1")
    assert domain.find("devices/serial").get("type") == "pty"


def test_metadata_marks_and_remembers(new_machine):
    domain = build(new_machine(), done=[(str(number), "StartCommand") for number in range(40)])
    own = domain.find(f"metadata/{{{NAMESPACE}}}machine")
    hostname, done = domain_xml.read_metadata(ET.tostring(own, encoding="unicode"))
    assert hostname == "web <&> 'one'"
    assert done == [(str(number), "StartCommand") for number in range(24, 40)]
    empty = ET.tostring(domain_xml.metadata("x", []), encoding="unicode")
    assert domain_xml.read_metadata(empty) == ("x", [])


def test_networks(new_machine):
    bridged = build(new_machine(), bridge="br0").find("devices/interface")
    assert (bridged.get("type"), bridged.find("source").get("bridge")) == ("bridge", "br0")
    plain = build(new_machine(), TEST, bridge="br0").find("devices/interface")
    assert (plain.get("type"), plain.find("source").get("network")) == ("network", "default")


def test_boot_types(new_machine):
    assert build(new_machine()).find("os").get("firmware") is None
    uefi = build(new_machine(boot_type="UEFI", boot_mode="LEGACY"))
    assert (uefi.find("os").get("firmware"), uefi.find("os/type").get("machine")) == ("efi", "q35")
    assert uefi.find("os/loader") is None
    assert build(new_machine(boot_type="UEFI", boot_mode="SECURE")).find("os/loader").get("secure") == "yes"
    with pytest.raises(CommandFailed, match="boot type"):
        build(new_machine(boot_type="Floppy"))


def test_another_architecture_is_emulated(new_machine):
    domain = build(new_machine(arch="aarch64"))
    assert (domain.get("type"), domain.find("cpu"), domain.find("os/type").get("arch")) == ("qemu", None, "aarch64")


def test_console_log_and_clock(new_machine):
    domain = build(new_machine(os="Windows Server 2022"), console_log="/logs/a.log")
    assert domain.find("devices/serial/log").get("file") == "/logs/a.log"
    assert domain.find("clock").get("offset") == "localtime"


@pytest.mark.parametrize("name", ["../etc", "a/b", "", ".hidden", "-rf", "a;b", "a" * 200, "a\nb", "a\n"])
def test_names_that_are_refused(new_machine, name):
    with pytest.raises(CommandFailed, match="not a valid name"):
        build(replace(new_machine(), name=name))


def test_what_else_is_refused(new_machine, new_disk):
    with pytest.raises(CommandFailed, match="uuid"):
        build(new_machine(uuid="1"))
    with pytest.raises(CommandFailed, match="no room"):
        build(new_machine(new_disk(device=26)))


def test_probe_and_vnc_port():
    probe = ET.fromstring(domain_xml.probe_xml("p", "qemu", "maximum", "x86_64"))
    assert (probe.get("type"), probe.find("cpu").get("mode"), probe.find("metadata")) == ("qemu", "maximum", None)
    text = "<domain><devices><graphics type='vnc' port='{}'/></devices></domain>"
    assert [domain_xml.vnc_port(text.format(port)) for port in ("5901", "-1", "")] == [5901, None, None]
    assert domain_xml.vnc_port("<domain/>") is None


def test_profile_survives_as_details():
    for profile in (KVM, Profile("qemu", None, "x86_64")):
        assert from_details(to_details(profile), test=False) == profile
    assert from_details(to_details(TEST), test=True) == TEST
    assert from_details(to_details(Profile(None, None, "x86_64")), test=False) is None
    assert from_details({}, test=False) is None


def test_uris():
    assert check_uri("qemu:///system") == "qemu:///system"
    assert check_uri("qemu+ssh://root@host/system") == "qemu+ssh://root@host/system?no_tty=1"
    assert check_uri("qemu+ssh://host/system?keyfile=k") == "qemu+ssh://host/system?keyfile=k&no_tty=1"
    assert is_remote("qemu+ssh://host/system")
    assert not is_remote("qemu:///system?socket=/x")
    assert is_test("test:///default")


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ext:///system?command=/bin/sh",
        "qemu+ssh://host/system?command=/bin/sh",
        "qemu+ssh://host/system?netcat=x",
        "qemu+ssh://-oProxyCommand=x/system",
        "qemu+tls://me:secret@host/system",
        "http://host/",
        "",
    ],
)
def test_uris_that_are_refused(uri):
    with pytest.raises(CommandFailed) as failed:
        check_uri(uri)
    assert "secret" not in str(failed.value)
