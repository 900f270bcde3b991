"""Accounts."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, DomainList
from cloudsim.api.params import Parameters, boolean, integer, mapping, ref, string, strings
from cloudsim.api.responses.account import ACCOUNT
from cloudsim.core.caller import Caller
from cloudsim.services import access, account, account_orders, passwords
from cloudsim.services.context import Cloud, Context, Row
from cloudsim.services.nouns import ACCOUNT as NOUN
from cloudsim.services.nouns import DOMAIN, ROLE, ZONE
from cloudsim.services.user import ACCESS


class ListAccounts(DomainList, name="listAccounts", response=ACCOUNT):
    """Lists accounts."""

    accounttype = integer("0 user, 1 root admin, 2 domain admin")
    apikeyaccess = string("Only those with this access by API key", since="4.20.1.0", values=ACCESS)
    details = strings("What to tell of each; all of it is always told")
    id = ref(NOUN)
    iscleanuprequired = boolean("Whether its deletion began and has not ended")
    name = string()
    showicon = boolean()
    state = string()
    tag = string("The tag whose limits are told; those of all tags are", since="4.20.0")

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
            "access": self.apikeyaccess,
            "cleanup": self.iscleanuprequired,
        }
        return self.answer(ctx, account.LISTING.page(ctx, given, self.paging(ctx), scope))


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
    domainid = ref(DOMAIN)
    networkdomain = string()
    roleid = ref(ROLE)
    timezone = string()
    userid = string("A uuid of the caller's choice for the user")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await passwords.prepare(parameters)

    def run(self, ctx: Context) -> Body:
        made = account_orders.create(
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
                "plain": self.password,
                "firstname": self.firstname,
                "lastname": self.lastname,
                "email": self.email,
                "timezone": self.timezone,
                "uuid": access.custom_id(self.userid),
            },
        )
        return {"account": ctx.present("account", made)[0]}


class UpdateAccount(Command, name="updateAccount", response=ACCOUNT, event="ACCOUNT.UPDATE"):
    """Changes an account; it is named by id, or by account and domainid."""

    account = string("Its name")
    accountdetails = mapping("Further facts of the account")
    apikeyaccess = string("Whether its users may sign with keys", since="4.20.1.0", values=ACCESS)
    domainid = ref(DOMAIN)
    id = ref(NOUN)
    networkdomain = string('The DNS domain of its networks; "" takes it away', blank=True)
    newname = string("The name it shall have")
    roleid = ref(ROLE)

    def run(self, ctx: Context) -> Body:
        found = account_orders.named(ctx, self.id, self.domainid, self.account)
        account_orders.update(
            ctx,
            found,
            name=self.newname,
            network_domain=self.networkdomain,
            role=self.roleid,
            details=self.accountdetails,
            key_access=self.apikeyaccess,
        )
        return {"account": ctx.present("account", found["id"])[0]}


class DeleteAccount(AsyncCommand, name="deleteAccount", event="ACCOUNT.DELETE"):
    """Deletes an account with all it owns."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": account_orders.remove(ctx, self.id)}


class LockAccount(Command, name="lockAccount", response=ACCOUNT, event="ACCOUNT.DISABLE"):
    """Locks an account: its users may not call until it is enabled; its machines run on."""

    account = string(required=True)
    domainid = ref(DOMAIN, required=True)

    def run(self, ctx: Context) -> Body:
        found = account_orders.named(ctx, None, self.domainid, self.account)
        account_orders.lock(ctx, found)
        return {"account": ctx.present("account", found["id"])[0]}


class _Named:
    id: Row | None
    domainid: Row | None
    account: str | None

    def found(self, ctx: Context) -> Row:
        """The account that is meant."""
        return account_orders.named(ctx, self.id, self.domainid, self.account)


class EnableAccount(_Named, Command, name="enableAccount", response=ACCOUNT, event="ACCOUNT.ENABLE"):
    """Enables an account; it is named by id, or by account and domainid."""

    account = string("Its name")
    domainid = ref(DOMAIN)
    id = ref(NOUN)

    def run(self, ctx: Context) -> Body:
        found = self.found(ctx)
        account_orders.enable(ctx, found)
        return {"account": ctx.present("account", found["id"])[0]}


class DisableAccount(_Named, AsyncCommand, name="disableAccount", response=ACCOUNT, event="ACCOUNT.DISABLE"):
    """Disables an account and stops its machines, or locks it; it is named by id, or by account and domainid."""

    lock = boolean("Whether it is only locked: its machines run on", required=True)
    account = string("Its name")
    domainid = ref(DOMAIN)
    id = ref(NOUN)

    def run(self, ctx: Context) -> Body:
        return {"jobid": account_orders.disable(ctx, self.found(ctx), lock_only=self.lock)}


class MarkDefaultZoneForAccount(
    AsyncCommand,
    name="markDefaultZoneForAccount",
    response=ACCOUNT,
    event="ACCOUNT.MARK.DEFAULT.ZONE",
    since="4.0",
):
    """Says which zone is the default one of an account."""

    account = string("Its name", required=True)
    domainid = ref(DOMAIN, required=True)
    zoneid = ref(ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        found = account_orders.named(ctx, None, self.domainid, self.account)
        return {"jobid": account_orders.mark_default_zone(ctx, found, self.zoneid)}
