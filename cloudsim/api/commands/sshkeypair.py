"""SSH key pairs."""

from __future__ import annotations

import asyncio

from cloudsim.api.command import Body, Command, DomainList
from cloudsim.api.params import Parameters, ref, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.sshkeypair import NEW_KEYPAIR, SSH_KEYPAIR
from cloudsim.core.caller import Caller
from cloudsim.core.errors import BadParameter
from cloudsim.services import access, sshkeypair
from cloudsim.services.context import Cloud, Context, Row
from cloudsim.services.nouns import DOMAIN
from cloudsim.services.nouns import SSH_KEYPAIR as NOUN


def _owner(ctx: Context, domain: Row | None, account: str | None, project: str | None) -> Row:
    if project not in (None, "-1"):
        raise BadParameter(f"there is no project with id {project}")
    return access.account_of(ctx, domain, account)


class CreateSSHKeyPair(Command, name="createSSHKeyPair", response=NEW_KEYPAIR, event="REGISTER.SSH.KEYPAIR"):
    """Makes an SSH key pair; its private key is answered now and never again."""

    name = string(required=True)
    account = string()
    domainid = ref(DOMAIN)
    projectid = uuid_param()

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        parameters.prepared["pair"] = await asyncio.to_thread(sshkeypair.make)

    def run(self, ctx: Context) -> Body:
        private, public = self.prepared["pair"]
        made = sshkeypair.register(ctx, _owner(ctx, self.domainid, self.account, self.projectid), self.name, public)
        return {"keypair": {**ctx.present("sshkeypair", made)[0], "privatekey": private}}


class RegisterSSHKeyPair(Command, name="registerSSHKeyPair", response=SSH_KEYPAIR, event="REGISTER.SSH.KEYPAIR"):
    """Keeps the public key of an SSH key pair that was made elsewhere."""

    name = string(required=True)
    publickey = string(required=True, length=5120)
    account = string()
    domainid = ref(DOMAIN)
    projectid = uuid_param()

    def run(self, ctx: Context) -> Body:
        owner = _owner(ctx, self.domainid, self.account, self.projectid)
        made = sshkeypair.register(ctx, owner, self.name, self.publickey)
        return {"keypair": ctx.present("sshkeypair", made)[0]}


class ListSSHKeyPairs(DomainList, name="listSSHKeyPairs", response=SSH_KEYPAIR):
    """Lists SSH key pairs."""

    account = string()
    fingerprint = string()
    id = ref(NOUN)
    name = string()
    projectid = uuid_param(also=("-1",))

    def run(self, ctx: Context) -> Body:
        if self.projectid not in (None, "-1"):
            raise BadParameter(f"there is no project with id {self.projectid}")
        scope = access.scope(
            ctx,
            account=self.account,
            domain=self.domainid,
            listall=self.listall,
            isrecursive=self.isrecursive,
            by_id=self.id is not None,
        )
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "name": self.name,
            "fingerprint": self.fingerprint,
        }
        return self.answer(ctx, sshkeypair.LISTING.page(ctx, given, self.paging(ctx), scope))


class DeleteSSHKeyPair(Command, name="deleteSSHKeyPair", response=SUCCESS):
    """Forgets an SSH key pair; virtual machines that have its key keep it."""

    name = string(required=True)
    account = string()
    domainid = ref(DOMAIN)
    projectid = uuid_param()

    def run(self, ctx: Context) -> Body:
        sshkeypair.remove(ctx, _owner(ctx, self.domainid, self.account, self.projectid), self.name)
        return {"success": True}
