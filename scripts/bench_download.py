"""The part `download` of scripts/bench: a template of 2 GiB from an HTTP server on loopback, beside curl."""

import asyncio
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

SIZE = 2 * 1024**3
_SERVER = """
import sys
from aiohttp import web
app = web.Application()
app.router.add_static("/", sys.argv[1])
web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=None, access_log=None)
"""


def _curl(url: str, work: Path) -> float:
    """Seconds that curl takes, with what it fetched on the disk."""
    target = work / "curl.raw"
    started = time.perf_counter()
    subprocess.run(["curl", "-sf", "-o", target, url], check=True)
    subprocess.run(["sync", target], check=True)
    spent = time.perf_counter() - started
    target.unlink()
    return spent


async def _ours(server: Any, ask: Any, http: aiohttp.ClientSession, zone: str, os: str, url: str, more: dict) -> float:
    """Seconds from the registration until it is ready."""
    started = time.perf_counter()
    given = {"name": "big", "format": "RAW", "hypervisor": "KVM", "url": url, "zoneid": zone, "ostypeid": os, **more}
    made = (await ask(http, server.url("registerTemplate", **given)))["template"][0]["id"]
    while True:
        row = (await ask(http, server.url("listTemplates", templatefilter="self", id=made)))["template"][0]
        if row["isready"]:
            break
        if row["downloaddetails"][0]["downloadState"] == "DOWNLOAD_ERROR":
            raise SystemExit(row["status"])
        await asyncio.sleep(0.01)
    spent = time.perf_counter() - started
    job = (await ask(http, server.url("deleteTemplate", id=made)))["jobid"]
    while not (await ask(http, server.url("queryAsyncJobResult", jobid=job)))["jobstatus"]:
        await asyncio.sleep(0.01)
    return spent


async def downloads(server: Any, work: Path, ask: Any, told: Any) -> None:
    """Fetches the same file with curl and as a template, in turns."""
    for name in ("files", "store"):
        (work / name).mkdir()
    with (work / "files" / "big.raw").open("wb") as file:
        file.truncate(SIZE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    web = subprocess.Popen([sys.executable, "-c", _SERVER, work / "files", str(port)])
    url = f"http://127.0.0.1:{port}/big.raw"
    try:
        subprocess.run(["curl", "-sfI", "--retry", "50", "--retry-delay", "1", "--retry-connrefused", url], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        async with aiohttp.ClientSession() as http:
            site = {"name": "secstorage.allowed.internal.sites", "value": "127.0.0.0/8"}
            await ask(http, server.url("updateConfiguration", **site))
            given = {"name": "real", "dns1": "8.8.8.8", "internaldns1": "8.8.8.8", "networktype": "Advanced"}
            zone = (await ask(http, server.url("createZone", **given)))["zone"]["id"]
            store = {"provider": "NFS", "url": f"file://{work / 'store'}", "zoneid": zone}
            await ask(http, server.url("addImageStore", **store))
            os = (await ask(http, server.url("listOsTypes", description="Other (64-bit)")))["ostype"][0]["id"]
            before = server.resident()
            curl, ours = [], []
            for _ in range(3):
                curl.append(await asyncio.to_thread(_curl, url, work))
                ours.append(await _ours(server, ask, http, zone, os, url, {}))
            after = server.resident()
            summed = subprocess.run(
                ["sha256sum", work / "files" / "big.raw"], capture_output=True, text=True, check=True
            )
            checked = {"checksum": "{SHA-256}" + summed.stdout.split()[0]}
            hashed = await _ours(server, ask, http, zone, os, url, checked)
    finally:
        web.terminate()
        web.wait(10)
    gib = SIZE / 1024**3
    best = min(curl)
    told("curl: 2 GiB over loopback to the disk, best of 3", f"{gib * 1024 / best:.0f} MiB/s")
    told("a template of 2 GiB, request to ready, best of 3", f"{gib * 1024 / min(ours):.0f} MiB/s", "half of curl's")
    told("the same with its SHA-256 checked", f"{gib * 1024 / hashed:.0f} MiB/s", "")
    told("resident memory that the downloads added", f"{after - before:.0f} MB", "flat")
