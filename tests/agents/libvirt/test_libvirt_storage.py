"""Volumes, made by the real ``qemu-img``."""

import asyncio
import json
import os
from uuid import uuid4

import pytest

from cloudsim.agents.base import CommandFailed, CreateVolume, DeleteVolume, HostAddress, MigrateVolume

HOST = HostAddress("h", "qemu:///system", "KVM")


def create(uuid=None, size=4 << 20, template=None, pool="primary"):
    uuid = str(uuid4()) if uuid is None else uuid
    return CreateVolume(f"job-{uuid4()}", uuid=uuid, name="v", pool=pool, size=size, template=template)


@pytest.fixture
def driver(new_driver, tmp_path):
    return new_driver(storage=str(tmp_path))


async def test_empty_volume_once_and_its_end(driver, tmp_path):
    command = create()
    answer = await driver.execute(HOST, command)
    assert answer == {"path": f"{command.uuid}.qcow2", "size": 4 << 20}
    path = tmp_path / "primary" / answer["path"]
    made = path.stat()
    assert await driver.execute(HOST, command) == answer
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    delete = DeleteVolume("d", uuid=command.uuid, path=answer["path"], pool="primary")
    assert [await driver.execute(HOST, delete) for _ in range(2)] == [{}, {}]
    assert list((tmp_path / "primary").iterdir()) == []


async def test_copy_of_a_template(driver, tmp_path, boot_disk, qemu_img):
    template = str(uuid4())
    raw = tmp_path / "raw"
    raw.write_bytes(boot_disk)
    source = tmp_path / "templates" / f"{template}.qcow2"
    source.parent.mkdir()
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, source)
    answer = await driver.execute(HOST, create(template=template))
    assert answer["size"] == 4 << 20
    copy = tmp_path / "primary" / answer["path"]
    source.unlink()
    info = json.loads(qemu_img("info", "--output=json", copy))
    assert "backing-filename" not in info
    back = tmp_path / "back"
    qemu_img("convert", "-O", "raw", copy, back)
    assert back.read_bytes()[: 1 << 20] == boot_disk
    # a template that is larger than asked for is not cut
    qemu_img("create", "-q", "-f", "qcow2", source, "8M")
    assert (await driver.execute(HOST, create(template=template)))["size"] == 8 << 20
    # one that the host does not have: an empty disk
    assert (await driver.execute(HOST, create(template=str(uuid4()))))["size"] == 4 << 20


async def test_a_template_that_refers_to_other_files_is_refused(driver, tmp_path, qemu_img):
    (tmp_path / "templates").mkdir()
    other = tmp_path / "other.qcow2"
    qemu_img("create", "-q", "-f", "qcow2", other, "1M")
    qemu_img("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", other, tmp_path / "templates/t.qcow2", "1M")
    with pytest.raises(CommandFailed, match="refers to other files"):
        await driver.execute(HOST, create(template="t"))
    assert list((tmp_path / "primary").iterdir()) == []


async def test_a_try_that_was_cut_off_leaves_nothing(driver, tmp_path, monkeypatch):
    command = create()
    pool = tmp_path / "primary"
    pool.mkdir()
    (pool / f".{command.uuid}.qcow2.part").write_text("left by a server that was killed")
    slow = tmp_path / "bin/qemu-img"
    slow.parent.mkdir()
    started = tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ > {started}\nexec sleep 60\n")
    slow.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
        task = asyncio.create_task(driver.execute(HOST, command))
        while not started.exists() or not started.read_text():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
    assert list(pool.iterdir()) == []
    assert (await driver.execute(HOST, command))["size"] == 4 << 20


async def test_same_volume_from_many_tasks(driver, tmp_path):
    command = create()
    answers = await asyncio.gather(*(driver.execute(HOST, command) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("bad", ["../x", "/etc", "a/b", "..", "", "-x", "templates"])
async def test_names_that_lead_elsewhere(driver, bad):
    with pytest.raises(CommandFailed):
        await driver.execute(HOST, create(pool=bad))
    if bad != "templates":
        with pytest.raises(CommandFailed):
            await driver.execute(HOST, create(uuid=bad))
        with pytest.raises(CommandFailed):
            await driver.execute(HOST, create(template=bad or "/"))
    with pytest.raises(CommandFailed):
        await driver.execute(HOST, DeleteVolume("d", uuid="u", path="u.qcow2", pool=bad))
    with pytest.raises(CommandFailed):
        await driver.execute(HOST, DeleteVolume("d", uuid="u", path=bad, pool="primary"))


async def test_failures_are_told(driver, tmp_path, monkeypatch):
    with pytest.raises(CommandFailed, match="positive"):
        await driver.execute(HOST, create(size=0))
    remote = HostAddress("h", "qemu+ssh://other/system", "KVM")
    with pytest.raises(CommandFailed, match="shared"):
        await driver.execute(remote, create())
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandFailed, match="storage:"):
        await driver.execute(HOST, create(pool="file"))
    (tmp_path / "primary").mkdir()
    (tmp_path / "primary/broken.qcow2").write_text("not an image")
    with pytest.raises(CommandFailed, match="qemu-img"):
        await driver.execute(HOST, create(uuid="broken"))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CommandFailed, match="qemu-utils"):
        await driver.execute(HOST, create())


async def test_a_volume_moves_to_another_pool_once(driver, tmp_path, qemu_img):
    command = create()
    path = (await driver.execute(HOST, command))["path"]
    source, target = tmp_path / "primary" / path, tmp_path / "other" / path
    disk = tmp_path / "raw"
    disk.write_bytes(b"what it holds".ljust(4 << 20, b"\0"))
    qemu_img("convert", "-f", "raw", "-O", "qcow2", disk, source)
    move = MigrateVolume("m", uuid=command.uuid, path=path, pool="primary", target="other")
    assert [await driver.execute(HOST, move) for _ in range(2)] == [{"path": path}] * 2
    assert (source.exists(), [one.name for one in target.parent.iterdir()]) == (False, [path])
    qemu_img("convert", "-O", "raw", target, disk)
    assert disk.read_bytes().startswith(b"what it holds")
    with pytest.raises(CommandFailed, match="no volume"):
        await driver.execute(HOST, MigrateVolume("n", uuid=command.uuid, path=path, pool="primary", target="third"))
