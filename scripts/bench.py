"""The measurements of scripts/bench: own processes on loopback, bounded in number and time."""

import argparse
import asyncio
import json
import math
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import aiohttp
from bench_download import downloads
from yarl import URL

from cloudsim.api.signature import sign
from cloudsim.cli.env import _keys
from cloudsim.core.config import load

HERE = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
RESULTS: list[tuple[str, str, str]] = []


def told(what: str, figure: str, target: str = "") -> None:
    """Notes a figure."""
    RESULTS.append((what, figure, target))
    print(f"{what:<72} {figure:>16}   {target}", flush=True)


class Running:
    """A server process in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Starts it; answers the seconds until ``/readyz`` said 200."""
        started = time.perf_counter()
        with (self.directory.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [BIN / "cloudsim", "serve", "--data-dir", self.directory, "--port", "0"], stdout=log, stderr=log
            )
        endpoint = self.directory / "endpoint"
        before = endpoint.stat().st_mtime_ns if endpoint.exists() else 0
        import urllib.error
        import urllib.request

        while True:
            if self.process.poll() is not None:
                raise SystemExit((self.directory.parent / "server.log").read_text())
            if endpoint.exists() and endpoint.stat().st_mtime_ns != before:
                self.endpoint = json.loads(endpoint.read_text())["endpoint"]
                try:
                    urllib.request.urlopen(self.endpoint.replace("/client/api", "/readyz"), timeout=5)
                    break
                except urllib.error.URLError:
                    pass
            time.sleep(0.002)
        spent = time.perf_counter() - started
        config = load({"data-dir": str(self.directory)}, {})
        keys = asyncio.run(_keys(config, "admin"))
        assert keys is not None
        self.key, self.secret = keys
        return spent

    def resident(self) -> float:
        """MB of resident memory."""
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def url(self, command: str, **given: object) -> str:
        """A signed request."""
        from urllib.parse import quote

        parameters = {"command": command, "response": "json", "apikey": self.key}
        parameters.update({name: str(value) for name, value in given.items()})
        parameters["signature"] = sign(parameters, self.secret)
        return self.endpoint + "?" + "&".join(f"{n}={quote(v, safe='*')}" for n, v in parameters.items())


async def ask(http: aiohttp.ClientSession, url: str) -> dict:
    """The body of an answer."""
    async with http.get(URL(url, encoded=True)) as response:
        (body,) = json.loads(await response.read()).values()
        if response.status != 200:
            raise SystemExit(f"{response.status}: {body}")
        return body


async def basics(server: Running, http: aiohttp.ClientSession) -> dict:
    """What a deployment needs."""
    zone = (await ask(http, server.url("listZones")))["zone"][0]
    offering = (await ask(http, server.url("listServiceOfferings", name="Small Instance")))["serviceoffering"][0]
    templates = await ask(http, server.url("listTemplates", templatefilter="featured", zoneid=zone["id"]))
    return {"zoneid": zone["id"], "serviceofferingid": offering["id"], "templateid": templates["template"][0]["id"]}


async def deploy(server: Running, http: aiohttp.ClientSession, given: dict, pause: float) -> float:
    """Seconds from the request to the finished job."""
    started = time.perf_counter()
    job = (await ask(http, server.url("deployVirtualMachine", **given)))["jobid"]
    poll = server.url("queryAsyncJobResult", jobid=job)
    while True:
        ended = await ask(http, poll)
        if ended["jobstatus"]:
            break
        await asyncio.sleep(pause)
    if ended["jobstatus"] != 1:
        raise SystemExit(ended)
    return time.perf_counter() - started


