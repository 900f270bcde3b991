"""Projects, their members, invitations and roles, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.account import LIMITS, TOTALS, resources
from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import project, project_member
from cloudsim.services.context import Context, Row

_OWN = {name for name in (*TOTALS.split(), *LIMITS.split()) if not name.startswith("project")}
PROJECT = Response(
    "project",
    date="created",
    float="secondarystoragetotal",
    integer="vmrunning vmstopped",
    list="owner taggedresources",
    long=" ".join(sorted(name for name in _OWN if name.endswith("total"))),
    resourceiconresponse="icon",
    string=" ".join(sorted(name for name in _OWN if not name.endswith("total")))
    + " displaytext domain domainid id name projectaccountname state",
    nested={"tags": ("list", TAG)},
)
INVITATION = Response(
    "projectinvitation", string="account domain domainid domainpath email id project projectid state userid"
)
PROJECT_ROLE = Response("projectrole", boolean="ispublic", string="description id name projectid")
PROJECT_RULE = Response(
    "projectrolepermission", string="description id permission projectid projectroleid projectrolename rule"
)


@PROJECT.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Projects with who leads them and what they have."""
    return [
        shown(
            id=entry.row["uuid"],
            name=entry.row["name"],
            displaytext=entry.row["display_text"],
            domainid=entry.row["domain_uuid"],
            domain=entry.row["domain_name"],
            owner=[
                shown(account=one["account_name"], userid=one["user_uuid"], user=one["username"])
                for one in entry.owners
            ],
            projectaccountname=entry.row["owner_name"],
            state=entry.row["state"],
            tags=tags(entry.tags, "Project", entry.row["uuid"]),
            **resources(entry.used, entry.limits, without="project"),
            vmstopped=entry.used["stopped"],
            vmrunning=entry.used["running"],
            created=to_wire(entry.row["created"]),
        )
        for entry in project.page(ctx, ids)
    ]


def members(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Members of a project by their row ids, each with its users."""
    found = project_member.rows(ctx, ids)
    user_ids = [one for _, users in found for one in users]
    objects = dict(zip(user_ids, ctx.present("user", *user_ids), strict=True))
    return [
        shown(
            projectid=row["project_uuid"],
            project=row["project_name"],
            accountid=row["account_uuid"],
            account=row["account_name"],
            accounttype=row["account_type"],
            userid=row["user_uuid"],
            username=row["username"],
            role=row["role"],
            projectroleid=row["role_uuid"],
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            user=[objects[one] for one in users],
        )
        for row, users in found
    ]


@INVITATION.presents
def present_invitations(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Invitations."""
    return [
        shown(
            id=row["uuid"],
            projectid=row["project_uuid"],
            project=row["project_name"],
            account=row["account_name"],
            userid=row["user_uuid"],
            email=row["email"],
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            state=state,
        )
        for row, state in project_member.invitations(ctx, ids)
    ]


def role(row: Row, of: Row) -> Object:
    """A role of a project."""
    return shown(id=row["uuid"], name=row["name"], description=row["description"], projectid=of["uuid"], ispublic=True)


def rule(row: Row, of: Row) -> Object:
    """One rule of a project role."""
    return shown(
        id=row["uuid"],
        projectid=of["uuid"],
        projectroleid=row["role_uuid"],
        projectrolename=row["role_name"],
        rule=row["rule"],
        permission=row["permission"],
        description=row["description"],
    )
