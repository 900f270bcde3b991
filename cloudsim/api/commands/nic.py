"""Network cards of virtual machines, and their addresses."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand
from cloudsim.api.params import boolean, mapping, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.nicsecondaryip import SECONDARY_IP
from cloudsim.api.responses.virtualmachine import NIC, VIRTUAL_MACHINE, network_part, nic, secondary
from cloudsim.services import access, addressing, dhcp_options, nic_orders, nic_secondary, static_nat
from cloudsim.services import nic as cards
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK
from cloudsim.services.nouns import NIC as NOUN
from cloudsim.services.nouns import SECONDARY_IP as SECONDARY
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM


class ListNics(ListCommand, name="listNics", response=NIC):
    """Lists the network cards of a virtual machine."""

    virtualmachineid = ref(VM, required=True)
    fordisplay = boolean("Without effect: every card is displayed", since="4.4")
    networkid = ref(NETWORK)
    nicid = ref(NOUN)

    def run(self, ctx: Context) -> Body:
        page = self.paging(ctx)
        rows = cards.of_machine(ctx, self.virtualmachineid, self.networkid, self.nicid, self.keyword)
        public = {one["network_uuid"]: one for one in static_nat.of_machines(ctx, [self.virtualmachineid["id"]])}
        addresses = cards.secondary(ctx, rows)
        made = [
            {
                **nic(
                    row,
                    network_part(row["network_uuid"], row["network_name"], row["traffic_type"], row["guest_type"]),
                ),
                "secondaryip": secondary(addresses.get(row["id"], ())),
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


class AddNicToVirtualMachine(AsyncCommand, name="addNicToVirtualMachine", response=VIRTUAL_MACHINE, event="NIC.CREATE"):
    """Gives a virtual machine a card in one more network: at once where it runs, else with its next start."""

    virtualmachineid = ref(VM, required=True)
    networkid = ref(NETWORK, required=True)
    ipaddress = string("Its address; any that is free if not given")
    macaddress = string("Its MAC address; one of its own if not given")
    dhcpoptions = mapping("DHCP options of the card: dhcp:<code> names with their values")

    def run(self, ctx: Context) -> Body:
        return {
            "jobid": nic_orders.add(
                ctx,
                self.virtualmachineid,
                self.networkid,
                ip=addressing.ip(self.ipaddress, "ipaddress"),
                mac=addressing.mac(self.macaddress),
                dhcp_options=dhcp_options.of_card(ctx, self.networkid, self.dhcpoptions or {}),
            )
        }


class RemoveNicFromVirtualMachine(
    AsyncCommand, name="removeNicFromVirtualMachine", response=VIRTUAL_MACHINE, event="NIC.DELETE"
):
    """Takes a network card, which is not the default one, from a virtual machine, with all its addresses."""

    virtualmachineid = ref(VM, required=True)
    nicid = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": nic_orders.remove(ctx, self.virtualmachineid, self.nicid)}


class UpdateDefaultNicForVirtualMachine(
    AsyncCommand, name="updateDefaultNicForVirtualMachine", response=VIRTUAL_MACHINE, event="NIC.UPDATE"
):
    """Makes another network card the default one; the guest takes it over when it starts anew."""

    virtualmachineid = ref(VM, required=True)
    nicid = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": nic_orders.make_default(ctx, self.virtualmachineid, self.nicid)}


class UpdateVmNicIp(AsyncCommand, name="updateVmNicIp", response=VIRTUAL_MACHINE, event="NIC.UPDATE"):
    """Gives a network card of a stopped virtual machine another address."""

    nicid = ref(NOUN, required=True)
    ipaddress = string("The address; any other that is free if not given")

    def run(self, ctx: Context) -> Body:
        vm = access.row(ctx, VM, self.nicid["vm_id"])
        return {"jobid": nic_orders.change_address(ctx, vm, self.nicid, addressing.ip(self.ipaddress, "ipaddress"))}


class AddIpToNic(AsyncCommand, name="addIpToNic", response=SECONDARY_IP, event="NIC.SECONDARY.IP.ASSIGN"):
    """Gives a network card one more address of its network."""

    nicid = ref(NOUN, required=True)
    ipaddress = string("The address; any that is free if not given")

    def run(self, ctx: Context) -> Body:
        uuid, job = nic_secondary.add(ctx, self.nicid, addressing.ip(self.ipaddress, "ipaddress"))
        return {"id": uuid, "jobid": job}


class RemoveIpFromNic(AsyncCommand, name="removeIpFromNic", response=SUCCESS, event="NIC.SECONDARY.IP.UNASSIGN"):
    """Takes a secondary address from a network card."""

    id = ref(SECONDARY, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": nic_secondary.remove(ctx, self.id)}
