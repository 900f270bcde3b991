"""Two servers on one PostgreSQL: one of them fetches a file, and when it dies the other goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from imageserver import File, ImageServer, qcow2
from stores import files, real_zone, register, until
from test_two_servers import Pair
from test_two_servers import pair as pair  # the fixture

from cloudsim.services import download, download_worker

GIB = 1024**3


async def test_one_fetches_it_and_the_other_goes_on_when_that_one_dies(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LEASE", 1.5)
    monkeypatch.setattr(download_worker, "BEAT", 0.1)
    data = qcow2(GIB, 8_000_000)
    (first, api), (second, other) = await pair.start("a"), await pair.start("b")
    zone = await real_zone(api, tmp_path / "store")
    await asyncio.sleep(0.3)  # until the other knows the setting
    async with ImageServer() as images:
        images["/a.qcow2"] = file = File(data, stall=5_000_000)
        made = await register(api, zone, images.url("/a.qcow2"))
        await asyncio.sleep(2.5)  # longer than a lease: who fetches says that it is alive
        assert len(file.asked) == 1
        fetching = first if first.downloads._tasks else second
        assert len(first.downloads._tasks) + len(second.downloads._tasks) == 1
        asked = other if fetching is first else api

        async def nothing(_: Any) -> None:
            """A server that dies says nothing."""

        monkeypatch.setattr(fetching.downloads, "_interrupted", nothing)
        file.stall = -1
        await fetching.downloads.close()
        await until(asked, made["id"], "DOWNLOADED")
        assert [path.read_bytes() == data for path in files(tmp_path / "store")] == [True]
        assert len(file.asked) == 2
        assert int(file.asked[1]["Range"].removeprefix("bytes=").rstrip("-")) > 0
