"""Users and their keys."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, DomainList
from cloudsim.api.params import boolean, integer, ref, string
from cloudsim.api.responses.user import USER, USER_KEYS
from cloudsim.services import access, user
from cloudsim.services.context import Context
from cloudsim.services.nouns import USER as NOUN


class ListUsers(DomainList, name="listUsers", response=USER):
    """Lists users."""

    account = string()
    accounttype = integer("0 user, 1 root admin, 2 domain admin")
    apikeyaccess = string("Only those with this access by API key: all have INHERIT", since="4.20.1.0")
    id = ref(NOUN)
    showicon = boolean()
    state = string()
    username = string()
    usersource = string("Where the password is kept: native", since="4.21.0.0")

    def run(self, ctx: Context) -> Body:
        scope = access.scope(
            ctx,
            account=self.account,
            domain=self.domainid,
            listall=self.listall or (self.account is None and self.domainid is None and ctx.caller.is_admin),
            isrecursive=self.isrecursive,
            by_id=self.id is not None,
        )
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "username": self.username,
            "state": self.state.lower() if self.state else None,
            "accounttype": self.accounttype,
            "source": self.usersource.lower() if self.usersource else None,
            "people": True,
            "none": True if (self.apikeyaccess or "inherit").lower() != "inherit" else None,
        }
        return self.answer(ctx, user.LISTING.page(ctx, given, self.paging(ctx), scope))


class GetUserKeys(Command, name="getUserKeys", response=USER_KEYS, reads=True, since="4.10.0"):
    """Tells the keys of a user."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        api_key, secret_key = user.keys(ctx, self.id)
        made = {"apikey": api_key, "secretkey": secret_key, "apikeyaccess": True}
        return {"userkeys": {name: value for name, value in made.items() if value is not None}}


class RegisterUserKeys(Command, name="registerUserKeys", response=USER_KEYS, event="REGISTER.USER.KEY"):
    """Gives a user new keys; those before are no longer taken."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        api_key, secret_key = user.register_keys(ctx, self.id)
        return {"userkeys": {"apikey": api_key, "secretkey": secret_key}}
