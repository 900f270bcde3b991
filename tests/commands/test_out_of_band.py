"""Controllers of hosts' power: configured, enabled, asked, and never believed more than they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import invariants
from apiclient import Api
from people import person, refused

from cloudsim.server import Server

GIVEN = {"driver": "simulator", "address": "10.1.1.1", "port": "623", "username": "root", "password": "secret"}


async def a_host(api: Api) -> dict[str, Any]:
    return (await api.call("listHosts", type="Routing"))["host"][0]


async def controlled(api: Api, **more: Any) -> str:
    """A host whose out-of-band management is enabled."""
    home = (await a_host(api))["id"]
    await api.call("configureOutOfBandManagement", hostid=home, **{**GIVEN, **more})
    await api.job("enableOutOfBandManagementForHost", hostid=home)
    return home


async def act(api: Api, home: str, action: str, **more: Any) -> dict[str, Any]:
    return (await api.job("issueOutOfBandManagementPowerAction", hostid=home, action=action, **more))[
        "outofbandmanagement"
    ]


async def of(api: Api, home: str) -> dict[str, Any]:
    return (await api.call("listHosts", id=home))["host"][0]["outofbandmanagement"]


async def test_a_controller_is_configured_and_enabled(server: Server, api: Api) -> None:
    home = (await a_host(api))["id"]
    assert (await of(api, home)) == {"enabled": False, "powerstate": "Disabled"}
    assert (await refused(api, "enableOutOfBandManagementForHost", hostid=home))[0] == 431
    assert (await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="ON"))[0] == 431
    for wrong in ({"driver": "redfish"}, {"port": "x"}, {"port": "70000"}, {"username": "-v"}, {"address": "-H"}):
        assert (await refused(api, "configureOutOfBandManagement", hostid=home, **{**GIVEN, **wrong}))[0] == 431
    made = (await api.call("configureOutOfBandManagement", hostid=home, **GIVEN))["outofbandmanagement"]
    shown = {"driver": "simulator", "address": "10.1.1.1", "port": "623", "username": "root", "password": "****"}
    assert made == {**shown, "hostid": home, "enabled": False, "powerstate": "Disabled", "status": True}
    assert (await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="ON"))[0] == 431
    on = (await api.job("enableOutOfBandManagementForHost", hostid=home))["outofbandmanagement"]
    assert (on["enabled"], on["status"], on["powerstate"]) == (True, True, "Unknown")
    await server.periodic.run_now("out-of-band")
    assert (await of(api, home))["powerstate"] == "On"
    (found,) = (await api.call("listHosts", outofbandmanagementenabled=True))["host"]
    assert found["id"] == home
    assert len((await api.call("listHosts", outofbandmanagementpowerstate="On"))["host"]) == 1
    assert home not in {row["id"] for row in (await api.call("listHosts", outofbandmanagementenabled=False))["host"]}
    off = (await api.job("disableOutOfBandManagementForHost", hostid=home))["outofbandmanagement"]
    assert (off["enabled"], off["powerstate"]) == (False, "Disabled")
    await server.periodic.run_now("out-of-band")
    assert (await of(api, home))["powerstate"] == "Disabled"


async def test_the_password_is_kept_sealed(server: Server, api: Api) -> None:
    home = await controlled(api)
    await api.job("changeOutOfBandManagementPassword", hostid=home, password="hunter2")
    await api.job("changeOutOfBandManagementPassword", hostid=home)
    assert (await refused(api, "changeOutOfBandManagementPassword", hostid=home, password="a'b"))[0] == 431
    ((sealed,),) = await invariants.rows(server, "SELECT password FROM oobm")
    assert server.cloud.cipher.open(sealed) not in ("secret", "hunter2")
    for table, column in (("job", "arguments"), ("job_step", "result"), ("job", "result"), ("event", "description")):
        for (text,) in await invariants.rows(server, f"SELECT {column} FROM {table}"):
            assert "hunter2" not in str(text)
            assert "secret" not in str(text).replace("secretkey", "")


async def test_a_host_is_switched_off_and_on(server: Server, api: Api) -> None:
    home = await controlled(api)
    assert (await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="DANCE"))[0] == 431
    assert (await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="ON", timeout=0))[0] == 431
    for action, power in (
        ("STATUS", "On"), ("OFF", "Off"), ("RESET", "Off"), ("ON", "On"), ("CYCLE", "On"), ("reset", "On"), ("SOFT", "Off"),
    ):  # fmt: skip
        answer = await act(api, home, action, timeout=9)
        assert (answer["powerstate"], answer["action"], answer["status"]) == (power, action.upper(), True)
        assert (await of(api, home))["powerstate"] == power
        up = next(one.up for one in server.simulator.hosts() if one.uuid == home)
        assert up == (power == "On")
    server.simulator.set_network(home, False)
    assert (await act(api, home, "ON"))["powerstate"] == "On"


async def test_machines_do_not_outlive_the_power(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await api.call("configureOutOfBandManagement", hostid=machine["hostid"], **GIVEN)
    await api.job("enableOutOfBandManagementForHost", hostid=machine["hostid"])
    await act(api, machine["hostid"], "CYCLE")
    there = [one.power for one in server.simulator.machines() if one.host == machine["hostid"]]
    assert there == ["PowerOff"] * len(there)
    await server.periodic.run_now("host-ping")
    (row,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert row["state"] == "Stopped"
    await invariants.check(server)


async def test_it_counts_where_zone_and_cluster_leave_it_on(server: Server, api: Api) -> None:
    home = await controlled(api)
    row = await a_host(api)
    for kind, place in (("Zone", {"zoneid": row["zoneid"]}), ("Cluster", {"clusterid": row["clusterid"]})):
        await server.periodic.run_now("out-of-band")
        assert (await of(api, home))["powerstate"] == "On"
        off = (await api.job(f"disableOutOfBandManagementFor{kind}", **place))["outofbandmanagement"]
        assert off == {"enabled": False, "status": True}
        assert (await of(api, home))["powerstate"] == "Disabled"
        assert (await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="ON"))[0] == 431
        await server.periodic.run_now("out-of-band")
        assert (await of(api, home))["powerstate"] == "Disabled"
        on = (await api.job(f"enableOutOfBandManagementFor{kind}", **place))["outofbandmanagement"]
        assert on == {"enabled": True, "status": True}


async def test_a_controller_that_fails(server: Server, api: Api) -> None:
    home = await controlled(api)
    await api.call("configureSimulator", name="PowerCommand", value="fail:no way", hostid=home)
    status, text = await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="OFF")
    assert (status, "no way" in text) == (530, True)
    await server.periodic.run_now("out-of-band")
    assert (await of(api, home))["powerstate"] == "Unknown"
    assert next(one.up for one in server.simulator.hosts() if one.uuid == home)


IPMITOOL = """#!/usr/bin/env python3
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
words = sys.argv[1:]
given = sys.stdin.read() if words[-2:] == ["exec", "/dev/stdin"] else ""
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([words, os.environ["IPMI_PASSWORD"], given]) + "\\n")
state = here / "state"
known = json.loads(state.read_text()) if state.exists() else {"power": "off", "password": "secret"}
if os.environ["IPMI_PASSWORD"] != known["password"]:
    sys.exit("Error: Unable to establish IPMI v2 / RMCP+ session")
