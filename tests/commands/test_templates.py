"""Templates in a zone whose image store is simulated."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from test_template_downloads import os_type, until

URL = "http://dl.example.com/a.qcow2"


async def register(api: Api, **given: Any) -> dict[str, Any]:
    """A template registered in the seeded zone."""
    asked = {
        "name": "mine", "format": "QCOW2", "hypervisor": "Simulator", "url": URL,
        "zoneid": (await api.basics())["zoneid"], "ostypeid": await os_type(api), **given,
    }  # fmt: skip
    (made,) = (await api.call("registerTemplate", **asked))["template"]
    return made


async def test_a_registered_template_becomes_ready_by_itself_and_is_deployed(api: Api) -> None:
    made = await register(api)
    assert made["isready"] is False
    row = await until(api, made["id"], "DOWNLOADED")
    assert (row["isready"], row["status"]) == (True, "Download Complete")
    machine = await api.deploy(templateid=made["id"])
    assert (machine["state"], machine["templateid"]) == ("Running", made["id"])
