"""SSH key pairs, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, owner, shown
from cloudsim.services import sshkeypair
from cloudsim.services.context import Context

SSH_KEYPAIR = Response(
    "sshkeypair", boolean="hasannotations", string="account domain domainid fingerprint id name project projectid"
)
NEW_KEYPAIR = Response(
    "keypair",
    boolean="hasannotations",
    string="account domain domainid fingerprint id name privatekey project projectid",
)


@SSH_KEYPAIR.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Key pairs, without their keys."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            fingerprint=row["fingerprint"],
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in ordered(sshkeypair.rows(ctx, ids), ids)
    ]
