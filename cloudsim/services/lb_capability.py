"""What load balancers can do, by who provides them to a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK_OFFERING

SERVICE = "Lb"
LB_COOKIE, APP_COOKIE, SOURCE_BASED = "LbCookie", "AppCookie", "SourceBased"


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a method of stickiness."""

    name: str
    description: str
    required: bool = False
    #: Whether it is there or not, without a value.
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """One way to send a client to the same machine again."""

    name: str
    description: str
    params: tuple[Param, ...]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What one provider's load balancers can do."""

    algorithms: tuple[str, ...]
    protocols: tuple[str, ...]
    methods: tuple[Method, ...]
    isolation: str = "dedicated"
    health_checks: bool = False
    ssl: bool = False


_HOLD_TIME = Param("holdtime", "How long a client is sent to the same machine, e.g. 30m")
_HAPROXY = (
    Method(
        LB_COOKIE,
        "The load balancer sets a cookie of its own, or one of the application that it changes",
        (
            Param("cookie-name", "The name of the cookie"),
            Param("mode", "insert (the default): the load balancer makes the cookie; rewrite, prefix: it changes one"),
            Param("nocache", "Answers with the cookie are marked as not to be cached", flag=True),
            Param("indirect", "Clients that have the cookie get no new one, and machines do not see it", flag=True),
            Param("postonly", "The cookie is set in answers to POST requests only", flag=True),
            Param("domain", "The domain that the cookie is set for"),
        ),
    ),
    Method(
        APP_COOKIE,
        "A cookie that the application sets tells the clients apart",
        (
            Param("cookie-name", "The name of the application's cookie; if not said, one made from the address"),
            Param("length", "How many characters of its value count; 52 if not said"),
            Param("holdtime", "How long an unused cookie is remembered: 20s, 30m, 4h or 5d; 3h if not said"),
            Param("request-learn", "Cookies of requests are learned too", flag=True),
            Param("prefix", "The name is the beginning of the cookie's, or of the URL parameter's", flag=True),
            Param("mode", "Where in the URL it is looked for: path-parameters (the default) or query-string"),
        ),
    ),
    Method(
        SOURCE_BASED,
        "The address of the client; for any protocol",
        (
            Param("tablesize", "How many addresses are remembered: 200k (the default), 300m or 400g"),
            Param("expire", "How long an address is remembered: 20s, 30m, 4h or 5d; 3h if not said"),
        ),
    ),
)
_ROUTER = Abilities(
    ("roundrobin", "leastconn", "source"), ("tcp", "udp", "tcp-proxy", "ssl"), methods=_HAPROXY, ssl=True
)
#: By the lower-cased name of the provider.
_BY_PROVIDER = {
    "virtualrouter": _ROUTER,
    "vpcvirtualrouter": _ROUTER,
    "ovs": Abilities(_ROUTER.algorithms, ("tcp", "udp"), methods=_HAPROXY),
    "netscaler": Abilities(
        _ROUTER.algorithms,
        ("tcp", "udp", "http", "ssl"),
        methods=(
            Method(LB_COOKIE, "A cookie of the load balancer; for HTTP only", (_HOLD_TIME,)),
            Method(
                APP_COOKIE,
                "A cookie that the application sets; for HTTP only",
                (Param("name", "The name of the application's cookie", required=True), _HOLD_TIME),
            ),
            Method(SOURCE_BASED, "The address of the client; for any protocol", (_HOLD_TIME,)),
        ),
        isolation="dedicated, shared",
        health_checks=True,
        ssl=True,
    ),
}


def provider_of(services: Sequence[Mapping[str, Any]]) -> str | None:
    """Who gives a network of these services its load balancers; None where nobody does."""
    for service in services:
        if str(service["name"]).lower() == SERVICE.lower() and service["provider"]:
            return str(service["provider"][0]["name"])
    return None


def of_network(ctx: Context, network: Row) -> Abilities:
    """What the load balancers of a network can do. Raises `InvalidValue` where it has none."""
    offered = access.row(ctx, NETWORK_OFFERING, network["offering_id"])
    found = _BY_PROVIDER.get((provider_of(offered["services"]) or "").lower())
    if found is None:
        raise InvalidValue(f"network {network['name']} has no load balancers (service Lb)")
    return found


def by_router(ctx: Context, network: Row) -> bool:
    """Whether the load balancers of a network are its virtual routers."""
    offered = access.row(ctx, NETWORK_OFFERING, network["offering_id"])
    return _BY_PROVIDER.get((provider_of(offered["services"]) or "").lower()) is _ROUTER


def shown(services: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The services of a network with what its load balancers can do, as clients read it."""
    can = _BY_PROVIDER.get((provider_of(services) or "").lower())
    if can is None:
        return list(services)
    return [_with(service, can) if service["name"] == SERVICE else service for service in services]


def _with(service: Mapping[str, Any], can: Abilities) -> Mapping[str, Any]:
    said = {one["name"]: one["value"] for one in service.get("capability", ())}
    made = {
        "SupportedLBIsolation": can.isolation,
        "SupportedProtocols": ", ".join(can.protocols),
        "LbSchemes": "Public",
        "SupportedStickinessMethods": json.dumps([_method(one) for one in can.methods], separators=(",", ":")),
        "SupportedLbAlgorithms": ",".join(can.algorithms),
        "HealthCheckPolicy": str(can.health_checks).lower(),
        "SslTermination": str(can.ssl).lower(),
        **said,
    }
    values = [{"name": name, "value": value, "canchooseservicecapability": False} for name, value in made.items()]
    return {**service, "capability": values}


def _method(one: Method) -> dict[str, Any]:
    params = [
        {"paramname": param.name, "required": param.required, "isflag": param.flag, "description": param.description}
        for param in one.params
    ]
    return {"methodname": one.name, "paramlist": params, "description": one.description}
