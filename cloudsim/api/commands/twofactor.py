"""The second factor of a login."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.base import shown
from cloudsim.api.responses.twofactor import PROVIDER, SETUP
from cloudsim.core.errors import SecondFactorMissing
from cloudsim.services import access, twofactor
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, USER


class SetupUserTwoFactorAuthentication(
    Command, name="setupUserTwoFactorAuthentication", response=SETUP, since="4.18.0"
):
    """Sets up the caller's second factor, or takes one away.

    It holds from the first right code on (validateUserTwoFactorAuthenticationCode).
    """

    everyone = True

    enable = boolean("Whether it is set up (true if not said) or taken away", default=True)
    provider = string("totp or staticpin; the setting user.2fa.default.provider where nothing is said")
    userid = ref(USER, "The user whose second factor an admin takes away")

    def run(self, ctx: Context) -> Body:
        found, code = twofactor.setup(ctx, self.userid, enable=self.enable, provider=self.provider)
        account = access.row(ctx, ACCOUNT, found["account_id"])
        made = shown(id=found["uuid"], username=found["username"], accountid=account["uuid"], secretcode=code)
        return {"setup2fa": made}


class ValidateUserTwoFactorAuthenticationCode(Command, name="validateUserTwoFactorAuthenticationCode", since="4.18.0"):
    """Takes the code of the caller's second factor: the login may do everything from here on."""

    everyone = True

    codefor2fa = string("The code", required=True, secret=True)

    def run(self, ctx: Context) -> Body:
        if not twofactor.validate(ctx, self.codefor2fa):
            return {"success": False}
        return {"success": True}

    @classmethod
    def outcome(cls, body: Body) -> None:
        """Raises where the code was wrong: after the transaction, so that the failure is counted."""
        if not body["success"]:
            raise SecondFactorMissing("the code is wrong")


class ListUserTwoFactorAuthenticatorProviders(
    Command, name="listUserTwoFactorAuthenticatorProviders", response=PROVIDER, reads=True, since="4.18.0"
):
    """Lists the kinds of second factors there are."""

    everyone = True

    name = string("Only the one of this name")

    def run(self, ctx: Context) -> Body:
        found = [{"name": one.name, "description": one.description} for one in twofactor.providers(ctx, self.name)]
        return {"count": len(found), "providers": found} if found else {}
