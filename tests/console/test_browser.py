"""The console's page in a real browser: it shows the screen, takes what is typed, and asks nobody else for anything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from apiclient import Api
from browser import Page, page
from rfb import read
from test_console import endpoint


async def sees(shown: Page, text: str, seconds: float = 20.0) -> str:
    """Reads the canvas until a text is there."""
    found = ""
    try:
        async with asyncio.timeout(seconds):
            while text not in found:
                found = read(*await shown.pixels())
    except TimeoutError:
        raise AssertionError(f"{text!r} did not come:\n{found}\n{shown.errors}") from None
    return found


async def test_the_page_shows_the_screen_and_types_into_it(
    api: Api, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    machine = await api.deploy(name="web1")
    made = await endpoint(api, machine)
    token = made["websocket"]["token"]
    async with page(http, tmp_path) as shown:
        await shown.open(made["url"])
        await shown.until("document.body?.dataset.state === 'connected'")
        await sees(shown, "web1 login:")
        assert await shown.evaluate("document.title") == f"web1 ({machine['instancename']})"
        await shown.type("root\nsecret\nhostname\n")
        assert "secret" not in await sees(shown, "root@web1:~$ hostname\nweb1\nroot@web1:~$")
        # the text that is pasted is typed
        await shown.evaluate("document.getElementById('paste').click()")
        await shown.evaluate("document.getElementById('text').value = 'clear\\necho Pasted & typed'")
        await shown.evaluate("document.querySelector('#dialog button[value=send]').click()")
        await sees(shown, "root@web1:~$ echo Pasted & typed")
        await shown.evaluate("document.getElementById('cad').click()")
        assert "Pasted" not in await sees(shown, "[ OK ] web1 is up")
        # nothing from elsewhere, the token nowhere but in the page's address and its connection, no complaints
        asked = [urlsplit(url) for url in shown.requests]
        assert {url.netloc for url in asked if url.scheme != "data"} == {urlsplit(made["url"]).netloc}
        assert sum(token in url for url in shown.requests) == 2
        assert not any(token in referrer for referrer in shown.referrers)
        assert token not in await shown.evaluate("location.href")
        assert shown.errors == []
        # a reload says that the link was used
        await shown.ask("Page.reload")
        await shown.until("document.body?.innerText.includes('ask for another one')")


async def test_the_page_tells_when_the_machine_stops(api: Api, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    machine = await api.deploy(name="web1")
    made = await endpoint(api, machine)
    async with page(http, tmp_path) as shown:
        await shown.open(made["url"])
        await shown.until("document.body?.dataset.state === 'connected'")
        await api.job("stopVirtualMachine", id=machine["id"])
        await shown.until("document.getElementById('state').textContent.startsWith('disconnected: the ')")
