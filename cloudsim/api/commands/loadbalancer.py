"""Load balancer rules and their machines."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, OwnedList, id_of
from cloudsim.api.params import boolean, integer, mappings, ref, refs, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.loadbalancer import INSTANCES, LOAD_BALANCER
from cloudsim.services import access, loadbalancer, loadbalancer_member, loadbalancer_orders
from cloudsim.services.context import Context, Row
from cloudsim.services.nouns import DOMAIN, LOAD_BALANCER_RULE, NETWORK, PUBLIC_IP, VIRTUAL_MACHINE, ZONE

_ALGORITHM = "How a machine is chosen for a connection: roundrobin, leastconn or source"
_PROTOCOL = "tcp, udp, tcp-proxy or ssl, as the network's load balancers can; tcp if not said"
_SOURCES = "The addresses that connections are taken from; all if not said"
_DISPLAY = "Whether its owner sees it"
_IP_MAP = "Virtual machines with the addresses that are meant: vmid, vmip"


class CreateLoadBalancerRule(AsyncCommand, name="createLoadBalancerRule", response=LOAD_BALANCER, event="LB.CREATE"):
    """Makes a load balancer rule: a port of a public address whose connections are spread over virtual machines."""

    algorithm = string(_ALGORITHM, required=True)
    name = string(required=True)
    privateport = integer("The port at the virtual machines", required=True)
    publicport = integer("The port at the public address", required=True)
    account = string("The account that it is for, where its address is taken for it; else it is the address's")
    cidrlist = strings(_SOURCES, since="4.18.0.0")
    description_ = string("What it is for", length=4096)
    domainid = ref(DOMAIN)
    fordisplay = boolean(_DISPLAY, since="4.4", admin=True)
    networkid = ref(NETWORK, "The network that it is for, where it has no address yet")
    openfirewall = boolean("Whether everybody is let in at the port; true if not said and the network has a firewall")
    protocol = string(_PROTOCOL)
    publicipid = ref(PUBLIC_IP, "The public address; if not said, one is taken for the network, and goes with the rule")
    zoneid = ref(ZONE, "The zone; without publicipid and networkid it is for the account's only network there")

    def run(self, ctx: Context) -> Body:
        account = self._account(ctx)
        where = {"account": account, "network_": self.networkid, "zone": self.zoneid}
        if self.publicipid is not None:
            found = loadbalancer_orders.check_place(ctx, self.publicipid, **where)
        else:
            found = loadbalancer_orders.place(ctx, **where)
        uuid, job = loadbalancer_orders.create(
            ctx,
            self.publicipid,
            found,
            name=self.name,
            description=self.description_,
            algorithm=self.algorithm,
            protocol=self.protocol,
            public=self.publicport,
            private=self.privateport,
            cidrs=self.cidrlist,
            open_firewall=self.openfirewall,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}

    def _account(self, ctx: Context) -> Row | None:
        if self.account is None and self.domainid is None:
            return None
        return access.account_of(ctx, self.domainid, self.account)


class ListLoadBalancerRules(OwnedList, name="listLoadBalancerRules", response=LOAD_BALANCER, noun="loadbalancerrule"):
    """Lists load balancer rules."""

    fordisplay = boolean("Only those that their owners see, or do not see", since="4.4", admin=True)
    id = ref(LOAD_BALANCER_RULE)
    name = string()
    networkid = ref(NETWORK, "Only those of this network")
    publicipid = ref(PUBLIC_IP, "Only those at this public address")
    virtualmachineid = ref(VIRTUAL_MACHINE, "Only those that this virtual machine is assigned to")
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            loadbalancer.LISTING,
            id=id_of(self.id),
            name=self.name,
            network=id_of(self.networkid),
            address=id_of(self.publicipid),
            machine=id_of(self.virtualmachineid),
            zone=id_of(self.zoneid),
            display=self.fordisplay if ctx.caller.is_admin else True,
        )


class UpdateLoadBalancerRule(AsyncCommand, name="updateLoadBalancerRule", response=LOAD_BALANCER, event="LB.UPDATE"):
    """Changes a load balancer rule; what is not given stays."""

    id = ref(LOAD_BALANCER_RULE, required=True)
    algorithm = string(_ALGORITHM)
    cidrlist = strings("The addresses that connections are taken from", since="4.22")
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    description_ = string("What it is for", length=4096)
    fordisplay = boolean(_DISPLAY, since="4.4", admin=True)
    name = string()
    protocol = string("tcp, tcp-proxy or ssl; a rule for udp stays one")

    def run(self, ctx: Context) -> Body:
        job = loadbalancer_orders.update(
            ctx,
            self.id,
            name=self.name,
            description=self.description_,
            algorithm=self.algorithm,
            protocol=self.protocol,
            cidrs=self.cidrlist,
            display=self.fordisplay,
            uuid=access.custom_id(self.customid),
        )
        return {"jobid": job}


class DeleteLoadBalancerRule(AsyncCommand, name="deleteLoadBalancerRule", response=SUCCESS, event="LB.DELETE"):
    """Deletes a load balancer rule with its policies, and the firewall rule that was made for it."""

    id = ref(LOAD_BALANCER_RULE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": loadbalancer_orders.delete(ctx, self.id)}


class AssignToLoadBalancerRule(
    AsyncCommand, name="assignToLoadBalancerRule", response=SUCCESS, event="LB.ASSIGN.TO.RULE"
):
    """Has the connections of a load balancer rule spread over virtual machines of its network as well."""

    id = ref(LOAD_BALANCER_RULE, required=True)
    virtualmachineids = refs(VIRTUAL_MACHINE, "Virtual machines, each with its first address in the network")
    vmidipmap = mappings(_IP_MAP, since="4.4")

    def run(self, ctx: Context) -> Body:
        job = loadbalancer_member.assign(ctx, self.id, self.virtualmachineids or (), self.vmidipmap or ())
        return {"jobid": job}


class RemoveFromLoadBalancerRule(
    AsyncCommand, name="removeFromLoadBalancerRule", response=SUCCESS, event="LB.REMOVE.FROM.RULE"
):
    """Takes virtual machines, or some of their addresses, away from a load balancer rule."""

    id = ref(LOAD_BALANCER_RULE, required=True)
    virtualmachineids = refs(VIRTUAL_MACHINE, "Virtual machines, with all their addresses")
    vmidipmap = mappings(_IP_MAP, since="4.4")

    def run(self, ctx: Context) -> Body:
        job = loadbalancer_member.remove(ctx, self.id, self.virtualmachineids or (), self.vmidipmap or ())
        return {"jobid": job}


class ListLoadBalancerRuleInstances(
    ListCommand, name="listLoadBalancerRuleInstances", response=INSTANCES, noun="loadbalancerruleinstance"
):
    """Lists the virtual machines of a load balancer rule."""

    id = ref(LOAD_BALANCER_RULE, required=True)
    applied = boolean("False: the virtual machines of the network that are not assigned to it", default=True)
    lbvmips = boolean("Whether each comes with the addresses that connections go to")

    def run(self, ctx: Context) -> Body:
        found = loadbalancer_member.listed(ctx, self.id, applied=self.applied, keyword=self.keyword)
        page = self.paging(ctx)
        ids = list(found)[page.offset : page.offset + page.limit]
        machines = ctx.present("virtualmachine", *ids)
        if not self.lbvmips:
            return self.body(machines, len(found))
        pairs = [
            {"loadbalancerruleinstance": machine, "lbvmipaddresses": found[row_id]}
            for row_id, machine in zip(ids, machines, strict=True)
        ]
        return {"count": len(found), "lbrulevmidip": pairs} if pairs else self.body([], len(found))
