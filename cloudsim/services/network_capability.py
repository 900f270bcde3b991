"""What may be asked of the services of a network offering: one provider each, and what capabilities leave to choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudsim.core.errors import InvalidValue

_EITHER = ("true", "false")
#: By service: the capabilities that an offering chooses, and what each may be.
CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "Lb": {
        "SupportedLBIsolation": ("dedicated", "shared"),
        "ElasticLb": _EITHER,
        "InlineMode": _EITHER,
        "LbSchemes": ("Public", "Internal"),
        "VmAutoScaling": _EITHER,
    },
    "SourceNat": {"SupportedSourceNatTypes": ("peraccount", "perzone"), "RedundantRouter": _EITHER},
    "StaticNat": {"ElasticIp": _EITHER, "AssociatePublicIP": _EITHER},
    "Connectivity": {
        "DistributedRouter": _EITHER,
        "RegionLevelVpc": _EITHER,
        "StretchedL2Subnet": _EITHER,
        "NoVlan": _EITHER,
        "PublicAccess": _EITHER,
    },
}


def check(services: Sequence[str], given: Sequence[Mapping[str, str]]) -> None:
    """Raises `InvalidValue` for a capability that a service does not leave to its offering, or a value it cannot have."""
    there = {service.lower(): service for service in services}
    for entry in given:
        service, name = entry.get("service", ""), entry.get("capabilitytype", "")
        value = entry.get("capabilityvalue", "")
        if service.lower() not in there:
            raise InvalidValue(
                f"servicecapabilitylist names '{service[:64]}', which supportedservices does not have"
            )  # fmt: skip
        own = {known.lower(): values for known, values in CHOICES.get(there[service.lower()], {}).items()}
        if name.lower() not in own:
            raise InvalidValue(f"service {there[service.lower()]} has no capability '{name[:64]}' to choose")
        if value.lower() not in {one.lower() for one in own[name.lower()]}:
            raise InvalidValue(f"capability {name[:64]} takes {' or '.join(own[name.lower()])}, not '{value[:64]}'")


def of(offered: Mapping[str, Any], service: str, name: str) -> str | None:
    """What an offering chose of a capability of a service; None where it did not."""
    for one in offered["services"]:
        if one["name"].lower() == service.lower():
            for capability in one.get("capability", ()):
                if str(capability["name"]).lower() == name.lower():
                    return str(capability["value"])
    return None
