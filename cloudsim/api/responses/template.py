"""Templates and ISOs, as clients read them: one object for each zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import download, template, template_download
from cloudsim.services.context import Context

_FIELDS: dict[str, Any] = {
    "boolean": "bootable crossZones deployasis directdownload forcks hasannotations isdynamicallyscalable "
    "isextractable isfeatured ispublic isready passwordenabled requireshvm sshkeyenabled",
    "date": "created removed",
    "imageformat": "format",
    "int": "bits",
    "list": "downloaddetails",
    "long": "physicalsize size",
    "map": "deployasisdetails details",
    "resourceiconresponse": "icon",
    "set": "childtemplates",
    "string": "account accountid arch checksum displaytext domain domainid domainpath extensionid extensionname "
    "hostid hostname hypervisor id name ostypeid ostypename parenttemplateid project projectid "
    "sourcetemplateid status templatetag templatetype url userdataid userdataname userdataparams "
    "userdatapolicy zoneid zonename",
}
TEMPLATE = Response("template", nested={"tags": ("set", TAG)}, **_FIELDS)
ISO = Response("iso", nested={"tags": ("set", TAG)}, **_FIELDS)


@ISO.presents
@TEMPLATE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Templates and ISOs by the ids of their entries (see `template.LISTING`)."""
    return [_entry(ctx, entry) for entry in template.page(ctx, ids)]


def _entry(ctx: Context, entry: template.Entry) -> Object:
    row, place = entry.row, entry.place
    iso = row["format"] == "ISO"
    full = ctx.caller.is_admin
    ready = place is not None and place["state"] == "DOWNLOADED"
    return shown(
        id=row["uuid"],
        name=row["name"],
        displaytext=row["display_text"],
        ispublic=row["is_public"],
        created=to_wire(row["created"]),
        removed=to_wire(row["removed"]) if row["removed"] else None,
        isready=ready,
        passwordenabled=row["password_enabled"],
        format=row["format"],
        bootable=row["is_bootable"] if iso else None,
        isfeatured=row["is_featured"],
        crossZones=row["cross_zones"],
        ostypeid=row["os_uuid"],
        ostypename=row["os_name"],
        **owner(row),
        zoneid=place["zone_uuid"] if place else None,
        zonename=place["zone_name"] if place else None,
        status=("Successfully Installed" if iso else "Download Complete") if ready else _progress(ctx, entry),
        size=row["size"],
        physicalsize=row["physical_size"],
        templatetype=row["type"],
        hypervisor=row["hypervisor"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        domainid=row["domain_uuid"],
        isextractable=row["is_extractable"],
        checksum=row["checksum"] or "",
        sourcetemplateid=entry.source,
        templatetag=row["tag"] if full else None,
        details=entry.details,
        downloaddetails=_copies(ctx, entry) if full else None,
        arch=row["arch"] or "x86_64",
        bits=row["bits"] if row["bits"] is not None else (64 if iso else 0),
        sshkeyenabled=row["sshkey_enabled"],
        isdynamicallyscalable=row["dynamically_scalable"],
        directdownload=row["direct_download"],
        deployasis=row["deploy_as_is"],
        forcks=row["for_cks"],
        requireshvm=row["requires_hvm"],
        url=row["url"] if full else None,
        userdataid=row["userdata_uuid"],
        userdataname=row["userdata_name"],
        userdataparams=row["userdata_params"],
        userdatapolicy=row["userdata_policy"] if row["userdata_uuid"] else None,
        tags=tags(entry.tags, "ISO" if iso else "Template", row["uuid"]),
        hasannotations=ctx.annotated(row["uuid"]),
    )


def _percent(ctx: Context, entry: template.Entry) -> int:
    """How much of it has come."""
    if entry.coming is not None:
        return download.percent(entry.coming, ctx.now)
    return int(entry.place["percent"]) if entry.place else 0


def _progress(ctx: Context, entry: template.Entry) -> str:
    if entry.place is None:
        return "Not in this zone"
    if entry.place["error"]:
        return str(entry.place["error"])
    if entry.place["state"] != template_download.COMING:
        return str(entry.place["state"]).replace("_", " ").capitalize()
    return f"{_percent(ctx, entry)}% Downloaded"


def _copies(ctx: Context, entry: template.Entry) -> list[Object]:
    if entry.place is None:
        return []
    return [
        {
            "datastore": entry.place["store"] or "",
            "datastoreId": entry.place["store_uuid"] or "",
            "datastoreRole": "Image",
            "downloadPercent": str(_percent(ctx, entry)),
            "downloadState": entry.place["state"],
        }
    ]
