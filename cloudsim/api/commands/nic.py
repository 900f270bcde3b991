"""Network cards."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand
from cloudsim.api.params import boolean, ref
from cloudsim.api.responses.virtualmachine import NIC, network_part, nic
from cloudsim.services import nic as cards
from cloudsim.services import static_nat
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, VIRTUAL_MACHINE
from cloudsim.services.nouns import NIC as NOUN


class ListNics(ListCommand, name="listNics", response=NIC):
    """Lists the network cards of a virtual machine."""

    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    fordisplay = boolean("Without effect: every card is displayed", since="4.4")
    networkid = ref(NETWORK)
    nicid = ref(NOUN)

    def run(self, ctx: Context) -> Body:
        page = self.paging(ctx)
        rows = cards.of_machine(ctx, self.virtualmachineid, self.networkid, self.nicid, self.keyword)
        public = {one["network_uuid"]: one for one in static_nat.of_machines(ctx, [self.virtualmachineid["id"]])}
        made = [
            {
                **nic(
                    row,
                    network_part(row["network_uuid"], row["network_name"], row["traffic_type"], row["guest_type"]),
                ),
                "virtualmachineid": self.virtualmachineid["uuid"],
                **(
                    {
                        "publicip": public[row["network_uuid"]]["address"],
                        "publicipid": public[row["network_uuid"]]["uuid"],
                    }
                    if row["network_uuid"] in public
                    else {}
                ),
            }
            for row in rows
        ]
        return self.body(made[page.offset : page.offset + page.limit], len(made))
