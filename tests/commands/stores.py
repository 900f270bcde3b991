"""Zones with real image stores, and templates in them, for tests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from apiclient import Api


async def zone(api: Api, name: str) -> str:
    """A zone without anything."""
    given = {"name": name, "dns1": "8.8.8.8", "internaldns1": "8.8.8.8", "networktype": "Advanced"}
    made = (await api.call("createZone", **given))["zone"]["id"]
    await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
    return made


async def real_zone(api: Api, directory: Path, name: str = "real") -> str:
    """A zone with an image store in a directory, which may fetch from loopback."""
    made = await zone(api, name)
    directory.mkdir(exist_ok=True)
    await api.call("addImageStore", provider="NFS", url=f"file://{directory}", zoneid=made, name=f"files of {name}")
    return made


async def os_type(api: Api, name: str = "Ubuntu 22.04 LTS") -> str:
    return (await api.call("listOsTypes", description=name))["ostype"][0]["id"]


async def register(api: Api, zoneid: str, url: str, **given: Any) -> dict[str, Any]:
    """A template; the first of its entries."""
    asked = {
        "name": "mine", "format": "QCOW2", "hypervisor": "KVM", "url": url, "zoneid": zoneid,
        "ostypeid": await os_type(api), **given,
    }  # fmt: skip
    return (await api.call("registerTemplate", "POST", **asked))["template"][0]


async def register_iso(api: Api, zoneid: str, url: str, **given: Any) -> dict[str, Any]:
    """An ISO."""
    asked = {"name": "disc", "url": url, "zoneid": zoneid, "ostypeid": await os_type(api), **given}
    return (await api.call("registerIso", "POST", **asked))["iso"][0]


async def listed(api: Api, id: str, **given: Any) -> dict[str, Any]:
    """A template or ISO as it is listed."""
    body = await api.call("listTemplates", templatefilter="self", id=id, **given)
    if not body:
        body = await api.call("listIsos", isofilter="self", id=id, **given)
    return next(rows for name, rows in body.items() if name != "count")[0]


def state(row: dict[str, Any]) -> str:
    return row["downloaddetails"][0]["downloadState"]


async def until(api: Api, id: str, *states: str, seconds: float = 20.0, iso: bool = False) -> dict[str, Any]:
    """The template or ISO, when its download is in one of these states."""
    async with asyncio.timeout(seconds):
        while True:
            command, key = ("listIsos", "iso") if iso else ("listTemplates", "template")
            row = (await api.call(command, **{f"{key}filter": "self"}, id=id))[key][0]
            if state(row) in states:
                return row
            await asyncio.sleep(0.02)


def files(directory: Path) -> list[Path]:
    """All that lies in an image store."""
    return [path for path in directory.rglob("*") if path.is_file()]
