"""Security groups and their rules."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, OwnedList, id_of
from cloudsim.api.params import Parameters, integer, mappings, ref, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.securitygroup import RULE_MADE, SECURITY_GROUP
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, securitygroup, securitygroup_rule
from cloudsim.services.context import Cloud, Context, Row
from cloudsim.services.nouns import DOMAIN, PROJECT, SECURITY_GROUP_RULE, VIRTUAL_MACHINE
from cloudsim.services.nouns import SECURITY_GROUP as NOUN


class CreateSecurityGroup(Command, name="createSecurityGroup", response=SECURITY_GROUP, event="SG.CREATE"):
    """Makes a security group."""

    name = string(required=True)
    account = string()
    description_ = string("What it is for")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = securitygroup.create(ctx, owner, self.name, self.description_)
        return {"securitygroup": ctx.present("securitygroup", made)[0]}


class UpdateSecurityGroup(
    Command, name="updateSecurityGroup", response=SECURITY_GROUP, event="SG.UPDATE", since="4.14.0.0"
):
    """Renames a security group."""

    id = ref(NOUN, required=True)
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    name = string()

    def run(self, ctx: Context) -> Body:
        securitygroup.update(ctx, self.id, name=self.name, uuid=access.custom_id(self.customid))
        return {"securitygroup": ctx.present("securitygroup", self.id["id"])[0]}


class DeleteSecurityGroup(Command, name="deleteSecurityGroup", response=SUCCESS, event="SG.DELETE"):
    """Deletes a security group that is not in use."""

    id = ref(NOUN, "Its id; or its name with name")
    account = string("The account it belongs to, where it is named with name")
    domainid = ref(DOMAIN)
    name = string("Its name; or its id with id")
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        if (self.id is None) == (self.name is None):
            raise InvalidValue("say which security group: id or name, one of them")
        found = self.id
        if found is None:
            owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
            found = securitygroup.named(ctx, owner, self.name)
        securitygroup.remove(ctx, found)
        return {"success": True}


class ListSecurityGroups(OwnedList, name="listSecurityGroups", response=SECURITY_GROUP):
    """Lists security groups."""

    id = ref(NOUN)
    securitygroupname = string("Only those of this name")
    virtualmachineid = ref(VIRTUAL_MACHINE, "Only those that this virtual machine is in")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        # every account has a default group: it is made when it is first looked for
        lacking = await cloud.db.read(lambda tx: cls._lacking_default(cloud.context(tx, caller), parameters))
        if lacking is not None:
            await cloud.db.write(lambda tx: securitygroup.default_of(cloud.context(tx, caller), lacking))

    @classmethod
    def _lacking_default(cls, ctx: Context, parameters: Parameters) -> Row | None:
        wanted = cls(ctx, parameters)
        if wanted.id or wanted.virtualmachineid or wanted.listall or wanted.projectid:
            return None
        owner = access.account_of(ctx, wanted.domainid if wanted.account else None, wanted.account)
        return None if securitygroup.has_default(ctx, owner["id"]) else owner

    def run(self, ctx: Context) -> Body:
        machine = self.virtualmachineid
        given = {
            "keyword": self.keyword,
            "id": id_of(self.id),
            "name": self.securitygroupname,
            "machine": id_of(machine),
        }
        # who sees a machine sees its groups
        scope = self.scope(ctx, by_id=self.id is not None) if machine is None else access.EVERYTHING
        found = securitygroup.LISTING.page(ctx, given, self.paging(ctx), scope, self.tag_pairs())
        return self.answer(ctx, found)


class _Authorize(AsyncCommand):
    account = string("The account of the security group, where it is named with securitygroupname")
    cidrlist = strings("Networks that are let through")
    domainid = ref(DOMAIN)
    endport = integer("The last port, for tcp and udp; the first one if not said")
    icmpcode = integer("The code of ICMP, -1: any")
    icmptype = integer("The type of ICMP, -1: any")
    projectid = ref(PROJECT)
    protocol = string("tcp, udp, icmp, all (if not said), or the number of another protocol")
    securitygroupid = ref(NOUN)
    securitygroupname = string("The name of the security group, in the place of its id")
    startport = integer("The first port, for tcp and udp")
    usersecuritygrouplist = mappings("Security groups whose machines are let through: account, group")

    direction = ""

    def run(self, ctx: Context) -> Body:
        if (self.securitygroupid is None) == (self.securitygroupname is None):
            raise InvalidValue("say which security group: securitygroupid or securitygroupname, one of them")
        group = self.securitygroupid
        if group is None:
            owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
            group = securitygroup.named(ctx, owner, self.securitygroupname)
        job = securitygroup_rule.authorize(
            ctx,
            group,
            self.direction,
            protocol=self.protocol,
            start=self.startport,
            end=self.endport,
            icmp_type=self.icmptype,
            icmp_code=self.icmpcode,
            cidrs=self.cidrlist,
            groups=self.usersecuritygrouplist,
        )
        return {"jobid": job}


class AuthorizeSecurityGroupIngress(
    _Authorize, name="authorizeSecurityGroupIngress", response=RULE_MADE, event="SG.AUTH.INGRESS"
):
    """Lets more in to the virtual machines of a security group."""

    direction = securitygroup_rule.INGRESS


class AuthorizeSecurityGroupEgress(
    _Authorize, name="authorizeSecurityGroupEgress", response=RULE_MADE, event="SG.AUTH.EGRESS", since="3.0.0"
):
    """Lets the virtual machines of a security group out to more; without any such rule they may go anywhere."""

    direction = securitygroup_rule.EGRESS


class RevokeSecurityGroupIngress(
    AsyncCommand, name="revokeSecurityGroupIngress", response=SUCCESS, event="SG.REVOKE.INGRESS"
):
    """Takes away a rule that lets in to the virtual machines of a security group."""

    id = ref(SECURITY_GROUP_RULE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": securitygroup_rule.revoke(ctx, self.id, securitygroup_rule.INGRESS)}


class RevokeSecurityGroupEgress(
    AsyncCommand, name="revokeSecurityGroupEgress", response=SUCCESS, event="SG.REVOKE.EGRESS", since="3.0.0"
):
    """Takes away a rule that lets the virtual machines of a security group out."""

    id = ref(SECURITY_GROUP_RULE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": securitygroup_rule.revoke(ctx, self.id, securitygroup_rule.EGRESS)}
