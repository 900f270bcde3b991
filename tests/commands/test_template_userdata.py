"""User data that templates bring, and machines that are forgotten after they were expunged."""

from __future__ import annotations

import base64
import email
from typing import Any

import aiohttp
from apiclient import Api
from invariants import check, rows
from people import person, refused, role

from cloudsim.server import Server


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def told(api: Api, machine: dict[str, Any]) -> str:
    found = await api.call("getVirtualMachineUserData", virtualmachineid=machine["id"])
    return base64.b64decode(found["virtualmachineuserdata"].get("userdata", "")).decode()


async def test_a_template_brings_user_data(api: Api, http: aiohttp.ClientSession) -> None:
    data = (await api.call("registerUserData", name="brought", userdata=b64("#cloud-config\na: b"), params="p"))[
        "userdata"
    ]
    template = (await api.basics())["templateid"]
    link = {"templateid": template, "userdataid": data["id"]}
    linked = (await api.call("linkUserDataToTemplate", **link))["template"]
    assert [linked[f"userdata{part}"] for part in ("id", "name", "params", "policy")] == [
        data["id"], "brought", "p", "ALLOWOVERRIDE",
    ]  # fmt: skip
    one = await person(api, http, "one")
    brought = await one.deploy(startvm=False)
    assert (await told(api, brought), brought["userdataname"]) == ("#cloud-config\na: b", "brought")
    assert await told(api, await one.deploy(startvm=False, userdata=b64("own"))) == "own"
    await api.call("linkUserDataToTemplate", **link, userdatapolicy="append")
    both = email.message_from_string(await told(api, await one.deploy(startvm=False, userdata=b64("#!/bin/sh\nls"))))
    assert [(part.get_content_type(), part.get_payload()) for part in both.get_payload()] == [
        ("text/cloud-config", "#cloud-config\na: b"),
        ("text/x-shellscript", "#!/bin/sh\nls"),
    ]
    await api.call("linkUserDataToTemplate", **link, userdatapolicy="DENYOVERRIDE")
    status, _ = await refused(one, "deployVirtualMachine", **await one.basics(), userdata=b64("own"))
    assert status == 431
    assert await told(api, await one.deploy(startvm=False)) == "#cloud-config\na: b"
    assert (await refused(one, "updateVirtualMachine", id=brought["id"], userdata=b64("else")))[0] == 431
    assert await told(api, brought) == "#cloud-config\na: b"
    for wrong in ({"userdatapolicy": "PERHAPS"}, {"isoid": template}, {"userdataid": "x"}, {"templateid": None}):
        assert (await refused(api, "linkUserDataToTemplate", **{**link, **wrong}))[0] == 431, wrong
    assert (await refused(api, "linkUserDataToTemplate", isoid=template))[0] == 431
    for machine in (await api.call("listVirtualMachines", listall=True))["virtualmachine"]:
        await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert (await refused(api, "deleteUserData", id=data["id"]))[0] == 536
    unlinked = (await api.call("linkUserDataToTemplate", templateid=template))["template"]
    assert "userdataid" not in unlinked
    await api.call("deleteUserData", id=data["id"])
    assert await told(api, await one.deploy(startvm=False)) == ""


async def test_a_template_of_others_is_not_linked(api: Api, http: aiohttp.ClientSession) -> None:
    every = await role(api, "every", "User", "*")
    one = await person(api, http, "one", roleid=every["id"])
    template = (await one.basics())["templateid"]
    mine = (await one.call("registerUserData", name="mine", userdata=b64("x")))["userdata"]["id"]
    assert (await refused(one, "linkUserDataToTemplate", templateid=template, userdataid=mine))[0] == 531


async def test_expunged_machines_are_forgotten(api: Api, server: Server) -> None:
    kept = await api.deploy()
    for _ in range(5):
        machine = await api.deploy(**{"details[0].key": "a", "details[0].value": "b"})
        await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    for wrong in ({"resourcetype": "Shoe"}, {"batchsize": 0}, {"startdate": "2026-02-02", "enddate": "2026-01-01"}):
        assert (await refused(api, "purgeExpungedResources", **wrong))[0] == 431, wrong
    await api.job("purgeExpungedResources", enddate="2020-01-01")
    assert await rows(server, "SELECT count(*) FROM vm WHERE type = 'User'") == [(6,)]
    done = await api.job("purgeExpungedResources", batchsize=2, resourcetype="virtualmachine")
    # the newest stays, so that its number is not given again
    assert (done["success"], done["displaytext"][0]) == (True, "4")
    left = await rows(server, "SELECT uuid FROM vm WHERE type = 'User' ORDER BY id")
    assert left == [(kept["id"],), (machine["id"],)]
    assert await rows(server, "SELECT count(*) FROM nic WHERE vm_id NOT IN (SELECT id FROM vm)") == [(0,)]
    await api.deploy()
    await check(server)
    for name, value in (("enabled", "true"), ("keep.past.days", "0"), ("batch.size", "1")):
        await api.call("updateConfiguration", name=f"expunged.resources.purge.{name}", value=value)
    await server.periodic.run_now("expunged-purge")
    assert await rows(server, f"SELECT count(*) FROM vm WHERE uuid = '{machine['id']}'") == [(0,)]
    await check(server)


async def test_forgetting_goes_on_after_a_restart(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    for _ in range(4):
        machine = await api.deploy()
        await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    job = (await api.call("purgeExpungedResources", batchsize=1))["jobid"]
    await server.stop()
    again = Server(server.config)
    await again.start()
    try:
        ended = await Api(http, again.url, api.key, api.secret).wait(job)
        assert (ended["jobstatus"], ended["jobresult"]["displaytext"][0]) == (1, "3")
        assert await rows(again, "SELECT uuid FROM vm WHERE type = 'User'") == [(machine["id"],)]
        await check(again)
    finally:
        await again.stop()
