"""What a host said before it was found silent, or fenced, says nothing of what it is now."""

from __future__ import annotations

from typing import Any

import invariants
from apiclient import Api

from cloudsim.server import Server
from cloudsim.services import fencing, investigation
from cloudsim.services import host as hosts


async def test_an_answer_from_before_the_fence(server: Server, api: Api) -> None:
    offering = await api.call(
        "createServiceOffering", name="ha", displaytext="ha", cpunumber=1, cpuspeed=100, memory=64, offerha=True
    )
    machine = await api.deploy(serviceofferingid=offering["serviceoffering"]["id"])
    server.periodic.close()
    admin = await server.db.read(server._admin)
    ((home, name),) = await invariants.rows(server, "SELECT host_id, instance_name FROM vm WHERE type = 'User'")

    async def write(function: Any, *args: Any) -> Any:
        return await server.db.write(lambda tx: function(server.cloud.context(tx, admin), *args))

    async def heard(asked: int) -> None:
        said = hosts.Report(home, machine["hostid"], asked, {name: "PowerOn"})
        await hosts.take(server.cloud, admin, [said])

    async def status() -> str:
        ((text,),) = await invariants.rows(server, f"SELECT status FROM host WHERE id = {home}")
        return str(text)

    asked = server.clock.now()
    server.simulator.set_host(machine["hostid"], False)
    await server.db.write(lambda tx: tx._change(f"UPDATE host SET fencing = 1 WHERE id = {home}", []))
    # while its power is being cut, nothing that it says counts
    await heard(server.clock.now() + 1)
    assert await status() == "Up"
    await write(fencing.mark_down, home, server.clock.now())
    await heard(asked)
    assert await status() == "Down"
    while await write(fencing.clear, home):
        pass
    await invariants.rest(server)
    (row,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert (row["state"], row["hostid"] != machine["hostid"]) == ("Running", True)
    # again, after all that: neither is the host Up, nor is the machine stopped where it runs
    await heard(asked)
    await invariants.rest(server)
    assert await status() == "Down"
    server.simulator.set_host(machine["hostid"], True)
    await server.periodic.run_now("host-ping")
    assert await status() == "Up"
    await invariants.check(server)


async def test_a_look_is_ordered_once(server: Server) -> None:
    server.periodic.close()
    admin = await server.db.read(server._admin)

    def twice(tx: Any) -> list[str | None]:
        ctx = server.cloud.context(tx, admin)
        (row, _), *_ = hosts.addresses(tx)
        return [investigation.order(ctx, row) for _ in range(2)]

    first, second = await server.db.write(twice)
    assert first is not None
    assert second is None
    await invariants.check(server)
