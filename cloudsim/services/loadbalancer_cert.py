"""Certificates at load balancer rules: whose protocol is ssl, one at a time."""

from __future__ import annotations

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import access, lb_capability
from cloudsim.services.context import Context
from cloudsim.services.loadbalancer_change import Change
from cloudsim.services.nouns import NETWORK, SSL_CERT


def assign(ctx: Context, row: Row, cert: Row, *, forced: bool) -> str:
    """Has a rule open connections with a certificate; `forced`: in the place of another one.

    Answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`.
    """
    access.must_own(ctx, SSL_CERT, cert)
    change = Change(ctx, row)
    name = change.own["name"]
    if cert["account_id"] != row["account_id"]:
        raise InvalidValue(f"certificate {cert['name']} is of another account than load balancer rule {name}")
    if not lb_capability.of_network(ctx, access.row(ctx, NETWORK, row["network_id"])).ssl:
        raise InvalidValue("the load balancers of the network do not open encrypted connections")
    if change.own["protocol"] != "ssl":
        raise InvalidValue(f"certificates are for load balancer rules of protocol ssl, which {name} is not")
    if change.own["cert_id"] is not None and not forced:
        raise InvalidValue(f"load balancer rule {name} has a certificate: remove it, or give forced=true")
    told = change.balancer(cert_id=cert["id"])
    return change.order("LB.CERT.ASSIGN", "assigning a certificate to", tell=told)


def remove(ctx: Context, row: Row) -> str:
    """Takes the certificate of a rule away; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    change = Change(ctx, row)
    if not change.balancer(cert_id=None):
        raise InvalidValue(f"load balancer rule {change.own['name']} has no certificate")
    return change.order("LB.CERT.REMOVE", "taking the certificate from")
