"""Forwarding rules of public addresses. There is no command yet that makes one, so the lists are empty."""

from __future__ import annotations

from cloudsim.api.command import Body, OwnedList, ScopedList
from cloudsim.api.params import boolean, ref
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import Response
from cloudsim.api.responses.tag import TAG
from cloudsim.core.errors import BadParameter
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, PUBLIC_IP, VIRTUAL_MACHINE

FORWARDING_RULE = Response(
    "portforwardingrule",
    boolean="fordisplay",
    string="cidrlist id ipaddress ipaddressid networkid privateendport privateport protocol publicendport "
    "publicport state virtualmachinedisplayname virtualmachineid virtualmachinename vmguestip",
    nested={"tags": ("list", TAG)},
)


def _nothing(ctx: Context, command: ScopedList, rule: str | None) -> Body:
    if rule is not None:
        raise BadParameter(f"there is no forwarding rule with id {rule}")
    command.paging(ctx)
    command.scope(ctx)
    return {}


class ListPortForwardingRules(OwnedList, name="listPortForwardingRules", response=FORWARDING_RULE):
    """Lists port forwarding rules."""

    fordisplay = boolean(since="4.4")
    id = uuid_param()
    ipaddressid = ref(PUBLIC_IP, "Only those of this public address")
    networkid = ref(NETWORK, since="4.3")

    def run(self, ctx: Context) -> Body:
        return _nothing(ctx, self, self.id)


class ListIpForwardingRules(
    ScopedList, name="listIpForwardingRules", response=FORWARDING_RULE, noun="ipforwardingrule"
):
    """Lists static NAT forwarding rules."""

    id = uuid_param()
    ipaddressid = ref(PUBLIC_IP, "Only those of this public address")
    virtualmachineid = ref(VIRTUAL_MACHINE)

    def run(self, ctx: Context) -> Body:
        return _nothing(ctx, self, self.id)
