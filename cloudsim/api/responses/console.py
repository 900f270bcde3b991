"""Consoles and their sessions, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import console, console_view
from cloudsim.services.context import Context

WEBSOCKET = Response(
    "consoleendpointwebsocket",
    string="extra host path port token",
    words={
        "extra": "The word that must come along, as extra, where one was given",
        "host": "Where the WebSocket is",
        "path": "The path of the WebSocket",
        "port": "The port of the WebSocket",
        "token": "What lets the first who connects in, as token",
    },
)
CONSOLE_ENDPOINT = Response(
    "consoleendpoint",
    boolean="success",
    integer="jobstatus",
    string="details jobid url",
    nested={"websocket": ("consoleendpointwebsocketresponse", WEBSOCKET)},
    words={
        "details": "Why there is no console to be had, where there is none",
        "url": "The page that shows the console, once",
        "websocket": "Where a client of its own connects to instead, with the protocol RFB in a WebSocket",
    },
)
CONSOLE_SESSION = Response(
    "consolesession",
    date="acquired created removed",
    integer="jobstatus",
    string="account accountid clientaddress consoleendpointcreatoraddress domain domainid domainpath hostid hostname id "
    "jobid user userid virtualmachineid virtualmachinename",
    words={
        "acquired": "When somebody connected; missing where nobody has",
        "clientaddress": "The address that somebody connected from",
        "consoleendpointcreatoraddress": "The address that it was asked for from",
        "removed": "When it ended; missing while it goes on, or can still be used",
        "account": "The account of the user who asked for it",
        "hostname": "The host that the machine ran on",
        "user": "The user who asked for it",
    },
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
        for row in ordered(console_view.rows(ctx, ids), ids)
    ]
