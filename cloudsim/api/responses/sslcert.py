"""Certificates of load balancers, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.services import sslcert
from cloudsim.services.context import Context

SSL_CERT = Response(
    "sslcert",
    string="account certchain certificate domain domainid fingerprint id jobid name project projectid",
    integer="jobstatus",
    list="loadbalancerrulelist",
    words={"certificate": "The certificate, as PEM", "fingerprint": "The SHA-1 fingerprint of the certificate"},
)


@SSL_CERT.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Certificates with the rules that use them; never their keys."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            certificate=row["certificate"],
            certchain=row["chain"],
            fingerprint=row["fingerprint"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            loadbalancerrulelist=rules or None,
        )
        for row, rules in sslcert.page(ctx, ids)
    ]
