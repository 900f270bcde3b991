"""SSH key pairs."""

from __future__ import annotations

import asyncio

from cloudsim.api.command import Body, Command, ScopedList, id_of
from cloudsim.api.params import Parameters, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.sshkeypair import NEW_KEYPAIR, SSH_KEYPAIR
from cloudsim.core.caller import Caller
from cloudsim.services import access, sshkeypair
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import DOMAIN, PROJECT
from cloudsim.services.nouns import SSH_KEYPAIR as NOUN


class CreateSSHKeyPair(Command, name="createSSHKeyPair", response=NEW_KEYPAIR, event="REGISTER.SSH.KEYPAIR"):
    """Makes an SSH key pair; its private key is answered now and never again."""

    name = string(required=True)
    account = string()
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        parameters.prepared["pair"] = await asyncio.to_thread(sshkeypair.make)

    def run(self, ctx: Context) -> Body:
        private, public = self.prepared["pair"]
        owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = sshkeypair.register(ctx, owner, self.name, public)
        return {"keypair": {**ctx.present("sshkeypair", made)[0], "privatekey": private}}


class RegisterSSHKeyPair(Command, name="registerSSHKeyPair", response=SSH_KEYPAIR, event="REGISTER.SSH.KEYPAIR"):
    """Keeps the public key of an SSH key pair that was made elsewhere."""

    name = string(required=True)
    publickey = string(required=True, length=5120)
    account = string()
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = sshkeypair.register(ctx, owner, self.name, self.publickey)
        return {"keypair": ctx.present("sshkeypair", made)[0]}


class ListSSHKeyPairs(ScopedList, name="listSSHKeyPairs", response=SSH_KEYPAIR):
    """Lists SSH key pairs."""

    fingerprint = string()
    id = ref(NOUN)
    name = string()

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, sshkeypair.LISTING, id=id_of(self.id), name=self.name, fingerprint=self.fingerprint)


class DeleteSSHKeyPair(Command, name="deleteSSHKeyPair", response=SUCCESS):
    """Forgets an SSH key pair; virtual machines that have its key keep it."""

    name = string(required=True)
    account = string()
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        sshkeypair.remove(ctx, access.account_of(ctx, self.domainid, self.account, self.projectid), self.name)
        return {"success": True}
