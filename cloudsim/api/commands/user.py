"""Users and their keys."""

from __future__ import annotations

from cloudsim.api import signature
from cloudsim.api.command import AsyncCommand, Body, Command, DomainList
from cloudsim.api.params import Parameters, boolean, integer, ref, string
from cloudsim.api.responses.user import CLOUD_IDENTIFIER, USER, USER_KEYS
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, passwords, user
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN
from cloudsim.services.nouns import USER as NOUN


class ListUsers(DomainList, name="listUsers", response=USER):
    """Lists users."""

    account = string()
    accounttype = integer("0 user, 1 root admin, 2 domain admin")
    apikeyaccess = string("Only those with this access by API key", since="4.20.1.0", values=user.ACCESS)
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
            "access": self.apikeyaccess,
        }
        return self.answer(ctx, user.LISTING.page(ctx, given, self.paging(ctx), scope))


class CreateUser(Command, name="createUser", response=USER, event="USER.CREATE"):
    """Makes a user of an account."""

    account = string(required=True)
    email = string(required=True)
    firstname = string(required=True)
    lastname = string(required=True)
    password = string(required=True, secret=True)
    username = string(required=True)
    domainid = ref(DOMAIN)
    timezone = string()
    userid = string("A uuid of the caller's choice")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await passwords.prepare(parameters)

    def run(self, ctx: Context) -> Body:
        made = user.create(
            ctx,
            user.account_for(ctx, self.domainid, self.account),
            username=self.username,
            password=self.prepared["password"],
            plain=self.password,
            firstname=self.firstname,
            lastname=self.lastname,
            email=self.email,
            timezone=self.timezone,
            uuid=access.custom_id(self.userid),
        )
        return {"user": ctx.present("user", made)[0]}


class UpdateUser(Command, name="updateUser", response=USER, event="USER.UPDATE"):
    """Changes a user."""

    id = ref(NOUN, required=True)
    apikeyaccess = string("Whether the user may sign with keys", since="4.20.1.0", values=user.ACCESS)
    currentpassword = string("Needed of users who change their own password", secret=True)
    email = string()
    firstname = string()
    lastname = string()
    mandate2fa = boolean("Whether the user must set up a second factor", since="4.18.0.0")
    password = string("The new password", secret=True)
    timezone = string()
    userapikey = string("The API key it shall have; with usersecretkey")
    username = string("The name it shall have")
    usersecretkey = string("The secret key it shall have; with userapikey", secret=True)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        current, uuid = parameters.get("currentpassword"), parameters.get("id")
        if current and uuid:
            row = await cloud.db.glance(lambda tx: access.find(cloud.context(tx, caller), NOUN, uuid))
            parameters.prepared["current"] = await passwords.matches(row["password"], current)
        await passwords.prepare(parameters)

    def run(self, ctx: Context) -> Body:
        user.update(
            ctx,
            self.id,
            texts={name: getattr(self, name) for name in ("firstname", "lastname", "email", "timezone")},
            username=self.username,
            password=self.prepared.get("password"),
            plain=self.password,
            current=self.prepared.get("current"),
            api_key=self.userapikey,
            secret_key=self.usersecretkey,
            key_access=self.apikeyaccess,
            mandate_two_factor=self.mandate2fa,
        )
        return {"user": ctx.present("user", self.id["id"])[0]}


class DeleteUser(Command, name="deleteUser", event="USER.DELETE"):
    """Deletes a user."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        user.remove(ctx, self.id)
        return {"success": True}


class LockUser(Command, name="lockUser", response=USER, event="USER.LOCK"):
    """Locks a user, who may not call until enabled."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        user.set_state(ctx, self.id, "locked")
        return {"user": ctx.present("user", self.id["id"])[0]}


class EnableUser(Command, name="enableUser", response=USER, event="USER.ENABLE"):
    """Enables a user, also one who is locked out after wrong passwords."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        user.set_state(ctx, self.id, "enabled")
        return {"user": ctx.present("user", self.id["id"])[0]}


class DisableUser(AsyncCommand, name="disableUser", response=USER, event="USER.DISABLE"):
    """Disables a user."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": user.disable(ctx, self.id)}


class MoveUser(Command, name="moveUser", event="USER.MOVE", since="4.11"):
    """Makes a user one of another account of the same domain."""

    id = ref(NOUN, required=True)
    account = string("The name of the account")
    accountid = ref(ACCOUNT, "The account")

    def run(self, ctx: Context) -> Body:
        user.move(ctx, self.id, self.accountid, self.account)
        return {"success": True}


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


class GetUser(Command, name="getUser", response=USER, reads=True):
    """Finds a user by the API key."""

    userapikey = string("The API key", required=True)

    def run(self, ctx: Context) -> Body:
        return {"user": ctx.present("user", user.by_key(ctx, self.userapikey))[0]}


class GetCloudIdentifier(Command, name="getCloudIdentifier", response=CLOUD_IDENTIFIER, reads=True):
    """Tells what this cloud is known by, signed with the secret key of a user."""

    userid = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        _, secret_key = user.keys(ctx, self.userid)
        if secret_key is None:
            raise InvalidValue(f"user {self.userid['username']} has no keys: registerUserKeys makes some")
        identifier = ctx.cloud.server_uuid
        made = {"cloudidentifier": identifier, "signature": signature.of_text(identifier, secret_key)}
        return {"cloudidentifier": {"userid": self.userid["uuid"], **made}}
