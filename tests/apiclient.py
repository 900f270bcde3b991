"""A client for tests: signs, sends, waits for jobs, and raises what the server refuses."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from cloudsim.api.signature import sign
from cloudsim.core.keyfile import KeyFile


class Refused(Exception):
    """The server answered an error."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.code = body.get("errorcode")
        self.cscode = body.get("cserrorcode")
        self.text = body.get("errortext", "")
        super().__init__(f"{status} {self.code}/{self.cscode}: {self.text}")


def query(parameters: dict[str, Any], key: str | None = None, secret: str | None = None) -> str:
    """A query string, signed where keys are given."""
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in parameters.items()
        if value is not None
    }
    if key is not None and secret is not None:
        texts["apikey"] = key
        texts["signature"] = sign(texts, secret)
    return "&".join(f"{quote(name, safe='[].')}={quote(value, safe='*')}" for name, value in texts.items())


class Api:
    """Calls commands as one user."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: str, key: str, secret: str) -> None:
        self.session = session
        self.endpoint = endpoint
        self.key = key
        self.secret = secret

    async def raw(self, command: str | None, method: str = "GET", form: str = "json", **given: Any) -> tuple[int, str]:
        """Status and text of one signed request."""
        parameters = {"command": command, **given}
        if form:
            parameters["response"] = form
        text = query(parameters, self.key, self.secret)
        if method == "POST":
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            sent = self.session.post(self.endpoint, data=text, headers=headers)
        else:
            from yarl import URL

            sent = self.session.get(URL(f"{self.endpoint}?{text}", encoded=True))
        async with sent as response:
            return response.status, await response.text()

    async def call(self, command: str, method: str = "GET", **given: Any) -> dict[str, Any]:
        """The body of the answer. Raises `Refused`."""
        status, text = await self.raw(command, method, **given)
        envelope = json.loads(text)
        (body,) = envelope.values()
        if status != 200:
            raise Refused(status, body)
        return body

    async def wait(self, jobid: str, timeout: float = 30.0) -> dict[str, Any]:
        """The ended job."""
        async with asyncio.timeout(timeout):
            while True:
                job = await self.call("queryAsyncJobResult", jobid=jobid)
                if job["jobstatus"] != 0:
                    return job
                await asyncio.sleep(0.01)

    async def job(self, command: str, **given: Any) -> dict[str, Any]:
        """Calls an asynchronous command and waits; answers the job's result. Raises `Refused` where it failed."""
        answer = await self.call(command, **given)
        ended = await self.wait(answer["jobid"])
        if ended["jobstatus"] == 2:
            raise Refused(ended["jobresultcode"], ended["jobresult"])
        return ended["jobresult"]

    async def deploy(self, **given: Any) -> dict[str, Any]:
        """A virtual machine of the small offering in the seeded zone."""
        return (await self.job("deployVirtualMachine", **{**await self.basics(), **given}))["virtualmachine"]

    async def places(self) -> dict[str, str]:
        """zoneid, podid and clusterid of the first cluster."""
        (cluster, *_) = (await self.call("listClusters"))["cluster"]
        return {"zoneid": cluster["zoneid"], "podid": cluster["podid"], "clusterid": cluster["id"]}

    async def basics(self) -> dict[str, str]:
        """zoneid, serviceofferingid and templateid of the seeded zone."""
        zones = await self.call("listZones")
        offerings = await self.call("listServiceOfferings", name="Small Instance")
        templates = await self.call("listTemplates", templatefilter="featured")
        return {
            "zoneid": zones["zone"][0]["id"],
            "serviceofferingid": offerings["serviceoffering"][0]["id"],
            "templateid": templates["template"][0]["id"],
        }


def admin_keys(data_dir: Path) -> tuple[str, str]:
    """The admin's keys, read from a data directory."""
    connection = sqlite3.connect(data_dir / "cloudsim.db")
    try:
        key, sealed = connection.execute("SELECT api_key, secret_key FROM user WHERE username = 'admin'").fetchone()
    finally:
        connection.close()
    return key, KeyFile(data_dir / "key").open(sealed)
