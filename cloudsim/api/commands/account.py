"""Accounts and domains."""

from __future__ import annotations

from cloudsim.api.command import Body, DomainList, ListCommand
from cloudsim.api.params import boolean, integer, ref, string, strings
from cloudsim.api.responses.account import ACCOUNT, DOMAIN
from cloudsim.services import access, account
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT as ACCOUNT_NOUN
from cloudsim.services.nouns import DOMAIN as DOMAIN_NOUN


class ListAccounts(DomainList, name="listAccounts", response=ACCOUNT):
    """Lists accounts."""

    accounttype = integer("0 user, 1 root admin, 2 domain admin")
    apikeyaccess = string("Only those with this access by API key: all have INHERIT", since="4.20.1.0")
    details = strings("What to tell of each; all of it is always told")
    id = ref(ACCOUNT_NOUN)
    iscleanuprequired = boolean("Whether it is deleted and has to be cleaned up: none has")
    name = string()
    showicon = boolean()
    state = string()
    tag = string("Only the limits of resources with this tag: there are none", since="4.20.0")

    def run(self, ctx: Context) -> Body:
        named = self.name is not None or self.id is not None
        scope = access.scope(
            ctx,
            domain=self.domainid,
            listall=self.listall,
            isrecursive=self.isrecursive,
            by_id=named and (ctx.caller.is_admin or ctx.caller.is_domain_admin),
        )
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "name": self.name,
            "state": self.state.lower() if self.state else None,
            "type": self.accounttype,
            "people": True,
            "none": True if self.iscleanuprequired or (self.apikeyaccess or "inherit").lower() != "inherit" else None,
        }
        return self.answer(ctx, account.LISTING.page(ctx, given, self.paging(ctx), scope))


class ListDomains(ListCommand, name="listDomains", response=DOMAIN):
    """Lists domains."""

    details = strings("What to tell of each; all of it is always told")
    id = ref(DOMAIN_NOUN)
    level = integer("How far below the root it is")
    listall = boolean()
    name = string()
    showicon = boolean()
    tag = string("Only the limits of resources with this tag: there are none", since="4.20.0")

    def run(self, ctx: Context) -> Body:
        caller = ctx.caller
        if caller.is_admin:
            scope = access.EVERYTHING
        elif caller.is_domain_admin:
            path = caller.domain_path
            scope = Scope("below", {"scope_path": path, "scope_end": path[:-1] + "0"})
        else:
            scope = Scope("account", {"scope_domain": caller.domain_id})
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "name": self.name,
            "level": self.level,
        }
        return self.answer(ctx, account.DOMAINS.page(ctx, given, self.paging(ctx), scope))
