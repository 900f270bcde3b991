"""Firewall rules: who comes in at public addresses, and who gets out of networks."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, OwnedList, id_of
from cloudsim.api.params import boolean, integer, ref, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.firewall import FIREWALL_RULE
from cloudsim.services import access, firewall, rule_orders, rule_view, rules
from cloudsim.services.context import Context
from cloudsim.services.nouns import EGRESS_RULE, NETWORK, PUBLIC_IP
from cloudsim.services.nouns import FIREWALL_RULE as NOUN

_PROTOCOL = "tcp, udp, icmp, all, or the number of another protocol"
_FIRST = "The first port, for tcp and udp; all ports where none is said"
_LAST = "The last port; the first one if not said"
_TYPE = "user; system is for the cloud itself"


class CreateFirewallRule(AsyncCommand, name="createFirewallRule", response=FIREWALL_RULE, event="FIREWALL.OPEN"):
    """Lets traffic in at a public address."""

    ipaddressid = ref(PUBLIC_IP, "The public address", required=True)
    protocol = string(_PROTOCOL, required=True)
    cidrlist = strings("Networks that are let in; all where none is said")
    endport = integer(_LAST)
    fordisplay = boolean(since="4.4", admin=True)
    icmpcode = integer()
    icmptype = integer()
    startport = integer(_FIRST)
    type = string(_TYPE)

    def run(self, ctx: Context) -> Body:
        firewall.check_type(ctx, self.type)
        uuid, job = firewall.create(
            ctx,
            self.ipaddressid,
            protocol=self.protocol,
            start=self.startport,
            end=self.endport,
            icmp_type=self.icmptype,
            icmp_code=self.icmpcode,
            cidrs=self.cidrlist,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}


class CreateEgressFirewallRule(
    AsyncCommand, name="createEgressFirewallRule", response=FIREWALL_RULE, event="FIREWALL.EGRESS.OPEN"
):
    """Lets traffic out of a network; where its offering lets all out, keeps traffic in."""

    networkid = ref(NETWORK, required=True)
    protocol = string(_PROTOCOL, required=True)
    cidrlist = strings("Parts of the network that it is for; all of it where none is said")
    destcidrlist = strings("Networks that the traffic goes to; all where none is said")
    endport = integer(_LAST)
    fordisplay = boolean(since="4.4", admin=True)
    icmpcode = integer()
    icmptype = integer()
    startport = integer(_FIRST)
    type = string(_TYPE)

    def run(self, ctx: Context) -> Body:
        firewall.check_type(ctx, self.type)
        uuid, job = firewall.create_egress(
            ctx,
            self.networkid,
            protocol=self.protocol,
            start=self.startport,
            end=self.endport,
            icmp_type=self.icmptype,
            icmp_code=self.icmpcode,
            cidrs=self.cidrlist,
            destinations=self.destcidrlist,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}


class UpdateFirewallRule(
    AsyncCommand, name="updateFirewallRule", response=FIREWALL_RULE, event="FIREWALL.UPDATE", since="4.4"
):
    """Changes how a firewall rule is listed."""

    id = ref(NOUN, required=True)
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    fordisplay = boolean(since="4.4", admin=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        changes = rules.plain_changes(self.fordisplay, access.custom_id(self.customid))
        return {"jobid": rule_orders.update(ctx, self.id, changes)}


class UpdateEgressFirewallRule(
    AsyncCommand, name="updateEgressFirewallRule", response=FIREWALL_RULE, event="FIREWALL.EGRESS.UPDATE", since="4.4"
):
    """Changes how an egress firewall rule is listed."""

    id = ref(EGRESS_RULE, required=True)
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    fordisplay = boolean(since="4.4", admin=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, EGRESS_RULE, self.id)
        changes = rules.plain_changes(self.fordisplay, access.custom_id(self.customid))
        return {"jobid": rule_orders.update(ctx, self.id, changes)}


class DeleteFirewallRule(AsyncCommand, name="deleteFirewallRule", response=SUCCESS, event="FIREWALL.CLOSE"):
    """Takes a firewall rule away."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": rule_orders.delete(ctx, self.id)}


class DeleteEgressFirewallRule(
    AsyncCommand, name="deleteEgressFirewallRule", response=SUCCESS, event="FIREWALL.EGRESS.CLOSE"
):
    """Takes an egress firewall rule away."""

    id = ref(EGRESS_RULE, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, EGRESS_RULE, self.id)
        return {"jobid": rule_orders.delete(ctx, self.id)}


class ListFirewallRules(OwnedList, name="listFirewallRules", response=FIREWALL_RULE):
    """Lists firewall rules of public addresses."""

    fordisplay = boolean(since="4.4", admin=True)
    id = ref(NOUN)
    ipaddressid = ref(PUBLIC_IP, "Only those of this public address")
    networkid = ref(NETWORK, since="4.3")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            rule_view.INGRESS,
            id=id_of(self.id),
            address=id_of(self.ipaddressid),
            network=id_of(self.networkid),
            display=self.fordisplay,
        )


class ListEgressFirewallRules(OwnedList, name="listEgressFirewallRules", response=FIREWALL_RULE):
    """Lists egress firewall rules of networks."""

    fordisplay = boolean(since="4.4", admin=True)
    id = ref(EGRESS_RULE)
    ipaddressid = ref(PUBLIC_IP, "Only those of this public address: egress rules have none")
    networkid = ref(NETWORK)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            rule_view.EGRESS,
            id=id_of(self.id),
            address=id_of(self.ipaddressid),
            network=id_of(self.networkid),
            display=self.fordisplay,
        )
