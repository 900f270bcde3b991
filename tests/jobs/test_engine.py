"""The job engine through the front door: order, parallelism, cancelling, failing, purging."""

from __future__ import annotations

import asyncio

import pytest
from apiclient import Api, Refused
from invariants import check, rows

from cloudsim.agents.simulator import Rule
from cloudsim.agents.simulator.world import Machine
from cloudsim.server import Server


def guests(server: Server) -> list[Machine]:
    """The simulated machines that are users'."""
    return [machine for machine in server.simulator.machines() if machine.name.startswith("i-")]


async def test_a_job_is_known_as_soon_as_its_id_is_answered(api: Api, server: Server) -> None:
    answer = await api.call("deployVirtualMachine", **await api.basics())
    job = await api.call("queryAsyncJobResult", jobid=answer["jobid"])
    assert job["jobinstancetype"] == "VirtualMachine"
    assert job["jobinstanceid"] == answer["id"]
    ended = await api.wait(answer["jobid"])
    assert ended["jobstatus"] == 1
    assert ended["jobresulttype"] == "object"
    machine = ended["jobresult"]["virtualmachine"]
    assert machine["state"] == "Running"
    assert machine["jobid"] == answer["jobid"]
    await check(server)


async def test_jobs_on_one_machine_run_in_order(api: Api, server: Server) -> None:
    machine = await api.deploy()
    commands = ["stopVirtualMachine", "startVirtualMachine", "rebootVirtualMachine", "stopVirtualMachine",
                "startVirtualMachine", "destroyVirtualMachine"]  # fmt: skip
    jobs = [(await api.call(command, id=machine["id"]))["jobid"] for command in commands]
    ended = [await api.wait(job) for job in jobs]
    assert [job["jobstatus"] for job in ended] == [1] * len(commands)
    states = [job["jobresult"]["virtualmachine"]["state"] for job in ended]
    assert states == ["Stopped", "Running", "Running", "Stopped", "Running", "Destroyed"]
    started = await rows(
        server, "SELECT started, completed FROM job WHERE command <> 'deployVirtualMachine' ORDER BY id"
    )
    assert all(one[1] <= other[0] for one, other in zip(started, started[1:], strict=False))
    await check(server)


async def test_jobs_on_different_machines_run_at_the_same_time(api: Api, server: Server) -> None:
    first, second = await api.deploy(), await api.deploy()
    server.simulator.add_rule(Rule("StopCommand", "hang", count=1))
    stuck = await api.call("stopVirtualMachine", id=first["id"])
    await asyncio.sleep(0.05)
    assert (await api.job("stopVirtualMachine", id=second["id"]))["virtualmachine"]["state"] == "Stopped"
    assert (await api.call("queryAsyncJobResult", jobid=stuck["jobid"]))["jobstatus"] == 0


async def test_a_waiting_job_can_be_cancelled_and_a_running_one_cannot(api: Api, server: Server) -> None:
    machine = await api.deploy()
    server.simulator.add_rule(Rule("StopCommand", "delay", seconds=0.5, count=1))
    running = (await api.call("stopVirtualMachine", id=machine["id"]))["jobid"]
    waiting = (await api.call("startVirtualMachine", id=machine["id"]))["jobid"]
    listed = (await api.call("listAsyncJobs"))["asyncjobs"]
    assert {job["jobid"] for job in listed} == {running, waiting}
    await asyncio.sleep(0.1)
    with pytest.raises(Refused) as refused:
        await api.call("cancelAsyncJob", jobid=running)
    assert (refused.value.code, refused.value.cscode) == (431, 4350)
    assert (await api.call("cancelAsyncJob", jobid=waiting))["success"] is True
    ended = await api.wait(waiting)
    assert (ended["jobstatus"], ended["jobresultcode"]) == (2, 530)
    assert "cancelled" in ended["jobresult"]["errortext"]
    assert (await api.wait(running))["jobresult"]["virtualmachine"]["state"] == "Stopped"
    found = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert found[0]["state"] == "Stopped"
    assert await api.call("listAsyncJobs") == {}
    await check(server)


async def test_a_host_that_says_no_is_left_for_another(api: Api, server: Server) -> None:
    server.simulator.add_rule(Rule("StartCommand", "fail", count=1))
    assert (await api.deploy())["state"] == "Running"
    await check(server)


async def test_a_start_that_no_host_takes_fails_with_a_reason(api: Api, server: Server) -> None:
    rule = server.simulator.add_rule(Rule("StartCommand", "fail", text="out of sorts"))
    with pytest.raises(Refused) as refused:
        await api.deploy()
    assert "out of sorts" in refused.value.text
    machine = (await api.call("listVirtualMachines"))["virtualmachine"][0]
    assert machine["state"] == "Error"
    server.simulator.remove_rule(rule)
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert await api.call("listVirtualMachines") == {}
    await check(server)