async def deployments(server: Running, number: int, in_flight: int) -> None:
    """One after the other, then many at a time."""
    async with aiohttp.ClientSession() as http:
        given = await basics(server, http)
        for _ in range(10):
            await deploy(server, http, given, 0.002)
        times = sorted([await deploy(server, http, given, 0.002) for _ in range(100)])
        told("one deploy, request to finished job, median of 100", f"{times[50] * 1000:.1f} ms", "25 ms")
        todo = iter(range(number))

        async def worker() -> None:
            for _ in todo:
                await deploy(server, http, given, 0.03)

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(in_flight)))
        rate = number / (time.perf_counter() - started)
        told(f"durable deployments a second, {in_flight} in flight, {number} in all", f"{rate:.0f} /s", "150 /s")


async def finished(server: Running, http: aiohttp.ClientSession, command: str, **given: object) -> float:
    """Seconds from the request to the finished job."""
    started = time.perf_counter()
    job = (await ask(http, server.url(command, **given)))["jobid"]
    poll = server.url("queryAsyncJobResult", jobid=job)
    while not (ended := await ask(http, poll))["jobstatus"]:
        await asyncio.sleep(0.002)
    if ended["jobstatus"] != 1:
        raise SystemExit(ended)
    return time.perf_counter() - started


async def operations(server: Running) -> None:
    """Operations on one running machine, one after the other: migration, scaling, snapshots, volumes."""
    async with aiohttp.ClientSession() as http:
        await ask(http, server.url("updateConfiguration", name="enable.dynamic.scale.vm", value="true"))
        usual = await basics(server, http)
        await ask(http, server.url("updateTemplate", id=usual["templateid"], isdynamicallyscalable="true"))
        given = {"displaytext": "o", "cpunumber": 1, "cpuspeed": 100}
        made = [
            (await ask(http, server.url("createServiceOffering", name=f"o{n}", memory=64 + n, **given)))[
                "serviceoffering"
            ]
            for n in range(61)
        ]
        wanted = usual | {"serviceofferingid": made[0]["id"]}
        await deploy(server, http, wanted, 0.002)
        machine = (await ask(http, server.url("listVirtualMachines")))["virtualmachine"][0]
        hosts = (await ask(http, server.url("listHosts", type="Routing")))["host"]
        ids = sorted(row["id"] for row in hosts if row["id"] != machine["hostid"])
        moves, scales = [], []
        for number in range(60):
            where = {"virtualmachineid": machine["id"], "hostid": ids[number % len(ids)]}
            moves.append(await finished(server, http, "migrateVirtualMachine", **where))
            bigger = {"id": machine["id"], "serviceofferingid": made[number + 1]["id"]}
            scales.append(await finished(server, http, "scaleVirtualMachine", **bigger))
        await volumes(server, http, machine)
        await snapshots(server, http, machine)
        await access(server, http, machine)
        await finished(server, http, "destroyVirtualMachine", id=machine["id"], expunge="true")
        told("one live migration, request to finished job, median of 60", f"{sorted(moves)[30] * 1000:.1f} ms", "25 ms")
        told("one live scaling, request to finished job, median of 60", f"{sorted(scales)[30] * 1000:.1f} ms", "25 ms")