rest = words[words.index("-E") + 1:]
if rest[:2] == ["chassis", "power"]:
    if rest[2] in ("on", "off"):
        known["power"] = rest[2]
    print("Chassis Power is " + known["power"])
elif rest == ["user", "list"]:
    print("ID  Name  Callin\\n1  nobody  true\\n2  root  true")
elif given:
    known["password"] = given.split("'")[1]
state.write_text(json.dumps(known))
"""


async def test_ipmitool(server: Server, api: Api, tmp_path: Path) -> None:
    program = tmp_path / "ipmitool"
    program.write_text(IPMITOOL)
    program.chmod(0o700)
    home = await controlled(api, driver="ipmitool")
    await api.call("updateConfiguration", name="outofbandmanagement.ipmitool.path", value=str(tmp_path / "none"))
    assert (await refused(api, "issueOutOfBandManagementPowerAction", hostid=home, action="ON"))[0] == 530
    await api.call("updateConfiguration", name="outofbandmanagement.ipmitool.path", value=str(program))
    assert (await act(api, home, "STATUS"))["powerstate"] == "Off"
    assert (await act(api, home, "ON"))["powerstate"] == "On"
    await api.job("changeOutOfBandManagementPassword", hostid=home, password="hunter2")
    assert (await act(api, home, "STATUS"))["powerstate"] == "On"
    calls = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert calls[0][0] == [
        "-I", "lanplus", "-R", "1", "-H", "10.1.1.1", "-p", "623", "-U", "root", "-E", "chassis", "power", "status",
    ]  # fmt: skip
    # no list of processes shows a password
    assert all("secret" not in word and "hunter2" not in word for words, _, _ in calls for word in words)
    assert calls[-1][1] == "hunter2"
    # a password that is wrong changes nothing
    await api.call("configureOutOfBandManagement", hostid=home, **{**GIVEN, "driver": "ipmitool", "password": "wrong"})
    assert (await refused(api, "changeOutOfBandManagementPassword", hostid=home, password="other"))[0] == 530
    await server.periodic.run_now("out-of-band")
    assert (await of(api, home))["powerstate"] == "Unknown"


async def test_it_is_for_root_admins(api: Api, http: aiohttp.ClientSession) -> None:
    home = await controlled(api)
    someone = await person(api, http, "someone")
    assert (await refused(someone, "issueOutOfBandManagementPowerAction", hostid=home, action="OFF"))[0] == 432
    assert (await refused(someone, "configureOutOfBandManagement", hostid=home, **GIVEN))[0] == 432
