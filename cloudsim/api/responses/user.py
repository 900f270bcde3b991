"""Users, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import user
from cloudsim.services.context import Context

USER = Response(
    "user",
    apikeyaccess="apikeyaccess",
    boolean="is2faenabled is2famandated iscallerchilddomain isdefault",
    date="created",
    integer="accounttype",
    resourceiconresponse="icon",
    string="account accountid apikey domain domainid email firstname id lastname roleid rolename roletype "
    "secretkey state timezone username usersource",
)
CLOUD_IDENTIFIER = Response("cloudidentifier", string="cloudidentifier signature userid")
USER_KEYS = Response("userkeys", boolean="apikeyaccess", string="apikey secretkey")


@USER.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Users. Nobody is told a secret key here: `getUserKeys` tells it to those who may know."""
    caller = ctx.caller
    return [
        shown(
            id=row["uuid"],
            username=row["username"],
            firstname=row["firstname"],
            lastname=row["lastname"],
            email=row["email"],
            created=to_wire(row["created"]),
            state=row["state"],
            account=row["account_name"],
            accounttype=row["account_type"],
            usersource=row["source"],
            roleid=row["role_uuid"],
            roletype=row["role_type"],
            rolename=row["role_name"],
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            timezone=row["timezone"],
            apikey=row["api_key"] if caller.is_admin or row["id"] == caller.user_id else None,
            accountid=row["account_uuid"],
            iscallerchilddomain=row["domain_path"] != caller.domain_path
            and str(row["domain_path"]).startswith(caller.domain_path),
            isdefault=row["is_default"],
            is2faenabled=row["two_factor"] is not None,
            is2famandated=row["two_factor_mandated"] or user.mandated(ctx, row),
            apikeyaccess=(row["api_key_access"] or "Inherit").upper(),
        )
        for row in ordered(user.rows(ctx, ids), ids)
    ]
