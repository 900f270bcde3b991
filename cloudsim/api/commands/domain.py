"""Domains."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, integer, ref, string, strings
from cloudsim.api.responses.account import DOMAIN
from cloudsim.services import access, domain
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN as NOUN


class ListDomains(ListCommand, name="listDomains", response=DOMAIN):
    """Lists domains."""

    details = strings("What to tell of each; all of it is always told")
    id = ref(NOUN)
    level = integer("How far below the root it is")
    listall = boolean()
    name = string()
    showicon = boolean()
    tag = string("The tag whose limits are told; those of all tags are", since="4.20.0")

    def run(self, ctx: Context) -> Body:
        given = {"keyword": self.keyword, "id": id_of(self.id), "name": self.name, "level": self.level}
        return self.answer(ctx, domain.LISTING.page(ctx, given, self.paging(ctx), domain.scope(ctx)))


class ListDomainChildren(ListCommand, name="listDomainChildren", response=DOMAIN):
    """Lists the domains right below one, or with isrecursive all below it."""

    id = ref(NOUN, "The domain; the caller's own where none is given")
    isrecursive = boolean()
    listall = boolean()
    name = string()
    showicon = boolean()

    def run(self, ctx: Context) -> Body:
        found = self.id if self.id is not None else access.domain_row(ctx, ctx.caller.domain_id)
        given = {"keyword": self.keyword, "name": self.name}
        if self.isrecursive or self.listall:
            path = str(found["path"])
            given.update(start=path, end=path[:-1] + "0")
        else:
            given["parent"] = found["id"]
        return self.answer(ctx, domain.LISTING.page(ctx, given, self.paging(ctx), domain.scope(ctx)))


class CreateDomain(Command, name="createDomain", response=DOMAIN, event="DOMAIN.CREATE"):
    """Makes a domain below another."""

    name = string(required=True)
    domainid = string("A uuid of the caller's choice")
    networkdomain = string()
    parentdomainid = ref(NOUN, "The domain it is made in; the caller's where none is given")

    def run(self, ctx: Context) -> Body:
        made = domain.create(
            ctx,
            self.name,
            parent=self.parentdomainid,
            network_domain=self.networkdomain,
            uuid=access.custom_id(self.domainid),
        )
        return {"domain": ctx.present("domain", made)[0]}


class UpdateDomain(Command, name="updateDomain", response=DOMAIN, event="DOMAIN.UPDATE"):
    """Renames a domain, or gives it another network domain."""

    id = ref(NOUN, required=True)
    name = string()
    networkdomain = string('The DNS domain of its networks; "" takes it away', blank=True)

    def run(self, ctx: Context) -> Body:
        domain.update(ctx, self.id, name=self.name, network_domain=self.networkdomain)
        return {"domain": ctx.present("domain", self.id["id"])[0]}


class MoveDomain(Command, name="moveDomain", response=DOMAIN, event="DOMAIN.MOVE", since="4.19.0.0"):
    """Puts a domain, with all below it, below another one."""

    domainid = ref(NOUN, "The domain that is moved", required=True)
    parentdomainid = ref(NOUN, "The domain it shall be below", required=True)

    def run(self, ctx: Context) -> Body:
        domain.move(ctx, self.domainid, self.parentdomainid)
        return {"domain": ctx.present("domain", self.domainid["id"])[0]}


class DeleteDomain(AsyncCommand, name="deleteDomain", event="DOMAIN.DELETE"):
    """Deletes a domain."""

    id = ref(NOUN, required=True)
    cleanup = boolean("Whether the accounts and domains in it are deleted with it; else there must be none")

    def run(self, ctx: Context) -> Body:
        return {"jobid": domain.delete(ctx, self.id, cleanup=bool(self.cleanup))}
