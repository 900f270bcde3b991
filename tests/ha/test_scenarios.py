"""Plays every scenario and compares its log with the one in its file."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
import scenario
import script


@pytest.mark.parametrize("path", script.scenarios(), ids=lambda path: path.stem)
async def test_scenario(path: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    read = script.read(path)
    assert read.title, "a scenario begins with a sentence that says what it shows"
    log = await scenario.Player(read, tmp_path / "data", http).play()
    if script.writes():
        script.write(read, log)
    assert log == script.read(path).log