async def access(server: Running, http: aiohttp.ClientSession, machine: dict) -> None:
    """Addresses, rules, cards and a drive of a running machine whose network has a router that runs."""
    network = machine["nic"][0]["networkid"]
    listed = {"networkid": network, "issourcenat": "true"}
    (nat,) = (await ask(http, server.url("listPublicIpAddresses", associatednetworkid=network, **listed)))[
        "publicipaddress"
    ]
    rest = {"startport": 22, "endport": 22, "protocol": "tcp"}
    ports = {"privateport": 22, "protocol": "tcp"}
    on = {"ipaddressid": nat["id"]}
    target = {"virtualmachineid": machine["id"]}
    image = {"name": "i", "displaytext": "i", "url": "http://example.com/i.iso", "bootable": "false"}
    iso = (await ask(http, server.url("registerIso", zoneid=machine["zoneid"], **image)))["iso"][0]["id"]
    while not (await ask(http, server.url("listIsos", id=iso, isofilter="self")))["iso"][0]["isready"]:
        await asyncio.sleep(0.02)
    whole = {"zoneid": machine["zoneid"], "networkofferingid": (await ask(http, server.url("listNetworks")))["network"][0][
        "networkofferingid"], "name": "second"}  # fmt: skip
    second = (await ask(http, server.url("createNetwork", **whole)))["network"]["id"]
    times: dict[str, list[float]] = {}

    async def timed(what: str, command: str, **given: object) -> None:
        times.setdefault(what, []).append(await finished(server, http, command, **given))

    async def made(command: str, noun: str, **given: object) -> str:
        rows = (await ask(http, server.url(command, listall="true", **given)))[noun]
        return str(rows[-1]["id"])

    for _ in range(30):
        await timed("firewall rule made", "createFirewallRule", **on, **rest)
        await timed("firewall rule deleted", "deleteFirewallRule", id=await made("listFirewallRules", "firewallrule"))
        forwarded = {**on, **target, **ports, "publicport": 22, "openfirewall": "false"}
        await timed("port forwarding rule made", "createPortForwardingRule", **forwarded)
        rule = await made("listPortForwardingRules", "portforwardingrule")
        await timed("port forwarding rule deleted", "deletePortForwardingRule", id=rule)
        balanced = {"publicipid": nat["id"], "algorithm": "source", "name": "web", "publicport": 80, "privateport": 80}
        await timed("load balancer rule made", "createLoadBalancerRule", **balanced, openfirewall="false")
        rule = await made("listLoadBalancerRules", "loadbalancerrule")
        await timed("machine assigned to it", "assignToLoadBalancerRule", id=rule, virtualmachineids=machine["id"])
        await timed("load balancer rule deleted", "deleteLoadBalancerRule", id=rule)
        await timed("public address acquired", "associateIpAddress", networkid=network)
        address = await made(
            "listPublicIpAddresses", "publicipaddress", associatednetworkid=network, issourcenat="false"
        )
        await ask(http, server.url("enableStaticNat", ipaddressid=address, **target))
        await timed("static NAT disabled", "disableStaticNat", ipaddressid=address)
        await timed("public address released", "disassociateIpAddress", id=address)
        await timed("ISO attached", "attachIso", id=iso, **target)
        await timed("ISO detached", "detachIso", **target)
        await timed("network card added", "addNicToVirtualMachine", networkid=second, **target)
        card = await made("listNics", "nic", networkid=second, **target)
        await timed("network card removed", "removeNicFromVirtualMachine", nicid=card, **target)
    await finished(server, http, "deleteNetwork", id=second)
    for what, spent in times.items():
        median(what, spent, "20 ms")


