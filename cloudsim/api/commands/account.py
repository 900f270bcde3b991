"""Accounts and domains."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, DomainList, ListCommand
from cloudsim.api.params import Parameters, boolean, integer, mapping, ref, string, strings
from cloudsim.api.responses.account import ACCOUNT, DOMAIN
from cloudsim.api.responses.user import USER
from cloudsim.core.caller import Caller
from cloudsim.services import access, account, passwords
from cloudsim.services.access import Scope
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import ACCOUNT as ACCOUNT_NOUN
from cloudsim.services.nouns import DOMAIN as DOMAIN_NOUN
from cloudsim.services.nouns import ROLE


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


async def _hash(parameters: Parameters) -> None:
    text = parameters.get("password")
    if text and len(text) <= 255:
        parameters.prepared["password"] = await passwords.hash_later(text)


class CreateAccount(Command, name="createAccount", response=ACCOUNT, event="ACCOUNT.CREATE"):
    """Makes an account and its first user."""

    email = string(required=True)
    firstname = string(required=True)
    lastname = string(required=True)
    password = string(required=True, secret=True)
    username = string(required=True)
    account = string("Its name; the user's name where none is given")
    accountdetails = mapping("Further facts of the account")
    accountid = string("A uuid of the caller's choice")
    accounttype = integer("0 user, 1 root admin, 2 domain admin, 3 resource admin")
    domainid = ref(DOMAIN_NOUN)
    networkdomain = string()
    roleid = ref(ROLE)
    timezone = string()
    userid = string("A uuid of the caller's choice for the user")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await _hash(parameters)

    def run(self, ctx: Context) -> Body:
        made = account.create(
            ctx,
            name=self.account,
            domain_=self.domainid,
            role=self.roleid,
            type_=self.accounttype,
            network_domain=self.networkdomain,
            details=self.accountdetails,
            uuid=access.custom_id(self.accountid),
            user={
                "username": self.username,
                "password": self.prepared["password"],
                "firstname": self.firstname,
                "lastname": self.lastname,
                "email": self.email,
                "timezone": self.timezone,
                "uuid": access.custom_id(self.userid),
            },
        )
        return {"account": ctx.present("account", made)[0]}


class CreateUser(Command, name="createUser", response=USER, event="USER.CREATE"):
    """Makes a user of an account."""

    account = string(required=True)
    email = string(required=True)
    firstname = string(required=True)
    lastname = string(required=True)
    password = string(required=True, secret=True)
    username = string(required=True)
    domainid = ref(DOMAIN_NOUN)
    timezone = string()
    userid = string("A uuid of the caller's choice")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await _hash(parameters)

    def run(self, ctx: Context) -> Body:
        made = account.add_user(
            ctx,
            account.account_for_user(ctx, self.domainid, self.account),
            username=self.username,
            password=self.prepared["password"],
            firstname=self.firstname,
            lastname=self.lastname,
            email=self.email,
            timezone=self.timezone,
            uuid=access.custom_id(self.userid),
        )
        return {"user": ctx.present("user", made)[0]}


class CreateDomain(Command, name="createDomain", response=DOMAIN, event="DOMAIN.CREATE"):
    """Makes a domain below another."""

    name = string(required=True)
    domainid = string("A uuid of the caller's choice")
    networkdomain = string()
    parentdomainid = ref(DOMAIN_NOUN, "The domain it is made in; the caller's where none is given")

    def run(self, ctx: Context) -> Body:
        made = account.create_domain(
            ctx,
            self.name,
            parent=self.parentdomainid,
            network_domain=self.networkdomain,
            uuid=access.custom_id(self.domainid),
        )
        return {"domain": ctx.present("domain", made)[0]}
