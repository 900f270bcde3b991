"""Dedicated zones, pods, clusters and hosts, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.services import dedication
from cloudsim.services.context import Context


def _response(kind: str) -> Response:
    noun = kind.lower()
    made = Response(f"dedicated{noun}", string=f"accountid affinitygroupid domainid id {noun}id {noun}name")

    @made.presents
    def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
        return [
            shown(
                **{"id": row["uuid"], f"{noun}id": row["place_uuid"], f"{noun}name": row["place_name"]},
                domainid=row["domain_uuid"],
                accountid=row["account_uuid"],
                affinitygroupid=row["group_uuid"],
            )
            for row in dedication.page(ctx, kind, ids)
        ]

    return made


DEDICATED_ZONE = _response("Zone")
DEDICATED_POD = _response("Pod")
DEDICATED_CLUSTER = _response("Cluster")
DEDICATED_HOST = _response("Host")
