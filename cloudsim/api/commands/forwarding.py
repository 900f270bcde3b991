"""Forwarding rules: ports of public addresses that are those of machines."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, OwnedList, ScopedList, id_of
from cloudsim.api.params import boolean, integer, ref, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.firewall import FORWARDING_RULE, IP_FORWARDING_RULE
from cloudsim.services import access, ip_forwarding, port_forwarding, rule_orders, rule_view
from cloudsim.services.context import Context
from cloudsim.services.nouns import IP_FORWARDING_RULE as STATIC
from cloudsim.services.nouns import NETWORK, PUBLIC_IP, VIRTUAL_MACHINE
from cloudsim.services.nouns import PORT_FORWARDING_RULE as NOUN

_SOURCES = "Networks that the rule is for; all where none is said"
_OPEN = "Whether everybody is let in at these ports (true if not said)"


class CreatePortForwardingRule(
    AsyncCommand, name="createPortForwardingRule", response=FORWARDING_RULE, event="NET.RULEADD"
):
    """Sends ports of a public address on to a virtual machine."""

    ipaddressid = ref(PUBLIC_IP, "The public address", required=True)
    privateport = integer(required=True)
    protocol = string("tcp or udp", required=True)
    publicport = integer(required=True)
    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    cidrlist = strings(_SOURCES)
    fordisplay = boolean(since="4.4", admin=True)
    networkid = ref(NETWORK, "For addresses of VPCs: the tier; else the network of the address")
    openfirewall = boolean(_OPEN)
    privateendport = integer("The last port at the virtual machine; the first one if not said")
    publicendport = integer("The last port at the public address; the first one if not said")
    vmguestip = string("The address of the virtual machine; its first one in the network if not said")

    def run(self, ctx: Context) -> Body:
        uuid, job = port_forwarding.create(
            ctx,
            self.ipaddressid,
            self.virtualmachineid,
            network=self.networkid,
            protocol=self.protocol,
            public=(self.publicport, self.publicendport),
            private=(self.privateport, self.privateendport),
            guest_ip=self.vmguestip,
            cidrs=self.cidrlist,
            open_firewall=self.openfirewall is not False,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}


class UpdatePortForwardingRule(
    AsyncCommand, name="updatePortForwardingRule", response=FORWARDING_RULE, event="NET.RULEMODIFY"
):
    """Changes where a port forwarding rule sends to, and whom it is for."""

    id = ref(NOUN, required=True, since="4.4")
    cidrlist = strings(_SOURCES)
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    fordisplay = boolean(since="4.4", admin=True)
    privateendport = integer("The last port at the virtual machine; the first one if not said")
    privateport = integer()
    virtualmachineid = ref(VIRTUAL_MACHINE)
    vmguestip = string(since="4.5")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        job = port_forwarding.update(
            ctx,
            self.id,
            private=(self.privateport, self.privateendport),
            machine=self.virtualmachineid,
            guest_ip=self.vmguestip,
            cidrs=self.cidrlist,
            display=self.fordisplay,
            uuid=access.custom_id(self.customid),
        )
        return {"jobid": job}


class DeletePortForwardingRule(AsyncCommand, name="deletePortForwardingRule", response=SUCCESS, event="NET.RULEDELETE"):
    """Takes a port forwarding rule away, and the firewall rule that was made with it."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": rule_orders.delete(ctx, self.id)}


class ListPortForwardingRules(OwnedList, name="listPortForwardingRules", response=FORWARDING_RULE):
    """Lists port forwarding rules."""

    fordisplay = boolean(since="4.4", admin=True)
    id = ref(NOUN)
    ipaddressid = ref(PUBLIC_IP, "Only those of this public address")
    networkid = ref(NETWORK, since="4.3")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            rule_view.FORWARDING,
            id=id_of(self.id),
            address=id_of(self.ipaddressid),
            network=id_of(self.networkid),
            display=self.fordisplay,
        )


class CreateIpForwardingRule(
    AsyncCommand, name="createIpForwardingRule", response=IP_FORWARDING_RULE, event="NET.RULEADD"
):
    """Opens ports of a public address with static NAT."""

    ipaddressid = ref(PUBLIC_IP, "The public address, which has static NAT", required=True)
    protocol = string("tcp or udp", required=True)
    startport = integer(required=True)
    cidrlist = strings(_SOURCES)
    endport = integer("The last port; the first one if not said")
    openfirewall = boolean(_OPEN)

    def run(self, ctx: Context) -> Body:
        uuid, job = ip_forwarding.create(
            ctx,
            self.ipaddressid,
            protocol=self.protocol,
            start=self.startport,
            end=self.endport,
            cidrs=self.cidrlist,
            open_firewall=self.openfirewall is not False,
        )
        return {"id": uuid, "jobid": job}


class DeleteIpForwardingRule(AsyncCommand, name="deleteIpForwardingRule", response=SUCCESS, event="NET.RULEDELETE"):
    """Takes a static NAT rule away, and the firewall rule that was made with it."""

    id = ref(STATIC, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, STATIC, self.id)
        return {"jobid": rule_orders.delete(ctx, self.id)}


class ListIpForwardingRules(ScopedList, name="listIpForwardingRules", response=IP_FORWARDING_RULE):
    """Lists static NAT rules."""

    id = ref(STATIC)
    ipaddressid = ref(PUBLIC_IP, "Only those of this public address")
    virtualmachineid = ref(VIRTUAL_MACHINE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            rule_view.STATIC,
            id=id_of(self.id),
            address=id_of(self.ipaddressid),
            machine=id_of(self.virtualmachineid),
        )
