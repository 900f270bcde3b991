"""Consoles and their sessions, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import console
from cloudsim.services.context import Context

WEBSOCKET = Response("consoleendpointwebsocket", string="extra host path port token")
CONSOLE_ENDPOINT = Response(
    "consoleendpoint",
    boolean="success",
    integer="jobstatus",
    string="details jobid url",
    nested={"websocket": ("consoleendpointwebsocketresponse", WEBSOCKET)},
)
CONSOLE_SESSION = Response(
    "consolesession",
    date="acquired created removed",
    integer="jobstatus",
    string="account accountid clientaddress consoleendpointcreatoraddress domain domainid domainpath hostid hostname id "
    "jobid user userid virtualmachineid virtualmachinename",
)


def endpoint(found: console.Endpoint) -> Object:
    """An endpoint that was made."""
    websocket = shown(token=found.token, host=found.host, port=found.port, path=found.path, extra=found.extra)
    return {"success": True, "url": found.url, "websocket": websocket}


@CONSOLE_SESSION.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Sessions; which host is told to root admins only."""
    admin = ctx.caller.is_admin
    return [
        shown(
            id=row["uuid"],
            created=to_wire(row["created"]),
            acquired=to_wire(row["acquired"]),
            removed=to_wire(row["removed"]),
            userid=row["user_uuid"],
            user=row["username"],
            accountid=row["account_uuid"],
            account=row["account_name"],
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            virtualmachineid=row["vm_uuid"],
            virtualmachinename=row["vm_display_name"] or row["vm_name"],
            hostid=row["host_uuid"] if admin else None,
            hostname=row["host_name"] if admin else None,
            consoleendpointcreatoraddress=row["creator_address"],
            clientaddress=row["client_address"],
        )
        for row in ordered(console.rows(ctx, ids), ids)
    ]
