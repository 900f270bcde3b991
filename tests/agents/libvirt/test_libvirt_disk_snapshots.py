"""Snapshots of volumes, made by the real ``qemu-img``."""

import json
import subprocess
from uuid import uuid4

import pytest

from cloudsim.agents import base
from cloudsim.agents.base import CommandFailed, HostAddress

HOST = HostAddress("h", "qemu:///system", "KVM")
POOL, STORE = "primary", "store"


@pytest.fixture
def driver(new_driver, tmp_path):
    return new_driver(storage=str(tmp_path))


@pytest.fixture
async def volume(driver):
    uuid = str(uuid4())
    await driver.execute(HOST, base.CreateVolume("c", uuid, "v", POOL, 4 << 20))
    return uuid


@pytest.fixture
def disk(tmp_path, volume):
    return tmp_path / POOL / f"{volume}.qcow2"


def write(path, byte):
    subprocess.run(["qemu-io", "-c", f"write -q -P {byte} 0 4k", str(path)], check=True, capture_output=True)


def holds(path, byte):
    return subprocess.run(["qemu-io", "-c", f"read -q -P {byte} 0 4k", str(path)], capture_output=True).stdout == b""


def create(volume, **more):
    return base.CreateVolumeSnapshot("s", str(uuid4()), "n", volume, f"{volume}.qcow2", POOL, **more)


async def test_kept_copied_put_back_and_removed(driver, volume, disk, tmp_path):
    write(disk, 1)
    command = create(volume)
    made = await driver.execute(HOST, command)
    assert made["size"] > 0
    write(disk, 2)
    assert await driver.execute(HOST, command) == made  # asked again: nothing is kept anew
    name = command.uuid
    copy = base.CopyVolumeSnapshot("b", name, made["path"], POOL, STORE, target_url="nfs://a/b")
    stored = await driver.execute(HOST, copy)
    assert holds(tmp_path / "snapshots" / STORE / f"{name}.qcow2", 1)
    await driver.execute(HOST, base.DeleteVolumeSnapshot("d", name, made["path"], POOL))
    back = base.RevertVolumeSnapshot("r", name, stored["path"], STORE, volume, f"{volume}.qcow2", POOL)
    await driver.execute(HOST, back)
    assert holds(disk, 1)
    gone = base.DeleteVolumeSnapshot("e", name, stored["path"], STORE)
    assert [await driver.execute(HOST, gone) for _ in range(2)] == [{}, {}]
    with pytest.raises(CommandFailed, match="there is no"):
        await driver.execute(HOST, back)
    assert holds(disk, 1)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [disk]


async def test_volumes_and_templates_are_made_of_it(driver, volume, disk, tmp_path, qemu_img):
    write(disk, 7)
    kept = create(volume)
    await driver.execute(HOST, kept)
    write(disk, 8)
    new = str(uuid4())
    command = base.CreateVolumeFromSnapshot("v", new, "n", POOL, 8 << 20, kept.uuid, f"{kept.uuid}.qcow2", POOL)
    assert await driver.execute(HOST, command) == {"path": f"{new}.qcow2", "size": 8 << 20}
    assert holds(tmp_path / POOL / f"{new}.qcow2", 7)
    for snapshot, held in ((True, 7), (False, 8)):
        image, source = str(uuid4()), kept.uuid if snapshot else volume
        made = await driver.execute(
            HOST, base.CreateTemplateFromDisk("t", image, STORE, "nfs://a/b", source, "p", POOL, snapshot)
        )
        assert (made["size"], made["format"]) == (4 << 20, "QCOW2")
        machine = str(uuid4())
        await driver.execute(HOST, base.CreateVolume(f"c{machine}", machine, "v", POOL, 4 << 20, template=image))
        assert holds(tmp_path / POOL / f"{machine}.qcow2", held)
        await driver.execute(HOST, base.DeleteTemplateFile("d", image, made["path"], STORE))
        assert not (tmp_path / "templates" / f"{image}.qcow2").exists()
    info = json.loads(qemu_img("info", "--output=json", tmp_path / POOL / f"{new}.qcow2"))
    assert "backing-filename" not in info


async def test_what_a_snapshot_of_the_machine_kept(driver, volume, disk, tmp_path, qemu_img):
    write(disk, 3)
    whole = str(uuid4())
    qemu_img("snapshot", "-c", whole, disk)
    write(disk, 4)
    kept = create(volume, machine="i-2-3-VM", machine_snapshot=(whole, "n"))
    await driver.execute(HOST, kept)
    assert holds(tmp_path / "snapshots" / POOL / f"{kept.uuid}.qcow2", 3)
    with pytest.raises(CommandFailed):
        await driver.execute(HOST, create(volume, machine="i-2-3-VM", machine_snapshot=(str(uuid4()), "n")))


async def test_refusals(driver, volume, tmp_path):
    with pytest.raises(CommandFailed, match="stop it first"):
        await driver.execute(HOST, create(volume, machine="i-2-3-VM"))
    with pytest.raises(CommandFailed, match="there is no"):
        await driver.execute(HOST, create(str(uuid4())))
    with pytest.raises(CommandFailed, match="not a valid name"):
        await driver.execute(HOST, base.DeleteVolumeSnapshot("d", "../x", "p", POOL))
    with pytest.raises(CommandFailed, match="cannot be named"):
        await driver.execute(HOST, base.CreateVolume("c", str(uuid4()), "v", "snapshots", 1 << 20))
    assert not (tmp_path / "snapshots" / POOL).exists() or not list((tmp_path / "snapshots" / POOL).iterdir())
