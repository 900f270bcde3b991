"""Headless Chromium, driven through its DevTools protocol: one page, what it asks the network for, what it complains of."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = "chromium"
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--window-size=900,600",
    "--remote-debugging-port=0",
)


class Page:
    """One page."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._listening = asyncio.get_running_loop().create_task(self._listen())
        #: Every address that was asked for, and what was written as an error.
        self.requests: list[str] = []
        self.referrers: set[str] = set()
        self.errors: list[str] = []

    async def open(self, url: str) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.navigate", url=url)

    async def ask(self, method: str, **given: Any) -> Any:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": given})
        async with asyncio.timeout(20):
            answer = await self._answers[number]
        del self._answers[number]
        assert "error" not in answer, answer
        return answer["result"]

    async def evaluate(self, script: str) -> Any:
        found = await self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, script: str, seconds: float = 20.0) -> Any:
        """Waits until a script's value is true; answers it."""
        async with asyncio.timeout(seconds):
            while not (found := await self.evaluate(script)):
                await asyncio.sleep(0.05)
        return found

    async def pixels(self) -> tuple[bytes, int]:
        """What the canvas shows, four bytes a pixel, and its width."""
        text = await self.evaluate(
            "(() => { const c = document.querySelector('#screen canvas');"
            " const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let s = '';"
            " for (let i = 0; i < d.length; i += 32768) s += String.fromCharCode(...d.subarray(i, i + 32768));"
            " return c.width + ':' + btoa(s); })()"
        )
        width, _, data = text.partition(":")
        return base64.b64decode(data), int(width)

    async def type(self, text: str) -> None:
        """Types on the keyboard of the page."""
        for letter in text:
            enter = letter == "\n"
            given = {"key": "Enter" if enter else letter, "text": "\r" if enter else letter}
            given["code"] = "Enter" if enter else f"Key{letter.upper()}" if letter.isalpha() else "Digit" + letter
            for kind in ("keyDown", "keyUp"):
                await self.ask("Input.dispatchKeyEvent", type=kind, **given)

    async def close(self) -> None:
        self._listening.cancel()
        await self._socket.close()

    async def _listen(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                if told["id"] in self._answers:
                    self._answers[told["id"]].set_result(told)
                continue
            given = told["params"]
            match told["method"]:
                case "Network.requestWillBeSent":
                    self.requests.append(given["request"]["url"])
                    self.referrers.add(given["request"]["headers"].get("Referer", ""))
                case "Network.webSocketCreated":
                    self.requests.append(given["url"])
                case "Runtime.exceptionThrown":
                    self.errors.append(str(given["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if given["type"] in ("error", "assert"):
                    self.errors.append(str([one.get("value") for one in given["args"]]))
                case "Log.entryAdded" if given["entry"]["level"] == "error":
                    self.errors.append(f"{given['entry']['text']} {given['entry'].get('url', '')}")


@asynccontextmanager
async def page(http: aiohttp.ClientSession, directory: Path) -> AsyncIterator[Page]:
    """A page of a browser of its own."""
    program = shutil.which(PROGRAM)
    assert program, "Chromium is not installed: scripts/test installs Debian's package chromium"
    profile = directory / "chromium"
    process = await asyncio.create_subprocess_exec(
        program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        told = profile / "DevToolsActivePort"
        async with asyncio.timeout(60):
            while not told.exists() or "\n" not in told.read_text():
                assert process.returncode is None, "Chromium did not start"
                await asyncio.sleep(0.05)
        port = told.read_text().splitlines()[0]
        async with http.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
            url = (await answer.json())["webSocketDebuggerUrl"]
        made = Page(await http.ws_connect(url, max_msg_size=0))
        yield made
        await made.close()
    finally:
        process.kill()
        await process.wait()
