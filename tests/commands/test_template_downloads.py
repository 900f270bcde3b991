"""In a zone with a real image store templates are really downloaded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apiclient import Api
from imageserver import File, ImageServer, qcow2

from cloudsim.server import Server

GIB = 1024**3


@pytest.fixture
async def images() -> AsyncIterator[ImageServer]:
    async with ImageServer() as made:
        yield made


@pytest.fixture
async def store(api: Api, tmp_path: Path) -> tuple[str, Path]:
    """A zone with an image store in a directory, which may fetch from loopback."""
    await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
    zone = (await api.call("createZone", name="real", dns1="8.8.8.8", internaldns1="8.8.8.8", networktype="Advanced"))[
        "zone"
    ]
    directory = tmp_path / "store"
    directory.mkdir()
    await api.call("addImageStore", provider="NFS", url=f"file://{directory}", zoneid=zone["id"], name="files")
    return zone["id"], directory


async def os_type(api: Api, name: str = "Ubuntu 22.04 LTS") -> str:
    return (await api.call("listOsTypes", description=name))["ostype"][0]["id"]


async def register(api: Api, zone: str, url: str, **given: Any) -> dict[str, Any]:
    asked = {
        "name": "mine", "format": "QCOW2", "hypervisor": "KVM", "url": url, "zoneid": zone,
        "ostypeid": await os_type(api), **given,
    }  # fmt: skip
    (made,) = (await api.call("registerTemplate", **asked))["template"]
    return made


async def listed(api: Api, id: str) -> dict[str, Any]:
    return (await api.call("listTemplates", templatefilter="self", id=id))["template"][0]


async def until(api: Api, id: str, state: str, seconds: float = 20.0) -> dict[str, Any]:
    """The template, when its download is in that state."""
    async with asyncio.timeout(seconds):
        while True:
            row = await listed(api, id)
            if row["downloaddetails"][0]["downloadState"] == state:
                return row
            await asyncio.sleep(0.02)


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_a_template_is_downloaded_and_becomes_ready(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    zone, directory = store
    data = qcow2(3 * GIB, 5_000_000)
    images["/a.qcow2"] = File(data)
    made = await register(api, zone, images.url("/a.qcow2"))
    assert (made["isready"], made["status"]) == (False, "0% Downloaded")
    row = await until(api, made["id"], "DOWNLOADED")
    assert (row["isready"], row["status"]) == (True, "Download Complete")
    assert (row["size"], row["physicalsize"]) == (3 * GIB, len(data))
    (file,) = files(directory)
    assert file.read_bytes() == data
    assert file.name == f"{made['id']}.qcow2"