def median(what: str, times: list[float], target: str) -> None:
    """Notes the median of some times in seconds."""
    middle = sorted(times)[len(times) // 2] * 1000
    told(f"one {what}, request to finished job, median of {len(times)}", f"{middle:.1f} ms", target)


async def volumes(server: Running, http: aiohttp.ClientSession, machine: dict) -> None:
    """A volume attached and detached: the first time it is made, then it is there."""
    offering = (await ask(http, server.url("listDiskOfferings", name="Small")))["diskoffering"][0]["id"]
    given = {"name": "v", "zoneid": machine["zoneid"], "diskofferingid": offering}
    first, attaches, detaches = [], [], []
    for _ in range(20):
        await finished(server, http, "createVolume", **given)
        listed = await ask(http, server.url("listVolumes", type="DATADISK", listall="true"))
        volume = next(row for row in listed["volume"] if "storageid" not in row)
        ids = {"id": volume["id"], "virtualmachineid": machine["id"]}
        first.append(await finished(server, http, "attachVolume", **ids))
        for _ in range(3):
            detaches.append(await finished(server, http, "detachVolume", id=volume["id"]))
            attaches.append(await finished(server, http, "attachVolume", **ids))
        await finished(server, http, "detachVolume", id=volume["id"])
    median("first attach of a volume", first, "20 ms")
    median("attach of a volume", attaches, "20 ms")
    median("detach of a volume", detaches, "20 ms")


async def snapshots(server: Running, http: aiohttp.ClientSession, machine: dict) -> None:
    """Snapshots of the machine with its memory, each gone back to and deleted."""
    made, reverts = [], []
    for _ in range(60):
        ids = {"virtualmachineid": machine["id"], "snapshotmemory": "true"}
        made.append(await finished(server, http, "createVMSnapshot", **ids))
        (row,) = (await ask(http, server.url("listVMSnapshot", virtualmachineid=machine["id"])))["vmSnapshot"]
        reverts.append(await finished(server, http, "revertToVMSnapshot", vmsnapshotid=row["id"]))
        await finished(server, http, "deleteVMSnapshot", vmsnapshotid=row["id"])
    median("snapshot of a virtual machine", made, "25 ms")
    median("going back to a snapshot", reverts, "25 ms")


def wrk(url: str, connections: int, seconds: int, script: str | None = None) -> float:
    """Requests a second, as wrk counts them; every answer must be a success."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    if script:
        command += ["-s", script]
    out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise SystemExit(out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


async def pages(server: Running, total: int, median: str, worst: str) -> None:
    """A page of 500 machines, again and again, one request at a time."""
    async with aiohttp.ClientSession() as http:
        url = server.url("listVirtualMachines", listall="true", page=1, pagesize=500)
        body = await ask(http, url)
        assert body["count"] == total, body["count"]
        assert len(body["virtualmachine"]) == 500
        times = []
        for number in range(200):
            page = 1 + number * 7 % max(1, total // 500)
            started = time.perf_counter()
            await ask_bytes(http, server.url("listVirtualMachines", listall="true", page=page, pagesize=500))
            times.append(time.perf_counter() - started)
        times.sort()
        told(f"500-row page of listVirtualMachines, {total:,} machines, median", f"{times[100] * 1000:.1f} ms", median)
        p99 = times[math.ceil(0.99 * len(times)) - 1]
        told(f"500-row page of listVirtualMachines, {total:,} machines, p99", f"{p99 * 1000:.1f} ms", worst)


async def ask_bytes(http: aiohttp.ClientSession, url: str) -> bytes:
    """An answer, not parsed: what the client does with it is not measured."""
    async with http.get(URL(url, encoded=True)) as response:
        assert response.status == 200
        return await response.read()


def multiply(directory: Path, total: int) -> None:
    """Copies the newest machine of a stopped server's database until there are `total` of them."""
    import sqlite3

    db = sqlite3.connect(directory / "cloudsim.db")
    have, newest = db.execute("SELECT count(*), max(id) FROM vm WHERE removed IS NULL AND type = 'User'").fetchone()

    def copy(table: str, where: str, change: dict) -> None:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        (row,) = db.execute(f"SELECT * FROM {table} WHERE {where}").fetchall()
        base = dict(zip(columns, row, strict=True))
        last = db.execute(f"SELECT max(id) FROM {table}").fetchone()[0]
        marks = ", ".join("?" for _ in columns)
        db.executemany(
            f"INSERT INTO {table} VALUES ({marks})",
            (
                list(
                    {**base, "id": last + n, "uuid": str(uuid.uuid4()), **{k: f(n) for k, f in change.items()}}.values()
                )
                for n in range(1, total - have + 1)
            ),
        )

    copy("nic", f"vm_id = {newest}", {
        "vm_id": lambda n: newest + n, "ip": lambda n: None,
        "mac": lambda n: "06:" + ":".join(f"{b:02x}" for b in n.to_bytes(5, "big")),
    })  # fmt: skip
    copy("volume", f"vm_id = {newest} AND type = 'ROOT'", {"vm_id": lambda n: newest + n})
    copy("vm", f"id = {newest}", {"instance_name": lambda n: f"i-2-{newest + n}-VM", "name": lambda n: f"copy-{n}",
                                  "state": lambda n: "Stopped", "host_id": lambda n: None})  # fmt: skip
    db.commit()
    db.close()


async def failover(server: Running, number: int) -> None:
    """Machines with HA on one host, which is fenced: until all of them run elsewhere."""
    async with aiohttp.ClientSession() as http:

        async def call(command: str, **given: object) -> dict:
            return await ask(http, server.url(command, **given))

        async def job(command: str, **given: object) -> None:
            asked = await call(command, **given)
            while not (await call("queryAsyncJobResult", jobid=asked["jobid"]))["jobstatus"]:
                await asyncio.sleep(0.05)

        given = await basics(server, http)
        made = await call("createServiceOffering", name="ha", displaytext="ha", cpunumber=1, cpuspeed=10, memory=32,
                          offerha="true")  # fmt: skip
        home = (await call("listHosts", type="Routing"))["host"][0]["id"]
        given |= {"serviceofferingid": made["serviceoffering"]["id"], "hostid": home}
        todo = iter(range(number))

        async def worker() -> None:
            for _ in todo:
                await deploy(server, http, given, 0.03)

        await asyncio.gather(*(worker() for _ in range(20)))
        await job("configureHAForHost", hostid=home, provider="simulatorhaprovider")
        await job("enableHAForHost", hostid=home)
        dead = {"health": "false", "activity": "false", "recover": "false", "fence": "true"}
        await call("configureSimulatorHAProviderState", hostid=home, **dead)
        while (await call("listHosts", id=home))["host"][0]["state"] != "Down":
            await asyncio.sleep(0.02)
        started = time.perf_counter()
        while time.perf_counter() - started < 120:
            there = await call("listVirtualMachines", listall="true", hostid=home, page=1, pagesize=1)
            running = await call("listVirtualMachines", listall="true", state="Running", page=1, pagesize=1)
            if not there.get("count") and running.get("count", 0) >= number:
                break
            await asyncio.sleep(0.1)
        spent = time.perf_counter() - started
        told(f"{number:,} machines of a fenced host run elsewhere, after the fence", f"{spent:.1f} s", "10 s")


MOTO_HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, "
    "SignedHeaders=host, Signature=none",
    "Content-Type": "application/x-www-form-urlencoded",
}