@pytest.mark.parametrize("command", ["CreateObjectCommand", "StartCommand"])
@pytest.mark.parametrize("kind", ["lose", "drop", "fail_after"])
async def test_a_lost_answer_is_asked_for_again(api: Api, server: Server, command: str, kind: str) -> None:
    server.simulator.add_rule(Rule(command, kind, count=1))
    if kind == "fail_after" and command == "StartCommand":
        # done and yet refused: nobody can tell the server; the ping finds the machine and stops it
        machine = await api.deploy()
        await server.periodic.run_now("host-ping")
    else:
        machine = await api.deploy()
    assert machine["state"] == "Running"
    await check(server)


async def test_a_host_that_never_answers_leaves_the_machine_stopped_and_in_doubt(api: Api, server: Server) -> None:
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    rule = server.simulator.add_rule(Rule("StartCommand", "lose"))
    with pytest.raises(Refused) as refused:
        await api.job("startVirtualMachine", id=machine["id"])
    assert refused.value.cscode is None  # a job's result has no cserrorcode
    assert refused.value.code == 530
    server.simulator.remove_rule(rule)
    # it does run: the next start first makes sure that it does not run twice
    assert (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
    await check(server)


async def test_a_forgotten_machine_is_stopped_by_the_ping(api: Api, server: Server) -> None:
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    rule = server.simulator.add_rule(Rule("StartCommand", "lose"))
    with pytest.raises(Refused):
        await api.job("startVirtualMachine", id=machine["id"])
    server.simulator.remove_rule(rule)
    assert [found.power for found in guests(server)] == ["PowerOn"]
    await asyncio.sleep(0.01)
    await server.periodic.run_now("host-ping")
    await check(server)


async def test_two_hundred_parallel_deployments_keep_the_capacity(api: Api, server: Server) -> None:
    """Room for 120 only: 119 and their router run, the others are refused, and nothing is given away twice."""
    await rows(server, "SELECT 1")

    def shrink(tx):  # type: ignore[no-untyped-def]
        tx._change("UPDATE host SET cpu_cores = 15, cpu_speed = 1000", [])
        tx._change(
            "INSERT INTO configuration (name, scope, scope_id, value, updated)"
            " VALUES ('cluster.cpu.allocated.capacity.disablethreshold', 'Global', 0, '1.0', 0)",
            [],
        )

    await server.db.write(shrink)
    server.cloud.settings.overrides["cluster.cpu.allocated.capacity.disablethreshold", "Global", 0] = "1.0"
    basics = await api.basics()
    answers = await asyncio.gather(*(api.call("deployVirtualMachine", **basics) for _ in range(200)))
    ended = await asyncio.gather(*(api.wait(answer["jobid"], 60) for answer in answers))
    assert sum(job["jobstatus"] == 1 for job in ended) == 119
    assert {job["jobresultcode"] for job in ended if job["jobstatus"] == 2} == {533}
    await check(server)


async def test_ended_jobs_are_purged_by_age(api: Api, server: Server) -> None:
    await api.deploy()
    await server.periodic.run_now("job-purge")
    assert len(await rows(server, "SELECT id FROM job")) == 2
    server.cloud.settings.overrides["job.expire.minutes", "Global", 0] = "0"
    await asyncio.sleep(0.01)
    await server.periodic.run_now("job-purge")
    assert await rows(server, "SELECT id FROM job") == []
    assert await rows(server, "SELECT job_id FROM job_step") == []


async def test_destroyed_machines_are_expunged_after_the_delay(api: Api, server: Server) -> None:
    machine = await api.deploy()
    await api.job("destroyVirtualMachine", id=machine["id"])
    await server.periodic.run_now("expunge")
    await check(server)
    assert (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0]["state"] == "Destroyed"
    server.cloud.settings.overrides["expunge.delay", "Global", 0] = "0"
    await asyncio.sleep(0.01)
    await server.periodic.run_now("expunge")
    await check(server)
    assert await api.call("listVirtualMachines", id=machine["id"]) == {}
    (left,) = server.simulator.volumes()
    assert await rows(server, f"SELECT is_system FROM volume WHERE uuid = '{left.uuid}'") == [(True,)]


async def test_a_machine_that_died_on_its_host_is_found_stopped(api: Api, server: Server) -> None:
    machine = await api.deploy()
    (guest,) = guests(server)
    host = guest.host
    server.simulator.set_host(host, False)
    server.simulator.set_host(host, True)
    await asyncio.sleep(0.01)
    await server.periodic.run_now("host-ping")
    found = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0]
    assert found["state"] == "Stopped"
    await check(server)
    assert (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"


async def test_the_capacity_task_corrects_what_is_off(api: Api, server: Server) -> None:
    await api.deploy()
    await server.db.write(lambda tx: tx._change("UPDATE host_capacity SET cpu_used = 1, memory_used = 7", []))
    await server.periodic.run_now("capacity")
    await check(server)
