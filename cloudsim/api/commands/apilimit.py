"""The limit of calls."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, id_of
from cloudsim.api.params import ref
from cloudsim.api.responses.base import Response
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT

API_LIMIT = Response("apilimit", int="apiAllowed apiIssued", long="expireAfter", string="account accountid")


class GetApiLimit(Command, name="getApiLimit", response=API_LIMIT, reads=True):
    """Tells how many more calls your account may make in the interval that runs (settings api.throttling.*)."""

    def run(self, ctx: Context) -> Body:
        account = access.row(ctx, ACCOUNT, ctx.caller.account_id)
        issued, rest = ctx.cloud.api_limits.state(account["id"], ctx.now)
        allowed = max(0, ctx.settings.number("api.throttling.max") - issued)
        return {
            "apilimit": {
                "accountid": account["uuid"],
                "account": account["name"],
                "apiIssued": issued,
                "apiAllowed": allowed,
                "expireAfter": rest,
            }
        }


class ResetApiLimit(Command, name="resetApiLimit"):
    """Forgets the calls that accounts have made in the interval that runs."""

    account = ref(ACCOUNT, "The account; if not said, your own, and for root admins all")

    def run(self, ctx: Context) -> Body:
        which = id_of(self.account)
        if which is None and not ctx.caller.is_admin:
            which = ctx.caller.account_id
        ctx.tx.on_commit(lambda: ctx.cloud.api_limits.reset(which))
        return {"success": True}
