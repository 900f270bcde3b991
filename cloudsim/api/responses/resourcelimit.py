"""Limits and counts of resources, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.services.resource import Holder, Kind

_WHOSE = "account domain domainid domainpath project projectid resourcetype resourcetypename tag"
RESOURCE_LIMIT = Response("resourcelimit", long="max", string=_WHOSE)
RESOURCE_COUNT = Response("resourcecount", long="resourcecount", string=_WHOSE)


def entry(who: Holder, kind: Kind, tag: str, **number: int) -> Object:
    """A limit (``max``) or a count (``resourcecount``) of one kind."""
    return shown(
        account=who.account["name"] if who.account else None,
        domainid=who.domain["uuid"],
        domain=who.domain["name"],
        domainpath=domain_path_text(who.domain["path"]),
        resourcetype=str(kind.number),
        resourcetypename=kind.name,
        tag=tag or None,
        projectid=who.project["uuid"] if who.project else None,
        project=who.project["name"] if who.project else None,
        **number,
    )