async def moto_ask(http: aiohttp.ClientSession, url: str, form: str) -> bytes:
    """One request to moto."""
    async with http.post(url, data=form, headers=MOTO_HEADERS) as response:
        text = await response.read()
        if response.status != 200:
            raise SystemExit(text.decode()[:500])
        return text


async def peer(directory: Path, ours: dict[str, float]) -> None:
    """moto's server doing RunInstances and DescribeInstances, nothing of it durable."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.perf_counter()
    process = subprocess.Popen(
        [BIN / "moto_server", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    await moto_ask(http, url, "Action=DescribeRegions&Version=2016-11-15")
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)
            told("moto: seconds to the first answer", f"{time.perf_counter() - started:.2f} s")
            run = "Action=RunInstances&Version=2016-11-15&ImageId=ami-12c6146b&MinCount=1&MaxCount=1"
            todo = iter(range(400))

            async def worker() -> None:
                for _ in todo:
                    await moto_ask(http, url, run)

            started = time.perf_counter()
            await asyncio.gather(*(worker() for _ in range(20)))
            told(
                "moto: RunInstances a second, 20 in flight, 400 in all",
                f"{400 / (time.perf_counter() - started):.0f} /s",
            )
            times = []
            for _ in range(20):
                started = time.perf_counter()
                await moto_ask(http, url, "Action=DescribeInstances&Version=2016-11-15")
                times.append(time.perf_counter() - started)
            told("moto: DescribeInstances of 400 instances, median", f"{statistics.median(times) * 1000:.0f} ms")
        script = directory / "moto.lua"
        script.write_text(
            'wrk.method = "POST"\nwrk.body = "Action=DescribeRegions&Version=2016-11-15"\n'
            + "".join(f'wrk.headers["{name}"] = "{value}"\n' for name, value in MOTO_HEADERS.items())
        )
        told("moto: DescribeRegions a second, 16 connections", f"{wrk(url, 16, 5, str(script)):.0f} /s")
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        told("moto: resident memory", f"{resident:.0f} MB")
    finally:
        process.terminate()
        process.wait(10)


def machine(when: str) -> None:
    """How fast the machine is just now: others may be at work on it."""
    started = time.perf_counter()
    for _ in range(20_000_000):
        pass
    told(f"the machine, {when}: a loop of 20 million turns in Python", f"{time.perf_counter() - started:.2f} s")
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(200):
            started = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    told(f"the machine, {when}: 4 KiB to the disk, median of 200", f"{statistics.median(times) * 1000:.2f} ms")


def main() -> None:
    """Runs the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/performance.rst")
    parser.add_argument("--only", default="start,deploy,zones,operations,ha,list,download,peer", metavar="PARTS")
    arguments = parser.parse_args()
    parts = arguments.only.split(",")
    work = Path(tempfile.mkdtemp(prefix="cloudsim-bench-"))
    server = Running(work / "data")
    try:
        machine("at the start")
        if "start" in parts:
            firsts = []
            for number in range(5):
                one = Running(work / f"start{number}")
                firsts.append(one.start())
                one.stop()
            told("ready with a seeded zone, from nothing, median of 5", f"{statistics.median(firsts):.2f} s", "1 s")
            again = []
            for _ in range(5):
                again.append(one.start())
                one.stop()
            told("ready again on the same data, median of 5", f"{statistics.median(again):.2f} s", "1 s")
        server.start()
        told("resident memory after the start", f"{server.resident():.0f} MB", "120 MB")
        if "zones" in parts:
            url = server.url("listZones")
            wrk(url, 16, 1)
            told("signed listZones a second, 16 connections", f"{wrk(url, 16, 10):.0f} /s", "4000 /s")
        if "ha" in parts:
            one = Running(work / "ha")
            one.start()
            asyncio.run(failover(one, 1000))
            one.stop()
        if "download" in parts:
            asyncio.run(downloads(server, work, ask, told))
        if "operations" in parts:
            asyncio.run(operations(server))
        if "deploy" in parts or "list" in parts:
            asyncio.run(deployments(server, 890, 20))
            told("resident memory with 1,000 machines deployed", f"{server.resident():.0f} MB", "120 MB")
        if "list" in parts:
            asyncio.run(pages(server, 1000, "25 ms", ""))
            server.stop()
            multiply(server.directory, 100_000)
            spent = server.start()
            told("ready again with 100,000 machines", f"{spent:.2f} s")
            asyncio.run(pages(server, 100_000, "", "100 ms"))
            told("resident memory after that", f"{server.resident():.0f} MB", "")
        server.stop()
        if "peer" in parts:
            asyncio.run(peer(work, {}))
        machine("at the end")
    finally:
        server.stop()
        shutil.rmtree(work, ignore_errors=True)
    if arguments.write:
        write()


def write() -> None:
    """Puts the figures into docs/performance.rst, between its two marks."""
    page = HERE / "docs" / "performance.rst"
    cores = os.cpu_count()
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} on {cores} cores, Python {platform.python_version()}:",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - What",
        "     - Measured",
        "     - Aim",
    ]
    for what, figure, target in RESULTS:
        lines += [f"   * - {what}", f"     - {figure}", f"     - {target}".rstrip()]
    text = page.read_text()
    start, end = ".. figures\n", ".. end of figures\n"
    head, tail = text.split(start)[0], text.split(end)[1]
    page.write_text(head + start + "\n" + "\n".join(lines) + "\n\n" + end + tail)


if __name__ == "__main__":
    main()
